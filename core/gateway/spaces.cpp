// SPDX-License-Identifier: Apache-2.0
#include "core/gateway/spaces.hpp"

#include "core/base/text.hpp"
#include "core/base/uuid.hpp"
#include "core/gateway/registries.hpp"
#include "core/gateway/roles.hpp"
#include "core/gateway/space_rules.hpp"

#include <atoll/abi/directory.h>

#include <algorithm>
#include <unordered_set>

namespace Atoll::gateway {
namespace {

constexpr std::size_t kCachedRecords = 8192;

std::size_t hash_groups(const atoll_principal &principal) {
  std::size_t hash = principal.kind;
  for (std::uint64_t i = 0; i < principal.groups.count; ++i)
    hash = hash * 1000003 + std::hash<AccountId>()(from_abi<AccountId>(principal.groups.items[i]));
  return hash;
}

template <class Cache, class Key, class Entry>
void remember(Cache &cache, const Key &key, Entry entry) {
  if (cache.size() >= kCachedRecords) cache.clear();
  cache.insert_or_assign(key, std::move(entry));
}

}  // namespace

Result<Spaces::Shared> Spaces::still_holds(const Call &call, const Cached &cached) {
  if (!cached.record) return Shared();
  auto registry = lookup_.lease(cached.registry);
  if (!registry) return untold(std::move(registry).error());
  auto generation = generation_of(call, *registry);
  if (!generation) return std::move(generation).error();
  return *generation == cached.generation ? cached.record : Shared();
}

Result<std::shared_ptr<const SpaceRecord>> Spaces::find(const Call &call, const SpaceId &space) {
  const auto *principal = call.principal();
  if (!principal) return unauthenticated();
  const Key key{from_abi<AccountId>(principal->account), space, hash_groups(*principal)};
  Cached cached;
  {
    const std::lock_guard lock(mutex_);
    if (auto at = cache_.find(key); at != cache_.end()) cached = at->second;
  }
  if (auto held = still_holds(call, cached); !held || *held) return held;
  auto found = find_registered(lookup_, call, space);
  if (!found) return std::move(found).error();
  if (found->record.permissions == 0) return no_space();  // no more than of one that is not there
  if (auto done = complete(call, found->registry, found->record); !done) return std::move(done).error();
  auto record = std::make_shared<const SpaceRecord>(std::move(found->record));
  const std::lock_guard lock(mutex_);
  remember(cache_, key, Cached{record, std::string(found->registry->name()), found->generation});
  return record;
}

Result<Spaces::Told> Spaces::told_by(const Call &call, const InstanceLookup::Configured &registry) {
  const atoll_principal &principal = *call.principal();
  const LastKnown::Key key{registry.name, from_abi<AccountId>(principal.account), hash_groups(principal)};
  const LastKnown::Kept kept = last_known_.get(key);
  auto told = [&]() -> Result<LastKnown::Records> {
    if (!registry.lease) return untold(registry.lease.error());
    auto generation = generation_of(call, *registry.lease);
    if (!generation) return std::move(generation).error();
    LastKnown::Records records = kept.records;
    // Etags of roots elsewhere change without a new generation.
    const bool holds = records && kept.generation == *generation &&
                       std::none_of(records->begin(), records->end(), [](const auto &one) { return one.remote(); });
    if (!holds) {
      auto fresh = std::make_shared<std::vector<SpaceRecord>>();
      auto asked = ask_registry(
          call, *registry.lease,
          [](const atoll_registry *t, const atoll_call *c, void *self, const atoll_space_record_sink *sink) {
            return t->spaces_of(c, self, sink);
          },
          [&](SpaceRecord record) { fresh->push_back(std::move(record)); });
      if (!asked) return untold(std::move(asked).error());
      records = std::move(fresh);
    }
    last_known_.keep(key, {records, *generation, LastKnown::Clock::now()});
    return records;
  }();
  if (told) return Told{*std::move(told), false};
  if (!cannot_tell(told.status())) return std::move(told).error();
  lookup_.doubt(registry.name);
  if (kept.records && LastKnown::Clock::now() - kept.at < options_.stale_listings) return Told{kept.records, true};
  return std::move(told).error();
}

Result<std::vector<Spaces::Reached>> Spaces::reachable(const Call &call) {
  const auto *principal = call.principal();
  if (!principal) return unauthenticated();
  auto registries = configured_registries(lookup_);
  if (!registries) return std::move(registries).error();
  const auto account = from_abi<AccountId>(principal->account);
  std::vector<Reached> out;
  std::unordered_set<SpaceId> seen;
  bool personal = principal->kind != ATOLL_PRINCIPAL_USER || principal->app_role < ATOLL_ROLE_USER;  // needs none
  bool stale = false;
  for (const auto &registry : *registries) {
    auto told = told_by(call, registry);
    if (!told) return std::move(told).error();
    stale |= told->stale;
    out.reserve(out.size() + told->records->size());
    for (const SpaceRecord &record : *told->records) {
      if (registries->size() > 1 && !seen.insert(record.id).second) continue;
      const bool own = record.type == ATOLL_SPACE_PERSONAL && record.owner == account && !record.remote();
      personal |= own && (record.state != ATOLL_SPACE_STATE_CREATING || told->stale);
      if (!own || record.state != ATOLL_SPACE_STATE_CREATING || told->stale) out.push_back({record, told->stale});
    }
  }
  if (personal) return out;
  if (stale)
    return Error{Status::Unavailable, "Whether this account has a personal space cannot be told now.", 0, 2000};
  auto own = own_personal(call, *principal);
  if (own && (*own)->permissions != 0) out.push_back({**own, false});
  // One that was taken out of use is NOT_FOUND; the others are reached nevertheless.
  if (!own && own.status() != Status::NotFound) return std::move(own).error();
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
  const auto account = from_abi<AccountId>(principal.account);
  Cached cached;
  {
    const std::lock_guard lock(mutex_);
    if (auto at = personal_cache_.find(account); at != personal_cache_.end()) cached = at->second;
  }
  if (auto held = still_holds(call, cached); !held || *held) return held;
  auto found =
      find_record(lookup_, call,
                  [&](const atoll_registry *t, const atoll_call *c, void *self, const atoll_space_record_sink *sink) {
                    return t->personal(c, self, &principal.account, sink);
                  });
  if (found.status() == Status::NotFound) {
    auto all = all_registries(lookup_);
    if (!all) return std::move(all).error();
    return make_personal(call, principal, all->front());
  }
  if (!found) return std::move(found).error();
  if (auto done = complete(call, found->registry, found->record); !done) return std::move(done).error();
  auto record = std::make_shared<const SpaceRecord>(std::move(found->record));
  const std::lock_guard lock(mutex_);
  remember(personal_cache_, account, Cached{record, std::string(found->registry->name()), found->generation});
  return record;
}

Result<void> Spaces::prove_no_personal(const Call &call, const atoll_principal &principal) {
  auto storages = lookup_.all(ATOLL_STORAGE_FS);
  if (!storages) return std::move(storages).error();
  const auto owner = from_abi<AccountId>(principal.account);
  for (const Lease &storage : *storages) {
    std::vector<SpaceId> held;
    const auto sink = make_sink<atoll_space_sink>([&](const atoll_space *raw) {
      const atoll_space space = copied(raw);
      if (space.type == ATOLL_SPACE_PERSONAL && from_abi<AccountId>(space.owner) == owner)
        held.push_back(from_abi<SpaceId>(space.id));
    });
    {
      auto admitted = admission_.enter(storage->name());
      if (!admitted) return std::move(admitted).error();
      OutgoingCall out(call.raw());
      const auto entered = storage->enter();
      const auto *fs = static_cast<const atoll_storage_fs *>(storage->query(ATOLL_STORAGE_FS));
      const std::int32_t status = fs->space_list(out.get(), storage->self(), sink.get());
      sink.rethrow();
      if (status != ATOLL_OK && status != ATOLL_UNIMPLEMENTED) return out.error(status);
    }
    for (const SpaceId &space : held) {
      // Another request of the same account may have recorded and made it since the registries were asked.
      auto recorded = find_registered(lookup_, call, space);
      if (recorded) continue;
      if (recorded.status() != Status::NotFound) return std::move(recorded).error();
      bool first = false;
      {
        const std::lock_guard lock(mutex_);
        first = unrecorded_.insert(space).second;
      }
      if (first && options_.warn)
        options_.warn(
            "No registry knows the personal space " + space.text() + " of " + std::string(view(principal.name)) +
            ", which " + std::string(storage->name()) +
            " holds: has the registry been given another database, or lost spaces? An empty space in its place "
            "would make clients delete what they have, so none is made, and the account is answered 503. Give "
            "the registry its database back, or take the space away from that storage.");
      return Error{Status::Unavailable, "Your personal space is stored, but the registry of spaces does not know it.",
                   0, 30'000};
    }
  }
  return {};
}

Result<Spaces::Shared> Spaces::make_personal(const Call &call, const atoll_principal &principal,
                                             const Lease &registry) {
  if (auto none = prove_no_personal(call, principal); !none) return std::move(none).error();
  SpaceRecord record;
  record.type = ATOLL_SPACE_PERSONAL;
  record.state = ATOLL_SPACE_STATE_CREATING;
  record.permissions = kAllPermissions;
  record.id = base::random_id<SpaceId>();
  record.birth = base::random_id<Uuid>();
  record.owner = from_abi<AccountId>(principal.account);
  record.name = view(principal.name);
  record.alias = "personal/" + base::to_lower(view(principal.name));
  record.quota = options_.personal_quota;
  auto provider = provider_for(call, record.type, record.id);
  if (!provider) return std::move(provider).error();
  record.provider = *std::move(provider);
  auto inserted = call_registry(call, registry, [&](const atoll_registry *t, const atoll_call *c, void *self) {
    const auto raw = record.abi();
    return t->insert(c, self, &raw);
  });
  // Another request of the same account was faster: then its record counts.
  if (!inserted && inserted.status() != Status::AlreadyExists) return std::move(inserted).error();
  std::optional<SpaceRecord> stored;
  auto asked = ask_registry(
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
  if (record.state == ATOLL_SPACE_STATE_DISABLED) {
    // That it is there is for managers to know.
    if (!sees(*call.principal(), record)) return no_space();
    return error(Status::NotFound, "This space is disabled.");
  }
  if (record.state != ATOLL_SPACE_STATE_CREATING || record.provider.empty()) return {};
  return make_at_provider(call, registry, record);
}

Result<void> Spaces::make_at_provider(const Call &call, const Lease &registry, SpaceRecord &record) {
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
  return call_registry(call, registry, [&](const atoll_registry *t, const atoll_call *c, void *self) {
    const auto raw = record.abi();
    return t->update(c, self, &raw);
  });
}

Result<std::string> Spaces::provider_for(const Call &call, std::uint32_t type, const SpaceId &space) {
  const atoll_principal *principal = call.principal();
  PlacementOwner owner;
  owner.name = principal ? view(principal->name) : std::string_view();
  std::optional<Error> failed;
  owner.in_group = [&](const std::string &group) {
    auto in = in_group(call, group);
    if (!in && !failed) failed = std::move(in).error();
    return in && *in;
  };
  auto chosen = [&]() -> Result<std::string> {
    if (!options_.placement.empty()) return place(options_.placement, type, space, owner);
    auto storages = lookup_.all(ATOLL_STORAGE_FS);
    if (!storages) return std::move(storages).error();
    if (storages->empty()) return place({}, type, space, owner);
    return std::string(storages->front()->name());
  }();
  if (failed) return *std::move(failed);  // cannot tell where it belongs
  return chosen;
}

Result<bool> Spaces::in_group(const Call &call, const std::string &group) {
  const atoll_principal *principal = call.principal();
  if (!principal || principal->groups.count == 0) return false;
  auto directories = lookup_.all(ATOLL_DIRECTORY);
  if (!directories) return std::move(directories).error();
  bool member = false;
  for (const Lease &directory : *directories) {
    const auto sink = make_sink<atoll_account_sink>([&](const atoll_account *found) {
      const auto id = from_abi<AccountId>(found->id);
      for (std::uint64_t i = 0; i < principal->groups.count; ++i)
        member |= from_abi<AccountId>(principal->groups.items[i]) == id;
    });
    OutgoingCall out(call.raw());
    const auto entered = directory->enter();
    const auto *table = static_cast<const atoll_directory *>(directory->query(ATOLL_DIRECTORY));
    const auto status = table->find(out.get(), directory->self(), ATOLL_ACCOUNT_GROUP, str(group), sink.get());
    if (status != ATOLL_OK && status != ATOLL_NOT_FOUND) return out.error(status);
    if (member) return true;
  }
  return false;
}

}  // namespace Atoll::gateway
