// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atoll/sdk/ids.hpp>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <unordered_set>
#include <utility>

namespace Atoll::gateway {

/// Which spaces are being made, disabled, restored or purged by this process: one of that at a time. [any thread]
class StateChanges {
 public:
  /// Holds a space until it goes away, or says that somebody else does.
  class Held {
   public:
    Held(Held &&other) noexcept : changes_(std::exchange(other.changes_, nullptr)), space_(other.space_) {}
    Held &operator=(Held &&) = delete;
    ~Held() {
      if (changes_) changes_->leave(space_);
    }
    explicit operator bool() const noexcept { return changes_ != nullptr; }

   private:
    friend class StateChanges;
    Held(StateChanges *changes, const SpaceId &space) : changes_(changes), space_(space) {}
    StateChanges *changes_;
    SpaceId space_;
  };

  /// Waits so long for whoever holds it.
  Held hold(const SpaceId &space, std::chrono::milliseconds patience = {}) {
    std::unique_lock lock(mutex_);
    const bool free = left_.wait_for(lock, patience, [&] { return held_.count(space) == 0; });
    if (free) held_.insert(space);
    return Held(free ? this : nullptr, space);
  }

 private:
  void leave(const SpaceId &space) {
    {
      const std::lock_guard lock(mutex_);
      held_.erase(space);
    }
    left_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable left_;
  std::unordered_set<SpaceId> held_;
};

}  // namespace Atoll::gateway
