// SPDX-License-Identifier: Apache-2.0
// Counts who is inside, so that a stop can wait until all have left.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace Atoll::host {

/// Closed at first. enter() and leave() take no lock unless somebody waits. [any thread]
class Gate {
 public:
  /// True: inside, to be followed by one leave().
  bool enter() noexcept {
    if ((word_.fetch_add(1, std::memory_order_acquire) & kClosed) == 0) return true;
    leave();
    return false;
  }
  void leave() noexcept {
    const auto before = word_.fetch_sub(1, std::memory_order_acq_rel);
    if ((before & kClosed) == 0 || (before & ~kClosed) != 1) return;
    const std::lock_guard lock(mutex_);
    left_.notify_all();
  }
  /// What was written before is seen by all who enter.
  void open() noexcept { word_.fetch_and(~kClosed, std::memory_order_release); }
  /// Lets nobody in any more; true when all have left within `patience`.
  bool close(std::chrono::milliseconds patience) {
    word_.fetch_or(kClosed, std::memory_order_acq_rel);
    std::unique_lock lock(mutex_);
    return left_.wait_for(lock, patience, [this] { return inside() == 0; });
  }
  bool is_open() const noexcept { return (word_.load(std::memory_order_acquire) & kClosed) == 0; }
  std::uint32_t inside() const noexcept { return word_.load(std::memory_order_acquire) & ~kClosed; }

 private:
  static constexpr std::uint32_t kClosed = 0x8000'0000u;
  std::atomic<std::uint32_t> word_{kClosed};
  std::mutex mutex_;
  std::condition_variable left_;
};

}  // namespace Atoll::host
