// SPDX-License-Identifier: Apache-2.0
// One change of the tree: the writer lock, what must hold, an index transaction, and what must be durable in the end.
#pragma once

#include "core/tree/announcement.hpp"
#include "core/tree/tree_engine.hpp"
#include "core/tree/writer_lock.hpp"

namespace Atoll::tree {

/// A name in a folder, with the node that has it, if any. The root of a space has no parent.
struct Target {
  Located parent;
  std::string name;
  std::optional<Row> row;

  /// Node ids from the root to the node itself, which must be there.
  std::vector<NodeId> way() const;
  std::vector<NodeId> parent_way() const;
  bool is_root() const noexcept { return parent.chain.empty(); }
};

/// Node ids of a chain.
std::vector<NodeId> ids_of(std::span<const Step> chain);

/// Aborted unless the conditions hold for what is at the name.
Result<void> conditions_hold(const Conditions &wanted, const std::optional<Row> &row);
/// InsufficientStorage when the space may not grow by that much.
Result<void> space_room(IndexView &view, const Space &space, std::int64_t delta);

/// PermissionDenied for a new name that the space's rule of names does not allow; the name of `leaving` does not count.
Result<void> name_allowed(IndexView &view, const Space &space, const Target &target, const NodeId &leaving = {});

/// Lives as long as the writer lock is held, and a little longer: commit() gives the lock back, settle() waits for the
/// disk.
class Change {
 public:
  /// `announcement`: where records go that must be durable first; must outlive this. `insist`: intents and records are
  /// made durable under the lock if need be.
  Change(TreeEngine &engine, SpacePtr space, const Conditions &conditions, Announcement &announcement,
         bool insist = false);
  Change(const Change &) = delete;
  Change &operator=(const Change &) = delete;
  ~Change();

  Result<void> begin();

  // ---- looking
  /// A node that must be there: else NotFound, proved by a look at the truth.
  Result<Target> existing(const Ref &ref);
  /// A name whose parent must be a folder that is there: else FailedPrecondition. See name_allowed().
  Result<Target> place(const Ref &ref, const NodeId &leaving = {});
  /// A folder that was opened a moment ago: taken by open() if it is the one.
  void offer(std::unique_ptr<Folder> folder) { offered_ = std::move(folder); }
  /// Opens a folder of the truth; one that is not what the index says is noted as stale.
  Result<Folder *> open(const Located &folder);
  /// The truth's entry of the name, when it is as the index says; else noted as stale. PermissionDenied: the name is
  /// taken by what is neither file nor folder.
  Result<std::optional<Entry>> agree(Folder &folder, const Target &target);
  /// A folder that must be looked at before this change can be made; the change is then tried again.
  const std::optional<NodeId> &stale() const noexcept { return stale_; }
  /// Folders whose intents must be noted first: without the writer lock, for it waits for the disk. The change is then
  /// tried again.
  std::span<const NodeId> unannounced() const noexcept { return unannounced_; }
  /// An error of the truth: one that says that it is not as was just seen makes the folder stale.
  Error failed(Error failure, const NodeId &folder);

  // ---- what must hold
  Result<void> conditions_hold(const std::optional<Row> &row) const {
    return Atoll::tree::conditions_hold(conditions_, row);
  }
  /// Locks on the last node of the way, and deep ones above it.
  Result<void> locks_admit(std::span<const NodeId> way) const;
  /// The same for a node that goes away: also the locks below it. Their tokens are kept for drop_locks().
  Result<void> locks_admit_removal(const Target &target);
  Result<void> room_for(std::int64_t delta);

