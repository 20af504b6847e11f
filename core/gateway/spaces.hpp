// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/gateway/admission.hpp"
#include "core/gateway/lookup.hpp"

#include <atoll/sdk/call.hpp>
#include <atoll/sdk/registry.hpp>

#include <functional>
#include <unordered_map>

namespace Atoll::gateway {

/// Which spaces a principal reaches and with which permissions, asked of all registries. [worker]
///
/// Answers about single spaces are cached by (principal, space), bounded, and only as long as the registries'
/// generation stands: a revocation is in force with the next check.
class Spaces {
 public:
  Spaces(InstanceLookup &lookup, Admission &admission) : lookup_(lookup), admission_(admission) {}

  /// The record of a space with the permissions of the call's principal. A space that he does not reach is NOT_FOUND,
  /// as is one that does not exist; without a principal UNAUTHENTICATED. NOT_FOUND only when every registry was asked.
  Result<std::shared_ptr<const SpaceRecord>> find(const Call &call, const SpaceId &space);

  /// All spaces that he reaches, his personal one among them, which is made if it is missing. Complete, or it fails.
  Result<std::vector<SpaceRecord>> reachable(const Call &call);

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
  Result<Shared> own_personal(const Call &call, const atoll_principal &principal);
  Result<Shared> make_personal(const Call &call, const atoll_principal &principal, const Lease &registry);
  /// Makes the space at its provider when its record says that this may not have happened.
  Result<void> complete(const Call &call, const Lease &registry, SpaceRecord &record);
  /// Asks the registries for their generation and drops what is cached from an older one.
  Result<std::uint64_t> refresh(const Call &call);

  InstanceLookup &lookup_;
  Admission &admission_;
  std::mutex mutex_;
  std::uint64_t cached_generation_ = 0;
  std::unordered_map<Key, std::shared_ptr<const SpaceRecord>, KeyHash> cache_;
  std::unordered_map<AccountId, Shared> personal_cache_;
};

}  // namespace Atoll::gateway
