// SPDX-License-Identifier: Apache-2.0
#include "core/gateway/space_admin.hpp"

#include "core/base/text.hpp"
#include "core/base/time.hpp"
#include "core/base/uuid.hpp"
#include "core/gateway/roles.hpp"
#include "core/gateway/space_rules.hpp"

#include <atoll/abi/directory.h>
#include <atoll/abi/storage_roots.h>

#include <algorithm>
#include <map>

namespace Atoll::gateway {
namespace {

constexpr std::size_t kLongestName = 255, kLongestAlias = 1000, kLongestDescription = 16384;  // bytes
constexpr std::uint64_t kPage = 1000;
constexpr std::int64_t kCleanUp = 10'000'000'000;  // ns that undoing a failed create may take

/// A name for people: trimmed, valid UTF-8, without control characters.
Result<std::string> checked_text(const char *what, std::string_view given, std::size_t longest, bool lines = false) {
  while (!given.empty() && (given.front() == ' ' || given.front() == '\t')) given.remove_prefix(1);
  while (!given.empty() && (given.back() == ' ' || given.back() == '\t')) given.remove_suffix(1);
  const bool control = std::any_of(given.begin(), given.end(), [&](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && !(lines && (c == '\n' || c == '\r' || c == '\t'))) || byte == 0x7f;
  });
  if (control || !base::valid_utf8(given))
    return error(Status::InvalidArgument,
                 std::string("The ") + what + " of the space has control characters or is not valid UTF-8.");
  if (given.size() > longest)
    return error(Status::InvalidArgument,
                 std::string("The ") + what + " of the space is longer than " + std::to_string(longest) + " bytes.");
  return std::string(given);
}

Result<std::string> checked_name(std::string_view given) {
  auto name = checked_text("name", given, kLongestName);
  if (!name) return name;
  if (name->empty()) return error(Status::InvalidArgument, "A space needs a name.");
  if (name->find('/') != std::string::npos || *name == "." || *name == "..")
    return error(Status::InvalidArgument, "The name of a space has no slashes, and is neither . nor ..");
  return name;
}

Result<void> checked_quota(std::uint64_t quota) {
  if (quota == ATOLL_QUOTA_NONE || quota < (std::uint64_t{1} << 62)) return {};
  return error(Status::InvalidArgument, "The quota of the space is too large.");
}

/// "project/solar-panels" of "Solar Panels".
std::string alias_of(std::string_view name) {
  std::string out("project/");
  for (const char c : base::to_lower(name)) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || static_cast<unsigned char>(c) >= 0x80;
    if (plain || c == '.' || c == '_')
      out.push_back(c);
    else if (out.back() != '-' && out.back() != '/')
      out.push_back('-');
  }
  while (out.back() == '-') out.pop_back();
  return out;
}

}  // namespace

// ---- looking

Result<Registered> SpaceAdmin::visible(const Call &call, const SpaceId &space) {
  const auto *principal = call.principal();
  if (!principal) return unauthenticated();
  auto found = find_registered(lookup_, call, space);
  if (!found) return found;
  if (!sees(*principal, found->record)) return no_space();
  return found;
}

Result<Registered> SpaceAdmin::manageable(const Call &call, const SpaceId &space) {
  auto found = visible(call, space);
  if (!found) return found;
  if (!manages(*call.principal(), found->record))
    return error(Status::PermissionDenied, "Only managers of the space and space admins may do this.");
  if (found->record.remote())
    return error(Status::FailedPrecondition, "This space lives on another server; it is managed there.");
  return found;
}

