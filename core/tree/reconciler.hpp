// SPDX-License-Identifier: Apache-2.0
// Takes over into the index what the truth says: the one primitive behind recovery, rebuild and changes made beside the
// server.
#pragma once

#include "core/tree/tree_engine.hpp"

#include <deque>
#include <map>
#include <set>

namespace Atoll::tree {

/// Whether the identity was written for the very state that the entry is in.
bool consistent(const Identity &identity, const Entry &entry);

/// One run over some folders of a space. Each folder is first compared without any lock; only what differs is looked at
/// again, and taken over, under the writer lock. What is not there any more is removed last, so that what has moved
/// meanwhile keeps its id, and only while the root is proved to be the one that it should be. [one thread]
class Reconciler {
 public:
  Reconciler(TreeEngine &engine, SpacePtr space, bool deep, bool recovering)
      : engine_(engine), space_(std::move(space)), deep_(deep), recovering_(recovering) {}

  void add(const NodeId &folder) { queue_.push_back({folder, deep_, {}}); }
  /// With all below it.
  void add_deep(const NodeId &folder) { queue_.push_back({folder, true, {}}); }
  /// Only these names of the folder; whether there are others is not looked at.
  void add_names(const NodeId &folder, std::vector<std::string> names) {
    queue_.push_back({folder, false, std::move(names)});
  }
  /// Ends look() early, with Unavailable, once it is true. Borrowed.
  void cancel_by(const std::atomic<bool> *cancelled) noexcept { cancelled_ = cancelled; }

  /// The admin says that what is gone is meant to be gone.
  void confirm() noexcept { confirmed_ = true; }

  /// look() and finish().
  Result<void> run();
  /// Looks at what was added and takes over everything but removals.
  Result<void> look();
  /// Removes what was found gone by all looks so far and did not turn up elsewhere. Unavailable when that is too much
  /// of the space: then it is held back, see removals.hpp.
  Result<void> finish();

  /// Found gone so far.
  std::size_t vanished() const noexcept { return vanished_.size(); }
  /// Entries that were compared since the last call.
  std::size_t take_entries() noexcept { return std::exchange(entries_, 0); }
  /// Folders in which some of the names that were asked for had changed.
  const std::vector<NodeId> &changed_folders() const noexcept { return changed_folders_; }
  /// Folders among the names that were asked for, known and as they were.
  const std::vector<NodeId> &seen_folders() const noexcept { return seen_folders_; }
  /// After a failure: folders that came up and were not looked at; true: with all below them.
  std::vector<std::pair<NodeId, bool>> unfinished() const;

 private:
  struct Todo {
    NodeId folder;
    bool deep = false;
    std::vector<std::string> names;  ///< empty: all
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
  /// `deep`: should it be looked at later, then with all below it.
  Result<std::optional<Opened>> open(IndexView &view, const NodeId &folder, bool deep);
  /// The last folder of the chain that the truth has on the way to a missing one.
  Result<NodeId> deepest_there(std::span<const Step> chain);
  Result<void> compare(const Todo &todo);
  Result<void> compare_names(const Todo &todo);
  /// `self`: the folder is in step with what it was then, once these names are taken over.
  Result<void> take_over(const Todo &todo, std::span<const std::string> names, const std::optional<Entry> &self);
  /// One name, under the writer lock; adds what it means for the folder's size.
  Result<void> take_over_name(Opened &place, const std::string &name, std::int64_t &delta, bool &changed);
  Result<void> update_file(Opened &place, Row row, const Entry &entry, std::int64_t &delta);
  Result<void> add_new(Opened &place, const std::string &name, const Entry &entry, std::int64_t &delta);
  /// The node of the index that this entry is, if it has come here from another place.
  Result<std::optional<Row>> moved_here(Opened &place, const std::string &name, const Entry &entry,
                                        const std::optional<Identity> &identity);
  /// Whether so much may be removed at once.
  Result<void> admit();
  /// It is not where the index has it; another name may still show it.
  Result<void> miss(const NodeId &node);
  Result<bool> still_there(const Row &row);
  /// Unavailable while somebody else makes all rows of the space anew. Under the writer lock.
  Result<void> admitted() const {
    if (!space_->erasing && (recovering_ || space_->ready)) return changeable(*space_);
    return error(Status::Unavailable, "the space is being compared with its files");
  }
  /// Writes into the change log, unless the space is indexed anew: then there is nobody who could ask.
  Result<void> note(ChangeKind kind, const Row &row, const NodeId &old_parent = {}) {
    if (recovering_ && deep_) return {};
    return engine_.note_change(space_->info.id, kind, row, old_parent);
  }
  Result<void> move_row(Opened &place, const std::string &name, const Row &row, const Entry &entry,
                        std::int64_t &delta);
  Result<void> remove_vanished(std::span<const Vanished> batch);

  TreeEngine &engine_;
  const SpacePtr space_;
  const bool deep_, recovering_;
  std::deque<Todo> queue_;
  std::vector<Vanished> vanished_;
  std::vector<NodeId> changed_folders_, seen_folders_;
  std::vector<std::pair<NodeId, Entry>> in_step_later_;  // once what vanished from them is removed
  std::size_t vanished_before_ = 0;                      // when the folder that is looked at now was begun
  const std::atomic<bool> *cancelled_ = nullptr;
  std::size_t entries_ = 0;
  bool confirmed_ = false;
  bool touched_folder_ = false;
  std::map<NodeId, std::uint64_t> files_of_;  // of those that may be removed
  std::set<NodeId> asked_who_;    // folders that were not the ones of the index, whose names were looked at first
  std::set<NodeId> asked_above_;  // folders looked at instead of others below them that are gone
};

}  // namespace Atoll::tree
