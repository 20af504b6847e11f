// SPDX-License-Identifier: Apache-2.0
// Writing index.db: the cache that every listing is served from. It can be rebuilt from the truth at any time.
#pragma once

#include "core/tree/generations.hpp"
#include "core/tree/index_view.hpp"

#include <chrono>
#include <functional>

namespace Atoll::tree {

/// A parent of a row that is being written: a node, a place, or nothing for roots.
using ParentKey = std::span<const std::uint8_t>;
inline ParentKey parent_key(const NodeId &id) noexcept { return id.bytes(); }

class Index;

/// A transaction of the index: its commit moves the generations of the spaces that it changes.
class IndexTransaction {
 public:
  IndexTransaction(sql::Transaction transaction, Index &index, Generations::Some changed)
      : transaction_(std::move(transaction)), index_(&index), changed_(changed) {}

  /// Changes rows of this space too.
  void also(const SpaceId &space) noexcept { changed_ |= Generations::of(space); }
  /// Wakes those who read the change log, if it has new rows.
  Result<void> commit();
  void rollback() noexcept;

 private:
  Result<void> commit_rows();

  sql::Transaction transaction_;
  Index *index_;
  Generations::Some changed_;
};

/// The one writing connection. Reads see the open transaction. [one thread at a time: under the writer lock]
class Index : public IndexView {
 public:
  /// Opens, makes or brings up to date.
  static Result<std::unique_ptr<Index>> open(const std::string &path);

  /// Takes over the other one's database, and gives its own. Generations and listeners stay. No transaction is open.
  void swap(Index &other) noexcept;

  /// Changes rows of this space only.
  Result<IndexTransaction> begin_write(const SpaceId &space) { return begin(Generations::of(space)); }
  /// May change rows of any space.
  Result<IndexTransaction> begin_write_any() { return begin(Generations::kAll); }
  /// Changes rows that are part of no space before and after it.
  Result<IndexTransaction> begin_write_unseen() { return begin(Generations::kNone); }

  // ---- one transaction for several changes, one after the other; see WriterLock
  /// The next change begins.
  Result<void> join(const SpaceId &space);
  /// It stays.
  Result<void> keep();
  /// It has not happened. An error: the changes that stayed haven't, either.
  Result<void> undo() noexcept;
  /// All that stayed, and the one that has joined, are visible. Ok without a transaction.
  Result<void> commit_shared() noexcept;

  /// [any thread]
  const Generations &generations() const noexcept { return generations_; }

  Result<void> insert(ParentKey parent, const Row &row);
  /// Also begins the space's change log, with the sequence as its epoch.
  Result<void> insert_root(const SpaceId &space, std::uint64_t sequence);
  /// Takes over size, mtime_ns, sequence, inode, sums and has_attributes.
  Result<void> update(const Row &row);
  /// Moves a row, with all that hangs on it.
  Result<void> attach(const NodeId &id, ParentKey parent, std::string_view name);
  /// The row, and all below it, is part of no space any more. One row is written.
  Result<void> detach(const NodeId &id, Place place);
  /// Another number after each time that something was detached, and in each index.
  std::uint64_t detached() const noexcept { return detached_; }
  /// The row, and all below it, vanished from the space; see missing_key. `sequence`: a new one, `now_ns`: wall clock.
  Result<void> miss(const SpaceId &space, const NodeId &id, std::uint64_t sequence, std::int64_t now_ns);
  /// What vanished before the sequence was given is gone for good: it goes to limbo. True: there was something.
  Result<bool> forget_missing(const SpaceId &space, std::uint64_t before);
  /// Deletes one row.
  Result<void> erase(const NodeId &id);
  /// Deletes all rows directly below a folder; sizes above stay as they are.
  Result<void> erase_children(const NodeId &folder);
  /// Gives the folder and all of its ancestors the sequence, and adds to their sizes.
  Result<void> bump(const NodeId &folder, std::uint64_t sequence, std::int64_t size_delta);
  /// The same, and the folder itself is this in the truth now.
  Result<void> bump(const NodeId &folder, std::uint64_t sequence, std::int64_t size_delta, std::int64_t mtime_ns,
                    std::uint64_t inode);
  Result<void> set_disk_state(const NodeId &folder, std::int64_t mtime_ns, std::uint64_t inode);
  Result<void> set_flag_attributes(const NodeId &id, bool has);
  /// Checksums of a file, which are not none.
  Result<void> set_sums(const NodeId &id, const Sums &sums);
  /// The log is moved into the database sooner from now on, so that it stays short.
  Result<void> save_room(bool yes);
  /// Whether commits of this connection survive a power cut, with all before them. Between transactions.
  Result<void> commit_for_good(bool yes);
  /// What hangs in the trash itself: node, and the name that it has there.
  Result<std::vector<std::pair<NodeId, std::string>>> in_trash();