template <class Take>
void SpaceAdmin::ask_provider(const Call &call, const std::string &provider, const std::vector<Spaces::Reached> &spaces,
                              const std::vector<std::size_t> &which, Take take) {
  auto lease = lookup_.lease(provider);
  if (!lease) return;
  auto admitted = admission_.enter(provider);
  if (!admitted) return;
  const auto entered = (*lease)->enter();
  OutgoingCall out(call.raw());
  if (const auto *table = static_cast<const atoll_storage_fs_roots *>((*lease)->query(ATOLL_STORAGE_FS_ROOTS))) {
    std::unordered_map<SpaceId, std::size_t> places;
    std::vector<atoll_uuid> ids;
    for (const std::size_t i : which) {
      places[spaces[i].record.id] = i;
      ids.push_back(to_abi(spaces[i].record.id));
    }
    const atoll_uuids wanted{ids.data(), ids.size()};
    const auto sink = make_sink<atoll_space_sink>([&](const atoll_space *raw) {
      if (const auto at = places.find(from_abi<SpaceId>(raw->id)); at != places.end()) take(at->second, copied(raw));
    });
    // What it does not tell stays as it was last known.
    static_cast<void>(table->roots(out.get(), (*lease)->self(), &wanted, sink.get()));
    return;
  }
  const auto *fs = static_cast<const atoll_storage_fs *>((*lease)->query(ATOLL_STORAGE_FS));
  for (const std::size_t i : which) {
    const atoll_uuid id = to_abi(spaces[i].record.id);
    const auto sink = make_sink<atoll_space_sink>([&](const atoll_space *raw) { take(i, copied(raw)); });
    static_cast<void>(fs->space_get(out.get(), (*lease)->self(), &id, sink.get()));
  }
}

std::string SpaceAdmin::web_dav_url(const SpaceRecord &record) const {
  if (record.remote()) return record.endpoint;
  return options_.public_url + "/dav/spaces/" + record.birth.text() + "$" + record.id.text();
}

Result<void> SpaceAdmin::show(const Call &call, std::vector<Spaces::Reached> spaces, const SpaceViewEmitter &emit,
                              For whom) {
  std::map<std::string, std::vector<std::size_t>> by_provider;
  for (std::size_t i = 0; i < spaces.size(); ++i)
    if (!spaces[i].record.provider.empty() && spaces[i].record.state != ATOLL_SPACE_STATE_CREATING)
      by_provider[spaces[i].record.provider].push_back(i);
  std::vector<LastRoots::Root> roots(spaces.size());
  std::vector<bool> told(spaces.size(), false);
  for (const auto &[provider, which] : by_provider)
    ask_provider(call, provider, spaces, which, [&](std::size_t i, const atoll_space &space) {
      roots[i] = {std::string(view(space.root_etag)), space.quota, space.used};
      told[i] = true;
    });
  for (const auto &[provider, which] : by_provider)
    for (const std::size_t i : which) {
      const SpaceRecord &record = spaces[i].record;
      if (told[i]) {
        if (whom == For::Clients) last_roots_.keep(record.id, roots[i]);
        continue;
      }
      const auto last = last_roots_.get(record.id);
      roots[i] = last ? *last : LastRoots::Root{record.root_etag, record.quota, 0};
      // Without an etag a client would take its root for another one.
      if (roots[i].etag.empty() && whom == For::Clients && record.state == ATOLL_SPACE_STATE_ACTIVE)
        return Error{Status::Unavailable,
                     "the storage provider " + provider + " does not tell now how the space " + record.name + " is", 0,
                     2000};
    }
  for (std::size_t i = 0; i < spaces.size(); ++i) {
    SpaceRecord &record = spaces[i].record;
    const bool here = !record.provider.empty() && record.state != ATOLL_SPACE_STATE_CREATING;
    if (here) {
      record.root_etag = roots[i].etag;
      record.quota = roots[i].quota;
    }
    auto raw = sized<atoll_space_view>();
    const atoll_space_record shown = record.abi();
    const std::string url = web_dav_url(record);
    raw.flags = spaces[i].stale || (!record.remote() && !told[i]) ? ATOLL_SPACE_STALE : 0;
    raw.record = &shown;
    raw.used = roots[i].used;
    raw.web_dav_url = str(url);
    if (!emit(raw)) break;
  }
  return {};
}

Result<void> SpaceAdmin::show_one(const Call &call, SpaceRecord record, const SpaceViewEmitter &emit) {
  std::vector<Spaces::Reached> one;
  one.push_back({std::move(record), false});
  return show(call, std::move(one), emit);
}

