// SPDX-License-Identifier: Apache-2.0
// The one implementation of Engine. Not for use outside of this folder.
#pragma once

#include "core/base/time.hpp"
#include "core/tree/care.hpp"
#include "core/tree/change_bell.hpp"
#include "core/tree/engine.hpp"
#include "core/tree/folder_cache.hpp"
#include "core/tree/index.hpp"
#include "core/tree/journal.hpp"
#include "core/tree/lock_table.hpp"
#include "core/tree/meta.hpp"
#include "core/tree/missing_sums.hpp"
#include "core/tree/open_uploads.hpp"
#include "core/tree/own_removals.hpp"
#include "core/tree/place_cache.hpp"
#include "core/tree/removals.hpp"
#include "core/tree/sequences.hpp"
#include "core/tree/view_pool.hpp"
#include "core/tree/writer_lock.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <thread>
#include <unordered_map>

namespace Atoll::tree {

/// A space that is being served.
struct Space {
  SpaceInfo info;  ///< without quota, used and sequence
  std::atomic<std::uint64_t> quota{kNoQuota};
  std::atomic<NameRule> names{NameRule::Exact};
  std::atomic<std::uint64_t> trash_bytes{0}, version_bytes{0};
  std::atomic<std::uint64_t> promised{0};      ///< bytes of the quota that unfinished uploads are to become
  std::atomic<std::uint32_t> kept_uploads{0};  ///< that have a record
  std::atomic<std::uint64_t> fingerprint{0};
  std::atomic<bool> moving{false};   ///< nothing may change: it is about to live elsewhere. Set under the writer lock
  std::atomic<bool> cared{false};    ///< somebody repairs, rebuilds, restores or moves it; see Caring
  std::atomic<bool> ready{true};     ///< false: being recovered, all answers are Unavailable
  std::atomic<bool> erasing{false};  ///< its rows are being taken away; set with `ready` under background_mutex_, and
                                     ///< until all of it is to be recovered nothing may be taken over
  std::atomic<std::uint64_t> remade{
      0};  ///< how often its rows were taken away to be made anew; counted when `ready` is false
};

/// Sees whether the rows of a space were taken away since it was made. What the index lacked in a state that was seen
/// in between proves nothing.
class Steady {
 public:
  explicit Steady(const Space &space) : space_(space), remade_(space.remade), fine_(space.ready) {}
  /// To be asked after the first look at the state, which is when it begins. Unavailable when it may lack rows.
  Result<void> holds() const {
    if (fine_ && space_.remade == remade_) return {};
    return Error{Status::Unavailable, "the space is being compared with its files", 0, 2000};
  }

 private:
  const Space &space_;
  const std::uint64_t remade_;
  const bool fine_;
};
using SpacePtr = std::shared_ptr<Space>;

/// The right to repair, rebuild, restore or move a space, which one at a time has.
class Caring {
 public:
  explicit Caring(SpacePtr space) : space_(std::move(space)), mine_(!space_->cared.exchange(true)) {}
  Caring(const Caring &) = delete;
  Caring &operator=(const Caring &) = delete;
  ~Caring() {
    if (mine_) space_->cared = false;
  }
  /// Aborted when somebody else has it.
  Result<void> mine() const {
    if (mine_) return {};
    return error(Status::Aborted, "another command works on this space; try again when it is done");
  }

 private:
  const SpacePtr space_;
  const bool mine_;
};

/// Unavailable while the space is on its way to another provider.
inline Result<void> changeable(const Space &space) {
  if (!space.moving) return {};
  return Error{Status::Unavailable, "the space is being moved to another storage; try again", 0, 2000};
}

/// InvalidArgument unless every name of the path may be one.
Result<void> names_valid(std::string_view path);

class Beside;
class Change;
struct Target;

/// One state of the index, and the connection that it is seen through.
struct IndexState {
  ViewPool::Lease view;
  IndexView::Snapshot snapshot;
};

class TreeEngine final : public Engine {
 public:
  TreeEngine(EngineOptions options, StateDir state, std::unique_ptr<Namespace> names, std::unique_ptr<Store> store);
  ~TreeEngine() override;

