// SPDX-License-Identifier: Apache-2.0
// Says whether the index still holds what was read from it a moment ago.
#pragma once

#include "core/tree/types.hpp"

#include <array>
#include <atomic>

namespace Atoll::tree {

/// A number for each space that is another one after every commit that may have changed rows of the space, and odd
/// while such a commit is under way. What was read between two looks that gave the same even number was the one state
/// of the index at both moments. Spaces may share a number. [any thread] for now(), the rest under the writer lock.
class Generations {
 public:
  std::uint64_t now(const SpaceId &space) const noexcept { return slots_[slot(space)].load(); }
  static bool settled(std::uint64_t generation) noexcept { return (generation & 1) == 0; }

  /// Held around one commit that changes the space, or all of them.
  class Commit {
   public:
    explicit Commit(std::atomic<std::uint64_t> &one) noexcept : first_(&one), count_(1) { step(); }
    explicit Commit(Generations &all) noexcept : first_(all.slots_.data()), count_(kSlots) { step(); }
    Commit(const Commit &) = delete;
    Commit &operator=(const Commit &) = delete;
    ~Commit() { step(); }

   private:
    void step() noexcept {
      for (std::size_t i = 0; i < count_; ++i) first_[i].fetch_add(1);
    }
    std::atomic<std::uint64_t> *const first_;
    const std::size_t count_;
  };
  std::atomic<std::uint64_t> &of(const SpaceId &space) noexcept { return slots_[slot(space)]; }

 private:
  static constexpr std::size_t kSlots = 64;
  static std::size_t slot(const SpaceId &space) noexcept { return std::hash<SpaceId>()(space) % kSlots; }

  std::array<std::atomic<std::uint64_t>, kSlots> slots_{};
};

}  // namespace Atoll::tree
