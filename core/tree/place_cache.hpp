// SPDX-License-Identifier: Apache-2.0
// Which node a path leads to, as long as the index stays as it is.
#pragma once

#include "core/tree/index_view.hpp"

#include <array>
#include <memory>
#include <mutex>
#include <vector>

namespace Atoll::tree {

/// A node that was found by a path, with what is asked of it again and again. Immutable.
struct Found {
  Row row;
  std::vector<NodeId> way;  ///< from the root of the space to the node itself
  std::string path;         ///< relative to the root of the space
  NodeId parent;            ///< the root's own id for the root
};

/// Bounded: one entry for each hash, the newest stays. An entry counts for the generation of its space that it was read
/// at and no other; see Generations. [any thread]
class PlaceCache {
 public:
  explicit PlaceCache(std::size_t slots) : slots_(slots) {}

  /// Null when it is not there, or of another generation.
  std::shared_ptr<const Found> find(const Ref &ref, std::uint64_t generation) const;
  void keep(const Ref &ref, std::uint64_t generation, std::shared_ptr<const Found> found);

 private:
  struct Slot {
    std::uint64_t generation = 0;
    SpaceId space;
    NodeId node;
    std::string path;
    std::shared_ptr<const Found> found;
  };
  std::size_t slot(const Ref &ref) const noexcept;
  std::mutex &mutex(std::size_t slot) const noexcept { return mutexes_[slot % mutexes_.size()]; }

  mutable std::array<std::mutex, 64> mutexes_;
  std::vector<Slot> slots_;  ///< each guarded by its mutex
};

}  // namespace Atoll::tree
