// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atoll/sdk/registry.hpp>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace Atoll::gateway {

/// What a registry told somebody of the spaces that he reaches, kept in memory: it holds as long as the registry's
/// generation does, and for a while when the registry cannot tell. Never older than what he was told last: what others
/// have changed since is dropped. Bounded by the number of records; who has not asked for the longest time goes first.
/// [any thread]
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
    Clock::time_point asked;  ///< when the registry was asked
    Clock::time_point told;   ///< when it last told it, or that it holds
  };

  explicit LastKnown(std::size_t most_records = 50'000) : most_(most_records) {}

  Kept get(const Key &key) const {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(key);
    return found == entries_.end() ? Kept() : found->second->second;
  }

  /// To be read before a registry is asked for what is then kept.
  std::uint64_t drops() const {
    const std::lock_guard lock(mutex_);
    return drops_;
  }

  /// Unless what is kept has been told later. When something was dropped since `drops`, it is not known whether this is
  /// still so: then nothing is kept, for what was kept before may be less than what is told now.
  void keep(const Key &key, Kept kept, std::uint64_t drops) {
    const std::size_t size = cost(kept);
    const std::lock_guard lock(mutex_);
    if (drops != drops_) {
      if (const auto found = entries_.find(key); found != entries_.end()) drop(found->second);
      return;
    }
    if (const auto found = entries_.find(key); found != entries_.end()) {
      const Kept &before = found->second->second;
      // A lower generation that was asked for afterwards: the registry has begun anew.
      if (kept.generation < before.generation && kept.asked < before.told) return;
      drop(found->second);
    }
    if (size > most_) return;
    order_.emplace_front(key, std::move(kept));
    entries_.emplace(key, order_.begin());
    total_ += size;
    while (total_ > most_) drop(std::prev(order_.end()));
  }

  /// What he reaches has changed.
  void drop_account(const AccountId &account) {
    drop_if([&](const Key &key, const Kept &) { return key.account == account; });
  }
  /// The space is shown otherwise to everybody who reaches it.
  void drop_space(const SpaceId &space) {
    drop_if([&](const Key &, const Kept &kept) {
      return std::any_of(kept.records->begin(), kept.records->end(),
                         [&](const SpaceRecord &record) { return record.id == space; });
    });
  }
  void drop_all() {
    drop_if([](const Key &, const Kept &) { return true; });
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
  template <class Which>
  void drop_if(Which which) {
    const std::lock_guard lock(mutex_);
    ++drops_;
    for (auto at = order_.begin(); at != order_.end();) {
      const auto here = at++;
      if (which(here->first, here->second)) drop(here);
    }
  }

  const std::size_t most_;
  mutable std::mutex mutex_;
  Order order_;  // most lately kept first
  std::unordered_map<Key, Order::iterator, Hash> entries_;
  std::size_t total_ = 0;
  std::uint64_t drops_ = 0;
};

}  // namespace Atoll::gateway
