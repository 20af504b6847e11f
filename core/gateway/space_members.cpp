// SPDX-License-Identifier: Apache-2.0
// Members of spaces, and the roles that they can be given.
#include "core/base/time.hpp"
#include "core/gateway/roles.hpp"
#include "core/gateway/space_admin.hpp"
#include "core/gateway/space_rules.hpp"

#include <atoll/abi/directory.h>

#include <algorithm>
#include <chrono>
#include <map>

namespace Atoll::gateway {
namespace {

constexpr int kMostLooks = 8;                  // at the managers, while others change them
constexpr std::chrono::seconds kPatience(10);  // with other changes of the same space's members

}  // namespace

Result<std::vector<SpaceAdmin::Member>> SpaceAdmin::members_of(const Call &call, const Registered &found) {
  std::vector<Member> out;
  const atoll_uuid id = to_abi(found.record.id);
  const auto sink = make_sink<atoll_member_sink>([&](const atoll_member *raw) {
    out.push_back({raw->kind, from_abi<AccountId>(raw->account), raw->permissions, raw->expires_ns});
  });
  auto asked = registries_.call(call, found.registry, [&](const RegistryTable &t, const atoll_call *c, void *self) {
    return t->members(c, self, &id, sink.get());
  });
  sink.rethrow();
  if (!asked) return std::move(asked).error();
  return out;
}

std::optional<std::vector<SpaceAdmin::Member>> SpaceAdmin::other_managers(const std::vector<Member> &all,
                                                                          const AccountId &without) {
  std::vector<Member> others;
  bool taken = false;
  for (const Member &member : all) {
    if ((member.permissions & ATOLL_MAY_MEMBERS) == 0 || member.expires_ns != 0) continue;
    taken |= member.account == without;
    if (member.account != without) others.push_back(member);
  }
  if (!taken) return std::nullopt;
  return others;
}

Result<SpaceAdmin::Member> SpaceAdmin::who_can_log_in(const Call &call, const std::vector<Member> &members) {
  for (const Member &member : members) {
    auto counts = can_log_in(call, member);
    if (!counts) return std::move(counts).error();
    if (*counts) return member;
  }
  return error(Status::FailedPrecondition,
               "A space needs a manager who can log in and whose membership does not expire.");
}

template <class Look, class Change>
Result<void> SpaceAdmin::change_members(const Call &call, const SpaceId &space, const AccountId &account, bool keep,
                                        Look look, Change change) {
  const auto busy = [] {
    return Error{Status::Unavailable, "The members of the space are being changed just now.", 0, 1000};
  };
  std::optional<Member> stays;
  for (int tries = 0; tries < kMostLooks; ++tries) {
    std::optional<std::vector<Member>> others;
    {
      const auto held = member_changes_.hold(space, kPatience);
      if (!held) return busy();
      auto looked = look();
      if (!looked) return std::move(looked).error();
      if (keep) others = other_managers(looked->all, account);
      if (!others || (stays && std::find(others->begin(), others->end(), *stays) != others->end()))
        return change(looked->found);
    }
    auto found = who_can_log_in(call, *others);
    if (!found) return std::move(found).error();
    stays = *found;
  }
  return busy();
}

Result<bool> SpaceAdmin::can_log_in(const Call &call, const Member &member) {
  auto directories = lookup_.all(ATOLL_DIRECTORY);
  if (!directories) return std::move(directories).error();
  const atoll_uuid id = to_abi(member.account);
  const std::int64_t now = base::now_unix_ns();
  for (const Lease &directory : *directories) {
    bool can = false;
    const auto sink = make_sink<atoll_account_sink>([&](const atoll_account *raw) {
      const atoll_account account = copied(raw);
      can |= account.kind == ATOLL_ACCOUNT_USER && account.enabled != 0 &&
             (account.expires_ns == 0 || account.expires_ns > now);
      return !can;
    });
    OutgoingCall out(call.raw());
    const auto entered = directory->enter();
    const auto *table = static_cast<const atoll_directory *>(directory->query(ATOLL_DIRECTORY));
    const auto status = member.kind == ATOLL_ACCOUNT_GROUP
                            ? table->members_of(out.get(), directory->self(), &id, sink.get())
                            : table->get(out.get(), directory->self(), &id, sink.get());
    if (can) return true;
    if (status != ATOLL_OK && status != ATOLL_NOT_FOUND) return out.error(status);
  }
  return false;
}

Result<void> SpaceAdmin::not_above(const Call &call, const Registered &found, const std::vector<Member> &all,
                                   const AccountId &account) {
  const atoll_principal &principal = *call.principal();
  if (administers(principal, found.record) || from_abi<AccountId>(principal.account) == account) return {};
  const std::int64_t now = base::now_unix_ns();
  for (const Member &member : all)
    if (member.account == account && (member.expires_ns == 0 || member.expires_ns > now) &&
        (member.permissions & ~found.record.permissions) != 0)
      return error(Status::PermissionDenied, "Nobody changes or removes a member who may more than he himself.");
  return {};
}

Result<void> SpaceAdmin::account_exists(const Call &call, const AccountId &account, std::uint32_t kind) {
  auto directories = lookup_.all(ATOLL_DIRECTORY);
  if (!directories) return std::move(directories).error();
  const atoll_uuid id = to_abi(account);
  for (const Lease &directory : *directories) {
    std::uint32_t found = 0;
    const auto sink = make_sink<atoll_account_sink>([&](const atoll_account *raw) { found = raw->kind; });
    OutgoingCall out(call.raw());
    const auto entered = directory->enter();
    const auto *table = static_cast<const atoll_directory *>(directory->query(ATOLL_DIRECTORY));
    const auto status = table->get(out.get(), directory->self(), &id, sink.get());
    if (status == ATOLL_NOT_FOUND) continue;
    if (status != ATOLL_OK) return out.error(status);
    if (found == kind) return {};
    break;
  }
  return error(Status::InvalidArgument,
               kind == ATOLL_ACCOUNT_GROUP ? "There is no such group." : "There is no such user.");
}

Result<void> SpaceAdmin::members(const Call &call, const SpaceId &space, const MemberEmitter &emit) {
  auto found = visible(call, space);
  if (!found) return std::move(found).error();
  const atoll_uuid id = to_abi(space);
  const std::int64_t now = base::now_unix_ns();
  const auto sink = make_sink<atoll_member_sink>([&](const atoll_member *raw) {
    const atoll_member member = copied(raw);
    return (member.expires_ns != 0 && member.expires_ns <= now) || emit(member);
  });
  auto asked = registries_.call(call, found->registry, [&](const RegistryTable &t, const atoll_call *c, void *self) {
    return t->members(c, self, &id, sink.get());
  });
  sink.rethrow();
  return asked;
}

Result<void> SpaceAdmin::members_many(const Call &call, std::vector<SpaceId> spaces, const MemberEmitter &emit) {
  const auto *principal = call.principal();
  if (!principal) return unauthenticated();
  auto registries = registries_.all();
  if (!registries) return std::move(registries).error();
  const std::int64_t now = base::now_unix_ns();
  std::sort(spaces.begin(), spaces.end());
  spaces.erase(std::unique(spaces.begin(), spaces.end()), spaces.end());
  struct Chosen {
    std::size_t registry;
    SpaceRecord record;
  };
  std::map<SpaceId, Chosen> chosen;
  std::vector<atoll_uuid> wanted;
  for (const SpaceId &space : spaces) wanted.push_back(to_abi(space));
  const atoll_uuids raw{wanted.data(), wanted.size()};
  for (std::size_t i = 0; i < registries->size() && !wanted.empty(); ++i) {
    auto asked = registries_.ask(
        call, (*registries)[i],
        [&](const RegistryTable &t, const atoll_call *c, void *, const atoll_space_record_sink *sink) {
          return t.get_many(c, raw, sink);
        },
        [&](SpaceRecord record) {
          const auto at = chosen.find(record.id);
          if (at == chosen.end())
            chosen.emplace(record.id, Chosen{i, std::move(record)});
          else if (overrules(record, at->second.record))
            at->second = {i, std::move(record)};
        });
    if (!asked) return asked;
  }
  for (std::size_t i = 0; i < registries->size(); ++i) {
    std::vector<atoll_uuid> seen;
    for (const auto &[id, one] : chosen)
      if (one.registry == i && sees(*principal, one.record)) seen.push_back(to_abi(id));
    if (seen.empty()) continue;
    const atoll_uuids shown{seen.data(), seen.size()};
    const auto sink = make_sink<atoll_member_sink>([&](const atoll_member *one) {
      const atoll_member member = copied(one);
      return (member.expires_ns != 0 && member.expires_ns <= now) || emit(member);
    });
    auto asked = registries_.call(call, (*registries)[i], [&](const RegistryTable &t, const atoll_call *c, void *) {
      return t.members_many(c, shown, sink.get());
    });
    sink.rethrow();
    if (!asked) return asked;
  }
  return {};
}

Result<void> SpaceAdmin::member_put(const Call &call, const SpaceId &space, const atoll_member &wanted) {
  if (auto may = manageable(call, space); !may)
    return std::move(may).error();
  else if (may->record.type != ATOLL_SPACE_PROJECT)
    return error(Status::FailedPrecondition, "Only project spaces have members; share a folder instead.");
  auto member = wanted;
  if (member.kind != ATOLL_ACCOUNT_USER && member.kind != ATOLL_ACCOUNT_GROUP)
    return error(Status::InvalidArgument, "Only users and groups can be members.");
  if (const auto id = view(member.role); !id.empty()) {
    const Role *role = find_role(id);
    if (!role || !role->enabled || (role->on & ATOLL_ROLE_ON_SPACE) == 0)
      return error(Status::InvalidArgument, "There is no such role for members of a space.");
    member.permissions = role->permissions;
  }
  if (member.permissions == 0 || (member.permissions & ~kAllPermissions) != 0)
    return error(Status::InvalidArgument, "There are no such permissions.");
  if (member.expires_ns != 0 && member.expires_ns <= base::now_unix_ns())
    return error(Status::InvalidArgument, "The membership would have expired already.");
  const auto account = from_abi<AccountId>(member.account);
  if (auto exists = account_exists(call, account, member.kind); !exists) return exists;

  // What he may now: another manager may have sent him away meanwhile.
  const auto look = [&]() -> Result<Looked> {
    auto found = manageable(call, space);
    if (!found) return std::move(found).error();
    if (unfinished(found->record)) return never_finished();
    if (!administers(*call.principal(), found->record) && (member.permissions & ~found->record.permissions) != 0)
      return error(Status::PermissionDenied, "Nobody gives more than he has himself.");
    auto all = members_of(call, *found);
    if (!all) return std::move(all).error();
    if (auto may = not_above(call, *found, *all, account); !may) return std::move(may).error();
    return Looked{*std::move(found), *std::move(all)};
  };
  const bool ends = (member.permissions & ATOLL_MAY_MEMBERS) == 0 || member.expires_ns != 0;
  return change_members(call, space, account, ends, look, [&](const Registered &found) {
    const atoll_uuid id = to_abi(space);
    auto put = registries_.call(call, found.registry, [&](const RegistryTable &t, const atoll_call *c, void *self) {
      return t->member_put(c, self, &id, &member);
    });
    forget(member.kind, account);
    return woken(std::move(put));
  });
}

Result<void> SpaceAdmin::member_remove(const Call &call, const SpaceId &space, const AccountId &account) {
  bool group = false;
  const auto look = [&]() -> Result<Looked> {
    auto found = visible(call, space);
    if (!found) return std::move(found).error();
    const atoll_principal &principal = *call.principal();
    if (!manages(principal, found->record) && from_abi<AccountId>(principal.account) != account)
      return error(Status::PermissionDenied, "Only managers of the space and space admins may do this.");
    if (found->record.type != ATOLL_SPACE_PROJECT)
      return error(Status::FailedPrecondition, "The owner of a personal space stays its member.");
    auto all = members_of(call, *found);
    if (!all) return std::move(all).error();
    if (auto may = not_above(call, *found, *all, account); !may) return std::move(may).error();
    group = std::any_of(all->begin(), all->end(), [&](const Member &member) {
      return member.account == account && member.kind == ATOLL_ACCOUNT_GROUP;
    });
    return Looked{*std::move(found), *std::move(all)};
  };
  return change_members(call, space, account, true, look, [&](const Registered &found) {
    const atoll_uuid space_id = to_abi(space), account_id = to_abi(account);
    auto removed = registries_.call(call, found.registry, [&](const RegistryTable &t, const atoll_call *c, void *self) {
      return t->member_remove(c, self, &space_id, &account_id);
    });
    forget(group ? ATOLL_ACCOUNT_GROUP : ATOLL_ACCOUNT_USER, account);
    return woken(std::move(removed));
  });
}

void SpaceAdmin::forget(std::uint32_t kind, const AccountId &account) {
  if (kind == ATOLL_ACCOUNT_GROUP)
    spaces_.last_known().drop_all();  // of whoever is in it
  else
    spaces_.last_known().drop_account(account);
}

Result<void> SpaceAdmin::roles(const Call &call, const RoleEmitter &emit) {
  if (!call.principal()) return unauthenticated();
  std::uint32_t weight = 0;
  for (const Role &role : gateway::roles())
    if (!emit(to_abi(role, ++weight))) break;
  return {};
}

}  // namespace Atoll::gateway