Result<std::vector<Spaces::Reached>> SpaceAdmin::reached(const Call &call, std::uint32_t type) {
  auto spaces = spaces_.reachable(call);
  if (!spaces) return spaces;
  std::erase_if(*spaces, [&](const Spaces::Reached &one) {
    return (type != 0 && one.record.type != type) ||
           (one.record.state == ATOLL_SPACE_STATE_DISABLED && (one.record.permissions & ATOLL_MAY_MEMBERS) == 0);
  });
  return spaces;
}

Result<void> SpaceAdmin::mine(const Call &call, std::uint32_t type, const SpaceViewEmitter &emit) {
  auto spaces = reached(call, type);
  if (!spaces) return std::move(spaces).error();
  return show(call, *std::move(spaces), emit);
}

Result<void> SpaceAdmin::all(const Call &call, std::uint32_t type, const SpaceId &after, std::uint64_t limit,
                             const SpaceViewEmitter &emit) {
  const auto *principal = call.principal();
  if (!principal) return unauthenticated();
  if (principal->app_role < ATOLL_ROLE_SPACE_ADMIN || principal->kind == ATOLL_PRINCIPAL_LINK)
    return error(Status::PermissionDenied, "Only space admins see the spaces of others.");
  auto registries = all_registries(lookup_);
  if (!registries) return std::move(registries).error();
  std::vector<SpaceRecord> out;
  for (const Lease &registry : *registries) {
    SpaceId last = after;
    std::uint64_t taken = 0;
    for (bool more = true; more && (limit == 0 || taken < limit);) {
      std::uint64_t got = 0;
      const atoll_uuid from = to_abi(last);
      auto asked = ask_registry(
          call, registry,
          [&](const atoll_registry *t, const atoll_call *c, void *self, const atoll_space_record_sink *sink) {
            return t->list(c, self, &from, kPage, sink);
          },
          [&](SpaceRecord record) {
            ++got;
            last = record.id;
            if ((type != 0 && record.type != type) || !administers(*principal, record)) return;
            if (limit != 0 && taken >= limit) return;
            ++taken;
            out.push_back(std::move(record));
          });
      if (!asked) return std::move(asked).error();
      more = got == kPage;
    }
  }
  // The same space in two registries: the first one counts.
  std::stable_sort(out.begin(), out.end(), [](const SpaceRecord &a, const SpaceRecord &b) { return a.id < b.id; });
  out.erase(
      std::unique(out.begin(), out.end(), [](const SpaceRecord &a, const SpaceRecord &b) { return a.id == b.id; }),
      out.end());
  if (limit != 0 && out.size() > limit) out.resize(static_cast<std::size_t>(limit));
  std::vector<Spaces::Reached> shown;
  shown.reserve(out.size());
  for (SpaceRecord &record : out) shown.push_back({std::move(record), false});
  return show(call, std::move(shown), emit, For::Admins);
}

Result<void> SpaceAdmin::get(const Call &call, const SpaceId &space, const SpaceViewEmitter &emit) {
  auto found = visible(call, space);
  if (!found) return std::move(found).error();
  return show_one(call, std::move(found->record), emit);
}

// ---- changing

template <class F>
Result<void> SpaceAdmin::at_provider(const Call &call, const SpaceRecord &record, F f) {
  auto lease = lookup_.lease(record.provider);
  if (!lease)
    return Error{Status::Unavailable,
                 "the storage provider " + record.provider + " is not there: " + lease.error().message, 0, 2000};
  auto admitted = admission_.enter(record.provider);
  if (!admitted) return std::move(admitted).error();
  OutgoingCall out(call.raw());
  const auto entered = (*lease)->enter();
  const auto *fs = static_cast<const atoll_storage_fs *>((*lease)->query(ATOLL_STORAGE_FS));
  return out.result(f(fs, out.get(), (*lease)->self()));
}

Result<void> SpaceAdmin::may_create(const Call &call) {
  const auto *principal = call.principal();
  if (!principal) return unauthenticated();
  if (principal->kind != ATOLL_PRINCIPAL_LINK && principal->app_role >= options_.project_creators) return {};
  return error(Status::PermissionDenied, "You may not make spaces here; ask a space admin.");
}

