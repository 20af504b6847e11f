// SPDX-License-Identifier: Apache-2.0
#include "core/gateway/spaces.hpp"

#include "core/base/text.hpp"
#include "core/base/time.hpp"
#include "core/base/uuid.hpp"
#include "core/gateway/roles.hpp"
#include "core/gateway/space_rules.hpp"

#include <atoll/abi/directory.h>

#include <algorithm>

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
  auto stand = registries_.stand(call, cached.generations);
  if (!stand) return std::move(stand).error();
  return *stand ? cached.record : Shared();
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
  auto found = registries_.find(call, space);
  if (!found) return std::move(found).error();
  if (found->record.permissions == 0) return no_space();  // no more than of one that is not there
  if (auto done = complete(call, found->registry, found->record); !done) return std::move(done).error();
  auto record = std::make_shared<const SpaceRecord>(std::move(found->record));
  const std::lock_guard lock(mutex_);
  remember(cache_, key, Cached{record, std::move(found->generations)});
  return record;
}

Result<Spaces::Told> Spaces::told_by(const Call &call, const InstanceLookup::Configured &registry) {
  const atoll_principal &principal = *call.principal();
  const LastKnown::Key key{registry.name, from_abi<AccountId>(principal.account), hash_groups(principal)};
  const LastKnown::Kept kept = last_known_.get(key);
  const std::uint64_t drops = last_known_.drops();
  const auto asked_at = LastKnown::Clock::now();
  auto told = [&]() -> Result<LastKnown::Records> {
    if (!registry.lease) return untold(registry.lease.error());
    auto generation = registries_.generation(call, *registry.lease);
    if (!generation) return std::move(generation).error();
    LastKnown::Records records = kept.records;
    // Etags of roots elsewhere change without a new generation.
    const bool holds = records && kept.generation == *generation &&
                       std::none_of(records->begin(), records->end(), [](const auto &one) { return one.remote(); });
    if (!holds) {
      auto fresh = std::make_shared<std::vector<SpaceRecord>>();
      auto asked = registries_.ask(
          call, *registry.lease,
          [](const RegistryTable &t, const atoll_call *c, void *self, const atoll_space_record_sink *sink) {
            return t->spaces_of(c, self, sink);
          },
          [&](SpaceRecord record) { fresh->push_back(std::move(record)); });
      if (!asked) return untold(std::move(asked).error());
      records = std::move(fresh);
    }
    last_known_.keep(key, {records, *generation, asked_at, LastKnown::Clock::now()}, drops);
    return records;
  }();
  if (told) return Told{*std::move(told), false};
  if (!cannot_tell(told.status())) return std::move(told).error();
  lookup_.doubt(registry.name);
  // Whether a membership that has ended since was prolonged cannot be told.
  const std::int64_t now_ns = base::now_unix_ns();
  if (kept.records && LastKnown::Clock::now() - kept.told < options_.stale_listings &&
      std::none_of(kept.records->begin(), kept.records->end(), [&](const SpaceRecord &one) {
        return one.permissions_until_ns != 0 && one.permissions_until_ns <= now_ns;
      }))
    return Told{kept.records, true};
  return std::move(told).error();
}

