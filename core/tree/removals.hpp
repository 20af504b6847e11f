// SPDX-License-Identifier: Apache-2.0
// Holding back a mass disappearance: so much of a space is gone at once beside the server that a lost disk is likelier
// than somebody who removes it.
#pragma once

#include "core/base/time.hpp"
#include "core/tree/drawdown.hpp"
#include "core/tree/index_view.hpp"
#include "core/tree/meta.hpp"

#include <map>
#include <mutex>
#include <optional>

namespace Atoll::tree {

/// What is held back in a space.
struct HeldBack {
  std::uint64_t gone = 0;    ///< files; of many only a part may have been counted
  bool whole_index = false;  ///< found by a rebuild: the index does not know what is gone
  /// For the admin and in every refusal.
  std::string reason(const SpaceId &space, const std::string &space_name) const;
};

/// Smaller spaces lose what they lose.
inline constexpr std::uint64_t kMassFrom = 100;
/// What vanished within this time counts as one disappearance.
inline constexpr std::int64_t kMassWindowNs = 600'000'000'000;

/// The spaces in which removals are held back; kept in meta.db over restarts. [any thread]
class Removals {
 public:
  /// `share`: percent of a space's files; 0: nothing is held back.
  Removals(Meta &meta, unsigned share) : meta_(meta), share_(share) {}

  /// Takes up what an earlier run held back. [start-up only]
  Result<void> load(const SpaceId &space);
  std::optional<HeldBack> held(const SpaceId &space) const;
  std::vector<SpaceId> all() const;
  /// Durable when it returns. True: it was not held before.
  Result<bool> hold(const SpaceId &space, const HeldBack &what);
  Result<void> release(const SpaceId &space);
  /// The space is no more.
  Result<void> forget(const SpaceId &space);

  /// How many of a space's files would be too many to lose at once, when `gone` of them are about to be removed: the
  /// number that counts, with what went a short time before; nothing when it is not too many. `files`: of each of the
  /// nodes. Costs as much as the removal, whatever the size of the space.
  Result<std::optional<std::uint64_t>> too_many(IndexView &view, const SpaceId &space, std::span<const NodeId> gone,
                                                std::vector<std::uint64_t> &files) const;
  /// Files were made, or turned up.
  void came(const SpaceId &space, std::uint64_t files);
  /// Files were found gone beside the server.
  void went(const SpaceId &space, std::uint64_t files);
  /// What went so far was meant to.
  void forgive(const SpaceId &space);

  /// Notes how many files a space has, for the time when the index is lost.
  Result<void> note_census(const SpaceId &space, std::uint64_t files);
  /// What a rebuilt index lacks against the last census, when that is too much.
  Result<std::optional<std::uint64_t>> lost_since_census(const SpaceId &space, std::uint64_t files) const;

 private:
  Meta &meta_;
  const unsigned share_;
  mutable std::mutex mutex_;
  std::map<SpaceId, HeldBack> held_;      // guarded by mutex_
  std::map<SpaceId, Drawdown> drawdown_;  // guarded by mutex_; of spaces that changed in this run
  const std::int64_t started_ns_ = base::now_unix_ns();
};

}  // namespace Atoll::tree
