// SPDX-License-Identifier: Apache-2.0
#include "core/tree/index.hpp"

#include "core/base/name_key.hpp"
#include "core/tree/try.hpp"

namespace Atoll::tree {
namespace {

// Clustered by (parent, name): a listing is one range of the table. Roots have the empty blob as parent, so that the
// usage of all spaces is one range as well. The index on id holds parent and name too: the way up needs nothing else.
constexpr const char *kIndexSchema[] = {
    "CREATE TABLE node("
    " parent BLOB NOT NULL, name TEXT NOT NULL, id BLOB NOT NULL, type INTEGER NOT NULL, flags INTEGER NOT NULL,"
    " size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, seq INTEGER NOT NULL, inode INTEGER NOT NULL, sums BLOB,"
    " PRIMARY KEY(parent,name)) WITHOUT ROWID;"
    "CREATE UNIQUE INDEX node_id ON node(id);"
    "CREATE INDEX node_inode ON node(inode);"
    "CREATE TABLE fact(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;",
    "CREATE TABLE change("
    " space BLOB NOT NULL, position INTEGER NOT NULL, kind INTEGER NOT NULL, type INTEGER NOT NULL, node BLOB NOT NULL,"
    " parent BLOB NOT NULL, old_parent BLOB NOT NULL, name TEXT NOT NULL, time_ns INTEGER NOT NULL,"
    " PRIMARY KEY(space,position)) WITHOUT ROWID;"
    "CREATE TABLE log(space BLOB PRIMARY KEY, epoch INTEGER NOT NULL, floor INTEGER NOT NULL) WITHOUT ROWID;"
    "INSERT INTO log SELECT id,seq,seq FROM node WHERE parent=x'';",
    "CREATE INDEX node_folder ON node(id) WHERE type=2;",
    // Files without checksums, those of a folder together.
    "CREATE INDEX node_bare ON node(parent,name) WHERE type=1 AND sums IS NULL;",
    // fold: see name_fold(). fold_names() fills it.
    "ALTER TABLE node ADD COLUMN fold INTEGER;"
    "CREATE INDEX node_fold ON node(parent,fold) WHERE fold IS NOT NULL;",
};

// The background round moves the log into the database; a commit does so only when that cannot keep up, or when there
// is no room for a long log. In pages.
constexpr const char *kLongLog = "PRAGMA wal_autocheckpoint=8000", *kShortLog = "PRAGMA wal_autocheckpoint=250";
constexpr std::size_t kFoldedAtOnce = 5000;

}  // namespace

Result<std::unique_ptr<Index>> Index::open(const std::string &path) {
  sql::Options options;
  options.synchronous = sql::Synchronous::Normal;
  options.cache_kib = 16384;
  TRY_ASSIGN(sql::Database database, sql::Database::open(path, options));
  TRY(database.migrate(kIndexSchema));
  TRY(database.exec(kLongLog));
  std::unique_ptr<Index> index(new Index(std::move(database)));
  TRY(index->prepare());
  TRY(index->prepare_writes());
  TRY(index->fold_names());
  return index;
}

/// What an older index lacks, and all when keys of names are others now.
Result<void> Index::fold_names() {
  const std::string version = base::name_key_version();
  {
    TRY_ASSIGN(sql::Statement statement, database_.prepare("SELECT value FROM fact WHERE name='fold'"));
    auto rows = statement.query();
    TRY_ASSIGN(const bool there, rows.next());
    if (there && rows.text(0) == version) return {};
  }
  TRY_ASSIGN(auto transaction, database_.begin());
  TRY_ASSIGN(sql::Statement find, database_.prepare("SELECT id,name,fold FROM node WHERE id>?1 ORDER BY id LIMIT ?2"));
  TRY_ASSIGN(sql::Statement set, database_.prepare("UPDATE node SET fold=?2 WHERE id=?1"));
  NodeId last;
  for (std::size_t seen = kFoldedAtOnce; seen == kFoldedAtOnce;) {
    std::vector<std::pair<NodeId, std::string>> wrong;
    const NodeId after = last;
    seen = 0;
    {
      auto rows = find.query(after, kFoldedAtOnce);
      for (;; ++seen) {
        TRY_ASSIGN(const bool more, rows.next());
        if (!more) break;
        last = rows.id<NodeId>(0);
        const auto fold = name_fold(rows.text(1));
        if (fold ? rows.is_null(2) || rows.integer(2) != *fold : !rows.is_null(2))
          wrong.emplace_back(last, rows.text(1));
      }
    }
    for (const auto &[id, name] : wrong) TRY(set.run_with(id, name_fold(name)));
  }
  TRY_ASSIGN(sql::Statement note, database_.prepare("INSERT OR REPLACE INTO fact(name,value) VALUES('fold',?1)"));
  TRY(note.run_with(version));
  return transaction.commit();
}

void Index::swap(Index &other) noexcept {
  swap_view(other);
  std::swap(saves_room_, other.saves_room_);
  sql::Statement Index::*const all[] = {&Index::insert_,  &Index::update_,     &Index::attach_,    &Index::erase_,
                                        &Index::bump_,    &Index::disk_state_, &Index::flag_,      &Index::limbo_,
                                        &Index::below_,   &Index::log_,        &Index::savepoint_, &Index::bump_here_,
                                        &Index::release_, &Index::undo_};
  for (const auto statement : all) std::swap(this->*statement, other.*statement);
}

Result<void> Index::prepare_writes() {
  const struct {
    sql::Statement *statement;
    const char *text;
  } all[] = {
      {&insert_, "INSERT INTO node(" TREE_ROW_COLUMNS ",fold) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11)"},
      {&update_, "UPDATE node SET flags=?2,size=?3,mtime_ns=?4,seq=?5,inode=?6,sums=?7 WHERE id=?1"},
      {&attach_, "UPDATE node SET parent=?2,name=?3,fold=?4 WHERE id=?1"},
      {&erase_, "DELETE FROM node WHERE id=?1"},
      {&bump_, "UPDATE node SET seq=?2,size=size+?3 WHERE id=?1"},
      {&bump_here_, "UPDATE node SET seq=?2,size=size+?3,mtime_ns=?4,inode=?5 WHERE id=?1"},
      {&disk_state_, "UPDATE node SET mtime_ns=?2,inode=?3 WHERE id=?1"},
      {&flag_, "UPDATE node SET flags=?2 WHERE id=?1"},
      {&limbo_, "SELECT id,type,flags FROM node WHERE parent=?1 LIMIT ?2"},
      {&below_, "SELECT id,type,flags FROM node WHERE parent=?1 LIMIT ?2"},
      {&log_,
       "INSERT INTO change(space,position,kind,type,node,parent,old_parent,name,time_ns)"
       " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9)"},
      {&savepoint_, "SAVEPOINT change"},
      {&release_, "RELEASE change"},
      {&undo_, "ROLLBACK TO change"},
  };
  for (const auto &[statement, text] : all) {
    TRY_ASSIGN(*statement, database_.prepare(text));
  }
  return {};
}

Result<void> Index::join(const SpaceId &space) {
  if (shared_) {
    TRY(savepoint_.run());
    saved_ = true;
    shared_->also(space);
    return {};
  }
  TRY_ASSIGN(auto transaction, begin_write(space));
  shared_.emplace(std::move(transaction));
  return {};
}

Result<void> Index::keep() {
  if (std::exchange(saved_, false)) TRY(release_.run());
  kept_ = true;
  return {};
}

Result<void> Index::undo() noexcept {
  const bool alone = !kept_, saved = std::exchange(saved_, false);
  Result<void> undone;
  if (shared_ && !alone) {
    // Some failures end the whole transaction.
    if (saved && database_.in_transaction()) undone = undo_.run();
    if (saved && database_.in_transaction() && undone) undone = release_.run();
    if (!database_.in_transaction())
      undone = error(Status::Unavailable, "the index could not take a change beside this one");
    if (undone) return undone;
  }
  if (shared_) shared_->rollback();
  shared_.reset();
  kept_ = false;
  return undone;
}

Result<void> Index::commit_shared() noexcept {
  if (!shared_) return {};
  auto done = shared_->commit();
  shared_.reset();
  kept_ = saved_ = false;
  return done;
}

Result<void> Index::insert(ParentKey parent, const Row &row) {
  const auto sums = encode_sums(row.sums);
  bare_ |= sums.empty() && !row.folder();
  insert_.bind(1, parent).bind(2, row.name).bind(3, row.id).bind(4, static_cast<int>(row.type));
  insert_.bind(5, row.has_attributes ? 1 : 0).bind(6, row.size).bind(7, row.mtime_ns).bind(8, row.sequence);
  insert_.bind(9, row.inode);
  if (sums.empty())
    insert_.bind(10, nullptr);
  else
    insert_.bind(10, std::span<const std::uint8_t>(sums));
  insert_.bind(11, name_fold(row.name));
  return insert_.run();
}

Result<void> Index::insert_root(const SpaceId &space, std::uint64_t sequence) {
  Row row;
  row.id = root_of(space);
  row.name = space.text();
  row.type = NodeType::Folder;
  row.sequence = sequence;
  TRY(insert({}, row));
  return begin_log(space, sequence);
}

Result<void> Index::log(const SpaceId &space, const ChangeRow &row) {
  TRY(log_.run_with(space, row.position, static_cast<int>(row.kind), static_cast<int>(row.type), row.node, row.parent,
                    row.old_parent, row.name, row.time_ns));
  if (logged_.empty() || logged_.back() != space) logged_.push_back(space);
  return {};
}

Result<void> Index::begin_log(const SpaceId &space, std::uint64_t epoch) {
  TRY_ASSIGN(sql::Statement *const statement,
             database_.cached("INSERT OR REPLACE INTO log(space,epoch,floor) VALUES(?1,?2,?2)"));
  return statement->run_with(space, epoch);
}

Result<bool> Index::thin_log(const SpaceId &space, std::uint64_t up_to, std::size_t limit) {
  TRY_ASSIGN(sql::Statement *const find,
             database_.cached("SELECT max(position),count(*) FROM (SELECT position FROM change WHERE space=?1"
                              " AND position<=?2 ORDER BY position LIMIT ?3)"));
  std::uint64_t last = 0;
  bool more = false;
  {
    auto rows = find->query(space, up_to, limit);
    TRY_ASSIGN(const bool there, rows.next());
    if (!there || rows.is_null(0)) return false;
    last = static_cast<std::uint64_t>(rows.integer(0));
    more = static_cast<std::size_t>(rows.integer(1)) == limit && last < up_to;
  }
  TRY_ASSIGN(sql::Statement *const drop, database_.cached("DELETE FROM change WHERE space=?1 AND position<=?2"));
  TRY(drop->run_with(space, last));
  TRY_ASSIGN(sql::Statement *const raise, database_.cached("UPDATE log SET floor=max(floor,?2) WHERE space=?1"));
  TRY(raise->run_with(space, last));
  return more;
}

Result<void> Index::drop_log(const SpaceId &space) {
  TRY_ASSIGN(sql::Statement *const drop,
             database_.cached("DELETE FROM log WHERE space=?1 AND NOT EXISTS(SELECT 1 FROM change WHERE space=?1)"));
  return drop->run_with(space);
}

Result<void> Index::update(const Row &row) {
  const auto sums = encode_sums(row.sums);
  bare_ |= sums.empty() && !row.folder();
  update_.bind(1, row.id).bind(2, row.has_attributes ? 1 : 0).bind(3, row.size).bind(4, row.mtime_ns);
  update_.bind(5, row.sequence).bind(6, row.inode);
  if (sums.empty())
    update_.bind(7, nullptr);
  else
    update_.bind(7, std::span<const std::uint8_t>(sums));
  return update_.run();
}

Result<void> Index::attach(const NodeId &id, ParentKey parent, std::string_view name) {
  return attach_.run_with(id, parent, name, name_fold(name));
}

Result<void> Index::detach(const NodeId &id, Place place) {
  ++detached_;
  return attach(id, parent_key(place), id.text());
}

Result<void> Index::erase(const NodeId &id) { return erase_.run_with(id); }

Result<void> Index::erase_children(const NodeId &folder) {
  TRY_ASSIGN(sql::Statement *const statement, database_.cached("DELETE FROM node WHERE parent=?1"));
  return statement->run_with(folder);
}

Result<void> Index::bump(const NodeId &folder, std::uint64_t sequence, std::int64_t size_delta) {
  NodeId at = folder;
  while (!at.none()) {
    // Not RETURNING, which makes a table for its one row.
    TRY_ASSIGN(const auto above, parent_of(at));
    if (!above) return damaged("the index lacks an ancestor");
    TRY(bump_.run_with(at, sequence, size_delta));
    at = *above;
  }
  return {};
}

Result<void> Index::bump(const NodeId &folder, std::uint64_t sequence, std::int64_t size_delta, std::int64_t mtime_ns,
                         std::uint64_t inode) {
  TRY_ASSIGN(const auto above, parent_of(folder));
  if (!above) return damaged("the index lacks a folder");
  TRY(bump_here_.run_with(folder, sequence, size_delta, mtime_ns, inode));
  return bump(*above, sequence, size_delta);
}

Result<void> Index::set_disk_state(const NodeId &folder, std::int64_t mtime_ns, std::uint64_t inode) {
  return disk_state_.run_with(folder, mtime_ns, inode);
}

Result<void> Index::set_sums(const NodeId &id, const Sums &sums) {
  TRY_ASSIGN(sql::Statement *const statement, database_.cached("UPDATE node SET sums=?2 WHERE id=?1"));
  const auto bytes = encode_sums(sums);
  return statement->run_with(id, std::span<const std::uint8_t>(bytes));
}

Result<void> Index::set_flag_attributes(const NodeId &id, bool has) { return flag_.run_with(id, has ? 1 : 0); }

Result<void> Index::save_room(bool yes) {
  if (yes == saves_room_) return {};
  TRY(database_.exec(yes ? kShortLog : kLongLog));
  saves_room_ = yes;
  return {};
}

Result<void> Index::commit_for_good(bool yes) {
  return database_.exec(yes ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL");
}

Result<std::vector<std::pair<NodeId, std::string>>> Index::in_trash() {
  std::vector<std::pair<NodeId, std::string>> found;
  TRY_ASSIGN(sql::Statement *const statement, database_.cached("SELECT id,name FROM node WHERE parent=?1"));
  auto rows = statement->query(parent_key(Place::Trash));
  for (;;) {
    TRY_ASSIGN(const bool more, rows.next());
    if (!more) return found;
    found.emplace_back(rows.id<NodeId>(0), rows.text(1));
  }
}

Result<bool> Index::clear_limbo(std::size_t limit, FunctionRef<void(const NodeId &, bool)> gone, Place place) {
  struct Cleared {
    NodeId id;
    bool folder, attributes;
  };
  auto take = [&](sql::Statement &statement, ParentKey parent, std::size_t most) -> Result<std::vector<Cleared>> {
    std::vector<Cleared> found;
    auto rows = statement.query(parent, most);
    for (;;) {
      TRY_ASSIGN(const bool more, rows.next());
      if (!more) return found;
      found.push_back({statement.id<NodeId>(0), statement.integer(1) == static_cast<int>(NodeType::Folder),
                       (statement.integer(2) & 1) != 0});
    }
  };
  auto drop = [&](const Cleared &node) -> Result<void> {
    gone(node.id, node.attributes);
    return erase(node.id);
  };
  TRY_ASSIGN(const std::vector<Cleared> top, take(limbo_, parent_key(place), limit));
  if (top.empty()) return false;
  std::size_t left = limit;
  for (const Cleared &node : top) {
    if (node.folder) {
      // Folders inside come up into limbo themselves, so that nothing here depends on the depth.
      TRY_ASSIGN(const std::vector<Cleared> below, take(below_, parent_key(node.id), left));
      for (const Cleared &inner : below) {
        if (inner.folder) {
          TRY(detach(inner.id, place));
        } else {
          TRY(drop(inner));
        }
      }
      left -= below.size();
      if (left == 0) return true;
    }
    TRY(drop(node));
    if (--left == 0) return true;
  }
  return true;
}

Result<void> Index::abandon_nursery() {
  TRY_ASSIGN(sql::Statement statement, database_.prepare("UPDATE node SET parent=?1 WHERE parent=?2"));
  return statement.run_with(parent_key(Place::Abandoned), parent_key(Place::Nursery));
}

Result<std::string> Index::stamp() {
  TRY_ASSIGN(sql::Statement statement, database_.prepare("SELECT value FROM fact WHERE name='stamp'"));
  auto rows = statement.query();
  TRY_ASSIGN(const bool there, rows.next());
  return there ? std::string(rows.text(0)) : std::string();
}

Result<void> Index::set_stamp(std::string_view stamp) {
  TRY_ASSIGN(sql::Statement statement, database_.prepare("INSERT OR REPLACE INTO fact(name,value) VALUES('stamp',?1)"));
  return statement.run_with(stamp);
}

Result<bool> Index::checkpoint() {
  TRY_ASSIGN(sql::Statement statement, database_.prepare("PRAGMA wal_checkpoint(PASSIVE)"));
  auto rows = statement.query();
  TRY_ASSIGN(const bool there, rows.next());
  return there && rows.integer(0) == 0 && rows.integer(1) == rows.integer(2);
}

}  // namespace Atoll::tree
