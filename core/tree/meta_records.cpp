// SPDX-License-Identifier: Apache-2.0
// The attributes and locks of meta.db.
#include "core/tree/meta.hpp"
#include "core/tree/try.hpp"

namespace Atoll::tree {
namespace {

std::string_view as_text(std::span<const std::uint8_t> bytes) {
  return {reinterpret_cast<const char *>(bytes.data()), bytes.size()};
}

Result<std::vector<NodeId>> nodes_of(sql::Cursor &&rows) {
  std::vector<NodeId> nodes;
  for (;;) {
    TRY_ASSIGN(const bool more, rows.next());
    if (!more) return nodes;
    nodes.push_back(rows.id<NodeId>(0));
  }
}

}  // namespace

Result<void> Meta::attributes(const NodeId &node,
                              FunctionRef<bool(std::string_view, std::string_view, std::string_view)> sink) {
  const std::lock_guard guard(reader_mutex_);
  TRY_ASSIGN(sql::Statement *const statement,
             reader_.cached("SELECT ns,name,value FROM attribute WHERE node=?1 ORDER BY ns,name"));
  auto rows = statement->query(node);
  for (;;) {
    TRY_ASSIGN(const bool more, rows.next());
    if (!more || !sink(rows.text(0), rows.text(1), as_text(rows.blob(2)))) return {};
  }
}

Result<bool> Meta::patch_attributes(const SpaceId &space, const NodeId &node,
                                    std::span<const AttributeChange> changes) {
  const std::lock_guard guard(mutex_);
  TRY_ASSIGN(auto transaction, database_.begin());
  TRY_ASSIGN(sql::Statement *const put,
             database_.cached("INSERT INTO attribute(node,ns,name,space,value) VALUES(?1,?2,?3,?4,CAST(?5 AS BLOB))"
                              " ON CONFLICT(node,ns,name) DO UPDATE SET value=excluded.value"));
  TRY_ASSIGN(sql::Statement *const drop, database_.cached("DELETE FROM attribute WHERE node=?1 AND ns=?2 AND name=?3"));
  for (const AttributeChange &change : changes) {
    if (change.value) {
      TRY(put->run_with(node, change.ns, change.name, space, *change.value));
    } else {
      TRY(drop->run_with(node, change.ns, change.name));
    }
  }
  bool has = false;
  {
    TRY_ASSIGN(sql::Statement *const any, database_.cached("SELECT 1 FROM attribute WHERE node=?1 LIMIT 1"));
    auto rows = any->query(node);
    TRY_ASSIGN(has, rows.next());
  }
  TRY(transaction.commit());
  return has;
}

Result<void> Meta::copy_attributes(const SpaceId &space, std::span<const std::pair<NodeId, NodeId>> from_to) {
  if (from_to.empty()) return {};
  const std::lock_guard guard(mutex_);
  TRY_ASSIGN(auto transaction, database_.begin());
  TRY_ASSIGN(sql::Statement *const clear, database_.cached("DELETE FROM attribute WHERE node=?1"));
  TRY_ASSIGN(sql::Statement *const copy, database_.cached("INSERT INTO attribute(node,ns,name,space,value)"
                                                          " SELECT ?2,ns,name,?3,value FROM attribute WHERE node=?1"));
  for (const auto &[from, to] : from_to) {
    TRY(clear->run_with(to));
    TRY(copy->run_with(from, to, space));
  }
  return transaction.commit();
}

Result<void> Meta::remove_attributes(std::span<const NodeId> nodes) {
  if (nodes.empty()) return {};
  const std::lock_guard guard(mutex_);
  TRY_ASSIGN(auto transaction, database_.begin());
  TRY_ASSIGN(sql::Statement *const drop, database_.cached("DELETE FROM attribute WHERE node=?1"));
  for (const NodeId &node : nodes) TRY(drop->run_with(node));
  return transaction.commit();
}

Result<std::vector<NodeId>> Meta::nodes_with_attributes(const SpaceId &space) {
  const std::lock_guard guard(mutex_);
  TRY_ASSIGN(sql::Statement *const statement, database_.cached("SELECT DISTINCT node FROM attribute WHERE space=?1"));
  return nodes_of(statement->query(space));
}

Result<std::vector<NodeId>> Meta::nodes_with_attributes() {
  const std::lock_guard guard(mutex_);
  TRY_ASSIGN(sql::Statement *const statement, database_.cached("SELECT DISTINCT node FROM attribute"));
  return nodes_of(statement->query());
}

Result<std::vector<NodeId>> Meta::nodes_with_records(const SpaceId &space) {
  const std::lock_guard guard(mutex_);
  TRY_ASSIGN(
      sql::Statement *const statement,
      database_.cached("SELECT node FROM attribute WHERE space=?1 UNION SELECT node FROM version WHERE space=?1"));
  return nodes_of(statement->query(space));
}

Result<std::optional<std::string>> Meta::cursor(std::string_view consumer, const SpaceId &space) {
  const std::lock_guard guard(reader_mutex_);
  TRY_ASSIGN(sql::Statement *const statement, reader_.cached("SELECT token FROM consumer WHERE name=?1 AND space=?2"));
  auto rows = statement->query(consumer, space);
  TRY_ASSIGN(const bool there, rows.next());
  if (!there) return std::optional<std::string>();
  return std::optional<std::string>(rows.text(0));
}

Result<void> Meta::put_cursor(std::string_view consumer, const SpaceId &space, std::string_view token) {
  const std::lock_guard guard(mutex_);
  TRY_ASSIGN(sql::Statement *const statement,
             database_.cached("INSERT OR REPLACE INTO consumer(name,space,token) VALUES(?1,?2,?3)"));
  return statement->run_with(consumer, space, token);
}

Result<void> Meta::remove_cursors(std::string_view consumer) {
  const std::lock_guard guard(mutex_);
  TRY_ASSIGN(sql::Statement *const statement, database_.cached("DELETE FROM consumer WHERE name=?1"));
  return statement->run_with(consumer);
}

Result<std::vector<Lock>> Meta::locks() {
  const std::lock_guard guard(mutex_);
  std::vector<Lock> all;
  TRY_ASSIGN(sql::Statement *const statement,
             database_.cached("SELECT token,space,node,kind,deep,owner,account,account_name,expires_ns FROM lock"));
  auto rows = statement->query();
  for (;;) {
    TRY_ASSIGN(const bool more, rows.next());
    if (!more) return all;
    Lock lock;
    lock.token = rows.text(0);
    lock.space = rows.id<SpaceId>(1);
    lock.node = rows.id<NodeId>(2);
    // One that a newer server took keeps others out.
    const auto kind = rows.integer(3);
    lock.kind = kind == 2 ? LockKind::Shared : kind == 3 ? LockKind::Write : LockKind::Exclusive;
    lock.deep = rows.integer(4) != 0;
    lock.owner = rows.text(5);
    lock.account = rows.id<AccountId>(6);
    lock.account_name = rows.text(7);
    lock.expires_ns = rows.integer(8);
    all.push_back(std::move(lock));
  }
}

Result<void> Meta::put_lock(const Lock &lock) {
  const std::lock_guard guard(mutex_);
  TRY_ASSIGN(sql::Statement *const statement,
             database_.cached("INSERT OR REPLACE INTO lock(token,space,node,kind,deep,owner,account,account_name,"
                              "expires_ns) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9)"));
  return statement->run_with(lock.token, lock.space, lock.node, static_cast<int>(lock.kind), lock.deep ? 1 : 0,
                             lock.owner, lock.account, lock.account_name, lock.expires_ns);
}

Result<void> Meta::remove_locks(std::span<const std::string> tokens) {
  if (tokens.empty()) return {};
  const std::lock_guard guard(mutex_);
  TRY_ASSIGN(auto transaction, database_.begin());
  TRY_ASSIGN(sql::Statement *const drop, database_.cached("DELETE FROM lock WHERE token=?1"));
  for (const std::string &token : tokens) TRY(drop->run_with(token));
  return transaction.commit();
}

}  // namespace Atoll::tree
