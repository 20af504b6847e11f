// SPDX-License-Identifier: Apache-2.0
// Computes the checksums that the index lacks: of files that other programs made or changed, and of all after the index
// was lost.
#pragma once

#include "core/tree/index_view.hpp"
#include "core/tree/types.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

namespace Atoll::tree {

class TreeEngine;

/// One thread that reads files without checksums, at a bounded rate, and sleeps while there are none. What it computed
/// is taken over when the file was not changed while it was read and the index still has that state of it. Neither
/// etags nor the change log hear of it. Where it is it knows from the index alone, so a restart costs one file at most.
class MissingSums {
 public:
  /// [start-up only]
  explicit MissingSums(TreeEngine &engine);
  MissingSums(const MissingSums &) = delete;
  MissingSums &operator=(const MissingSums &) = delete;
  ~MissingSums();

  /// Begins, not before the engine is ready for calls.
  void start();
  void stop();
  /// There may be files without checksums, or ones that could not be read before. [any thread]
  void wake();
  /// How often it has gone through all of them. [any thread]
  std::uint64_t passes() const noexcept { return passes_.load(std::memory_order_relaxed); }

 private:
  using Clock = std::chrono::steady_clock;
  /// Checksums, and the state of the file that they are of.
  struct Computed {
    SpaceId space;
    Row row;
  };
  /// A file that could not be read, or was being changed.
  struct Failed {
    Clock::time_point due;
    Clock::duration pause;
  };

  void run();
  /// Looks at all of them once. False: it was told to stop.
  bool pass();
  Result<void> look(const BareFile &file);
  /// The space that it belongs to; none when it is to be left alone for now.
  Result<SpaceId> space_of(const BareFile &file);
  /// Nothing when the file is being changed. `now_ns`: from before it was opened, wall clock.
  Result<std::optional<Sums>> compute(int fd, const Row &row, std::int64_t now_ns);
  Result<void> take_over();
  void failed(const NodeId &node);
  bool put_off(const NodeId &node);
  /// Waits as long as reading so many bytes may take.
  void pace(std::uint64_t bytes);
  bool stopped() const noexcept { return stop_.load(std::memory_order_relaxed); }

  TreeEngine &engine_;
  const std::chrono::milliseconds quiet_;
  std::atomic<bool> stop_{false};
  std::atomic<std::uint64_t> passes_{0};
  std::mutex mutex_;
  std::condition_variable wake_;
  bool woken_ = true;  // guarded by mutex_
  std::thread thread_;

  // Of the thread alone.
  bool left_ = false;  // this pass has left something for later
  Clock::time_point paced_{};
  std::vector<char> buffer_;
  std::vector<Computed> computed_;
  std::unordered_map<NodeId, Failed> failed_;
};

}  // namespace Atoll::tree
