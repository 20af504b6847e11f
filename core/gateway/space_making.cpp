// SPDX-License-Identifier: Apache-2.0
// Making project spaces, and changing what is told of spaces.
#include "core/base/text.hpp"
#include "core/base/time.hpp"
#include "core/base/uuid.hpp"
#include "core/gateway/roles.hpp"
#include "core/gateway/space_admin.hpp"
#include "core/gateway/space_rules.hpp"

#include <atoll/abi/directory.h>
#include <atoll/sdk/files.hpp>

#include <algorithm>
#include <tuple>

namespace Atoll::gateway {
namespace {

constexpr std::size_t kLongestName = 255, kLongestAlias = 1000, kLongestDescription = 16384;  // bytes
constexpr std::uint32_t kChangeable = ATOLL_SPACE_SET_NAME | ATOLL_SPACE_SET_ALIAS | ATOLL_SPACE_SET_DESCRIPTION |
                                      ATOLL_SPACE_SET_QUOTA | ATOLL_SPACE_SET_IMAGE | ATOLL_SPACE_SET_README;
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

constexpr std::string_view kProjects = "project/";  // what the aliases of project spaces begin with

/// Letters and digits of any language, and what addresses can hold anywhere.
bool plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

/// The prefix tells what kind of space it is: no project poses as somebody's personal space.
Result<std::string> checked_alias(std::string_view given) {
  auto alias = checked_text("alias", given, kLongestAlias);
  if (!alias) return alias;
  const std::string_view name =
      alias->compare(0, kProjects.size(), kProjects) == 0 ? std::string_view(*alias).substr(kProjects.size()) : "";
  if (name.empty() || name == "." || name == ".." ||
      !std::all_of(name.begin(), name.end(), [](char c) { return plain(c) || c == '-'; }))
    return error(Status::InvalidArgument,
                 "The alias of a project space is project/ and a name in letters, digits, '.', '-' and '_'.");
  return alias;
}

/// "project/solar-panels" of "Solar Panels".
std::string alias_of(std::string_view name, const SpaceId &id) {
  std::string out(kProjects);
  for (const char c : base::to_lower(name))
    if (plain(c))
      out.push_back(c);
    else if (out.back() != '-' && out.back() != '/')
      out.push_back('-');
  while (out.back() == '-') out.pop_back();
  if (out.find_first_not_of('.', kProjects.size()) == std::string::npos) out += id.text().substr(0, 8);
  return out;
}

}  // namespace

Result<void> SpaceAdmin::may_create(const Call &call) {
  const auto *principal = call.principal();
  if (!principal) return unauthenticated();
  if (principal->kind != ATOLL_PRINCIPAL_LINK && principal->app_role >= options_.project_creators) return {};
  return error(Status::PermissionDenied, "You may not make spaces here; ask a space admin.");
}

Result<void> SpaceAdmin::create(const Call &call, const SpaceRecord &draft, const SpaceViewEmitter &emit,
                                std::string_view template_name) {
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
  auto alias = draft.alias.empty() ? Result<std::string>(std::string()) : checked_alias(draft.alias);
  if (!alias) return std::move(alias).error();
  record.alias = alias->empty() ? alias_of(record.name, record.id) : *std::move(alias);
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
  auto content = template_name.empty() ? Result<SpaceTemplate>(SpaceTemplate())
                                       : read_template(options_.space_templates, template_name);
  if (!content) return std::move(content).error();
  auto provider = spaces_.provider_for(call, record.type, record.id);
  if (!provider) return std::move(provider).error();
  record.provider = *std::move(provider);

  auto registries = registries_.all();
  if (!registries) return std::move(registries).error();
  const Lease &registry = registries->front();
  const auto held = spaces_.state_changes().hold(record.id);  // space admins see it at once
  const auto insert = [&](const RegistryTable &t, const atoll_call *c, void *self) {
    const auto raw = record.abi();
    return t->insert(c, self, &raw);
  };
  if (auto inserted = registries_.call(call, registry, insert); !inserted) return inserted;
  // In use only when it holds all that it begins with, and reached by nobody before. If it cannot be made, the record
  // goes again; what a crash leaves stays in the state of being made, which space admins see, and can only be purged.
  auto made = spaces_.make_at_provider(call, record);
  if (made) made = fill(call, registry, record, *content);
  if (made) made = spaces_.note_made(call, registry, record);
  if (made) {
    auto manager = sized<atoll_member>();
    manager.kind = ATOLL_ACCOUNT_USER;
    manager.account = principal.account;
    manager.permissions = kAllPermissions;
    manager.role = str(kManagerRole);
    const atoll_uuid id = to_abi(record.id);
    made = registries_.call(call, registry, [&](const RegistryTable &t, const atoll_call *c, void *self) {
      return t->member_put(c, self, &id, &manager);
    });
  }
  if (!made) {
    unmake(call, registry, record);
    return made;
  }
  spaces_.last_known().drop_account(from_abi<AccountId>(principal.account));
  log_.wake();
  record.permissions = kAllPermissions;
  return show_done(call, std::move(record), emit);
}

Result<void> SpaceAdmin::fill(const Call &call, const Lease &registry, SpaceRecord &record,
                              const SpaceTemplate &content) {
  if (content.nodes.empty()) return {};
  auto provider = lookup_.lease(record.provider);
  if (!provider) return untold(std::move(provider).error());
  const Files files(static_cast<const atoll_storage_fs *>((*provider)->query(ATOLL_STORAGE_FS)), (*provider)->self());
  for (const SpaceTemplate::Node &node : content.nodes) {
    auto admitted = admission_.enter(record.provider);
    if (!admitted) return std::move(admitted).error();
    const auto entered = (*provider)->enter();
    OutgoingCall out(call.raw());
    const Ref ref{record.id, root_of(record.id), node.path};
    if (node.folder) {
      if (auto folder = files.mkdir(out, ref); !folder) return std::move(folder).error();
      continue;
    }
    auto upload = files.upload_begin(out, ref, node.content.size());
    if (!upload) return std::move(upload).error();
    if (!node.content.empty())
      if (auto written = (*upload)->write(out, 0, node.content.data(), node.content.size()); !written) return written;
    auto commit = sized<atoll_upload_commit>();
    commit.size = node.content.size();
    commit.mtime_ns = ATOLL_MTIME_NOW;
    auto file = (*upload)->commit(out, commit);
    if (!file) return std::move(file).error();
    if (node.path == content.readme) record.readme = file->node;
    if (node.path == content.image) record.image = file->node;
  }
  if (record.readme.none() && record.image.none()) return {};
  return registries_.call(call, registry, [&](const RegistryTable &t, const atoll_call *c, void *) {
    return t.change(c, record, ATOLL_SPACE_SET_README | ATOLL_SPACE_SET_IMAGE, 0);
  });
}

void SpaceAdmin::unmake(const Call &call, const Lease &registry, const SpaceRecord &record) {
  // The call may be the very reason: cancelled, or out of time.
  OutgoingCall fresh;
  atoll_call own = *fresh.principal(call.principal()).request_id(call.request_id()).get();
  own.deadline_ns = static_cast<std::uint64_t>(base::monotonic_ns() + kCleanUp);
  const atoll_uuid id = to_abi(record.id);
  // The files only when nobody can reach them any more: a record without files is worse than files without a record.
  auto removed = registries_.call(Call(&own), registry, [&](const RegistryTable &t, const atoll_call *c, void *self) {
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
  if ((fields & ~kChangeable) != 0) return error(Status::InvalidArgument, "There is no such part of a space.");
  if (record.state == ATOLL_SPACE_STATE_PURGING) return being_purged();
  if (unfinished(record)) return never_finished();
  const bool personal = record.type == ATOLL_SPACE_PERSONAL;
  if (fields & ATOLL_SPACE_SET_NAME) {
    auto name = checked_name(changed.name);
    if (!name) return std::move(name).error();
    if (personal && *name != record.name)
      return error(Status::FailedPrecondition, "A personal space has the name of its owner.");
    record.name = *std::move(name);
  }
  if (fields & ATOLL_SPACE_SET_ALIAS) {
    if (personal && changed.alias != record.alias)
      return error(Status::FailedPrecondition, "A personal space has the alias of its owner.");
    if (!personal) {
      auto alias = checked_alias(changed.alias);
      if (!alias) return std::move(alias).error();
      record.alias = *std::move(alias);
    }
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
  auto updated = registries_.call(call, found->registry, [&](const RegistryTable &t, const atoll_call *c, void *) {
    return t.change(c, record, fields, 0);
  });
  if (!updated) return updated;
  log_.wake();
  return show_done(call, std::move(record), emit);
}

}  // namespace Atoll::gateway