  // ---- the change log
  /// Appends a row. Positions must rise within a space.
  Result<void> log(const SpaceId &space, const ChangeRow &row);
  /// Begins a log of a new epoch, which no earlier token fits.
  Result<void> begin_log(const SpaceId &space, std::uint64_t epoch);
  /// Deletes up to `limit` of the oldest rows up to a position; true when such rows are left.
  Result<bool> thin_log(const SpaceId &space, std::uint64_t up_to, std::size_t limit);
  /// Deletes a log that has no rows any more.
  Result<void> drop_log(const SpaceId &space);
  /// Who is told of spaces with new rows in their log, after the commit and under the writer lock. [start-up only]
  void on_logged(std::function<void(const SpaceId &)> listener) { on_logged_ = std::move(listener); }
  /// Who is told, in the same way, that there are files without checksums. [start-up only]
  void on_bare(std::function<void()> listener) { on_bare_ = std::move(listener); }

  /// Deletes up to `limit` rows of limbo, or of another place; the deleted nodes go to the sink. True: there is more.
  Result<bool> clear_limbo(std::size_t limit, FunctionRef<void(const NodeId &, bool has_attributes)> gone,
                           Place place = Place::Limbo);
  /// What an interrupted copy left is set apart. [start-up only]
  Result<void> abandon_nursery();

  /// A word that belongs to the last clean end; see Meta.
  Result<std::string> stamp();
  Result<void> set_stamp(std::string_view stamp);
  /// Moves the log into the database and makes it durable. True when all of it could be.
  Result<bool> checkpoint();

 private:
  friend class IndexTransaction;
  std::uint64_t detached_ = static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
  using IndexView::IndexView;
  Result<void> prepare_writes();
  Result<void> fold_names();
  Result<IndexTransaction> begin(Generations::Some changed) {
    auto transaction = database_.begin();
    if (!transaction) return std::move(transaction).error();
    logged_.clear();
    bare_ = false;
    return IndexTransaction(*std::move(transaction), *this, changed);
  }

  Generations generations_;
  std::function<void(const SpaceId &)> on_logged_;
  std::vector<SpaceId> logged_;  // in the open transaction
  std::function<void()> on_bare_;
  bool saves_room_ = false;
  bool bare_ = false;  // the open transaction has written a file without checksums
  sql::Statement insert_, update_, attach_, erase_, bump_, bump_here_, disk_state_, flag_, limbo_, below_, log_;
  sql::Statement savepoint_, release_, undo_;
  std::optional<IndexTransaction> shared_;
  bool kept_ = false;   // changes stay in it
  bool saved_ = false;  // there is a savepoint before the change that has joined
};

inline Result<void> IndexTransaction::commit_rows() {
  const Generations::Commit commit(index_->generations_, changed_);
  return transaction_.commit();
}

inline Result<void> IndexTransaction::commit() {
  if (auto done = commit_rows(); !done) return done;
  for (const SpaceId &space : index_->logged_)
    if (index_->on_logged_) index_->on_logged_(space);
  index_->logged_.clear();
  if (index_->bare_ && index_->on_bare_) index_->on_bare_();
  return {};
}

inline void IndexTransaction::rollback() noexcept {
  transaction_.rollback();
  index_->logged_.clear();
}

}  // namespace Atoll::tree
