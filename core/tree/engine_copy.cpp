// SPDX-License-Identifier: Apache-2.0
// Copies: made aside, then brought to their name in one step.
#include "core/base/name_key.hpp"
#include "core/base/uuid.hpp"
#include "core/tree/change.hpp"
#include "core/tree/fault_point.hpp"
#include "core/tree/put_file.hpp"
#include "core/tree/trash_move.hpp"
#include "core/tree/try.hpp"
#include "core/tree/version_move.hpp"

#include <algorithm>
#include <cerrno>
#include <unordered_map>

namespace Atoll::tree {
namespace {

constexpr std::size_t kBatch = 256;

Error changed_meanwhile() {
  return error(Status::Unavailable, "the source was changed while it was copied; try again");
}

/// Copies a folder, one folder after the other, into a staged one; the rows of the copy wait in the nursery.
class FolderCopy {
 public:
  FolderCopy(TreeEngine &engine, const SpacePtr &from, const Space &to, Staged &staged, Room &room)
      : engine_(engine),
        from_(from),
        to_(to.info.id),
        unique_(to.names == NameRule::Unique),
        staged_(staged),
        room_(room) {}

  const NodeId &top() const noexcept { return top_; }

  Result<void> run(const Row &source, const std::string &source_path, bool shallow) {
    Row row = source;
    row.id = top_;
    row.size = 0;
    row.inode = 0;
    row.name = top_.text();
    TRY_ASSIGN(row.sequence, engine_.sequences_->next());
    note_attributes(source, top_);
    {
      const std::lock_guard guard(engine_.writer_);
      TRY_ASSIGN(auto transaction, engine_.index_->begin_write(to_));
      TRY(engine_.index_->insert(parent_key(Place::Nursery), row));
      TRY(transaction.commit());
      ATOLL_FAULT_POINT("copy.begun");
    }
    if (!shallow) {
      std::vector<Todo> todo{{source.id, top_, source_path, {}}};
      while (!todo.empty()) {
        const Todo next = std::move(todo.back());
        todo.pop_back();
        TRY(one(next, todo));
      }
    }
    return engine_.meta_->copy_attributes(to_, attributes_);
  }

 private:
  struct Todo {
    NodeId from, to;
    std::string from_path;             // in the source space
    std::vector<std::string> to_path;  // below the staged folder
  };

  void note_attributes(const Row &source, const NodeId &copy) {
    if (source.has_attributes) attributes_.emplace_back(source.id, copy);
  }

  Result<void> one(const Todo &todo, std::vector<Todo> &more) {
    std::vector<Row> children;
    {
      const Steady steady(*from_);
      TRY_ASSIGN(auto view, engine_.views_->lease());
      TRY_ASSIGN(auto snapshot, view->begin());
      TRY_ASSIGN(const auto chain, view->chain(from_->info.id, todo.from));
      TRY(steady.holds());
      if (!chain) return changed_meanwhile();
      TRY(view->children(todo.from, {}, 0, [&](const NodeView &child, std::uint64_t inode) {
        Row row;
        static_cast<NodeFacts &>(row) = child;
        row.name = child.name;
        row.inode = inode;
        children.push_back(std::move(row));
        return true;
      }));
    }
    if (unique_) TRY(names_differ(children));
    auto source = engine_.names_->open(from_->info.folder, todo.from_path);
    if (!source) return source.error().sys_errno == ENOENT ? changed_meanwhile() : std::move(source).error();
    std::vector<std::unique_ptr<Folder>> way;
    Folder *goal = staged_.folder();
    for (const std::string &name : todo.to_path) {
      TRY_ASSIGN(auto inside, goal->open(name));
      way.push_back(std::move(inside));
      goal = way.back().get();
    }
    std::vector<Row> rows;
    for (const Row &child : children) {
      Row copy = child;
      copy.id = base::random_id<NodeId>();
      copy.parent = todo.to;
      TRY_ASSIGN(copy.sequence, engine_.sequences_->next());
      note_attributes(child, copy.id);
      if (child.folder()) {
        TRY_ASSIGN(const Entry made, goal->make_folder(child.name, copy.id));
        ATOLL_FAULT_POINT("copy.folder_made");
        copy.size = 0;
        copy.inode = made.inode;
        copy.mtime_ns = made.mtime_ns;
        Todo inner{child.id, copy.id, todo.from_path, todo.to_path};
        if (!inner.from_path.empty()) inner.from_path.push_back('/');
        inner.from_path += child.name;
        inner.to_path.push_back(child.name);
        more.push_back(std::move(inner));
      } else {
        TRY(file(**source, child, *goal, copy));
      }
      rows.push_back(std::move(copy));
      if (rows.size() == kBatch) TRY(store(rows, todo.to));
    }
    TRY(store(rows, todo.to));
    TRY_ASSIGN(const Entry self, goal->self());
    ATOLL_FAULT_POINT("copy.folder_filled");
    const std::lock_guard guard(engine_.writer_);
    TRY_ASSIGN(auto transaction, engine_.index_->begin_write(to_));
    TRY(engine_.index_->set_disk_state(todo.to, self.mtime_ns, self.inode));
    return transaction.commit();
  }

