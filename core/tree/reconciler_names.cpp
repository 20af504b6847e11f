// SPDX-License-Identifier: Apache-2.0
// What a name that is new, moved or gone means.
#include "core/base/time.hpp"
#include "core/base/uuid.hpp"
#include "core/tree/fault_point.hpp"
#include "core/tree/reconciler.hpp"
#include "core/tree/try.hpp"

#include <algorithm>
#include <cerrno>

namespace Atoll::tree {
namespace {

constexpr int kRounds = 1000;
constexpr std::size_t kRemovals = 250;  // removals under one hold of the writer lock

Error cannot_tell(Error failure) {
  failure.status = Status::Unavailable;
  return failure;
}

}  // namespace

bool consistent(const Identity &identity, const Entry &entry) {
  if (identity.inode != entry.inode) return false;
  return entry.kind == EntryKind::Folder || (identity.size == entry.size && identity.mtime_ns == entry.mtime_ns);
}

/// Whether the truth still has this node of the index where the index says.
Result<bool> Reconciler::still_there(const Row &row) {
  TRY_ASSIGN(const Hold hold, engine_.index_->hold_of(row.id));
  const bool ours = hold.space == space_->info.id;
  if (hold.kind == Hold::Kind::Missing && ours) return false;
  if (hold.kind != Hold::Kind::Space || !ours) return true;  // of another space: not to be taken away from there
  TRY_ASSIGN(const auto chain, engine_.index_->chain(space_->info.id, row.id));
  if (!chain) return true;
  Located located;
  located.row = row;
  located.chain = *chain;
  auto folder = engine_.names_->open(space_->info.folder, located.parent_path());
  if (!folder) {
    const int why = folder.error().sys_errno;
    if (why == ENOENT || why == ENOTDIR) return false;
    if (why == ELOOP || why == EXDEV || why == EACCES) return true;
    return cannot_tell(std::move(folder).error());
  }
  TRY_ASSIGN(const auto entry, (*folder)->look(row.name));
  if (!entry || recovering_) return entry && entry->inode == row.inode;
  // Another file at the known name is the same node: programs save by writing a new file, and keep the old one beside
  // it. So what a node is does not depend on which of the two names is looked at first.
  return entry->kind == (row.folder() ? EntryKind::Folder : EntryKind::File);
}

Result<std::optional<Row>> Reconciler::moved_here(Opened &place, const std::string &, const Entry &entry,
                                                  const std::optional<Identity> &identity) {
  const std::optional<Row> nobody;
  auto is_it = [&](const Row &row) -> Result<bool> {
    if (row.id == root_of(space_->info.id) || (entry.kind == EntryKind::Folder) != row.folder()) return false;
    // What is in the trash stays there; but it may have been restored, and the index lost that.
    TRY_ASSIGN(const bool trashed, engine_.index_->hangs_in(row.id, Place::Trash));
    if (trashed) return row.inode == entry.inode ? engine_.returned(row.id) : Result<bool>(false);
    // What was replaced and then moved has an inode that the index never had; the identity is of this very state.
    const bool proved = recovering_ && identity && identity->id == row.id && consistent(*identity, entry);
    // A copy that came to its name, and failed then.
    TRY_ASSIGN(const bool copy, engine_.index_->hangs_in(row.id, Place::Nursery));
    if (copy) return proved;
    if (row.inode != entry.inode && !proved) {
      // What is gone may come back as a copy that carries its id, out of a backup for instance.
      TRY_ASSIGN(const Hold hold, engine_.index_->hold_of(row.id));
      if (!identity || hold.kind != Hold::Kind::Missing || hold.space != space_->info.id) return false;
    }
    // A folder cannot have moved into itself; an index that says so is behind.
    for (const Step &step : place.located.chain)
      if (step.id == row.id) return false;
    TRY_ASSIGN(const bool there, still_there(row));
    return !there;
  };
  if (identity) {
    TRY_ASSIGN(const auto row, engine_.index_->by_id(identity->id));
    if (row) {
      TRY_ASSIGN(const bool it, is_it(*row));
      return it ? row : nobody;
    }
    // New since the index was last whole; its number may have been that of a file which is gone.
    if (recovering_ && consistent(*identity, entry)) return nobody;
  }
  // Without an identity, or with one that somebody made up: by inode; without any, the rest must be the same as well,
  // because a new file may have got the number of one that is gone.
  TRY_ASSIGN(const auto rows, engine_.index_->by_inode(entry.inode));
  for (const Row &row : rows) {
    if (!identity && (row.mtime_ns != entry.mtime_ns || (!row.folder() && row.size != entry.size))) continue;
    TRY_ASSIGN(const bool it, is_it(row));
    if (it) return std::optional<Row>(row);
  }
  return nobody;
}

Result<void> Reconciler::move_row(Opened &place, const std::string &name, const Row &row, const Entry &entry,
                                  std::int64_t &delta) {
  Index &index = *engine_.index_;
  const NodeId here = place.located.row.id;
  TRY_ASSIGN(const Hold before, index.hold_of(row.id));
  TRY(index.attach(row.id, parent_key(here), name));
  ATOLL_FAULT_POINT("reconcile.moved");
  Row moved = row;
  moved.parent = here;
  moved.name = name;
  if (before.kind == Hold::Kind::Space) {
    TRY(note(ChangeKind::Moved, moved, row.parent));
  } else {
    TRY(note(ChangeKind::Created, moved));
    if (row.folder()) {
      TRY_ASSIGN(const std::uint64_t files, index.files_at(row.id, kNoQuota));
      engine_.removals_->came(space_->info.id, files);
    }
  }
  TRY_ASSIGN(const std::uint64_t sequence, engine_.sequences_->next());
  TRY(index.bump(row.parent, sequence, -static_cast<std::int64_t>(row.size)));
  delta += static_cast<std::int64_t>(row.size);
  if (row.folder()) {
    const bool other = row.inode != entry.inode;
    if (other) TRY(index.set_disk_state(row.id, entry.mtime_ns - 1, entry.inode));
    // Nobody has looked after it while it was missing.
    if (deep_ || other || before.kind == Hold::Kind::Missing) queue_.push_back({row.id, true, {}});
    return {};
  }
  if (row.inode == entry.inode && row.size == entry.size && row.mtime_ns == entry.mtime_ns) return {};
  return update_file(place, moved, entry, delta);
}

Result<void> Reconciler::add_new(Opened &place, const std::string &name, const Entry &entry, std::int64_t &delta) {
  Index &index = *engine_.index_;
  auto read = place.folder->identity(name);
  if (!read) {
    const int why = read.error().sys_errno;
    if (why == ENOENT || why == ELOOP || why == ENXIO) return {};  // gone again; the folder's time tells
    return cannot_tell(std::move(read).error());                   // a file that has an id must not get another one
  }
  const std::optional<Identity> identity = *read;
  TRY_ASSIGN(const auto moved, moved_here(place, name, entry, identity));
  if (moved) return move_row(place, name, *moved, entry, delta);

  Row row;
  row.parent = place.located.row.id;
  row.name = name;
  row.type = entry.kind == EntryKind::Folder ? NodeType::Folder : NodeType::File;
  row.size = entry.size;
  row.mtime_ns = row.folder() ? entry.mtime_ns - 1 : entry.mtime_ns;  // a folder's names are not known yet
  row.inode = entry.inode;
  // Users can write extended attributes: an id is believed only when no node has it, and no other name this inode.
  bool believed = false;
  if (identity) {
    TRY_ASSIGN(const auto other, index.by_id(identity->id));
    believed = !other;
    if (believed && !(recovering_ && consistent(*identity, entry))) {
      TRY_ASSIGN(const auto inodes, index.by_inode(entry.inode));
      for (const Row &linked : inodes) {
        if (linked.parent.none()) continue;
        TRY_ASSIGN(const bool there, still_there(linked));
        believed = believed && !there;
      }
    }
  }
  row.id = believed ? identity->id : base::random_id<NodeId>();
  const bool same_content =
      believed && !row.folder() && consistent(*identity, entry) && engine_.sequences_->past(identity->sequence);
  if (same_content) {
    row.sequence = identity->sequence;
  } else {
    TRY_ASSIGN(row.sequence, engine_.sequences_->next());
    if (auto done = place.folder->identify(name, row.id, row.sequence); !done && done.error().sys_errno == ENOENT)
      return {};
  }
  TRY(index.insert(parent_key(row.parent), row));
  ATOLL_FAULT_POINT("reconcile.added");
  TRY(note(ChangeKind::Created, row));
  delta += static_cast<std::int64_t>(row.size);
  if (row.folder()) queue_.push_back({row.id, true, {}});
  return {};
}

Result<void> Reconciler::miss(const NodeId &node) {
  // Removed by a client, and the index lost it: then it is in the trash.
  TRY_ASSIGN(const auto item, engine_.meta_->trash_of(node));
  if (item) return engine_.index_->attach(node, parent_key(Place::Trash), item->id.text());
  TRY_ASSIGN(const std::uint64_t sequence, engine_.sequences_->next());
  return engine_.index_->miss(space_->info.id, node, sequence, confirmed_ ? 0 : base::now_unix_ns());
}

Result<void> Reconciler::admit() {
  std::vector<NodeId> gone;
  std::set<NodeId> seen;  // a folder may have been looked at twice
  {
    TRY_ASSIGN(auto view, engine_.views_->lease());
    for (const Vanished &one : vanished_) {
      TRY_ASSIGN(const auto row, view->child(one.parent, one.name));
      if (!row || row->id != one.node || !seen.insert(one.node).second) continue;  // found elsewhere meanwhile
      TRY_ASSIGN(const auto item, engine_.meta_->trash_of(one.node));
      // What the server itself removed is no part of a mass disappearance.
      if (!item && !engine_.removed_for_good(one.node)) gone.push_back(one.node);
    }
  }
  files_of_.clear();
  if (gone.empty()) return {};
  TRY_ASSIGN(const std::vector<std::uint64_t> files, engine_.admit_removals(*space_, gone));
  for (std::size_t i = 0; i < gone.size(); ++i) files_of_[gone[i]] = files[i];
  return {};
}

Result<void> Reconciler::finish() {
  for (int round = 1; !vanished_.empty(); ++round) {
    if (round > kRounds) return error(Status::Unavailable, "the space changes faster than it can be looked at");
    TRY(engine_.names_->prove(true));
    if (!confirmed_) {
      auto admitted = admit();
      if (!admitted) {
        vanished_.clear();
        in_step_later_.clear();
        return admitted;
      }
    }
    const std::vector<Vanished> gone = std::exchange(vanished_, {});
    for (std::span<const Vanished> left(gone); !left.empty();) {
      const auto some = left.first(std::min(left.size(), kRemovals));
      TRY(remove_vanished(some));
      left = left.subspan(some.size());
    }
    engine_.wake();
    for (const auto &[folder, self] : std::exchange(in_step_later_, {})) TRY(take_over({folder, false, {}}, {}, self));
    TRY(look());  // at what turned out to be gone with a folder above it
  }
  return {};
}

Result<void> Reconciler::remove_vanished(std::span<const Vanished> batch) {
  const std::lock_guard guard(engine_.writer_);
  TRY(admitted());
  Index &index = *engine_.index_;
  TRY_ASSIGN(auto transaction, index.begin_write(space_->info.id));
  std::optional<Opened> place;
  NodeId open_folder;
  std::int64_t delta = 0;
  std::uint64_t files = 0;
  auto leave_folder = [&]() -> Result<void> {
    if (delta == 0 && !touched_folder_) return {};
    TRY_ASSIGN(const std::uint64_t sequence, engine_.sequences_->next());
    TRY(index.bump(open_folder, sequence, delta));
    delta = 0;
    touched_folder_ = false;
    return {};
  };
  for (const Vanished &gone : batch) {
    if (gone.parent != open_folder) {
      TRY(leave_folder());
      open_folder = gone.parent;
      TRY_ASSIGN(place, open(index, gone.parent, deep_));
    }
    if (!place) continue;
    TRY_ASSIGN(const auto row, index.child(gone.parent, gone.name));
    if (!row || row->id != gone.node) continue;  // moved, or removed by a client, meanwhile
    TRY_ASSIGN(const auto entry, place->folder->look(gone.name));
    if (entry && entry->kind != EntryKind::Other) continue;
    TRY(miss(gone.node));
    const auto known = files_of_.find(gone.node);
    if (known != files_of_.end()) files += known->second;
    ATOLL_FAULT_POINT("reconcile.removed");
    TRY(note(ChangeKind::Removed, *row));
    delta -= static_cast<std::int64_t>(row->size);
    touched_folder_ = true;
  }
  TRY(leave_folder());
  // Once more: a file system that was taken away while this looked must not look like an empty one.
  TRY(engine_.names_->prove(true));
  TRY(transaction.commit());
  if (files != 0) engine_.removals_->went(space_->info.id, files);
  return {};
}

}  // namespace Atoll::tree
