// SPDX-License-Identifier: Apache-2.0
// Holding back a mass disappearance: so much of a space is gone at once beside the server that a lost disk is likelier
// than somebody who removes it.
#pragma once

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
  std::string reason(const std::string &space_name) const;
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

  /// How many fewer files a space has than it had, when `gone` of them are about to be removed and that is too many at
  /// once; nothing when it is not. What came meanwhile makes up for what went: programs that write new files in place
  /// of old ones lose nothing. Costs as much as the removal, but for one count of the space in a window.
  Result<std::optional<std::uint64_t>> too_many(IndexView &view, const SpaceId &space, std::span<const NodeId> gone);

  /// Notes how many files a space has, for the time when the index is lost.
  Result<void> note_census(const SpaceId &space, std::uint64_t files);
  /// What a rebuilt index lacks against the last census, when that is too much.
  Result<std::optional<std::uint64_t>> lost_since_census(const SpaceId &space, std::uint64_t files) const;

 private:
  Meta &meta_;
  const unsigned share_;
  /// The most files that a space was seen with in the window.
  struct Peak {
    std::uint64_t files = 0;
    std::int64_t since_ns = 0;
  };
  std::optional<Peak> peak_of(const SpaceId &space, std::int64_t since_ns) const;
  std::uint64_t raise_peak(const SpaceId &space, std::int64_t now_ns, std::uint64_t files);

  mutable std::mutex mutex_;
  std::map<SpaceId, HeldBack> held_;  // guarded by mutex_
  std::map<SpaceId, Peak> peaks_;     // guarded by mutex_; of spaces that lost something beside the server
};

}  // namespace Atoll::tree