  /// What may be in the source need not be allowed in the goal.
  static Result<void> names_differ(const std::vector<Row> &children) {
    std::unordered_map<std::string, const std::string *> keys;
    for (const Row &child : children) {
      const auto [at, fresh] = keys.emplace(base::name_key(child.name), &child.name);
      if (!fresh)
        return error(Status::PermissionDenied, "a folder to be copied has " + *at->second + " and " + child.name +
                                                   ", which differ only in case or normal form; the space that it "
                                                   "would come to allows only one of them");
    }
    return {};
  }

  Result<void> file(Folder &source, const Row &child, Folder &goal, Row &copy) {
    auto fd = source.open_file(child.name);
    if (!fd) return fd.error().sys_errno == ENOENT ? changed_meanwhile() : std::move(fd).error();
    TRY(engine_.store_->reserve(0));  // many small files need more than the sum of their sizes
    TRY_ASSIGN(const auto staged, engine_.store_->stage_file(to_, 0));
    TRY(engine_.store_->copy(fd->get(), *staged));
    room_.used(child.size);
    ATOLL_FAULT_POINT("copy.bytes");
    Seal seal;
    seal.id = copy.id;
    seal.sequence = copy.sequence;
    seal.mtime_ns = child.mtime_ns;
    seal.durable = false;  // all at once, before the folder comes to its name
    TRY_ASSIGN(const Entry sealed, staged->seal(seal));
    TRY(goal.place(*staged, child.name, Onto::Nothing));
    ATOLL_FAULT_POINT("copy.file_placed");
    if (sealed.size != child.size) copy.sums = Sums();
    copy.size = sealed.size;
    copy.mtime_ns = sealed.mtime_ns;
    copy.inode = sealed.inode;
    return {};
  }

  Result<void> store(std::vector<Row> &rows, const NodeId &parent) {
    if (rows.empty()) return {};
    std::int64_t bytes = 0;
    const std::lock_guard guard(engine_.writer_);
    TRY_ASSIGN(auto transaction, engine_.index_->begin_write(to_));
    TRY_ASSIGN(const auto still, engine_.index_->by_id(parent));
    if (!still) return changed_meanwhile();  // the index was made anew
    for (const Row &row : rows) {
      TRY(engine_.index_->insert(parent_key(parent), row));
      bytes += static_cast<std::int64_t>(row.size);
    }
    TRY_ASSIGN(const std::uint64_t sequence, engine_.sequences_->next());
    TRY(engine_.index_->bump(parent, sequence, bytes));
    rows.clear();
    return transaction.commit();
  }