Result<void> SpaceAdmin::create(const Call &call, const SpaceRecord &draft, const SpaceViewEmitter &emit) {
  if (auto may = may_create(call); !may) return may;
  const atoll_principal &principal = *call.principal();
  SpaceRecord record;
  record.type = ATOLL_SPACE_PROJECT;
  record.state = ATOLL_SPACE_STATE_CREATING;
  record.id = base::random_id<SpaceId>();
  record.birth = base::random_id<Uuid>();
  record.owner = record.id.as<AccountTag>();
  auto name = checked_name(draft.name);
  if (!name) return std::move(name).error();
  record.name = *std::move(name);
  auto alias = checked_text("alias", draft.alias, kLongestAlias);
  if (!alias) return std::move(alias).error();
  record.alias = alias->empty() ? alias_of(record.name) : *std::move(alias);
  auto description = checked_text("description", draft.description, kLongestDescription, true);
  if (!description) return std::move(description).error();
  record.description = *std::move(description);
  record.quota = options_.project_quota;
  if (draft.quota != ATOLL_QUOTA_NONE) {
    if (principal.app_role < ATOLL_ROLE_SPACE_ADMIN)
      return error(Status::PermissionDenied, "Only space admins set the quota of a space.");
    record.quota = draft.quota;
  }
  if (auto checked = checked_quota(record.quota); !checked) return checked;
  auto provider = spaces_.provider_for(call, record.type, record.id);
  if (!provider) return std::move(provider).error();
  record.provider = *std::move(provider);

  auto registries = all_registries(lookup_);
  if (!registries) return std::move(registries).error();
  const Lease &registry = registries->front();
  const auto insert = [&](const atoll_registry *t, const atoll_call *c, void *self) {
    const auto raw = record.abi();
    return t->insert(c, self, &raw);
  };
  if (auto inserted = call_registry(call, registry, insert); !inserted) return inserted;
  // Nobody reaches it yet. If it cannot be made, the record goes again; after a crash a space admin sees it and purges
  // it.
  auto made = spaces_.make_at_provider(call, registry, record);
  if (made) {
    auto manager = sized<atoll_member>();
    manager.kind = ATOLL_ACCOUNT_USER;
    manager.account = principal.account;
    manager.permissions = kAllPermissions;
    manager.role = str(kManagerRole);
    const atoll_uuid id = to_abi(record.id);
    made = call_registry(call, registry, [&](const atoll_registry *t, const atoll_call *c, void *self) {
      return t->member_put(c, self, &id, &manager);
    });
  }
  if (!made) {
    unmake(call, registry, record);
    return made;
  }
  log_.wake();
  record.permissions = kAllPermissions;
  return show_one(call, std::move(record), emit);
}

void SpaceAdmin::unmake(const Call &call, const Lease &registry, const SpaceRecord &record) {
  // The call may be the very reason: cancelled, or out of time.
  OutgoingCall fresh;
  atoll_call own = *fresh.principal(call.principal()).request_id(call.request_id()).get();
  own.deadline_ns = static_cast<std::uint64_t>(base::monotonic_ns() + kCleanUp);
  const atoll_uuid id = to_abi(record.id);
  // The files only when nobody can reach them any more: a record without files is worse than files without a record.
  auto removed = call_registry(Call(&own), registry, [&](const atoll_registry *t, const atoll_call *c, void *self) {
    return t->remove(c, self, &id);
  });
  if (!removed && removed.status() != Status::NotFound) return;
  static_cast<void>(at_provider(Call(&own), record, [&](const atoll_storage_fs *fs, const atoll_call *c, void *self) {
    return fs->space_remove ? fs->space_remove(c, self, &id) : ATOLL_UNIMPLEMENTED;
  }));
}

