// SPDX-License-Identifier: Apache-2.0
#include "core/tree/identity_table.hpp"

#include "core/tree/try.hpp"

namespace Atoll::tree {
namespace {

constexpr const char *kIdentitySchema[] = {
    "CREATE TABLE identity("
    " inode INTEGER PRIMARY KEY, id BLOB NOT NULL, seq INTEGER NOT NULL, size INTEGER NOT NULL,"
    " mtime_ns INTEGER NOT NULL, folder INTEGER NOT NULL, birth_ns INTEGER NOT NULL);"
    "CREATE INDEX identity_id ON identity(id);",
};

}  // namespace

Result<std::unique_ptr<IdentityTable>> IdentityTable::open(const std::string &path) {
  sql::Options options;
  options.synchronous = sql::Synchronous::Normal;
  TRY_ASSIGN(sql::Database database, sql::Database::open(path, options));
  TRY(database.migrate(kIdentitySchema));
  return std::unique_ptr<IdentityTable>(new IdentityTable(std::move(database)));
}

Result<std::optional<Identity>> IdentityTable::find(const Entry &entry, std::int64_t birth_ns) {
  const std::lock_guard guard(mutex_);
  TRY_ASSIGN(sql::Statement *const statement,
             database_.cached("SELECT id,seq,size,mtime_ns,folder,birth_ns FROM identity WHERE inode=?1"));
  auto rows = statement->query(entry.inode);
  TRY_ASSIGN(const bool there, rows.next());
  if (!there) return std::optional<Identity>();
  Identity identity;
  identity.id = statement->id<NodeId>(0);
  identity.sequence = static_cast<std::uint64_t>(statement->integer(1));
  identity.size = static_cast<std::uint64_t>(statement->integer(2));
  identity.mtime_ns = statement->integer(3);
  identity.inode = entry.inode;
  const bool folder = statement->integer(4) != 0;
  bool same = folder == (entry.kind == EntryKind::Folder) && statement->integer(5) == birth_ns;
  if (!folder) same = same && identity.size == entry.size && identity.mtime_ns == entry.mtime_ns;
  return same ? std::optional(identity) : std::nullopt;
}

Result<void> IdentityTable::put(const Identity &identity, bool folder, std::int64_t birth_ns) {
  const std::lock_guard guard(mutex_);
  TRY_ASSIGN(sql::Statement *const statement,
             database_.cached("INSERT OR REPLACE INTO identity(inode,id,seq,size,mtime_ns,folder,birth_ns)"
                              " VALUES(?1,?2,?3,?4,?5,?6,?7)"));
  return statement->run_with(identity.inode, identity.id, identity.sequence, identity.size, identity.mtime_ns,
                             folder ? 1 : 0, birth_ns);
}

Result<void> IdentityTable::forget(std::span<const NodeId> nodes) {
  if (nodes.empty()) return {};
  const std::lock_guard guard(mutex_);
  TRY_ASSIGN(auto transaction, database_.begin());
  TRY_ASSIGN(sql::Statement *const statement, database_.cached("DELETE FROM identity WHERE id=?1"));
  for (const NodeId &node : nodes) TRY(statement->run_with(node));
  return transaction.commit();
}

}  // namespace Atoll::tree
