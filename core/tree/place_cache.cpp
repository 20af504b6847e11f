// SPDX-License-Identifier: Apache-2.0
#include "core/tree/place_cache.hpp"

#include <functional>
#include <utility>

namespace Atoll::tree {
namespace {

constexpr std::size_t kLongestPath = 1024;  ///< bytes; longer ones are read each time, so that the memory is bounded

}  // namespace

std::size_t PlaceCache::slot(const Ref &ref) const noexcept {
  const std::size_t hash = std::hash<std::string_view>()(ref.path);
  return (hash ^ (std::hash<NodeId>()(ref.node) * 0x9e3779b97f4a7c15)) % slots_.size();
}

std::shared_ptr<const Found> PlaceCache::find(const Ref &ref, std::uint64_t generation) const {
  const std::size_t at = slot(ref);
  const std::lock_guard guard(mutex(at));
  const Slot &entry = slots_[at];
  if (entry.generation != generation || entry.node != ref.node || entry.space != ref.space || entry.path != ref.path)
    return nullptr;
  return entry.found;
}

void PlaceCache::keep(const Ref &ref, std::uint64_t generation, std::shared_ptr<const Found> found) {
  if (ref.path.size() > kLongestPath || found->path.size() > kLongestPath) return;
  const std::size_t at = slot(ref);
  const std::lock_guard guard(mutex(at));
  Slot &entry = slots_[at];
  entry.generation = generation;
  entry.space = ref.space;
  entry.node = ref.node;
  entry.path.assign(ref.path);
  entry.found.swap(found);  // the old one goes after the lock
}

}  // namespace Atoll::tree
