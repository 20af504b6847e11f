// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atoll/abi/storage_fs.h>
#include <atoll/sdk/ids.hpp>

#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

namespace Atoll::gateway {

/// What providers told last of the roots of spaces, for when they cannot. Bounded; what was not told for the longest
/// time goes first. [any thread]
class LastRoots {
 public:
  struct Root {
    std::string etag;
    std::uint64_t quota = ATOLL_QUOTA_NONE, used = 0;  ///< bytes
  };

  explicit LastRoots(std::size_t most) : most_(most) {}

  std::optional<Root> get(const SpaceId &space) const {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(space);
    if (found == entries_.end()) return std::nullopt;
    return found->second->second;
  }

  void keep(const SpaceId &space, Root root) {
    const std::lock_guard lock(mutex_);
    if (const auto found = entries_.find(space); found != entries_.end()) {
      found->second->second = std::move(root);
      order_.splice(order_.begin(), order_, found->second);
      return;
    }
    order_.emplace_front(space, std::move(root));
    entries_.emplace(space, order_.begin());
    while (entries_.size() > most_) {
      entries_.erase(order_.back().first);
      order_.pop_back();
    }
  }

 private:
  using Order = std::list<std::pair<SpaceId, Root>>;

  const std::size_t most_;
  mutable std::mutex mutex_;
  Order order_;  // most lately told first
  std::unordered_map<SpaceId, Order::iterator> entries_;
};

}  // namespace Atoll::gateway