  Result<void> start();

  void close() override;
  Result<void> health() override;
  void settle() override;

  Result<void> space_create(const SpaceSpec &spec) override;
  Result<SpaceInfo> space_get(const SpaceId &space) override;
  Result<void> space_list(FunctionRef<bool(const SpaceInfo &)> sink) override;
  Result<void> space_roots(std::span<const SpaceId> spaces, FunctionRef<bool(const SpaceInfo &)> sink) override;
  Result<void> space_set_quota(const SpaceId &space, std::uint64_t quota) override;
  Result<void> space_set_names(const SpaceId &space, NameRule rule) override;
  Result<void> space_remove(const SpaceId &space) override;
  Result<void> rescan(const SpaceId &space) override;
  Result<void> confirm_removals(const SpaceId &space) override;

  Result<Node> stat(const Ref &ref) override;
  Result<void> list(const Ref &ref, std::string_view after, std::uint64_t limit,
                    FunctionRef<bool(const NodeView &)> sink) override;
  Result<std::unique_ptr<Listing>> list_begin(const Ref &ref) override;
  Result<void> path_of(const SpaceId &space, const NodeId &node, FunctionRef<bool(const NodeView &)> sink) override;
  Result<OpenFile> open_read(const Ref &ref) override;

  Result<Node> mkdir(const Ref &ref, const Conditions &conditions) override;
  Result<Node> rename(const Ref &from, const Ref &to, bool replace, const Conditions &conditions) override;
  Result<Node> copy(const Ref &from, const Ref &to, bool replace, bool shallow, const Conditions &conditions) override;
  Result<void> remove(const Ref &ref, const Conditions &conditions, bool permanent) override;
  Result<Node> set_mtime(const Ref &ref, std::int64_t mtime_ns, const Conditions &conditions) override;
  Result<std::unique_ptr<Upload>> upload_begin(const Ref &target, std::uint64_t size, const Conditions &conditions,
                                               std::string_view metadata = {}) override;
  Result<std::unique_ptr<Upload>> upload_reopen(const SpaceId &space, const Uuid &id) override;
  Result<void> uploads(const SpaceId &space, FunctionRef<bool(const KeptUpload &)> sink) override;
  Result<void> upload_remove(const SpaceId &space, const Uuid &id) override;

  Result<void> trash_list(const SpaceId &space, const Uuid &before, std::uint64_t limit,
                          FunctionRef<bool(const TrashItem &)> sink) override;
  Result<Node> trash_restore(const SpaceId &space, const Uuid &item, const std::optional<Ref> &to, bool replace,
                             const Conditions &conditions) override;
  Result<void> trash_purge(const SpaceId &space, const Uuid &item) override;
  Result<void> trash_purge_all(const SpaceId &space) override;

  Result<void> versions(const Ref &ref, FunctionRef<bool(const Version &)> sink) override;
  Result<OpenFile> version_open(const Ref &ref, std::uint64_t sequence) override;
  Result<Node> version_restore(const Ref &ref, std::uint64_t sequence, const Conditions &conditions) override;
  Result<void> version_remove(const Ref &ref, std::uint64_t sequence) override;

  Result<void> attributes(const Ref &ref,
                          FunctionRef<bool(std::string_view, std::string_view, std::string_view)> sink) override;
  Result<void> attributes_patch(const Ref &ref, std::span<const AttributeChange> changes,
                                const Conditions &conditions) override;

  Result<Lock> lock(const Ref &ref, const Lock &wanted, std::uint64_t timeout_s, const Conditions &conditions) override;
  Result<Lock> lock_refresh(const Ref &ref, std::string_view token, std::uint64_t timeout_s,
                            const std::optional<AccountId> &account) override;
  Result<void> unlock(const Ref &ref, std::string_view token, const std::optional<AccountId> &account) override;
  Result<std::vector<Lock>> locks(const Ref &ref) override;

