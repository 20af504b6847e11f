// SPDX-License-Identifier: Apache-2.0
// Room on a disk that is held by a file, so that something can be removed when others have filled the disk.
#pragma once

#include <atoll/sdk/result.hpp>

#include <atomic>
#include <cstdint>
#include <mutex>

namespace Atoll::tree {

/// What the ballast of a disk is at most.
constexpr std::uint64_t kMostBallast = 8u << 20;

/// A file named "reserve" in a folder. [any thread]
class Ballast {
 public:
  /// At most so many bytes, and a quarter of the disk. 0: there is none, and one of an earlier run goes.
  explicit Ballast(std::uint64_t bytes) : bytes_(bytes) {}

  /// Makes the file whole again when that leaves the disk at least `spare` bytes. Fails silently: it is tried again.
  void stock(int folder, std::uint64_t spare);
  /// Gives its room to the disk. False: there was none.
  bool give_up(int folder);
  /// What is missing in it, which others must not take.
  std::uint64_t owed() const noexcept { return owed_.load(std::memory_order_relaxed); }

 private:
  const std::uint64_t bytes_;
  std::mutex mutex_;
  std::atomic<std::uint64_t> owed_{0};
  bool gone_ = false;  // guarded by mutex_; that of an earlier run
};

}  // namespace Atoll::tree
