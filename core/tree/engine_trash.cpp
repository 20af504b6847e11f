// SPDX-License-Identifier: Apache-2.0
// The trash as callers see it: list, restore, purge.
#include "core/base/time.hpp"
#include "core/tree/change.hpp"
#include "core/tree/fault_point.hpp"
#include "core/tree/trash_move.hpp"
#include "core/tree/try.hpp"
#include "core/tree/version_move.hpp"

#include <cerrno>

namespace Atoll::tree {
namespace {

constexpr std::uint64_t kPage = 500;

Error no_such_item() { return error(Status::NotFound, "there is no such item in the trash"); }

Result<bool> in_space(IndexView &view, const SpaceId &space, const NodeId &node) {
  auto chain = view.chain(space, node);
  if (!chain) return std::move(chain).error();
  return chain->has_value();
}

/// Marks an item as coming back, and as kept again unless the truth was touched.
class Restoring {
 public:
  Restoring(TreeEngine &engine, const TrashRecord &record) : engine_(engine), record_(record) {}
  Restoring(const Restoring &) = delete;
  Restoring &operator=(const Restoring &) = delete;
  ~Restoring() {
    if (!begun_ || done_) return;
    auto back = engine_.meta_->set_trash_state(record_.id, TrashState::Kept, engine_.kept_round());
    if (!back) engine_.log(true, back.error().message);
  }
  Result<void> begin() {
    TRY(engine_.meta_->set_trash_state(record_.id, TrashState::Restoring, engine_.kept_round()));
    begun_ = true;
    return {};
  }
  void done() noexcept { done_ = true; }

