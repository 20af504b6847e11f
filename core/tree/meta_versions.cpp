// SPDX-License-Identifier: Apache-2.0
// The version records of meta.db.
#include "core/tree/index_view.hpp"
#include "core/tree/meta.hpp"
#include "core/tree/try.hpp"

namespace Atoll::tree {
namespace {

// An announced version (kComing) has no bytes yet.
#define TREE_COMING "9223372036854775807"
#define TREE_NOT_COMING " AND round<" TREE_COMING
// One that is being deleted (kGoing) is gone for everybody but those who finish that.
#define TREE_SHOWN " AND round<9223372036854775806"
static_assert(kComing == 9223372036854775807 && kGoing == 9223372036854775806);
#define TREE_KEPT_SIZE "CASE round WHEN " TREE_COMING " THEN 0 ELSE size END"

#define TREE_VERSION_COLUMNS "node,sequence,space,size,mtime_ns,kept_ns,sums,inode,round,token"

VersionRecord decode_version(const sql::Cursor &row) {
  VersionRecord record;
  record.node = row.id<NodeId>(0);
  record.sequence = static_cast<std::uint64_t>(row.integer(1));
  record.space = row.id<SpaceId>(2);
  record.size = static_cast<std::uint64_t>(row.integer(3));
  record.mtime_ns = row.integer(4);
  record.kept_ns = row.integer(5);
  record.sums = decode_sums(row.blob(6));
  record.inode = static_cast<std::uint64_t>(row.integer(7));
  record.round = static_cast<std::uint64_t>(row.integer(8));
  record.token = row.text(9);
  return record;
}

Result<std::vector<VersionRecord>> all_of_versions(sql::Cursor rows) {
  std::vector<VersionRecord> all;
  for (;;) {
    TRY_ASSIGN(const bool more, rows.next());
    if (!more) return all;
    all.push_back(decode_version(rows));
  }
}

}  // namespace

Result<void> Meta::put_version(const VersionRecord &record) {
  const std::lock_guard guard(mutex_);
  return insert(record);
}

Result<void> Meta::insert(const VersionRecord &record, bool over_announced_only) {
  const auto sums = encode_sums(record.sums);
  TRY_ASSIGN(sql::Statement *const put,
             over_announced_only
                 ? database_.cached("INSERT INTO version(" TREE_VERSION_COLUMNS
                                    ") VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10) ON CONFLICT(node,sequence) DO UPDATE SET"
                                    " space=?3,size=?4,mtime_ns=?5,kept_ns=?6,sums=?7,inode=?8,token=?10"
                                    " WHERE round=" TREE_COMING)
                 : database_.cached("INSERT OR REPLACE INTO version(" TREE_VERSION_COLUMNS
                                    ") VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10)"));
  return put->run_with(record.node, record.sequence, record.space, record.size, record.mtime_ns, record.kept_ns,
                       std::span<const std::uint8_t>(sums), record.inode, record.round, record.token);
}

Result<std::optional<VersionRecord>> Meta::version(const NodeId &node, std::uint64_t sequence) {
  const std::lock_guard guard(mutex_);
  TRY_ASSIGN(sql::Statement *const one,
             database_.cached("SELECT " TREE_VERSION_COLUMNS " FROM version WHERE node=?1 AND sequence=?2" TREE_SHOWN));
  auto rows = one->query(node, sequence);
  TRY_ASSIGN(const bool there, rows.next());
  if (!there) return std::optional<VersionRecord>();
  return std::optional<VersionRecord>(decode_version(rows));
}

Result<std::vector<VersionRecord>> Meta::versions(const NodeId &node) {
  const std::lock_guard guard(reader_mutex_);
  TRY_ASSIGN(sql::Statement *const all,
             reader_.cached("SELECT " TREE_VERSION_COLUMNS " FROM version WHERE node=?1" TREE_SHOWN
                            " ORDER BY sequence DESC"));
  return all_of_versions(all->query(node));
}

Result<std::vector<VersionRecord>> Meta::open_versions() {
  const std::lock_guard guard(mutex_);
  TRY_ASSIGN(sql::Statement *const open,
             database_.cached("SELECT " TREE_VERSION_COLUMNS " FROM version WHERE round>0"));
  return all_of_versions(open->query());
}

Result<std::vector<VersionRecord>> Meta::old_versions(const SpaceId &space, std::int64_t before_ns,
                                                      std::uint64_t limit) {
  const std::lock_guard guard(mutex_);
  const std::optional<SpaceId> only = space.none() ? std::optional<SpaceId>() : space;
  TRY_ASSIGN(sql::Statement *const old,
             only ? database_.cached("SELECT " TREE_VERSION_COLUMNS
                                     " FROM version WHERE space=?1 AND kept_ns<?2" TREE_NOT_COMING
                                     " ORDER BY kept_ns LIMIT ?3")
                  : database_.cached("SELECT " TREE_VERSION_COLUMNS
                                     " FROM version WHERE ?1 IS NULL AND kept_ns<?2" TREE_NOT_COMING
                                     " ORDER BY kept_ns LIMIT ?3"));
  return all_of_versions(old->query(only, before_ns, static_cast<std::int64_t>(limit)));
}

Result<std::vector<NodeId>> Meta::nodes_with_versions(const NodeId &after, std::uint64_t limit) {
  const std::lock_guard guard(mutex_);
  std::vector<NodeId> nodes;
  TRY_ASSIGN(
      sql::Statement *const some,
      database_.cached("SELECT DISTINCT node FROM version WHERE node>?1" TREE_NOT_COMING " ORDER BY node LIMIT ?2"));
  auto rows = some->query(after, static_cast<std::int64_t>(limit));
  for (;;) {
    TRY_ASSIGN(const bool more, rows.next());
    if (!more) return nodes;
    nodes.push_back(rows.id<NodeId>(0));
  }
}

Result<std::vector<SpaceBytes>> Meta::remove_versions(std::span<const VersionRecord> records) {
  std::vector<SpaceBytes> gone;
  if (records.empty()) return gone;
  const std::lock_guard guard(mutex_);
  TRY_ASSIGN(auto transaction, database_.begin());
  TRY_ASSIGN(sql::Statement *const drop,
             database_.cached("DELETE FROM version WHERE node=?1 AND sequence=?2 RETURNING space," TREE_KEPT_SIZE));
  for (const VersionRecord &record : records) {
    auto rows = drop->query(record.node, record.sequence);
    TRY_ASSIGN(const bool there, rows.next());
    if (!there) continue;
    gone.push_back({rows.id<SpaceId>(0), static_cast<std::uint64_t>(rows.integer(1))});
    TRY(rows.next());
  }
  TRY(transaction.commit());
  return gone;
}

Result<void> Meta::dismiss_versions(std::span<const VersionRecord> records) {
  const std::lock_guard guard(mutex_);
  TRY_ASSIGN(auto transaction, database_.begin());
  TRY_ASSIGN(sql::Statement *const dismiss,
             database_.cached("UPDATE version SET round=?3 WHERE node=?1 AND sequence=?2"));
  for (const VersionRecord &record : records) TRY(dismiss->run_with(record.node, record.sequence, kGoing));
  return transaction.commit();
}

Result<std::vector<SpaceBytes>> Meta::version_bytes() {
  const std::lock_guard guard(mutex_);
  std::vector<SpaceBytes> sums;
  TRY_ASSIGN(sql::Statement *const sum,
             database_.cached("SELECT space,SUM(" TREE_KEPT_SIZE ") FROM version GROUP BY space"));
  auto rows = sum->query();
  for (;;) {
    TRY_ASSIGN(const bool more, rows.next());
    if (!more) return sums;
    sums.push_back({rows.id<SpaceId>(0), static_cast<std::uint64_t>(rows.integer(1))});
  }
}

Result<void> Meta::close_versions(std::uint64_t round) {
  const std::lock_guard guard(mutex_);
  TRY_ASSIGN(sql::Statement *const settle, database_.cached("UPDATE version SET round=0 WHERE round>0 AND round<?1"));
  return settle->run_with(round);
}

Result<std::vector<VersionRecord>> Meta::versions_of(std::span<const NodeId> nodes) {
  std::vector<VersionRecord> all;
  const std::lock_guard guard(mutex_);
  TRY_ASSIGN(sql::Statement *const one,
             database_.cached("SELECT " TREE_VERSION_COLUMNS " FROM version WHERE node=?1" TREE_NOT_COMING));
  for (const NodeId &node : nodes) {
    TRY_ASSIGN(auto some, all_of_versions(one->query(node)));
    all.insert(all.end(), std::make_move_iterator(some.begin()), std::make_move_iterator(some.end()));
  }
  return all;
}

}  // namespace Atoll::tree