  Result<std::string> changes_now(const SpaceId &space) override;
  Result<ChangesEnd> changes_since(const SpaceId &space, std::string_view token, std::uint64_t limit,
                                   FunctionRef<bool(const ChangeRow &)> sink) override;
  Result<std::string> changes_cursor(const SpaceId &space, std::string_view consumer) override;
  Result<void> changes_keep_cursor(const SpaceId &space, std::string_view consumer, std::string_view token) override;
  Result<void> changes_forget(std::string_view consumer) override;
  std::uint64_t changes_listen(std::function<void(const SpaceId &)> listener) override;
  void changes_unlisten(std::uint64_t number) override;

  // ---- for the parts of the engine
  /// The space when it can be served: NotFound, or Unavailable while it is recovered or the root is not proved.
  Result<SpacePtr> serving(const SpaceId &space);
  /// The same without looking at its state.
  SpacePtr known(const SpaceId &space) const;
  /// Runs `body(view, located)` on one state of the index; a node that the index lacks is looked for in the truth
  /// first.
  Result<void> reading(const Ref &ref, FunctionRef<Result<void>(IndexView &, Located &)> body);
  /// The same for a body that may keep the state of the index.
  Result<void> reading_state(const Ref &ref, FunctionRef<Result<void>(IndexState &, Located &)> body);
  /// The same for a folder that is in step with the truth.
  Result<void> reading_folder(const Ref &ref, FunctionRef<Result<void>(IndexState &, Located &)> body);
  /// Whether the folder at `path` is still as its row says; an error when it cannot be opened.
  Result<bool> as_the_truth(const Space &space, const Row &row, std::string_view path);
  /// Null when nothing was kept of this generation, or the truth has gone on since.
  Result<std::unique_ptr<Listing>> list_kept(const Ref &ref, std::uint64_t generation);
  /// The node of a path in a space that is being served, from the cache if the index has not changed since.
  Result<std::shared_ptr<const Found>> locate(const Ref &ref);
  /// As reading() for a name in a folder; a parent that is not there is FailedPrecondition. What is at the name is not
  /// proved.
  Result<void> reading_place(const Ref &ref, FunctionRef<Result<void>(IndexView &, Target &)> body);
  /// Runs `body` under the writer lock, again after reconciling when it met a folder that differs from the truth.
  template <class T>
  Result<T> changing(const SpaceId &space, const Conditions &conditions, FunctionRef<Result<T>(Change &)> body);
  /// Takes over what is different in one folder (deep: in all folders below as well).
  Result<void> reconcile(const SpacePtr &space, const NodeId &folder, bool deep);
  /// The same after an unclean end: an entry that carries the identity of another node of the index is that node,
  /// moved.
  Result<void> reconcile_recovering(const SpacePtr &space, std::span<const NodeId> folders, bool deep);
  /// Sets the flag of all rows that have attributes.
  Result<void> flag_attributes();
  /// The background does that until it is done; the space is Unavailable meanwhile.
  void recover_later(const SpacePtr &space, std::vector<NodeId> folders);
  /// All of the space was looked at since the sequence was given: what was missing before is gone for good.
  Result<void> forget_missing(const SpaceId &space, std::uint64_t before);
  /// Unavailable, with the reason, while removals are held back in the space.
  Result<void> not_held(const Space &space) const;
  /// How many files each of these nodes is, when they may be removed at once; else Unavailable, and they are held back
  /// from now on.
  Result<std::vector<std::uint64_t>> admit_removals(const Space &space, std::span<const NodeId> gone);
  /// Notes how many files the space has.
  Result<void> census(const SpaceId &space);
  /// Whether the folder is in the truth what the index says, looked at while no change is under way.
  Result<bool> in_step(const SpacePtr &space, const NodeId &folder);
  /// Writes a row of the change log into the open transaction of the index. Under the writer lock. Every change of a
  /// space's tree is noted: `row` as it is afterwards, of a removal as it was.
  Result<void> note_change(const SpaceId &space, ChangeKind kind, const Row &row, const NodeId &old_parent = {});
  /// As of Care.
  Result<void> rebuild_space(const SpaceId &space, CareSink sink);
  /// Clients of the space are told that what it holds may be older than what they know.
  Result<void> renew_fingerprint(const SpaceId &space);

