// SPDX-License-Identifier: Apache-2.0
// What this server removed for good a short while ago: should the index still have it, it is not taken for lost.
#pragma once

#include "core/tree/types.hpp"

#include <map>
#include <mutex>

namespace Atoll::tree {

/// Kept until the index has the removal for good. [any thread]
class OwnRemovals {
 public:
  /// `round`: as of TrashRecord; 0 for those of an earlier run.
  void add(const NodeId &node, std::uint64_t round) {
    const std::lock_guard guard(mutex_);
    nodes_[node] = round;
  }
  bool has(const NodeId &node) const {
    const std::lock_guard guard(mutex_);
    return nodes_.contains(node);
  }
  /// Forgets those of rounds before this one.
  void close(std::uint64_t round) {
    const std::lock_guard guard(mutex_);
    std::erase_if(nodes_, [&](const auto &one) { return one.second < round; });
  }

 private:
  mutable std::mutex mutex_;
  std::map<NodeId, std::uint64_t> nodes_;  // guarded by mutex_
};

}  // namespace Atoll::tree
