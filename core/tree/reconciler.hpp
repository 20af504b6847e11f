// SPDX-License-Identifier: Apache-2.0
// Takes over into the index what the truth says: the one primitive behind recovery, rebuild and changes made beside the
// server.
#pragma once

#include "core/tree/tree_engine.hpp"

#include <deque>

namespace Atoll::tree {

/// One run over some folders of a space. Each folder is first compared without any lock; only what differs is looked at
/// again, and taken over, under the writer lock. What is not there any more is removed last, so that what has moved
/// meanwhile keeps its id, and only while the root is proved to be the one that it should be. [one thread]
class Reconciler {
 public:
  Reconciler(TreeEngine &engine, SpacePtr space, bool deep, bool recovering)
      : engine_(engine), space_(std::move(space)), deep_(deep), recovering_(recovering) {}

  void add(const NodeId &folder) { queue_.push_back({folder, deep_}); }
  Result<void> run();

 private:
  struct Todo {
    NodeId folder;
    bool deep = false;
  };
  struct Vanished {
    NodeId parent;
    std::string name;
    NodeId node;
  };
  /// A folder of the index, open in the truth.
  struct Opened {
    Located located;
    std::unique_ptr<Folder> folder;
  };

  /// Nothing when the index does not have it any more. A folder that the truth lacks is dealt with.
  Result<std::optional<Opened>> open(IndexView &view, const NodeId &folder);
  Result<void> compare(const Todo &todo);
  Result<void> take_over(const Todo &todo, std::span<const std::string> names, const std::optional<Entry> &self);
  /// One name, under the writer lock; adds what it means for the folder's size.
  Result<void> take_over_name(Opened &place, const std::string &name, std::int64_t &delta, bool &changed);
  Result<void> update_file(Opened &place, Row row, const Entry &entry, std::int64_t &delta);
  Result<void> add_new(Opened &place, const std::string &name, const Entry &entry, std::int64_t &delta);
  /// The node of the index that this entry is, if it has come here from another place.
  Result<std::optional<Row>> moved_here(Opened &place, const std::string &name, const Entry &entry,
                                        const std::optional<Identity> &identity);
  /// It is not where the index has it; another name may still show it.
  Result<void> miss(const NodeId &node);
  Result<bool> still_there(const Row &row);
  /// Writes into the change log, unless the space is indexed anew: then there is nobody who could ask.
  Result<void> note(ChangeKind kind, const Row &row, const NodeId &old_parent = {}) {
    if (recovering_ && deep_) return {};
    return engine_.note_change(space_->info.id, kind, row, old_parent);
  }
  Result<void> move_row(Opened &place, const std::string &name, const Row &row, const Entry &entry,
                        std::int64_t &delta);
  Result<void> remove_vanished();
  Result<void> remove_vanished(std::span<const Vanished> batch);

  TreeEngine &engine_;
  const SpacePtr space_;
  const bool deep_, recovering_;
  std::deque<Todo> queue_;
  std::vector<Vanished> vanished_;
  bool touched_folder_ = false;
  std::size_t ups_ = 0;  // how often a parent had to be looked at instead
};

}  // namespace Atoll::tree
