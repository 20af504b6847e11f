// SPDX-License-Identifier: Apache-2.0
// Looking at spaces.
#include "core/gateway/space_admin.hpp"

#include "core/gateway/space_rules.hpp"

#include <atoll/abi/storage_roots.h>

#include <algorithm>
#include <map>

namespace Atoll::gateway {
namespace {

constexpr std::uint64_t kPage = 1000;

}  // namespace

Result<Registered> SpaceAdmin::visible(const Call &call, const SpaceId &space) {
  const auto *principal = call.principal();
  if (!principal) return unauthenticated();
  auto found = registries_.find(call, space);
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
        if (whom != For::Admins) last_roots_.keep(record.id, roots[i]);
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

Result<void> SpaceAdmin::show_done(const Call &call, SpaceRecord record, const SpaceViewEmitter &emit) {
  std::vector<Spaces::Reached> one;
  one.push_back({std::move(record), false});
  return show(call, std::move(one), emit, For::Changer);
}

Result<std::vector<Spaces::Reached>> SpaceAdmin::reached(const Call &call, std::uint32_t type) {
  auto spaces = spaces_.reachable(call);
  if (!spaces) return spaces;
  std::erase_if(*spaces, [&](const Spaces::Reached &one) {
    return (type != 0 && one.record.type != type) ||
           (out_of_use(one.record) && (one.record.permissions & ATOLL_MAY_MEMBERS) == 0);
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
  if (type == 0 && principal->app_role < ATOLL_ROLE_ADMIN) type = ATOLL_SPACE_PROJECT;
  auto registries = registries_.all();
  if (!registries) return std::move(registries).error();
  std::vector<SpaceRecord> out;
  for (const Lease &registry : *registries) {
    SpaceId last = after;
    std::uint64_t taken = 0;
    for (bool more = true; more && (limit == 0 || taken < limit);) {
      std::uint64_t got = 0;
      const std::uint64_t page = limit == 0 ? kPage : std::min(kPage, limit - taken);
      const atoll_uuid from = to_abi(last);
      auto asked = registries_.ask(
          call, registry,
          [&](const RegistryTable &t, const atoll_call *c, void *self, const atoll_space_record_sink *sink) {
            return type == 0 ? t->list(c, self, &from, page, sink) : t.list_of_type(c, type, from, page, sink);
          },
          [&](SpaceRecord record) {
            ++got;
            last = record.id;
            if (!administers(*principal, record)) return;
            ++taken;
            out.push_back(std::move(record));
          });
      if (!asked) return std::move(asked).error();
      more = got == page;
    }
  }
  // The same space in two registries: the one that counts comes first.
  std::stable_sort(out.begin(), out.end(), [](const SpaceRecord &a, const SpaceRecord &b) {
    return a.id != b.id ? a.id < b.id : overrules(a, b);
  });
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

}  // namespace Atoll::gateway