  // ---- moves between providers; engine_move.cpp
  /// Nothing changes in the space until thaw(); a start does not know of it, but for settle_move().
  Result<void> freeze(const SpacePtr &space);
  Result<void> thaw(const SpacePtr &space);
  /// A folder for the space, noted before anything is put there. Under making_.
  Result<std::string> choose_folder(const SpaceInfo &info);
  /// The space exists here from now on: its files are in their folder, its rows in the nursery of the index.
  Result<void> take_in(const ArrivingSpace &arriving, Meta &from, std::span<const std::pair<NodeId, Uuid>> items);
  /// Deletes some rows of limbo, with what belongs to them. True: there is more. Under the writer lock.
  Result<bool> clear_limbo();
  /// What was detached survives a power cut. Under the writer lock, which is let go while the disk works when it is
  /// given.
  Result<void> make_limbo_durable(std::unique_lock<WriterLock> *writing);
  /// Gives up what has come of a space that does not exist here yet. Under making_.
  void turn_away(const SpaceId &id, const std::string &folder, std::span<const NodeId> rows);
  /// Removes the folder that was chosen for a space which does not exist here, unless it is another one's by now.
  Result<void> remove_arrived(const SpaceId &id, const std::string &folder);
  /// There is nothing to settle for the space any more.
  Result<void> forget_move(const SpaceId &id);
  /// As of Care.
  Result<void> settle_move(const SpaceId &id, bool here);
  Result<std::vector<SpaceId>> unsettled_moves();

  /// A record to show: `way` as of LockTable.
  Node node_of(const SpaceId &space, const Row &row, std::span<const NodeId> way) const;

  /// The clock of trash and versions. Nanoseconds since 1970.
  std::int64_t now_ns() const { return options_.now_ns ? options_.now_ns() : base::now_unix_ns(); }
  /// Changes survive a power cut when they are acknowledged.
  bool durable() const noexcept { return options_.durability == Durability::PowerCut; }
  /// No name leads to a broken file after a power cut.
  bool whole() const noexcept { return options_.durability != Durability::None; }
  void log(bool warning, const std::string &message) const {
    if (options_.log) options_.log(warning, message);
  }
  /// The round that a change of now belongs to, for Meta's trash and versions. Under the writer lock.
  std::uint64_t kept_round() const noexcept { return kept_round_.load(std::memory_order_relaxed); }
  /// Whether the node was restored from the trash a short while ago; its row may still hang there.
  Result<bool> returned(const NodeId &node) { return meta_->restoring(node); }
  /// Whether this server removed the node for good a short while ago, in this run or in one that did not end well.
  bool removed_for_good(const NodeId &node) const { return own_removals_.has(node); }
  /// Before nodes are removed for good: should the index lose it, they are not taken for lost. Under the writer lock,
  /// or in the background.
  Result<void> note_gone(const SpaceId &space, std::span<const NodeId> nodes);
  /// The row of a trash item, made from what the truth holds when the index has none. Inside of a transaction.
  Result<Row> trash_row(const TrashRecord &record, Folder &trash, const Entry &entry);
  /// Deletes versions of any files: bytes first, then records.
  Result<void> drop_versions(std::span<const VersionRecord> records);
  /// The background looks whether the file has too many versions.
  void thin_later(const NodeId &node);
  std::vector<SpacePtr> all_spaces() const;
  /// Locks of what is gone could not be dropped.
  void drop_locks_later() {
    stale_locks_ = true;
    wake();
  }
  /// The attributes of a copy that is at its name are to be copied by the background.
  void follow_later() {
    follow_ = true;
    wake();
  }
  /// Something waits for the background thread.
  void wake();

