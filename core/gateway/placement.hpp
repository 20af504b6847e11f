// SPDX-License-Identifier: Apache-2.0
// Which provider a new space is made at.
#pragma once

#include <atoll/sdk/ids.hpp>
#include <atoll/sdk/result.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace Atoll::gateway {

/// What one provider takes; see the keys `takes`, `takes_owners`, `takes_groups`, `weight` and `drain` of storages.
struct PlacementRule {
  std::string provider;
  bool personal = true, project = true;
  std::vector<std::string> owners;  ///< login names; spaces of these accounts belong here
  std::vector<std::string> groups;  ///< names of groups; spaces of their members belong here
  /// Its share beside others that take a space just as well; 0: none. Not set at any of them: the first one takes it.
  std::optional<unsigned> weight;
  bool drain = false;  ///< no new spaces
};

/// Who gets a space.
struct PlacementOwner {
  std::string_view name;
  std::function<bool(const std::string &group)> in_group;
};

/// The provider for a new space of this type: one that names its owner before one that names a group of his, before
/// those that name nobody. Among equals the first, or by weight where one of them has a weight (then 1 for those
/// without), and by the space's id, so that it is the same each time it is asked for and taking a provider away moves
/// no other choice (rendezvous hashing). UNAVAILABLE, saying why, when none takes it. [any thread]
Result<std::string> place(const std::vector<PlacementRule> &rules, std::uint32_t type, const SpaceId &space,
                          const PlacementOwner &owner);

}  // namespace Atoll::gateway