Result<void> SpaceAdmin::file_of_space(const Call &call, const SpaceRecord &record, const NodeId &node) {
  auto ref = sized<atoll_ref>();
  ref.space = to_abi(record.id);
  ref.node = to_abi(node);
  bool file = false;
  const auto sink = make_sink<atoll_stat_sink>([&](const atoll_stat *stat) { file = stat->type == ATOLL_NODE_FILE; });
  auto asked = at_provider(call, record, [&](const atoll_storage_fs *fs, const atoll_call *c, void *self) {
    return fs->stat(c, self, &ref, sink.get());
  });
  if (!asked && asked.status() != Status::NotFound) return asked;
  if (asked && file) return {};
  return error(Status::InvalidArgument, "There is no such file in this space.");
}

Result<void> SpaceAdmin::update(const Call &call, const SpaceRecord &changed, std::uint32_t fields,
                                const SpaceViewEmitter &emit) {
  auto found = manageable(call, changed.id);
  if (!found) return std::move(found).error();
  const atoll_principal &principal = *call.principal();
  SpaceRecord &record = found->record;
  const bool personal = record.type == ATOLL_SPACE_PERSONAL;
  if (fields & ATOLL_SPACE_SET_NAME) {
    auto name = checked_name(changed.name);
    if (!name) return std::move(name).error();
    if (personal && *name != record.name)
      return error(Status::FailedPrecondition, "A personal space has the name of its owner.");
    record.name = *std::move(name);
  }
  if (fields & ATOLL_SPACE_SET_ALIAS) {
    auto alias = checked_text("alias", changed.alias, kLongestAlias);
    if (!alias) return std::move(alias).error();
    if (alias->empty()) return error(Status::InvalidArgument, "A space needs an alias.");
    record.alias = *std::move(alias);
  }
  if (fields & ATOLL_SPACE_SET_DESCRIPTION) {
    auto description = checked_text("description", changed.description, kLongestDescription, true);
    if (!description) return std::move(description).error();
    record.description = *std::move(description);
  }
  for (const auto &[field, given, kept] : {std::tuple(ATOLL_SPACE_SET_IMAGE, changed.image, &record.image),
                                           std::tuple(ATOLL_SPACE_SET_README, changed.readme, &record.readme)}) {
    if ((fields & field) == 0) continue;
    if (!given.none())
      if (auto checked = file_of_space(call, record, given); !checked) return checked;
    *kept = given;
  }
  if (fields & ATOLL_SPACE_SET_QUOTA) {
    if (!administers(principal, record))
      return error(Status::PermissionDenied, "Only space admins set the quota of a space.");
    if (auto checked = checked_quota(changed.quota); !checked) return checked;
    // The provider's own number is the one that counts.
    const atoll_uuid id = to_abi(record.id);
    auto set = at_provider(call, record, [&](const atoll_storage_fs *fs, const atoll_call *c, void *self) {
      return fs->space_set_quota ? fs->space_set_quota(c, self, &id, changed.quota) : ATOLL_UNIMPLEMENTED;
    });
    if (!set) return set;
    record.quota = changed.quota;
  }
  auto updated = call_registry(call, found->registry, [&](const atoll_registry *t, const atoll_call *c, void *self) {
    const auto raw = record.abi();
    return t->update(c, self, &raw);
  });
  if (!updated) return updated;
  log_.wake();
  return show_one(call, std::move(record), emit);
}

Result<void> SpaceAdmin::set_state(const Call &call, const Registered &found, std::uint32_t state) {
  if (found.record.state == state) return {};
  SpaceRecord record = found.record;
  record.state = state;
  return woken(call_registry(call, found.registry, [&](const atoll_registry *t, const atoll_call *c, void *self) {
    const auto raw = record.abi();
    return t->update(c, self, &raw);
  }));
}

/// Holds a space against other changes of its state in this process, as long as it lives.
class SpaceAdmin::StateChange {
 public:
  StateChange(SpaceAdmin &admin, const SpaceId &space) : admin_(admin), space_(space) {
    const std::lock_guard lock(admin_.changing_mutex_);
    holds_ = admin_.changing_.insert(space_).second;
  }
  ~StateChange() {
    if (!holds_) return;
    const std::lock_guard lock(admin_.changing_mutex_);
    admin_.changing_.erase(space_);
  }
  StateChange(const StateChange &) = delete;
  StateChange &operator=(const StateChange &) = delete;