  const EngineOptions options_;
  StateDir state_;
  const std::unique_ptr<Namespace> names_;
  const std::unique_ptr<Store> store_;
  std::unique_ptr<Meta> meta_;
  std::unique_ptr<Sequences> sequences_;
  std::unique_ptr<Removals> removals_;
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<LockTable> locks_;
  std::shared_ptr<ViewPool> views_;
  std::shared_ptr<std::atomic<unsigned>> listings_ = std::make_shared<std::atomic<unsigned>>(0);  ///< that are open
  ChangeBell bell_;
  std::mutex making_;  // space_create, space_remove and the arrival of a space, one at a time; taken before writer_
  WriterLock writer_{index_};     // every change of the tree of any space
  std::unique_ptr<Index> index_;  // guarded by writer_, but for its generations
  PlaceCache places_{8192};
  const std::shared_ptr<OpenUploads> open_uploads_ = std::make_shared<OpenUploads>();
  const std::shared_ptr<FolderCache> folders_ = std::make_shared<FolderCache>(std::size_t{4} << 20);
  std::unique_ptr<Beside> beside_;     // null when no other program changes the files
  std::unique_ptr<MissingSums> sums_;  // null when none are computed
  std::atomic<bool> exchanges_{true};  // false once the file system has refused to exchange two names
  /// Something is in the trash, on its way there, or on its way back: of an index that was made anew since, nodes in it
  /// are hidden.
  Result<bool> any_in_trash(const SpaceId &space);

 private:
  Result<void> remove_now(const Ref &ref, const Conditions &conditions, bool permanent);
  /// What was kept by earlier runs, and what a crash left of it. [start-up only: before Store::sweep()]
  Result<void> load_uploads();
  /// Deletes those that are too old. [background]
  Result<void> expire_uploads();
  /// As upload_remove(), of one that is not open.
  Result<void> drop_upload(const UploadRecord &record);
  std::string index_path() const;
  Result<bool> open_index(const Meta::Start &start);
  void set_index_aside();
  /// Ends what prepare() has begun, for another try without the file. [start-up only]
  void give_up_index();
  /// The file was deleted, replaced, or found damaged. [background, and in the end]
  bool index_lost();
  Result<void> renew_index();
  /// Under the writer lock.
  Result<void> index_trash();
  /// All that needs the index before anything is served. [start-up only]
  Result<void> prepare(const Meta::Start &start);
  Result<void> load_spaces(bool flags);
  /// The rule that is kept with the space; always Unique where the file system folds names.
  Result<NameRule> rule_of(const SpaceId &space);
  /// FailedPrecondition, with some of them, when names of one folder differ only in case or normal form.
  Result<void> names_differ(const Space &space);
  Result<void> recover_drops(std::span<const Intent> intents);
  Result<void> recover_attributes(std::span<const Intent> intents);
  /// What follow_later() left. [background]
  Result<void> follow();
  Result<void> finish_making(SpaceRecord &record);
  /// `moved`: it lives elsewhere now.
  Result<void> drop_space(const SpacePtr &space, bool moved);
  /// What a crash left of spaces that were arriving. [start-up only]
  Result<void> turn_away_all(std::span<const SpaceRecord> records);
  Result<void> forget_making(const SpaceId &id);
  /// Of a space that is not known any more.
  Result<void> finish_removing(const SpaceRecord &record);
  /// Finishes what a crash left between tree, trash, versions and their records. `rebuilt`: the index holds nothing.
  /// [start-up only: before anything is swept]
  Result<void> recover_kept(bool rebuilt);
  Result<void> recover_trash(const TrashRecord &record, std::vector<Uuid> &gone);
  Result<void> recover_restored(const TrashRecord &record);
  Result<void> recover_swap(const Space &space, const Intent &intent);
  Result<void> recover_version(const VersionRecord &record, std::vector<VersionRecord> &gone);
  Result<void> load_kept_bytes();
  void charge_trash(std::span<const SpaceBytes> freed);
  /// Finishes purges; true: there is more. [background]
  Result<bool> purge_kept();
  /// Attributes and versions of nodes that are deleted for good.
  Result<void> forget(std::span<const NodeId> nodes, std::span<const NodeId> with_attributes);
  /// Purges what is too old or too much. [background]
  Result<void> retain_trash();
  Result<void> retain_versions();
  Result<void> thin(const NodeId &node);
  /// Spaces of which `bytes` is more than the rule allows.
  std::vector<SpacePtr> too_full(const Retention &rule, std::atomic<std::uint64_t> Space::*bytes) const;
  Result<void> close_kept(std::uint64_t round);
  Result<void> look_again(const SpacePtr &space, bool confirmed);
  void look_again_at_held();
  Result<void> hold_after_rebuild(const Space &space);
  Result<void> ids_are_kept(const Space &space);
  /// Unavailable once they were taken away by somebody else: it is not the `remade`th time any more.
  Result<void> erase_rows(const Space &space, std::uint64_t remade);
  Result<void> close_rebuilt();
  /// All rows of a space that is removed go to limbo. [under the writer lock, or start-up]
  Result<void> detach_space(const SpaceId &id);
  void background();
  bool purge_some();
  /// Until the node is not there any more.
  Result<void> clear_limbo_of(const NodeId &node);
  /// Thins the change logs of the next few spaces. True: rows are left that should go.
  Result<bool> thin_changes();
  Result<void> note_doubtful(const SpaceId &space, std::span<const NodeId> folders);
  /// Forgets the rows of copies that the last run did not finish, before any folder is compared: files of theirs that
  /// are at their name then keep their ids, and with them their attributes. Of the others the attributes go later.
  Result<void> clear_abandoned();
  Result<void> drop_unclaimed();
  /// From now on attributes and versions may be left of nodes that the index knows no more.
  Result<void> note_unswept();
  Result<void> load_unswept();
  /// Forgets them, of each space as soon as nothing is hidden there.
  Result<void> sweep();
  /// True: nothing is left.
  Result<bool> sweep(const Space &space);
  /// Locks that a crash left of nodes which are in no tree any more.
  Result<void> drop_stale_locks();
  Result<bool> drop_locks_of_gone();
  Result<void> close_intents();

