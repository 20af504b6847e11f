// SPDX-License-Identifier: Apache-2.0
// The trash records of meta.db.
#include "core/tree/meta.hpp"
#include "core/tree/try.hpp"

namespace Atoll::tree {
namespace {

#define TREE_TRASH_COLUMNS                                                                                            \
  "id,space,node,parent,path,name,type,size,mtime_ns,removed_ns,account,inode,state,round,refuge,refuge_path,refuge_" \
  "name"

TrashRecord decode_trash(const sql::Cursor &row) {
  TrashRecord record;
  record.id = row.id<Uuid>(0);
  record.space = row.id<SpaceId>(1);
  record.node = row.id<NodeId>(2);
  record.parent = row.id<NodeId>(3);
  record.path = row.text(4);
  record.name = row.text(5);
  record.type = static_cast<NodeType>(row.integer(6));
  record.size = static_cast<std::uint64_t>(row.integer(7));
  record.mtime_ns = row.integer(8);
  record.removed_ns = row.integer(9);
  record.account = row.id<AccountId>(10);
  record.inode = static_cast<std::uint64_t>(row.integer(11));
  record.state = static_cast<TrashState>(row.integer(12));
  record.round = static_cast<std::uint64_t>(row.integer(13));
  record.refuge.kind = static_cast<Refuge::Kind>(row.integer(14));
  record.refuge.path = row.text(15);
  record.refuge.name = row.text(16);
  return record;
}

Result<std::vector<TrashRecord>> all_of(sql::Cursor rows) {
  std::vector<TrashRecord> all;
  for (;;) {
    TRY_ASSIGN(const bool more, rows.next());
    if (!more) return all;
    all.push_back(decode_trash(rows));
  }
}

Result<std::vector<SpaceBytes>> trash_sums(sql::Cursor rows) {
  std::vector<SpaceBytes> sums;
  for (;;) {
    TRY_ASSIGN(const bool more, rows.next());
    if (!more) return sums;
    sums.push_back({rows.id<SpaceId>(0), static_cast<std::uint64_t>(rows.integer(1))});
  }
}

}  // namespace

Result<void> Meta::put_trash(const TrashRecord &record) {
  const std::lock_guard guard(mutex_);
  return insert(record);
}

Result<void> Meta::insert(const TrashRecord &record) {
  TRY_ASSIGN(sql::Statement *const put,
             database_.cached("INSERT INTO trash(" TREE_TRASH_COLUMNS
                              ") VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17)"));
  return put->run_with(record.id, record.space, record.node, record.parent, record.path, record.name,
                       static_cast<int>(record.type), record.size, record.mtime_ns, record.removed_ns, record.account,
                       record.inode, static_cast<int>(record.state), record.round, static_cast<int>(record.refuge.kind),
                       record.refuge.path, record.refuge.name);
}

Result<std::optional<TrashRecord>> Meta::trash(const Uuid &id) {
  const std::lock_guard guard(mutex_);
  TRY_ASSIGN(sql::Statement *const one, database_.cached("SELECT " TREE_TRASH_COLUMNS " FROM trash WHERE id=?1"));
  auto rows = one->query(id);
  TRY_ASSIGN(const bool there, rows.next());
  if (!there) return std::optional<TrashRecord>();
  return std::optional<TrashRecord>(decode_trash(rows));
}

Result<std::optional<TrashRecord>> Meta::trash_of(const NodeId &node) {
  const std::lock_guard guard(mutex_);
  TRY_ASSIGN(sql::Statement *const one,
             database_.cached("SELECT " TREE_TRASH_COLUMNS " FROM trash WHERE node=?1 AND state=0"));
  auto rows = one->query(node);
  TRY_ASSIGN(const bool there, rows.next());
  if (!there) return std::optional<TrashRecord>();
  return std::optional<TrashRecord>(decode_trash(rows));
}

Result<bool> Meta::restoring(const NodeId &node) {
  const std::lock_guard guard(mutex_);
  TRY_ASSIGN(sql::Statement *const any, database_.cached("SELECT 1 FROM trash WHERE node=?1 AND state=2"));
  return any->query(node).next();
}

Result<std::vector<TrashRecord>> Meta::list_trash(const SpaceId &space, const Uuid &before, std::uint64_t limit) {
  const std::lock_guard guard(reader_mutex_);
  TRY_ASSIGN(sql::Statement *const page,
             reader_.cached("SELECT " TREE_TRASH_COLUMNS
                            " FROM trash WHERE space=?1 AND state=0 AND (?2 IS NULL OR id<?2) ORDER BY id DESC LIMIT "
                            "?3"));
  const std::optional<Uuid> from = before.none() ? std::optional<Uuid>() : before;
  return all_of(page->query(space, from, static_cast<std::int64_t>(limit)));
}

Result<std::vector<TrashRecord>> Meta::unsettled_trash(TrashState state, std::uint64_t limit) {
  const std::lock_guard guard(mutex_);
  if (state == TrashState::Kept) {
    TRY_ASSIGN(sql::Statement *const open,
               database_.cached("SELECT " TREE_TRASH_COLUMNS " FROM trash WHERE round>0 AND state=0 LIMIT ?1"));
    return all_of(open->query(static_cast<std::int64_t>(limit)));
  }
  TRY_ASSIGN(sql::Statement *const in_state,
             database_.cached("SELECT " TREE_TRASH_COLUMNS " FROM trash WHERE state=?1 AND state>0 LIMIT ?2"));
  return all_of(in_state->query(static_cast<int>(state), static_cast<std::int64_t>(limit)));
}

Result<std::vector<TrashRecord>> Meta::all_trash() {
  const std::lock_guard guard(mutex_);
  TRY_ASSIGN(sql::Statement *const all, database_.cached("SELECT " TREE_TRASH_COLUMNS " FROM trash WHERE state=0"));
  return all_of(all->query());
}

Result<void> Meta::set_trash_state(const Uuid &id, TrashState state, std::uint64_t round) {
  const std::lock_guard guard(mutex_);
  TRY_ASSIGN(sql::Statement *const set, database_.cached("UPDATE trash SET state=?2,round=?3 WHERE id=?1"));
  return set->run_with(id, static_cast<int>(state), round);
}

Result<std::vector<SpaceBytes>> Meta::purge_trash(const SpaceId &space, const Uuid &up_to) {
  const std::lock_guard guard(mutex_);
  TRY_ASSIGN(auto transaction, database_.begin());
  std::vector<SpaceBytes> sums;
  const std::optional<SpaceId> only = space.none() ? std::optional<SpaceId>() : space;
  TRY_ASSIGN(sql::Statement *const sum,
             only ? database_.cached("SELECT space,SUM(size) FROM trash WHERE space=?1 AND state=0 AND id<=?2")
                  : database_.cached("SELECT space,SUM(size) FROM trash WHERE ?1 IS NULL AND state=0 AND id<=?2"
                                     " GROUP BY space"));
  TRY_ASSIGN(sums, trash_sums(sum->query(only, up_to)));
  std::erase_if(sums, [](const SpaceBytes &one) { return one.space.none(); });  // the sum of nothing
  if (sums.empty()) return sums;
  TRY_ASSIGN(sql::Statement *const purge,
             only ? database_.cached("UPDATE trash SET state=1 WHERE space=?1 AND state=0 AND id<=?2")
                  : database_.cached("UPDATE trash SET state=1 WHERE ?1 IS NULL AND state=0 AND id<=?2"));
  TRY(purge->run_with(only, up_to));
  TRY(transaction.commit());
  return sums;
}

Result<Uuid> Meta::oldest_trash(const SpaceId &space, std::uint64_t bytes) {
  const std::lock_guard guard(mutex_);
  TRY_ASSIGN(sql::Statement *const oldest,
             database_.cached("SELECT id,size FROM trash WHERE space=?1 AND state=0 ORDER BY id"));
  auto rows = oldest->query(space);
  Uuid last;
  for (std::uint64_t sum = 0; sum < bytes;) {
    TRY_ASSIGN(const bool more, rows.next());
    if (!more) break;
    last = rows.id<Uuid>(0);
    sum += static_cast<std::uint64_t>(rows.integer(1));
  }
  return last;
}

Result<void> Meta::remove_trash(std::span<const Uuid> ids) {
  if (ids.empty()) return {};
  const std::lock_guard guard(mutex_);
  TRY_ASSIGN(auto transaction, database_.begin());
  TRY_ASSIGN(sql::Statement *const drop, database_.cached("DELETE FROM trash WHERE id=?1"));
  for (const Uuid &id : ids) TRY(drop->run_with(id));
  return transaction.commit();
}

Result<std::vector<SpaceBytes>> Meta::trash_bytes() {
  const std::lock_guard guard(mutex_);
  TRY_ASSIGN(sql::Statement *const sum,
             database_.cached("SELECT space,SUM(size) FROM trash WHERE state=0 GROUP BY space"));
  return trash_sums(sum->query());
}

Result<std::vector<TrashRecord>> Meta::close_trash(std::uint64_t round) {
  const std::lock_guard guard(mutex_);
  TRY_ASSIGN(sql::Statement *const restored,
             database_.cached("SELECT " TREE_TRASH_COLUMNS " FROM trash WHERE state=2 AND round<?1"));
  TRY_ASSIGN(auto gone, all_of(restored->query(round)));
  TRY_ASSIGN(auto transaction, database_.begin());
  TRY_ASSIGN(sql::Statement *const drop, database_.cached("DELETE FROM trash WHERE state=2 AND round<?1"));
  TRY(drop->run_with(round));
  TRY_ASSIGN(sql::Statement *const settle,
             database_.cached("UPDATE trash SET round=0 WHERE round>0 AND round<?1 AND state=0"));
  TRY(settle->run_with(round));
  TRY(transaction.commit());
  return gone;
}

}  // namespace Atoll::tree
