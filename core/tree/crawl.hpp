// SPDX-License-Identifier: Apache-2.0
// The slow look at everything, which needs no luck.
#pragma once

#include "core/tree/reconciler.hpp"

#include <atomic>
#include <chrono>
#include <map>
#include <memory>

namespace Atoll::tree {

/// Rounds over all folders of all spaces in the order of their ids. The place is kept in meta.db, so that a restart
/// goes on from there. [one thread]
class Crawl {
 public:
  using Clock = std::chrono::steady_clock;
  /// `stop`: looked at between folders.
  Crawl(TreeEngine &engine, const std::atomic<bool> &stop);
  ~Crawl();

  /// Takes up the round of the last run. [start-up only]
  Result<void> resume();
  /// When step() should be called again.
  Clock::time_point next() const noexcept { return next_; }
  /// Looks at some folders.
  void step();
  /// A new round begins at once: anything may have changed.
  void restart();
  /// Removes what was found gone so far, and keeps the place.
  void pause();

 private:
  Result<void> begin_round();
  Result<void> end_round();
  Result<void> some_folders(std::size_t &entries, bool &end);
  Result<void> remove_vanished();
  Result<void> keep_place();

  TreeEngine &engine_;
  const std::atomic<bool> &stop_;
  bool active_ = false, complete_ = true;
  NodeId place_;
  std::uint64_t begun_ = 0;                              // a sequence of the beginning of the round
  std::map<SpaceId, std::unique_ptr<Reconciler>> open_;  // those that found something gone
  std::size_t vanished_ = 0;
  Clock::time_point next_{}, removed_{}, kept_{}, round_began_{};
};

}  // namespace Atoll::tree
