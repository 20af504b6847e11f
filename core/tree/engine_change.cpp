// SPDX-License-Identifier: Apache-2.0
// mkdir, rename, remove, set_mtime.
#include "core/base/uuid.hpp"
#include "core/tree/change.hpp"
#include "core/tree/fault_point.hpp"
#include "core/tree/trash_move.hpp"
#include "core/tree/try.hpp"
#include "core/tree/version_move.hpp"

#include <algorithm>
#include <cerrno>

namespace Atoll::tree {
namespace {

std::int64_t signed_size(const Row &row) { return static_cast<std::int64_t>(row.size); }

bool holds(const std::vector<Step> &chain, const NodeId &id) {
  return std::any_of(chain.begin(), chain.end(), [&](const Step &step) { return step.id == id; });
}

Error root_stays() { return error(Status::PermissionDenied, "the root of a space cannot be renamed or removed"); }

}  // namespace

Result<Node> TreeEngine::mkdir(const Ref &ref, const Conditions &conditions) {
  return changing<Node>(ref.space, conditions, [&](Change &change) -> Result<Node> {
    TRY_ASSIGN(Target target, change.place(ref));
    if (target.is_root()) return error(Status::AlreadyExists, "the root of a space is there already");
    TRY_ASSIGN(Folder *const folder, change.open(target.parent));
    TRY(change.agree(*folder, target));
    TRY(change.conditions_hold(target.row));
    if (target.row) return error(Status::AlreadyExists, target.name + " exists");
    TRY(change.locks_admit(target.parent_way()));
    TRY(store_->reserve(1));
    const NodeId parent = target.parent.row.id;
    TRY(change.intend({parent}, Need::More));
    Row row;
    row.id = base::random_id<NodeId>();
    row.parent = parent;
    row.name = target.name;
    row.type = NodeType::Folder;
    TRY_ASSIGN(row.sequence, change.next_sequence());
    auto made = folder->make_folder(target.name, row.id);
    if (!made) return change.failed(std::move(made).error(), parent);
    change.touched();
    ATOLL_FAULT_POINT("mkdir.made");
    row.mtime_ns = made->mtime_ns;
    row.inode = made->inode;
    TRY(change.index().insert(parent_key(parent), row));
    ATOLL_FAULT_POINT("mkdir.indexed");
    TRY(change.note(ChangeKind::Created, row));
    TRY(change.changed(*folder, parent, 0));
    if (durable()) {
      TRY_ASSIGN(auto inside, folder->open(target.name));
      change.sync_later(change.keep(std::move(inside)));
      change.sync_later(*folder);
    }
    target.row = row;
    const Node node = change.node(row, target.way(), true);
    TRY(change.commit());
    return node;
  });
}

Result<Node> TreeEngine::rename(const Ref &from, const Ref &to, bool replace, const Conditions &conditions) {
  if (from.space != to.space) return error(Status::Unimplemented, "a move to another space is a copy and a removal");
  return changing<Node>(from.space, conditions, [&](Change &change) -> Result<Node> {
    TRY_ASSIGN(Target source, change.existing(from));
    if (source.is_root()) return root_stays();
    TRY_ASSIGN(Folder *const source_folder, change.open(source.parent));
    TRY(change.agree(*source_folder, source));
    TRY_ASSIGN(Target goal, change.place(to, source.row->id));
    if (goal.is_root()) return root_stays();
    const NodeId id = source.row->id, source_parent = source.parent.row.id, goal_parent = goal.parent.row.id;
    if (goal.row && goal.row->id == id)
      return error(Status::PermissionDenied, "source and destination of the move are the same");
    if (holds(goal.parent.chain, id)) return error(Status::FailedPrecondition, "a folder cannot be moved into itself");
    if (goal.row && holds(source.parent.chain, goal.row->id))
      return error(Status::FailedPrecondition, "a folder cannot be replaced by what is inside of it");
    TRY_ASSIGN(Folder *const goal_folder, change.open(goal.parent));
    TRY_ASSIGN(const auto replaced, change.agree(*goal_folder, goal));
    TRY(change.conditions_hold(source.row));
    if (goal.row && !replace) return error(Status::AlreadyExists, goal.name + " exists");
    TRY(change.locks_admit_removal(source));
    if (goal.row) {
      TRY(change.locks_admit_removal(goal));
    } else {
      TRY(change.locks_admit(goal.parent_way()));
    }

    TRY(change.intend({source_parent, goal_parent}));
    const bool into_trash = goal.row && options_.trash.keep;
    const bool plain = !goal.row || (!goal.row->folder() && !source.row->folder());
    std::optional<TrashMove> trash;
    auto by_way_of_trash = [&]() -> Result<void> {
      auto done = trash->instead(*goal_folder, source.row->inode, [&] {
        return source_folder->move(source.name, *goal_folder, goal.name, Onto::Nothing);
      });
      if (!done) return change.failed(std::move(done).error(), goal_parent);
      return {};
    };
    if (into_trash) {
      // As below, but the old one goes on into the trash.
      trash.emplace(*this, change, goal);
      TRY(trash->note({Refuge::Kind::Tree, source.parent.path(), source.name}));
      auto swapped = source_folder->move(source.name, *goal_folder, goal.name, Onto::Exchange);
      if (!swapped && cannot_exchange(swapped.error())) {
        TRY(by_way_of_trash());
      } else if (!swapped) {
        return change.failed(std::move(swapped).error(), goal_parent);
      } else {
        TRY(trash->finish(
            [&] { return source_folder->move(source.name, trash->folder(), trash->name(), Onto::Nothing); },
            [&] { return source_folder->move(source.name, *goal_folder, goal.name, Onto::Exchange); }));
      }
    } else if (plain) {
      auto done = source_folder->move(source.name, *goal_folder, goal.name, goal.row ? Onto::File : Onto::Nothing);
      if (!done) return change.failed(std::move(done).error(), goal_parent);
      change.touched();
      ATOLL_FAULT_POINT("rename.moved");
    } else {
      // The old one comes to the source's place in one step, and goes from there; a crash in between is finished at the
      // next start.
      Intent drop;
      drop.kind = Intent::Kind::Drop;
      drop.space = from.space;
      drop.folder = source_parent;
      drop.path = source.parent.path();
      drop.name = source.name;
      drop.inode = replaced->inode;
      TRY(meta_->add_intents({&drop, 1}));
      ATOLL_FAULT_POINT("rename.drop_noted");
      auto done = source_folder->move(source.name, *goal_folder, goal.name, Onto::Exchange);
      if (!done && cannot_exchange(done.error())) {
        TRY(meta_->close_drop_intents(from.space, source_parent));
        trash.emplace(*this, change, goal);
        TRY(trash->note({Refuge::Kind::Tree, source.parent.path(), source.name}));
        TRY(by_way_of_trash());
      } else {
        if (!done) return change.failed(std::move(done).error(), goal_parent);
        change.touched();
        ATOLL_FAULT_POINT("rename.exchanged");
        TRY(source_folder->set_aside(from.space, source.name));
        ATOLL_FAULT_POINT("rename.set_aside");
        wake();
      }
    }
    std::int64_t goal_delta = 0;
    if (goal.row) {
      goal_delta -= signed_size(*goal.row);
      if (trash) {
        TRY(trash->done());
      } else {
        TRY(change.index().detach(goal.row->id, Place::Limbo));
        wake();
      }
      ATOLL_FAULT_POINT("rename.detached");
      TRY(change.note(ChangeKind::Removed, *goal.row));
    }
    TRY(change.index().attach(id, parent_key(goal_parent), goal.name));
    ATOLL_FAULT_POINT("rename.attached");
    Row row = *source.row;
    row.parent = goal_parent;
    row.name = goal.name;
    TRY(change.note(ChangeKind::Moved, row, source_parent));
    if (source_parent == goal_parent) {
      TRY(change.changed(*goal_folder, goal_parent, goal_delta));
    } else {
      TRY(change.changed(*source_folder, source_parent, -signed_size(*source.row)));
      TRY(change.changed(*goal_folder, goal_parent, goal_delta + signed_size(*source.row)));
    }
    change.sync_later(*goal_folder);
    if (source_parent != goal_parent) change.sync_later(*source_folder);

    const bool created = !goal.row;
    goal.row = row;
    const Node node = change.node(row, goal.way(), created);
    TRY(change.commit());
    if (!plain && !trash) {
      // Only when both names are durable; the intent is harmless until then.
      TRY(change.settle_for_good());
      ATOLL_FAULT_POINT("rename.settled");
      TRY(meta_->close_drop_intents(from.space, source_parent));
      ATOLL_FAULT_POINT("rename.drop_closed");
    }
    return node;
  });
}

Result<void> TreeEngine::remove(const Ref &ref, const Conditions &conditions, bool permanent) {
  auto removed = remove_now(ref, conditions, permanent);
  // Others have filled the disk of the files.
  if (removed.status() == Status::InsufficientStorage && store_->make_room())
    return remove_now(ref, conditions, permanent);
  return removed;
}

Result<void> TreeEngine::remove_now(const Ref &ref, const Conditions &conditions, bool permanent) {
  return changing<void>(ref.space, conditions, [&](Change &change) -> Result<void> {
    TRY_ASSIGN(const Target target, change.existing(ref));
    if (target.is_root()) return root_stays();
    TRY_ASSIGN(Folder *const folder, change.open(target.parent));
    TRY(change.agree(*folder, target));
    TRY(change.conditions_hold(target.row));
    TRY(change.locks_admit_removal(target));
    const NodeId parent = target.parent.row.id;
    TRY(change.intend({parent}, Need::Less));
    if (options_.trash.keep && !permanent) {
      TrashMove trash(*this, change, target);
      TRY(trash.note({}));
      auto gone = folder->move(target.name, trash.folder(), trash.name(), Onto::Nothing);
      if (!gone) return change.failed(std::move(gone).error(), parent);
      change.touched();
      ATOLL_FAULT_POINT("remove.moved");
      TRY(trash.done());
    } else {
      TRY(note_gone(ref.space, {&target.row->id, 1}));
      ATOLL_FAULT_POINT("remove.noted");
      auto gone = folder->set_aside(ref.space, target.name);
      if (!gone) return change.failed(std::move(gone).error(), parent);
      change.touched();
      ATOLL_FAULT_POINT("remove.set_aside");
      TRY(change.index().detach(target.row->id, Place::Limbo));
    }
    ATOLL_FAULT_POINT("remove.detached");
    TRY(change.note(ChangeKind::Removed, *target.row));
    TRY(change.changed(*folder, parent, -signed_size(*target.row)));
    change.sync_later(*folder);
    TRY(change.commit());
    wake();
    return {};
  });
}

Result<Node> TreeEngine::set_mtime(const Ref &ref, std::int64_t mtime_ns, const Conditions &conditions) {
  return changing<Node>(ref.space, conditions, [&](Change &change) -> Result<Node> {
    TRY_ASSIGN(Target target, change.existing(ref));
    if (target.is_root()) return error(Status::PermissionDenied, "the root of a space keeps its own time");
    TRY_ASSIGN(Folder *const folder, change.open(target.parent));
    TRY(change.agree(*folder, target));
    TRY(change.conditions_hold(target.row));
    TRY(change.locks_admit(target.way()));
    Row row = *target.row;
    const NodeId parent = target.parent.row.id;
    TRY(change.intend({parent, row.folder() ? row.id : parent}));
    TRY_ASSIGN(row.sequence, change.next_sequence());
    base::Fd touched;
    auto set = folder->set_mtime(target.name, mtime_ns, row.id, row.sequence, &touched);
    if (!set) return change.failed(std::move(set).error(), parent);
    change.touched();
    ATOLL_FAULT_POINT("mtime.set");
    change.sync_later(std::move(touched));
    row.mtime_ns = set->mtime_ns;
    TRY(change.index().update(row));
    ATOLL_FAULT_POINT("mtime.indexed");
    TRY(change.note(ChangeKind::Content, row));
    TRY(change.changed(*folder, parent, 0));
    target.row = row;
    const Node node = change.node(row, target.way(), false);
    TRY(change.commit());
    return node;
  });
}

}  // namespace Atoll::tree
