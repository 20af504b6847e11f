// SPDX-License-Identifier: Apache-2.0
#include "core/gateway/spaces.hpp"

#include "core/base/text.hpp"
#include "core/base/uuid.hpp"

#include <atoll/abi/directory.h>

namespace Atoll::gateway {
namespace {

constexpr std::size_t kCachedRecords = 8192;
constexpr std::uint32_t kAllPermissions = ATOLL_MAY_STAT | ATOLL_MAY_READ | ATOLL_MAY_WRITE | ATOLL_MAY_CREATE |
                                          ATOLL_MAY_DELETE | ATOLL_MAY_MOVE | ATOLL_MAY_SHARE | ATOLL_MAY_PURGE |
                                          ATOLL_MAY_VERSIONS | ATOLL_MAY_MEMBERS;

Error unauthenticated() { return error(Status::Unauthenticated, "Log in to see this."); }

const atoll_registry *table(const Lease &registry) {
  return static_cast<const atoll_registry *>(registry->query(ATOLL_REGISTRY));
}

/// Calls a function of a registry that emits records, and hands each on.
template <class F, class Take>
Result<void> ask(const Call &call, const Lease &registry, F f, Take take) {
  OutgoingCall out(call.raw());
  auto sink = make_sink<atoll_space_record_sink>([&](const atoll_space_record *raw) { take(SpaceRecord::from(raw)); });
  const auto entered = registry->enter();
  const std::int32_t status = f(table(registry), out.get(), registry->self(), sink.get());
  sink.rethrow();
  return out.result(status);
}

std::size_t hash_groups(const atoll_principal &principal) {
  std::size_t hash = principal.kind;
  for (std::uint64_t i = 0; i < principal.groups.count; ++i)
    hash = hash * 1000003 + std::hash<AccountId>()(from_abi<AccountId>(principal.groups.items[i]));
  return hash;
}

Error no_registry() {
  return error(Status::Unavailable, "no space registry is configured: add a [registry:...] section");
}

Result<std::vector<Lease>> registries(InstanceLookup &lookup) {
  auto all = lookup.all(ATOLL_REGISTRY);
  if (all && all->empty()) return no_registry();
  return all;
}

}  // namespace

Result<std::uint64_t> Spaces::refresh(const Call &call) {
  std::uint64_t sum = 0;
  bool any = false;
  auto asked = lookup_.each(ATOLL_REGISTRY, [&](const Instance &registry) -> Result<void> {
    std::uint64_t one = 0;
    OutgoingCall out(call.raw());
    const auto entered = registry.enter();
    const auto *functions = static_cast<const atoll_registry *>(registry.query(ATOLL_REGISTRY));
    const auto status = functions->generation(out.get(), registry.self(), &one);
    if (status != ATOLL_OK) return out.error(status);
    sum += one;  // each only ever grows, so the sum changes when any does
    any = true;
    return {};
  });
  if (!asked) return std::move(asked).error();
  if (!any) return no_registry();
  const std::lock_guard lock(mutex_);
  if (cached_generation_ != sum) {
    cache_.clear();
    personal_cache_.clear();
    cached_generation_ = sum;
  }
  return sum;
}

Result<std::shared_ptr<const SpaceRecord>> Spaces::find(const Call &call, const SpaceId &space) {
  const auto *principal = call.principal();
  if (!principal) return unauthenticated();
  auto now = refresh(call);
  if (!now) return std::move(now).error();
  const Key key{from_abi<AccountId>(principal->account), space, hash_groups(*principal)};
  {
    const std::lock_guard lock(mutex_);
    if (auto at = cache_.find(key); at != cache_.end()) return at->second;
  }
  auto all = registries(lookup_);
  if (!all) return std::move(all).error();
  const atoll_uuid raw = to_abi(space);
  for (const auto &registry : *all) {
    std::optional<SpaceRecord> found;
    auto asked = ask(
        call, registry,
        [&](const atoll_registry *t, const atoll_call *c, void *self, const atoll_space_record_sink *sink) {
          return t->get(c, self, &raw, sink);
        },
        [&](SpaceRecord record) { found = std::move(record); });
    if (asked.status() == Status::NotFound) continue;
    if (!asked) return std::move(asked).error();
    if (!found || found->permissions == 0) break;  // who may not see it learns no more than of one that is not there
    if (auto done = complete(call, registry, *found); !done) return std::move(done).error();
    auto record = std::make_shared<const SpaceRecord>(*std::move(found));
    const std::lock_guard lock(mutex_);
    if (cached_generation_ == *now) {
      if (cache_.size() >= kCachedRecords) cache_.clear();
      cache_.emplace(key, record);
    }
    return record;
  }
  return error(Status::NotFound, "There is no such space, or you have no access to it.");
}

Result<std::vector<SpaceRecord>> Spaces::reachable(const Call &call) {
  const auto *principal = call.principal();
  if (!principal) return unauthenticated();
  if (principal->app_role >= ATOLL_ROLE_USER) {
    if (auto own = own_personal(call, *principal); !own) return std::move(own).error();
  }
  auto all = registries(lookup_);
  if (!all) return std::move(all).error();
  std::vector<SpaceRecord> out;
  for (const auto &registry : *all) {
    auto asked = ask(
        call, registry,
        [](const atoll_registry *t, const atoll_call *c, void *self, const atoll_space_record_sink *sink) {
          return t->spaces_of(c, self, sink);
        },
        [&](SpaceRecord record) { out.push_back(std::move(record)); });
    if (!asked) return std::move(asked).error();
  }
  return out;
}

Result<std::shared_ptr<const SpaceRecord>> Spaces::personal(const Call &call, std::string_view account_name) {
  const auto *principal = call.principal();
  if (!principal) return unauthenticated();
  if (base::iequals(account_name, view(principal->name))) {
    if (principal->app_role < ATOLL_ROLE_USER) return error(Status::NotFound, "This account has no personal space.");
    return own_personal(call, *principal);
  }
  // Another's: only if it was opened to this principal, which goes through the space's id; the name tells nothing.
  return error(Status::NotFound, "There is no such user, or you have no access to his files.");
}

Result<Spaces::Shared> Spaces::own_personal(const Call &call, const atoll_principal &principal) {
  auto now = refresh(call);
  if (!now) return std::move(now).error();
  const auto account = from_abi<AccountId>(principal.account);
  {
    const std::lock_guard lock(mutex_);
    if (auto at = personal_cache_.find(account); at != personal_cache_.end()) return at->second;
  }
  auto all = registries(lookup_);
  if (!all) return std::move(all).error();
  for (const auto &registry : *all) {
    std::optional<SpaceRecord> found;
    auto asked = ask(
        call, registry,
        [&](const atoll_registry *t, const atoll_call *c, void *self, const atoll_space_record_sink *sink) {
          return t->personal(c, self, &principal.account, sink);
        },
        [&](SpaceRecord record) { found = std::move(record); });
    if (asked.status() == Status::NotFound) continue;
    if (!asked) return std::move(asked).error();
    if (!found) return error(Status::Internal, "the registry answered OK and gave no record of the personal space");
    if (auto done = complete(call, registry, *found); !done) return std::move(done).error();
    auto record = std::make_shared<const SpaceRecord>(*std::move(found));
    const std::lock_guard lock(mutex_);
    if (cached_generation_ == *now) {
      if (personal_cache_.size() >= kCachedRecords) personal_cache_.clear();
      personal_cache_.insert_or_assign(account, record);
    }
    return record;
  }
  return make_personal(call, principal, all->front());
}

Result<Spaces::Shared> Spaces::make_personal(const Call &call, const atoll_principal &principal,
                                             const Lease &registry) {
  auto providers = lookup_.all(ATOLL_STORAGE_FS);
  if (!providers) return std::move(providers).error();
  if (providers->empty())
    return error(Status::Unavailable, "no storage is configured for personal spaces: add a [storage:...] section");
  SpaceRecord record;
  record.type = ATOLL_SPACE_PERSONAL;
  record.state = ATOLL_SPACE_STATE_CREATING;
  record.permissions = kAllPermissions;
  record.id = base::random_id<SpaceId>();
  record.birth = base::random_id<Uuid>();
  record.owner = from_abi<AccountId>(principal.account);
  record.name = view(principal.name);
  record.alias = "personal/" + base::to_lower(view(principal.name));
  record.provider = providers->front()->name();
  {
    const auto raw = record.abi();
    OutgoingCall out(call.raw());
    const auto entered = registry->enter();
    const auto status = table(registry)->insert(out.get(), registry->self(), &raw);
    // Another request of the same account was faster: then its record counts.
    if (status != ATOLL_OK && status != ATOLL_ALREADY_EXISTS) return out.error(status);
  }
  std::optional<SpaceRecord> stored;
  auto asked = ask(
      call, registry,
      [&](const atoll_registry *t, const atoll_call *c, void *self, const atoll_space_record_sink *sink) {
        return t->personal(c, self, &principal.account, sink);
      },
      [&](SpaceRecord found) { stored = std::move(found); });
  if (!asked) return std::move(asked).error();
  if (!stored) return error(Status::Internal, "the registry lost the personal space that was just recorded");
  if (auto done = complete(call, registry, *stored); !done) return std::move(done).error();
  return std::make_shared<const SpaceRecord>(*std::move(stored));
}

Result<void> Spaces::complete(const Call &call, const Lease &registry, SpaceRecord &record) {
  if (record.state == ATOLL_SPACE_STATE_DISABLED) return error(Status::NotFound, "This space is disabled.");
  if (record.state != ATOLL_SPACE_STATE_CREATING || record.provider.empty()) return {};
  auto provider = lookup_.lease(record.provider);
  if (!provider)
    return Error{Status::Unavailable,
                 "the storage provider " + record.provider + " is not there: " + provider.error().message, 0, 2000};
  {
    auto space = sized<atoll_space>();
    space.type = record.type;
    space.id = to_abi(record.id);
    space.birth = to_abi(record.birth);
    space.owner = to_abi(record.owner);
    space.name = str(record.name);
    space.quota = record.quota;
    const auto *fs = static_cast<const atoll_storage_fs *>((*provider)->query(ATOLL_STORAGE_FS));
    auto admitted = admission_.enter(record.provider);
    if (!admitted) return std::move(admitted).error();
    OutgoingCall out(call.raw());
    const auto entered = (*provider)->enter();
    if (const auto status = fs->space_create(out.get(), (*provider)->self(), &space); status != ATOLL_OK)
      return out.error(status);
  }
  record.state = ATOLL_SPACE_STATE_ACTIVE;
  const auto raw = record.abi();
  OutgoingCall out(call.raw());
  const auto entered = registry->enter();
  return out.result(table(registry)->update(out.get(), registry->self(), &raw));
}

}  // namespace Atoll::gateway
