// SPDX-License-Identifier: Apache-2.0
// Between the words of the tree engine and the records of the ABI.
#pragma once

#include "core/tree/engine.hpp"
#include "core/tree/types.hpp"

#include <atoll/sdk/storage_fs.hpp>

#include <vector>

namespace Atoll::storage_posix {

inline tree::Ref to_ref(const RefView &ref) { return tree::Ref{ref.space, ref.node, ref.path}; }

/// ATOLL_DURABILITY_*.
constexpr std::uint32_t to_abi(tree::Durability durability) noexcept {
  switch (durability) {
    case tree::Durability::None:
      return ATOLL_DURABILITY_NONE;
    case tree::Durability::Crash:
      return ATOLL_DURABILITY_CRASH;
    case tree::Durability::PowerCut:
      break;
  }
  return ATOLL_DURABILITY_POWER_CUT;
}

/// Emits a node; false when the receiver wants no more.
bool emit(const StatEmitter &sink, const tree::NodeFacts &facts, std::string_view name);
bool emit(const SpaceEmitter &sink, const tree::SpaceInfo &info);
bool emit(const LockEmitter &sink, const tree::Lock &lock);

/// The conditions and lock tokens of a call. Borrows from the call.
class CallConditions {
 public:
  explicit CallConditions(const Call &call);
  CallConditions(const CallConditions &) = delete;
  CallConditions &operator=(const CallConditions &) = delete;
  const tree::Conditions &get() const noexcept { return conditions_; }

 private:
  std::vector<std::string_view> match_, none_match_, tokens_;
  tree::Conditions conditions_;
};

/// The account that calls; nothing for the server itself.
std::optional<AccountId> account_of(const Call &call);

}  // namespace Atoll::storage_posix
