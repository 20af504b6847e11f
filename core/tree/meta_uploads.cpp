// SPDX-License-Identifier: Apache-2.0
// The unfinished uploads of meta.db.
#include "core/tree/meta.hpp"
#include "core/tree/try.hpp"

namespace Atoll::tree {
namespace {

#define UPLOAD_COLUMNS \
  "id,space,node,path,size,reached,promised,inode,boot,account,begun_ns,expires_ns,metadata FROM upload"

UploadRecord upload_of(const sql::Cursor &row) {
  UploadRecord record;
  record.id = row.id<Uuid>(0);
  record.space = row.id<SpaceId>(1);
  record.node = row.id<NodeId>(2);
  record.path = row.text(3);
  record.size = static_cast<std::uint64_t>(row.integer(4));
  record.offset = static_cast<std::uint64_t>(row.integer(5));
  record.promised = static_cast<std::uint64_t>(row.integer(6));
  record.inode = static_cast<std::uint64_t>(row.integer(7));
  record.boot = row.text(8);
  record.account = row.id<AccountId>(9);
  record.begun_ns = row.integer(10);
  record.expires_ns = row.integer(11);
  const auto metadata = row.blob(12);
  record.metadata.assign(reinterpret_cast<const char *>(metadata.data()), metadata.size());
  return record;
}

}  // namespace

Result<void> Meta::put_upload(const UploadRecord &record) {
  const std::lock_guard guard(mutex_);
  TRY_ASSIGN(sql::Statement *const statement,
             database_.cached("INSERT OR REPLACE INTO upload(id,space,node,path,size,reached,promised,inode,boot,"
                              "account,begun_ns,expires_ns,metadata)"
                              " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,CAST(?13 AS BLOB))"));
  return statement->run_with(record.id, record.space, record.node, record.path, static_cast<std::int64_t>(record.size),
                             static_cast<std::int64_t>(record.offset), static_cast<std::int64_t>(record.promised),
                             static_cast<std::int64_t>(record.inode), record.boot, record.account, record.begun_ns,
                             record.expires_ns, std::string_view(record.metadata));
}

Result<std::optional<UploadRecord>> Meta::upload(const Uuid &id) {
  const std::lock_guard guard(mutex_);
  TRY_ASSIGN(sql::Statement *const statement, database_.cached("SELECT " UPLOAD_COLUMNS " WHERE id=?1"));
  auto rows = statement->query(id);
  TRY_ASSIGN(const bool there, rows.next());
  if (!there) return std::optional<UploadRecord>();
  return std::optional<UploadRecord>(upload_of(rows));
}

Result<std::vector<UploadRecord>> Meta::uploads(const SpaceId &space) {
  const std::lock_guard guard(mutex_);
  std::vector<UploadRecord> all;
  TRY_ASSIGN(sql::Statement *const statement,
             database_.cached(space.none() ? "SELECT " UPLOAD_COLUMNS : "SELECT " UPLOAD_COLUMNS " WHERE space=?1"));
  auto rows = space.none() ? statement->query() : statement->query(space);
  for (;;) {
    TRY_ASSIGN(const bool more, rows.next());
    if (!more) return all;
    all.push_back(upload_of(rows));
  }
}

Result<void> Meta::remove_upload(const Uuid &id) {
  const std::lock_guard guard(mutex_);
  TRY_ASSIGN(sql::Statement *const statement, database_.cached("DELETE FROM upload WHERE id=?1"));
  return statement->run_with(id);
}

}  // namespace Atoll::tree
