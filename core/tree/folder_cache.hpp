// SPDX-License-Identifier: Apache-2.0
// The children of folders that were listed a moment ago: when something changes, all who sync it list the same folder.
#pragma once

#include "core/tree/types.hpp"

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

namespace Atoll::tree {

/// The children of a folder in one state of the index, sorted by the bytes of their names. Immutable once it is shared.
class ChildList {
 public:
  void add(const NodeView &child) {
    facts_.push_back(child);
    names_.append(child.name);
    ends_.push_back(names_.size());
  }
  std::size_t size() const noexcept { return facts_.size(); }
  /// The name is borrowed from this.
  NodeView child(std::size_t at) const {
    NodeView view;
    static_cast<NodeFacts &>(view) = facts_[at];
    const std::size_t from = at == 0 ? 0 : ends_[at - 1];
    view.name = std::string_view(names_).substr(from, ends_[at] - from);
    return view;
  }
  /// Of memory.
  std::size_t bytes() const noexcept {
    return sizeof *this + facts_.capacity() * sizeof(NodeFacts) + names_.capacity() +
           ends_.capacity() * sizeof(ends_[0]);
  }

 private:
  std::vector<NodeFacts> facts_;
  std::string names_;  // one after the other
  std::vector<std::size_t> ends_;
};

/// Bounded in memory: what was not asked for the longest time goes first. A list counts for the generation of its space
/// that it was read at and no other; see Generations. [any thread]
class FolderCache {
 public:
  /// `bytes`: of all lists together. One may have an eighth of them.
  explicit FolderCache(std::size_t bytes) : most_(bytes) {}
  FolderCache(const FolderCache &) = delete;
  FolderCache &operator=(const FolderCache &) = delete;

  /// Null when it is not there, or of another generation.
  std::shared_ptr<const ChildList> find(const SpaceId &space, const NodeId &folder, std::uint64_t generation);
  void keep(const SpaceId &space, const NodeId &folder, std::uint64_t generation,
            std::shared_ptr<const ChildList> list);
  bool too_large(const ChildList &list) const noexcept { return list.bytes() > most_ / 8; }

 private:
  struct Entry {
    SpaceId space;
    NodeId folder;
    std::uint64_t generation;
    std::shared_ptr<const ChildList> list;
  };
  void drop(std::list<Entry>::iterator entry);

  const std::size_t most_;
  std::mutex mutex_;
  std::list<Entry> entries_;  // guarded by mutex_; asked for last: first
  std::unordered_map<NodeId, std::list<Entry>::iterator> by_folder_;
  std::size_t bytes_ = 0;
};

}  // namespace Atoll::tree
