// SPDX-License-Identifier: Apache-2.0
#include "core/tree/folder_cache.hpp"

#include <utility>

namespace Atoll::tree {

std::shared_ptr<const ChildList> FolderCache::find(const SpaceId &space, const NodeId &folder,
                                                   std::uint64_t generation) {
  const std::lock_guard guard(mutex_);
  const auto found = by_folder_.find(folder);
  if (found == by_folder_.end()) return nullptr;
  const auto entry = found->second;
  if (entry->space != space || entry->generation != generation) return nullptr;
  entries_.splice(entries_.begin(), entries_, entry);
  return entry->list;
}

void FolderCache::keep(const SpaceId &space, const NodeId &folder, std::uint64_t generation,
                       std::shared_ptr<const ChildList> list) {
  if (too_large(*list)) return;
  std::list<Entry> made;  // outside of the lock
  made.push_back({space, folder, generation, std::move(list)});
  const std::lock_guard guard(mutex_);
  if (const auto old = by_folder_.find(folder); old != by_folder_.end()) drop(old->second);
  by_folder_[folder] = made.begin();
  bytes_ += made.front().list->bytes();
  entries_.splice(entries_.begin(), made);
  while (bytes_ > most_) drop(std::prev(entries_.end()));
}

void FolderCache::drop(std::list<Entry>::iterator entry) {
  bytes_ -= entry->list->bytes();
  by_folder_.erase(entry->folder);
  entries_.erase(entry);
}

}  // namespace Atoll::tree
