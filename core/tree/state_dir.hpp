// SPDX-License-Identifier: Apache-2.0
// The folder with a provider's databases: one server at a time, bound to one storage root.
#pragma once

#include "core/base/file.hpp"
#include "core/tree/ballast.hpp"

#include <atoll/sdk/ids.hpp>

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>

namespace Atoll::tree {

/// What a change makes of what is stored in the long run.
enum class Need : std::uint8_t { More, Same, Less };

/// Holds the exclusive lock on the folder, and the uuid that its storage root must carry.
class StateDir {
 public:
  /// Makes the folder when it is missing (its parent must exist). FailedPrecondition: another server uses it.
  /// [start-up only]
  static Result<StateDir> open(std::string path);

  const std::string &path() const noexcept { return path_; }
  const Uuid &provider() const noexcept { return provider_; }
  /// No start with this folder was ever completed.
  bool first_start() const noexcept { return first_; }
  /// InsufficientStorage when the databases could not take a change of that kind. Cheap. [any thread]
  Result<void> room(Need need) const;
  /// Changes leave at most so much of the disk free, so that there is always room for one that stores less. Should
  /// others fill it to the last byte, that one is given the ballast. [start-up only]
  void keep_free(std::uint64_t reserve);
  /// Makes the ballast whole again, if there is room. [background]
  void restock() const;
  /// The last room() found less than a change is to leave that stores more. [any thread]
  bool short_of_room() const noexcept { return kept_->is_short.load(std::memory_order_relaxed); }
  /// From now on a missing root or database is an outage and never a first start. [start-up only]
  Result<void> complete_first_start();

 private:
  StateDir() = default;
  Result<void> write(std::string_view state) const;

  struct Kept {
    explicit Kept(std::uint64_t bytes) : reserve(bytes), ballast(std::min(bytes, kMostBallast)) {}
    const std::uint64_t reserve;
    Ballast ballast;
    std::atomic<bool> is_short{false};
  };

  std::string path_;
  base::Fd folder_, lock_;
  std::unique_ptr<Kept> kept_ = std::make_unique<Kept>(0);
  Uuid provider_;
  bool first_ = false;
};

}  // namespace Atoll::tree