  // ---- doing
  /// Before the truth is touched. An error when the change must be tried again: see unannounced().
  Result<void> intend(std::initializer_list<NodeId> folders, Need need = Need::Same);
  /// The same for the record of what goes into the trash or among the versions. It may get another id and time. An
  /// error when the change must be tried again.
  Result<void> record(TrashRecord &record);
  Result<void> record(VersionRecord &record);
  /// After the truth was touched: the folder is what it is now, all above it have changed. A folder that somebody else
  /// had changed before keeps its old time in the index, so that the next listing looks.
  Result<void> changed(Folder &folder, const NodeId &id, std::int64_t size_delta);
  /// Writes into the change log, see TreeEngine::note_change(), and has new folders watched.
  Result<void> note(ChangeKind kind, const Row &row, const NodeId &old_parent = {});
  /// Sizes and sequence only.
  Result<std::uint64_t> next_sequence() { return engine_.sequences_->next(); }
  void touched() noexcept { touched_ = true; }
  void sync_later(Folder &folder) { sync_.push_back(&folder); }
  void sync_later(base::Fd touched) { touched_files_.push_back(std::move(touched)); }
  Folder &keep(std::unique_ptr<Folder> folder);

  /// Makes the change visible and gives the writer lock back.
  Result<void> commit();
  /// The same, but it may become visible as late as settle() returns, together with others.
  Result<void> leave(WriterLock::Coming &coming);
  /// Waits until the change is as durable as the engine promises, and lets go of locks on what is gone.
  Result<void> settle();
  /// Waits until the change survives a power cut, whatever the engine promises.
  Result<void> settle_for_good();

  Node node(const Row &row, std::span<const NodeId> way, bool created) const;
  Index &index() noexcept { return *engine_.index_; }
  Space &space() const noexcept { return *space_; }
  const Conditions &conditions() const noexcept { return conditions_; }

 private:
  struct Walk {
    Located located;           // as far as it came
    std::string_view missing;  // the first name that is not there; empty: all are
    std::string_view rest;     // what follows it
  };
  Result<Walk> walk(const Ref &ref, std::string_view path);
  Result<void> prove_missing(const Located &folder, std::string_view name);

  TreeEngine &engine_;
  const SpacePtr space_;
  const Conditions &conditions_;
  Announcement &announcement_;
  const bool insist_;
  WriterLock::Part part_;
  std::optional<NodeId> stale_;
  struct Opened {
    NodeId id;
    std::unique_ptr<Folder> folder;
    bool in_step;  ///< nobody else had changed it before
  };
  std::vector<Opened> folders_;
  std::unique_ptr<Folder> offered_;
  std::vector<Folder *> sync_;
  std::vector<base::Fd> touched_files_;
  std::vector<std::string> gone_locks_;
  std::vector<NodeId> intended_, unannounced_;
  bool touched_ = false, committed_ = false;
};

template <class T>
Result<T> TreeEngine::changing(const SpaceId &space, const Conditions &conditions,
                               FunctionRef<Result<T>(Change &)> body) {
  constexpr int kAttempts = 5;
  int announced = 0;
  Announcement announcement(*meta_, [this](bool warning, const std::string &message) { log(warning, message); });
  for (int attempt = 1;; ++attempt) {
    auto serving_space = serving(space);
    if (!serving_space) return std::move(serving_space).error();
    std::optional<NodeId> stale;
    std::vector<NodeId> unannounced;
    {
      Change change(*this, *serving_space, conditions, announcement, announced > 1);
      if (auto begun = change.begin(); !begun) return std::move(begun).error();
      auto result = body(change);
      stale = change.stale();
      unannounced.assign(change.unannounced().begin(), change.unannounced().end());
      if (!stale && unannounced.empty() && !announcement.wanted()) {
        if (!result) return result;
        if (auto settled = change.settle(); !settled) return std::move(settled).error();
        return result;
      }
    }
    if (!unannounced.empty()) {
      ++announced;
      --attempt;
      if (auto done = journal_->intend(space, unannounced); !done) return std::move(done).error();
      continue;
    }
    if (announcement.wanted()) {
      ++announced;
      --attempt;
      if (auto done = announcement.make(); !done) return std::move(done).error();
      continue;
    }
    if (attempt == kAttempts)
      return error(Status::Unavailable, "the folder is being changed by another program; try again");
    if (auto done = reconcile(*serving_space, *stale, false); !done) return std::move(done).error();
  }
}

}  // namespace Atoll::tree
