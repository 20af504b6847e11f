// SPDX-License-Identifier: Apache-2.0
// Says whether the index still holds what was read from it a moment ago.
#pragma once

#include "core/tree/types.hpp"

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>

namespace Atoll::tree {

/// A number for each space that is another one after every commit that may have changed rows of the space, and odd
/// while such a commit is under way. What was read between two looks that gave the same even number was the one state
/// of the index at both moments. Spaces may share a number. [any thread] for now(), the rest under the writer lock.
class Generations {
 public:
  std::uint64_t now(const SpaceId &space) const noexcept { return slots_[slot(space)].load(); }
  static bool settled(std::uint64_t generation) noexcept { return (generation & 1) == 0; }

  /// Some of the spaces.
  using Some = std::uint64_t;
  static constexpr Some kNone = 0, kAll = ~Some{0};
  static Some of(const SpaceId &space) noexcept { return Some{1} << slot(space); }

  /// Held around one commit that changes these spaces.
  class Commit {
   public:
    Commit(Generations &all, Some changed) noexcept : all_(all), changed_(changed) { step(); }
    Commit(const Commit &) = delete;
    Commit &operator=(const Commit &) = delete;
    ~Commit() { step(); }

   private:
    void step() noexcept {
      for (Some left = changed_; left != 0; left &= left - 1)
        all_.slots_[static_cast<std::size_t>(std::countr_zero(left))].fetch_add(1);
    }
    Generations &all_;
    const Some changed_;
  };

 private:
  static constexpr std::size_t kSlots = 64;  // one for each bit of Some
  static std::size_t slot(const SpaceId &space) noexcept { return std::hash<SpaceId>()(space) % kSlots; }

  std::array<std::atomic<std::uint64_t>, kSlots> slots_{};
};

}  // namespace Atoll::tree