  TreeEngine &engine_;
  const SpacePtr &from_;
  const SpaceId to_;
  const bool unique_;
  Staged &staged_;
  Room &room_;
  const NodeId top_ = base::random_id<NodeId>();
  std::vector<std::pair<NodeId, NodeId>> attributes_;
};

/// Gives up the rows of a copy that did not come to its name.
void abandon(TreeEngine &engine, const NodeId &top) {
  const std::lock_guard guard(engine.writer_);
  auto transaction = engine.index_->begin_write_any();
  if (!transaction) return;  // the nursery is swept at the next start
  auto row = engine.index_->by_id(top);
  if (row && *row && (*row)->parent.none() && engine.index_->detach(top, Place::Limbo)) {
    if (transaction->commit()) engine.wake();
  }
}

}  // namespace

Result<Node> TreeEngine::copy(const Ref &from, const Ref &to, bool replace, bool shallow,
                              const Conditions &conditions) {
  Row source;
  std::string source_path;
  std::vector<NodeId> source_way;
  TRY(reading(from, [&](IndexView &, Located &located) -> Result<void> {
    source = located.row;
    source_path = located.path();
    source_way = ids_of(located.chain);
    return {};
  }));
  TRY_ASSIGN(const SpacePtr from_space, serving(from.space));
  // Before any byte is copied; looked at again in the end.
  auto check = [&](Change &change, const Target &goal) -> Result<void> {
    if (goal.is_root()) return error(Status::PermissionDenied, "the root of a space cannot be replaced");
    if (goal.row && goal.row->id == source.id)
      return error(Status::PermissionDenied, "source and destination of the copy are the same");
    const auto way = goal.parent_way();
    if (source.folder() && std::find(way.begin(), way.end(), source.id) != way.end())
      return error(Status::FailedPrecondition, "a folder cannot be copied into itself");
    if (goal.row && std::find(source_way.begin(), source_way.end(), goal.row->id) != source_way.end())
      return error(Status::FailedPrecondition, "a folder cannot be replaced by what is inside of it");
    if (goal.row && !replace) return error(Status::AlreadyExists, goal.name + " exists");
    if (goal.row && (goal.row->folder() || source.folder())) {
      TRY(change.locks_admit_removal(goal));
    } else {
      TRY(change.locks_admit(goal.row ? goal.way() : goal.parent_way()));
    }
    return change.room_for(static_cast<std::int64_t>(source.folder() && shallow ? 0 : source.size) -
                           static_cast<std::int64_t>(goal.row ? goal.row->size : 0));
  };
  TRY(changing<void>(to.space, conditions, [&](Change &change) -> Result<void> {
    if (from.space == to.space) {
      TRY_ASSIGN(const Target again, change.existing(from));
      TRY(change.conditions_hold(again.row));
    }
    TRY_ASSIGN(const Target goal, change.place(to));
    return check(change, goal);
  }));
  TRY_ASSIGN(Room room, store_->reserve(shallow && source.folder() ? 0 : source.size));

  if (!source.folder()) {
    TRY_ASSIGN(const OpenFile open, open_read(from));
    TRY_ASSIGN(const auto staged, store_->stage_file(to.space, 0));
    TRY(store_->copy(open.fd.get(), *staged));
    room.release();
    ATOLL_FAULT_POINT("copy.file_bytes");
    FilePut put;
    put.target = to;
    put.mtime_ns = open.node.mtime_ns;
    TRY_ASSIGN(const std::uint64_t size, staged->size());
    if (size == open.node.size) put.sums = open.node.sums;
    put.create_only = !replace;
    put.replace_folder = true;
    put.conditions_on_target = false;
    put.copy_of = open.node.id;
    put.copy_has_attributes = open.node.has_attributes;
    TRY_ASSIGN(const Node node, put_file(*this, *staged, put, conditions));
    if (!node.has_attributes) return node;
    const std::lock_guard guard(writer_);
    TRY_ASSIGN(auto transaction, index_->begin_write(to.space));
    TRY_ASSIGN(const auto row, index_->by_id(node.id));
    if (row) TRY(note_change(to.space, ChangeKind::Attributes, *row));
    TRY(transaction.commit());
    ATOLL_FAULT_POINT("copy.noted");
    return node;
  }

  TRY_ASSIGN(const auto staged, store_->stage_folder(to.space));
  TRY_ASSIGN(const SpacePtr to_space, serving(to.space));
  FolderCopy work(*this, from_space, *to_space, *staged, room);
  auto finish = [&]() -> Result<Node> {
    TRY(work.run(source, source_path, shallow));
    ATOLL_FAULT_POINT("copy.filled");
    Seal seal;
    seal.id = work.top();
    seal.durable = false;
    TRY_ASSIGN(const Entry sealed, staged->seal(seal));
    if (whole()) TRY(names_->sync_all());
    ATOLL_FAULT_POINT("copy.durable");
    return changing<Node>(to.space, conditions, [&](Change &change) -> Result<Node> {
      TRY_ASSIGN(Target goal, change.place(to));
      TRY_ASSIGN(Folder *const folder, change.open(goal.parent));
      TRY(change.agree(*folder, goal));
      TRY(check(change, goal));
      TRY_ASSIGN(auto row, change.index().by_id(work.top()));
      if (!row) return changed_meanwhile();  // the index was made anew
      const NodeId parent = goal.parent.row.id;
      const std::int64_t delta =
          static_cast<std::int64_t>(row->size) - static_cast<std::int64_t>(goal.row ? goal.row->size : 0);
      TRY(change.room_for(delta));
      TRY(change.intend({parent}, Need::More));
      std::optional<TrashMove> trash;
      if (goal.row && options_.trash.keep) {
        trash.emplace(*this, change, goal);
        TRY(trash->note({Refuge::Kind::Staging, {}, std::string(staged->token())}));
      }
      auto placed = folder->place(*staged, goal.name, goal.row ? Onto::Exchange : Onto::Nothing);
      if (!placed && goal.row && cannot_exchange(placed.error())) {
        if (!trash) {
          trash.emplace(*this, change, goal);
          TRY(trash->note({Refuge::Kind::Staging, {}, std::string(staged->token())}));
        }
        placed = trash->place_instead(*staged, *folder, sealed.inode);
      } else if (placed && trash) {
        TRY(trash->finish(*staged, *folder, goal.name));
      }
      if (!placed) return change.failed(std::move(placed).error(), parent);
      change.touched();
      ATOLL_FAULT_POINT("copy.placed");
      if (trash) {
        TRY(trash->done());
      } else if (goal.row) {
        TRY(change.index().detach(goal.row->id, Place::Limbo));
      }
      if (goal.row) TRY(change.note(ChangeKind::Removed, *goal.row));
      ATOLL_FAULT_POINT("copy.detached");
      TRY(change.index().attach(work.top(), parent_key(parent), goal.name));
      row->mtime_ns = sealed.mtime_ns;
      row->inode = sealed.inode;
      TRY(change.index().update(*row));
      ATOLL_FAULT_POINT("copy.attached");
      row->parent = parent;
      row->name = goal.name;
      TRY(change.note(ChangeKind::Created, *row));
      TRY(change.changed(*folder, parent, delta));
      change.sync_later(*folder);
      const bool created = !goal.row;
      goal.row = row;
      const Node node = change.node(*row, goal.way(), created);
      TRY(change.commit());
      return node;
    });
  };
  auto node = finish();
  if (!node) abandon(*this, work.top());
  wake();
  return node;
}

}  // namespace Atoll::tree
