// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atoll/sdk/registry.hpp>

#include <chrono>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace Atoll::gateway {

/// What a registry told somebody of the spaces that he reaches, kept in memory: it holds as long as the registry's
/// generation does, and for a while when the registry cannot tell. Bounded by the number of records; who has not asked
/// for the longest time goes first. [any thread]
class LastKnown {
 public:
  using Clock = std::chrono::steady_clock;
  using Records = std::shared_ptr<const std::vector<SpaceRecord>>;

  struct Key {
    std::string registry;
    AccountId account;
    std::size_t groups = 0;  ///< a hash of the groups that he was in
    bool operator==(const Key &) const = default;
  };
  struct Kept {
    Records records;  ///< null: nothing is kept
    std::uint64_t generation = 0;
    Clock::time_point at;  ///< when the registry last told it, or that it holds
  };

  explicit LastKnown(std::size_t most_records = 50'000) : most_(most_records) {}

  Kept get(const Key &key) const {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(key);
    return found == entries_.end() ? Kept() : found->second->second;
  }

  void keep(const Key &key, Kept kept) {
    const std::size_t size = cost(kept);
    const std::lock_guard lock(mutex_);
    if (const auto found = entries_.find(key); found != entries_.end()) drop(found->second);
    if (size > most_) return;
    order_.emplace_front(key, std::move(kept));
    entries_.emplace(key, order_.begin());
    total_ += size;
    while (total_ > most_) drop(std::prev(order_.end()));
  }

 private:
  using Order = std::list<std::pair<Key, Kept>>;
  struct Hash {
    std::size_t operator()(const Key &key) const noexcept {
      return std::hash<AccountId>()(key.account) * 31 + key.groups + std::hash<std::string>()(key.registry);
    }
  };
  static std::size_t cost(const Kept &kept) { return kept.records->size() + 1; }
  void drop(Order::iterator at) {
    total_ -= cost(at->second);
    entries_.erase(at->first);
    order_.erase(at);
  }

  const std::size_t most_;
  mutable std::mutex mutex_;
  Order order_;  // most lately kept first
  std::unordered_map<Key, Order::iterator, Hash> entries_;
  std::size_t total_ = 0;
};

}  // namespace Atoll::gateway
