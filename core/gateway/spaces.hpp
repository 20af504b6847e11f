// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/gateway/admission.hpp"
#include "core/gateway/last_known.hpp"
#include "core/gateway/lookup.hpp"
#include "core/gateway/options.hpp"
#include "core/gateway/registries.hpp"
#include "core/gateway/state_changes.hpp"

#include <atoll/sdk/call.hpp>
#include <atoll/sdk/registry.hpp>

#include <functional>
#include <unordered_map>
#include <unordered_set>

namespace Atoll::gateway {

/// Which spaces a principal reaches and with which permissions, asked of all registries. [worker]
///
/// Answers are kept by principal, bounded, and only as long as the generation of the registry that gave them stands: a
/// revocation is in force with the next check. A registry that cannot tell leaves the spaces of the others as they are.
class Spaces {
 public:
  Spaces(InstanceLookup &lookup, Admission &admission, const GatewayOptions &options)
      : lookup_(lookup), admission_(admission), options_(options), registries_(lookup, admission) {}

  /// The record of a space with the permissions of the call's principal. A space that he does not reach is NOT_FOUND,
  /// as is one that does not exist; without a principal UNAUTHENTICATED. NOT_FOUND only when every registry was asked.
  Result<std::shared_ptr<const SpaceRecord>> find(const Call &call, const SpaceId &space);

  struct Reached {
    SpaceRecord record;
    bool stale = false;  ///< from memory: the registry cannot tell now
  };
  /// All spaces that he reaches, his personal one among them, which is made if it is missing. Complete, or it fails: a
  /// registry that cannot tell counts with what it told last, if that was not long ago.
  Result<std::vector<Reached>> reachable(const Call &call);

  /// The provider that a new space of the call's principal belongs to, by the rules of the configuration.
  Result<std::string> provider_for(const Call &call, std::uint32_t type, const SpaceId &space);
  /// Makes a recorded space at its provider. May be repeated. Whoever calls it holds the space.
  Result<void> make_at_provider(const Call &call, const SpaceRecord &record);
  /// Notes that a space which was being made is there, with all that belongs in it.
  Result<void> note_made(const Call &call, const Lease &registry, SpaceRecord &record);

  const Registries &registries() const noexcept { return registries_; }
  StateChanges &state_changes() noexcept { return state_changes_; }
  /// What is kept for the time when a registry cannot tell; to be forgotten when something has changed it, before
  /// anybody is told.
  LastKnown &last_known() noexcept { return last_known_; }

  /// The personal space of the account, if the principal reaches it; his own one is made if it is missing.
  Result<std::shared_ptr<const SpaceRecord>> personal(const Call &call, std::string_view account_name);

 private:
  struct Key {
    AccountId account;
    SpaceId space;
    std::size_t groups;
    bool operator==(const Key &) const = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key &key) const noexcept {
      return std::hash<AccountId>()(key.account) * 31 + std::hash<SpaceId>()(key.space) + key.groups;
    }
  };

  using Shared = std::shared_ptr<const SpaceRecord>;
  /// An answer, as long as those generations stand.
  struct Cached {
    Shared record;
    Generations generations;
  };
  struct Told {
    LastKnown::Records records;
    bool stale = false;
  };
  /// What one registry says of the spaces that the principal reaches.
  Result<Told> told_by(const Call &call, const InstanceLookup::Configured &registry);
  /// What all registries say, one record a space; `told` is in their order.
  Result<std::vector<Reached>> merged(const Call &call, const std::vector<InstanceLookup::Configured> &registries,
                                      const std::vector<Told> &told);
  /// Null: it must be asked for. An error: whether it still holds cannot be told.
  Result<Shared> still_holds(const Call &call, const Cached &cached);
  Result<Shared> own_personal(const Call &call, const atoll_principal &principal);
  /// UNAVAILABLE when a storage holds a personal space of the principal that no registry knows, and when one cannot
  /// tell: an empty one in its place would make clients delete what they have. Asks every storage for all its spaces;
  /// done once an account. A storage that cannot list its spaces proves nothing, and is left out.
  Result<void> prove_no_personal(const Call &call, const atoll_principal &principal);
  Result<Shared> make_personal(const Call &call, const atoll_principal &principal, const Lease &registry);
  /// Makes a personal space at its provider when its record says that this may not have happened. NOT_FOUND when it is
  /// out of use. A project that is being made is UNAVAILABLE: only who makes it knows what belongs in it.
  Result<void> complete(const Call &call, const Lease &registry, SpaceRecord &record);
  Result<bool> in_group(const Call &call, const std::string &group);

  InstanceLookup &lookup_;
  Admission &admission_;
  const GatewayOptions &options_;
  const Registries registries_;
  StateChanges state_changes_;
  LastKnown last_known_;
  std::mutex mutex_;
  std::unordered_map<Key, Cached, KeyHash> cache_;
  std::unordered_map<AccountId, Cached> personal_cache_;
  std::unordered_set<SpaceId> unrecorded_;  // which the log tells of already
};

}  // namespace Atoll::gateway