  Result<void> alone() const {
    if (holds_) return {};
    return Error{Status::Unavailable, "The space is being disabled, restored or purged just now.", 0, 1000};
  }

 private:
  SpaceAdmin &admin_;
  const SpaceId space_;
  bool holds_ = false;
};

Result<void> SpaceAdmin::disable(const Call &call, const SpaceId &space) {
  if (auto may = manageable(call, space); !may) return std::move(may).error();
  const StateChange change(*this, space);
  if (auto alone = change.alone(); !alone) return alone;
  auto found = manageable(call, space);
  if (!found) return std::move(found).error();
  if (!administers(*call.principal(), found->record) && found->record.type == ATOLL_SPACE_PERSONAL)
    return error(Status::PermissionDenied, "Only an admin takes a personal space out of use.");
  if (!has_or_administers(*call.principal(), found->record, ATOLL_MAY_DELETE))
    return error(Status::PermissionDenied, "You may not take this space out of use.");
  // Whatever is disabled has been made, so that restore() can tell when its files have gone.
  if (found->record.state == ATOLL_SPACE_STATE_CREATING)
    if (auto made = spaces_.make_at_provider(call, found->registry, found->record); !made) return made;
  return set_state(call, *found, ATOLL_SPACE_STATE_DISABLED);
}

Result<void> SpaceAdmin::restore(const Call &call, const SpaceId &space, const SpaceViewEmitter &emit) {
  if (auto may = manageable(call, space); !may) return std::move(may).error();
  const StateChange change(*this, space);
  if (auto alone = change.alone(); !alone) return alone;
  auto found = manageable(call, space);
  if (!found) return std::move(found).error();
  if (!administers(*call.principal(), found->record) && found->record.type == ATOLL_SPACE_PERSONAL)
    return error(Status::PermissionDenied, "Only an admin takes a personal space into use again.");
  if (found->record.state == ATOLL_SPACE_STATE_DISABLED) {
    const atoll_uuid id = to_abi(space);
    const auto ignore = make_sink<atoll_space_sink>([](const atoll_space *) {});
    auto there = at_provider(call, found->record, [&](const atoll_storage_fs *fs, const atoll_call *c, void *self) {
      return fs->space_get(c, self, &id, ignore.get());
    });
    if (there.status() == Status::NotFound)
      return error(Status::FailedPrecondition, "The files of this space have been purged: purge it again to end it.");
    if (!there) return there;
    if (auto set = set_state(call, *found, ATOLL_SPACE_STATE_ACTIVE); !set) return set;
    found->record.state = ATOLL_SPACE_STATE_ACTIVE;
  }
  return show_one(call, std::move(found->record), emit);
}

Result<void> SpaceAdmin::purge(const Call &call, const SpaceId &space) {
  if (auto may = manageable(call, space); !may) return std::move(may).error();
  const StateChange change(*this, space);
  if (auto alone = change.alone(); !alone) return alone;
  auto found = manageable(call, space);
  if (!found) return std::move(found).error();
  if (!administers(*call.principal(), found->record) && found->record.type == ATOLL_SPACE_PERSONAL)
    return error(Status::PermissionDenied, "Only an admin ends a personal space.");
  if (!has_or_administers(*call.principal(), found->record, ATOLL_MAY_PURGE))
    return error(Status::PermissionDenied, "You may not end this space.");
  if (found->record.state == ATOLL_SPACE_STATE_ACTIVE)
    return error(Status::FailedPrecondition, "The space is in use: disable it first.");
  const atoll_uuid id = to_abi(space);
  auto removed = at_provider(call, found->record, [&](const atoll_storage_fs *fs, const atoll_call *c, void *self) {
    return fs->space_remove ? fs->space_remove(c, self, &id) : ATOLL_UNIMPLEMENTED;
  });
  // NOT_FOUND: an earlier attempt came that far.
  if (!removed && removed.status() != Status::NotFound) return removed;
  return woken(call_registry(call, found->registry, [&](const atoll_registry *t, const atoll_call *c, void *self) {
    return t->remove(c, self, &id);
  }));
}

}  // namespace Atoll::gateway
