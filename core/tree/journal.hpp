// SPDX-License-Identifier: Apache-2.0
// Open intents: which folders may differ between the truth and the index if the machine stopped now.
#pragma once

#include "core/tree/meta.hpp"
#include "core/tree/namespace.hpp"
#include "core/tree/sync_rounds.hpp"

#include <functional>
#include <mutex>
#include <unordered_map>

namespace Atoll::tree {

/// An intent is durable before the truth is touched. It stays open until truth and index are both durable, so a folder
/// in steady use costs one write in each round, not one in each change. [any thread]
class Journal {
 public:
  explicit Journal(Meta &meta) : meta_(meta) {}

  /// Whether all of them are open; they stay so through the round that is under way.
  bool open(std::span<const NodeId> folders);

  /// Ok: a crash from now on leads to a look at these folders. What comes while others are being noted is noted in one
  /// go.
  Result<void> intend(const SpaceId &space, std::span<const NodeId> folders);

  /// Takes over the intents of the last run as open. [start-up only]
  void adopt(std::span<const NodeId> folders);

  /// Closes what has been open since before this call, after `make_durable` has said Ok.
  Result<void> close_round(const std::function<Result<bool>()> &make_durable);

  std::size_t open_count() const;

 private:
  Meta &meta_;
  SyncRounds noting_;
  mutable std::mutex mutex_;
  std::unordered_map<NodeId, std::uint64_t> open_;  // guarded by mutex_; the round in which it was last used
  std::unordered_map<NodeId, SpaceId> waiting_;     // guarded by mutex_; for the next that notes
  std::uint64_t round_ = 1;                         // guarded by mutex_
};

}  // namespace Atoll::tree