Result<std::vector<Spaces::Reached>> Spaces::merged(const Call &call,
                                                    const std::vector<InstanceLookup::Configured> &registries,
                                                    const std::vector<Told> &told) {
  std::vector<Reached> out;
  std::vector<std::size_t> from;  // the registry of each
  std::unordered_map<SpaceId, std::size_t> places;
  for (std::size_t r = 0; r < told.size(); ++r) {
    out.reserve(out.size() + told[r].records->size());
    for (const SpaceRecord &record : *told[r].records) {
      if (told.size() > 1) {
        const auto [at, fresh] = places.emplace(record.id, out.size());
        if (!fresh) {
          if (!overrules(record, out[at->second].record)) continue;
          out[at->second] = {record, told[r].stale};
          from[at->second] = r;
          continue;
        }
        from.push_back(r);
      }
      out.push_back({record, told[r].stale});
    }
  }
  // A registry that does not list a space may have it nevertheless, as one that he does not reach: as find() does, it
  // is asked where its record would count.
  std::vector<bool> gone(out.size(), false);
  for (std::size_t r = 0; told.size() > 1 && r < told.size(); ++r) {
    std::vector<atoll_uuid> asked;
    for (std::size_t i = 0; i < out.size(); ++i) {
      if (from[i] == r || (r > from[i] && !out[i].record.remote())) continue;
      if (told[r].stale)
        out[i].stale = true;
      else
        asked.push_back(to_abi(out[i].record.id));
    }
    if (asked.empty()) continue;
    const atoll_uuids raw{asked.data(), asked.size()};
    auto done = registries_.ask(
        call, *registries[r].lease,
        [&](const RegistryTable &t, const atoll_call *c, void *, const atoll_space_record_sink *sink) {
          return t.get_many(c, raw, sink);
        },
        [&](const SpaceRecord &record) {
          const auto at = places.find(record.id);
          if (at == places.end()) return;
          const SpaceRecord &shown = out[at->second].record;
          const bool counts = r > from[at->second] ? overrules(record, shown) : !overrules(shown, record);
          if (counts && record.permissions == 0) gone[at->second] = true;
        });
    if (!done) return untold(std::move(done).error());
  }
  std::size_t kept = 0;
  for (std::size_t i = 0; i < out.size(); ++i)
    if (!gone[i]) {
      if (kept != i) out[kept] = std::move(out[i]);
      ++kept;
    }
  out.resize(kept);
  return out;
}

Result<std::vector<Spaces::Reached>> Spaces::reachable(const Call &call) {
  const auto *principal = call.principal();
  if (!principal) return unauthenticated();
  auto registries = registries_.configured();
  if (!registries) return std::move(registries).error();
  std::vector<Told> all_told;
  bool stale = false;
  for (const auto &registry : *registries) {
    auto told = told_by(call, registry);
    if (!told) return std::move(told).error();
    stale |= told->stale;
    all_told.push_back(*std::move(told));
  }
  auto out = merged(call, *registries, all_told);
  if (!out) return out;
  const auto account = from_abi<AccountId>(principal->account);
  bool personal = principal->kind != ATOLL_PRINCIPAL_USER || principal->app_role < ATOLL_ROLE_USER;  // needs none
  std::erase_if(*out, [&](const Reached &one) {
    if (one.record.type != ATOLL_SPACE_PERSONAL || one.record.owner != account || one.record.remote()) return false;
    const bool unmade = one.record.state == ATOLL_SPACE_STATE_CREATING && !one.stale;
    personal |= !unmade;
    return unmade;
  });
  if (personal) return out;
  if (stale)
    return Error{Status::Unavailable, "Whether this account has a personal space cannot be told now.", 0, 2000};
  auto own = own_personal(call, *principal);
  if (own && (*own)->permissions != 0) out->push_back({**own, false});
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
  auto found = registries_.find_record(
      call, [&](const RegistryTable &t, const atoll_call *c, void *self, const atoll_space_record_sink *sink) {
        return t->personal(c, self, &principal.account, sink);
      });
  if (found.status() == Status::NotFound || (found && found->record.remote())) {
    auto all = registries_.all();
    if (!all) return std::move(all).error();
    return make_personal(call, principal, all->front());
  }
  if (!found) return std::move(found).error();
  if (auto done = complete(call, found->registry, found->record); !done) return std::move(done).error();
  auto record = std::make_shared<const SpaceRecord>(std::move(found->record));
  const std::lock_guard lock(mutex_);
  remember(personal_cache_, account, Cached{record, std::move(found->generations)});
  return record;
}

}  // namespace Atoll::gateway