 private:
  TreeEngine &engine_;
  const TrashRecord &record_;
  bool begun_ = false, done_ = false;
};

}  // namespace

Result<void> TreeEngine::trash_list(const SpaceId &space, const Uuid &before, std::uint64_t limit,
                                    FunctionRef<bool(const TrashItem &)> sink) {
  TRY(serving(space));
  Uuid at = before;
  std::uint64_t left = limit == 0 ? UINT64_MAX : limit;
  while (left > 0) {
    TRY_ASSIGN(const auto page, meta_->list_trash(space, at, std::min(left, kPage)));
    for (const TrashRecord &record : page)
      if (!sink(record)) return {};
    if (page.size() < std::min(left, kPage)) return {};
    left -= page.size();
    at = page.back().id;
  }
  return {};
}

Result<Row> TreeEngine::trash_row(const TrashRecord &record, Folder &trash, const Entry &entry) {
  const std::string name = record.id.text();
  TRY_ASSIGN(auto row, index_->by_id(record.node));
  const bool fresh = !row;
  if (fresh) {
    row.emplace();
    row->id = record.node;
    row->name = name;
    row->type = record.type;
    if (row->folder()) {
      row->mtime_ns = entry.mtime_ns - 1;  // what is below it is not known
      TRY_ASSIGN(row->sequence, sequences_->next());
    }
  }
  row->inode = entry.inode;
  if (!row->folder() && (fresh || row->size != entry.size || row->mtime_ns != entry.mtime_ns)) {
    TRY_ASSIGN(const auto identity, trash.identity(name));
    const bool same = identity && identity->id == row->id && identity->size == entry.size &&
                      identity->mtime_ns == entry.mtime_ns && sequences_->past(identity->sequence);
    row->size = entry.size;
    row->mtime_ns = entry.mtime_ns;
    row->sums = Sums();
    if (same) {
      row->sequence = identity->sequence;
    } else {
      TRY_ASSIGN(row->sequence, sequences_->next());
      TRY(trash.identify(name, row->id, row->sequence));
    }
    if (!fresh) TRY(index_->update(*row));
  }
  if (fresh) TRY(index_->insert(parent_key(Place::Trash), *row));
  return *row;
}

Result<Node> TreeEngine::trash_restore(const SpaceId &space, const Uuid &item, const std::optional<Ref> &to,
                                       bool replace, const Conditions &conditions) {
  if (to && to->space != space) return error(Status::Unimplemented, "a restore to another space");
  std::optional<NodeId> unknown;
  auto node = changing<Node>(space, conditions, [&](Change &change) -> Result<Node> {
    TRY_ASSIGN(const auto found, meta_->trash(item));
    if (!found || found->space != space || found->state != TrashState::Kept) return no_such_item();
    const TrashRecord &record = *found;
    Ref target{space, record.parent, record.name};
    std::string old_path;
    if (to) {
      target = *to;
    } else {
      TRY_ASSIGN(const bool lives, in_space(change.index(), space, record.parent));
      if (!lives) {  // another folder may be at its path by now
        old_path = record.path.empty() ? record.name : record.path + "/" + record.name;
        target = Ref{space, root_of(space), old_path};
      }
    }
    TRY_ASSIGN(Target goal, change.place(target));
    if (goal.is_root()) return error(Status::PermissionDenied, "the root of a space cannot be replaced");
    TRY_ASSIGN(Folder *const folder, change.open(goal.parent));
    TRY(change.agree(*folder, goal));
    TRY(change.conditions_hold(goal.row));
    if (goal.row && !replace) return error(Status::AlreadyExists, goal.name + " exists");
    if (goal.row) {
      TRY(change.locks_admit_removal(goal));
    } else {
      TRY(change.locks_admit(goal.parent_way()));
    }
    const std::string name = item.text();
    TRY_ASSIGN(auto opened, names_->kept(space, "trash", true));
    Folder &trash = change.keep(std::move(opened));
    TRY_ASSIGN(const auto entry, trash.look(name));
    if (!entry || entry->inode != record.inode) {
      TRY(names_->prove(true));
      TRY(meta_->set_trash_state(item, TrashState::Purging, kept_round()));
      change.space().trash_bytes -= record.size;
      wake();
      return no_such_item();
    }
    TRY_ASSIGN(Row row, trash_row(record, trash, *entry));
    const std::int64_t delta =
        static_cast<std::int64_t>(row.size) - static_cast<std::int64_t>(goal.row ? goal.row->size : 0);
    TRY(change.room_for(std::max(
        delta, static_cast<std::int64_t>(record.size) - static_cast<std::int64_t>(goal.row ? goal.row->size : 0))));
    const NodeId parent = goal.parent.row.id;
    TRY(change.intend({parent, row.folder() ? row.id : parent}));
    Restoring restoring(*this, record);
    TRY(restoring.begin());
    ATOLL_FAULT_POINT("restore.noted");
    std::optional<TrashMove> replaced;
    if (goal.row) {
      replaced.emplace(*this, change, goal);
      TRY(replaced->note({Refuge::Kind::Trash, {}, name}));
      auto swapped = trash.move(name, *folder, goal.name, Onto::Exchange);
      if (!swapped && cannot_exchange(swapped.error())) {
        auto done = replaced->instead(*folder, record.inode,
                                      [&] { return trash.move(name, *folder, goal.name, Onto::Nothing); });
        if (!done) return change.failed(std::move(done).error(), parent);
      } else if (!swapped) {
        return change.failed(std::move(swapped).error(), parent);
      } else {
        TRY(replaced->finish([&] { return trash.move(name, replaced->folder(), replaced->name(), Onto::Nothing); },
                             [&] { return trash.move(name, *folder, goal.name, Onto::Exchange); }));
      }
    } else {
      auto moved = trash.move(name, *folder, goal.name, Onto::Nothing);
      if (!moved) return change.failed(std::move(moved).error(), parent);
      change.touched();
    }
    restoring.done();
    ATOLL_FAULT_POINT("restore.moved");
    change.space().trash_bytes -= record.size;
    if (replaced) TRY(replaced->done());
    TRY(change.index().attach(row.id, parent_key(parent), goal.name));
    ATOLL_FAULT_POINT("restore.attached");
    TRY(change.changed(*folder, parent, delta));
    if (row.folder()) {
      // Nobody shall take it for the state that it had under an older etag.
      TRY_ASSIGN(row.sequence, change.next_sequence());
      TRY(change.index().bump(row.id, row.sequence, 0));
      if (row.mtime_ns != entry->mtime_ns) unknown = row.id;
    }
    change.sync_later(*folder);
    change.sync_later(trash);
    row.parent = parent;
    row.name = goal.name;
    if (goal.row) TRY(change.note(ChangeKind::Removed, *goal.row));
    TRY(change.note(ChangeKind::Created, row));
    const bool created = !goal.row;
    goal.row = row;
    const Node restored = change.node(row, goal.way(), created);
    TRY(change.commit());
    return restored;
  });
  if (!node || !unknown) return node;
  // An index that was made anew since the removal does not know what is below it.
  TRY_ASSIGN(const SpacePtr served, serving(space));
  TRY(reconcile(served, *unknown, true));
  TRY(flag_attributes());
  return stat(Ref{space, *unknown, {}});
}

Result<void> TreeEngine::trash_purge(const SpaceId &space, const Uuid &item) {
  TRY_ASSIGN(const SpacePtr served, serving(space));
  {
    const std::lock_guard guard(writer_);  // no restore is under way
    TRY(changeable(*served));
    TRY(state_.room(Need::Less));
    TRY_ASSIGN(const auto record, meta_->trash(item));
    if (!record || record->space != space || record->state != TrashState::Kept) return no_such_item();
    TRY(meta_->set_trash_state(item, TrashState::Purging, record->round));
    ATOLL_FAULT_POINT("purge.noted");
    served->trash_bytes -= record->size;
  }
  wake();
  return {};
}

Result<void> TreeEngine::trash_purge_all(const SpaceId &space) {
  TRY_ASSIGN(const SpacePtr served, serving(space));
  {
    const std::lock_guard guard(writer_);
    TRY(changeable(*served));
    TRY(state_.room(Need::Less));
    // What is removed from now on stays.
    TRY_ASSIGN(const auto freed, meta_->purge_trash(space, trash_id(now_ns() + 1'000'000, true)));
    charge_trash(freed);
  }
  wake();
  return {};
}

}  // namespace Atoll::tree
