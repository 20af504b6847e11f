// SPDX-License-Identifier: Apache-2.0
// Threads that wait for the same thing to be made durable share one run of what does it.
#pragma once

#include "core/tree/function_ref.hpp"
#include "core/tree/types.hpp"

#include <array>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>

namespace Atoll::tree {

/// What is done for one thread covers everything that was changed before it began: so whoever comes while a round is
/// under way waits for the next one, which one of those that wait runs for all of them. Who is alone waits for nobody.
/// [any thread]
class SyncRounds {
 public:
  /// Returns Ok when a run of `sync` for `key` that began after this call has ended well. Runs of one key never
  /// overlap, those of different keys do. A failure is the answer of the thread that ran into it only: each of the
  /// others tries for itself.
  Result<void> wait(std::uint64_t key, FunctionRef<Result<void>()> sync);

  /// Threads that wait or run now.
  unsigned inside() const;

 private:
  struct Group {
    /// By the round that is waited for, even and odd: the end of a round wakes those whom it covers, and one of the
    /// rest.
    std::array<std::condition_variable, 2> changed;
    std::uint64_t begun = 0, ended = 0;  // rounds; ended: the last that ended well
    unsigned inside = 0;
    bool running = false;
  };

  mutable std::mutex mutex_;
  std::unordered_map<std::uint64_t, std::unique_ptr<Group>> groups_;  // guarded by mutex_
  unsigned inside_ = 0;                                               // guarded by mutex_
};

}  // namespace Atoll::tree