  mutable std::shared_mutex spaces_mutex_;
  std::unordered_map<SpaceId, SpacePtr> spaces_;  // guarded by spaces_mutex_
  std::set<SpaceId> departed_;  // guarded by spaces_mutex_; in this run they have gone to live on another provider
  std::atomic<std::uint64_t> kept_round_{1};
  std::uint64_t limbo_durable_ = 0;  // under writer_: Index::detached() when all was last made durable
  OwnRemovals own_removals_;
  std::atomic<bool> follow_{false};
  std::mutex thin_mutex_;
  std::set<NodeId> thin_;  // guarded by thin_mutex_
  NodeId thin_at_;         // background thread only: how far it has looked at all files with versions

  struct Recovery {
    SpaceId space;
    std::vector<NodeId> folders;  // empty: all of it
  };
  void recover_one(const Recovery &recovery);
  std::mutex background_mutex_;
  std::condition_variable background_wake_, background_idle_;
  std::deque<Recovery> recoveries_;  // guarded by background_mutex_
  std::vector<SpaceId> rebuilt_;     // guarded by background_mutex_; whole again, in an index that may not be durable
  bool work_ = false, busy_ = false, stop_ = false, closed_ = false;    // guarded by background_mutex_
  std::map<SpaceId, std::chrono::steady_clock::time_point> next_look_;  // background thread only
  std::string index_path_;                                              // set at the start
  std::optional<FileId> index_file_;                                    // background thread only
  bool index_lost_ = false;                                             // background thread only
  std::atomic<std::uint64_t> damages_seen_{0};
  std::unique_ptr<Index> checkpointer_;   // background thread only
  SpaceId thinned_;                       // background thread only
  bool abandoned_ = true;                 // background thread only: not yet cleared
  std::atomic<bool> stale_locks_{false};  // of nodes that are gone: not yet dropped
  std::vector<NodeId> unclaimed_;         // background thread only
  std::set<SpaceId> unswept_;             // background thread only
  bool purge_failed_ = false;             // background thread only
  std::thread thread_;
};

}  // namespace Atoll::tree
