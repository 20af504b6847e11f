// SPDX-License-Identifier: Apache-2.0
#include "core/tree/meta.hpp"

#include "core/base/file.hpp"
#include "core/base/text.hpp"
#include "core/tree/try.hpp"

#include <fcntl.h>

namespace Atoll::tree {
namespace {

constexpr const char *kMetaSchema[] = {
    "CREATE TABLE setting(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE space(id BLOB PRIMARY KEY, type INTEGER NOT NULL, birth BLOB NOT NULL, owner BLOB NOT NULL,"
    " name TEXT NOT NULL, folder TEXT NOT NULL UNIQUE, quota INTEGER NOT NULL, making INTEGER NOT NULL);"
    "CREATE TABLE intent(id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, space BLOB NOT NULL, folder BLOB NOT NULL,"
    " path TEXT NOT NULL, name TEXT NOT NULL, inode INTEGER NOT NULL);"
    "CREATE INDEX intent_folder ON intent(folder);"
    "CREATE TABLE attribute(node BLOB NOT NULL, ns TEXT NOT NULL, name TEXT NOT NULL, space BLOB NOT NULL,"
    " value BLOB NOT NULL, UNIQUE(node,ns,name));"
    "CREATE INDEX attribute_space ON attribute(space);"
    "CREATE TABLE lock(token TEXT PRIMARY KEY, space BLOB NOT NULL, node BLOB NOT NULL, kind INTEGER NOT NULL,"
    " deep INTEGER NOT NULL, owner TEXT NOT NULL, account BLOB NOT NULL, account_name TEXT NOT NULL,"
    " expires_ns INTEGER NOT NULL) WITHOUT ROWID;",
    // round: 0 when truth and record are known to agree for good.
    "CREATE TABLE trash(id BLOB PRIMARY KEY, space BLOB NOT NULL, node BLOB NOT NULL, parent BLOB NOT NULL,"
    " path TEXT NOT NULL, name TEXT NOT NULL, type INTEGER NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,"
    " removed_ns INTEGER NOT NULL, account BLOB NOT NULL, inode INTEGER NOT NULL, state INTEGER NOT NULL,"
    " round INTEGER NOT NULL, refuge INTEGER NOT NULL, refuge_path TEXT NOT NULL, refuge_name TEXT NOT NULL)"
    " WITHOUT ROWID;"
    "CREATE INDEX trash_space ON trash(space,state,id,size);"
    "CREATE INDEX trash_node ON trash(node);"
    "CREATE INDEX trash_state ON trash(state) WHERE state>0;"
    "CREATE INDEX trash_round ON trash(round) WHERE round>0;"
    "CREATE TABLE version(node BLOB NOT NULL, sequence INTEGER NOT NULL, space BLOB NOT NULL, size INTEGER NOT NULL,"
    " mtime_ns INTEGER NOT NULL, kept_ns INTEGER NOT NULL, sums BLOB, inode INTEGER NOT NULL, round INTEGER NOT NULL,"
    " token TEXT NOT NULL, PRIMARY KEY(node,sequence)) WITHOUT ROWID;"
    "CREATE INDEX version_space ON version(space,kept_ns,size);"
    "CREATE INDEX version_kept ON version(kept_ns);"
    "CREATE INDEX version_round ON version(round) WHERE round>0;",
    "CREATE TABLE consumer(name TEXT NOT NULL, space BLOB NOT NULL, token TEXT NOT NULL,"
    " PRIMARY KEY(name,space)) WITHOUT ROWID;",
    "ALTER TABLE space ADD COLUMN fingerprint INTEGER NOT NULL DEFAULT 0;"
    "CREATE TABLE rebuilding(space BLOB PRIMARY KEY) WITHOUT ROWID;",
    "CREATE TABLE upload(id BLOB PRIMARY KEY, space BLOB NOT NULL, node BLOB NOT NULL, path TEXT NOT NULL,"
    " size INTEGER NOT NULL, reached INTEGER NOT NULL, promised INTEGER NOT NULL, inode INTEGER NOT NULL,"
    " boot TEXT NOT NULL, account BLOB NOT NULL, begun_ns INTEGER NOT NULL, expires_ns INTEGER NOT NULL,"
    " metadata BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX upload_space ON upload(space);",
};

}  // namespace

Result<std::unique_ptr<Meta>> Meta::open(const std::string &path, const Uuid &provider) {
  sql::Options options;
  options.synchronous = sql::Synchronous::Full;
  TRY_ASSIGN(sql::Database database, sql::Database::open(path, options));
  TRY(database.migrate(kMetaSchema));
  options.read_only = true;
  TRY_ASSIGN(sql::Database reader, sql::Database::open(path, options));
  std::unique_ptr<Meta> meta(new Meta(std::move(database), std::move(reader)));
  // SQLite keeps the log as long as there is a connection.
  const std::string log = path + "-wal";
  meta->log_ = base::Fd(::open(log.c_str(), O_RDWR | O_CLOEXEC));
  if (!meta->log_) return base::errno_error("open " + log);
  const std::size_t slash = path.rfind('/');
  TRY(base::sync_directory(slash == std::string::npos ? "." : path.substr(0, slash + 1)));
  TRY_ASSIGN(const std::string held, meta->setting("provider"));
  if (held.empty()) {
    TRY(meta->set_setting("provider", provider.text()));
  } else if (held != provider.text()) {
    return error(Status::FailedPrecondition, path + " belongs to another provider than state_dir says");
  }
  return meta;
}

Result<std::string> Meta::setting(std::string_view name) {
  TRY_ASSIGN(sql::Statement *const statement, database_.cached("SELECT value FROM setting WHERE name=?1"));
  auto rows = statement->query(name);
  TRY_ASSIGN(const bool there, rows.next());
  return there ? std::string(rows.text(0)) : std::string();
}

Result<void> Meta::set_setting(std::string_view name, std::string_view value) {
  TRY_ASSIGN(sql::Statement *const statement,
             database_.cached("INSERT OR REPLACE INTO setting(name,value) VALUES(?1,?2)"));
  return statement->run_with(name, value);
}

Result<std::string> Meta::note(std::string_view name) {
  const std::lock_guard guard(mutex_);
  return setting("note." + std::string(name));
}

Result<void> Meta::set_note(std::string_view name, std::string_view text) {
  const std::lock_guard guard(mutex_);
  return set_setting("note." + std::string(name), text);
}

Result<std::vector<std::pair<std::string, std::string>>> Meta::notes(std::string_view beginning) {
  const std::lock_guard guard(mutex_);
  const std::string from = "note." + std::string(beginning);
  std::vector<std::pair<std::string, std::string>> found;
  TRY_ASSIGN(sql::Statement *const statement,
             database_.cached("SELECT substr(name,length(?1)+1),value FROM setting"
                              " WHERE substr(name,1,length(?1))=?1 AND value<>'' ORDER BY name"));
  auto rows = statement->query(from);
  for (;;) {
    TRY_ASSIGN(const bool more, rows.next());
    if (!more) return found;
    found.emplace_back(rows.text(0), rows.text(1));
  }
}

Result<void> Meta::raise_sequences(std::uint64_t to) {
  const std::lock_guard guard(mutex_);
  TRY_ASSIGN(auto transaction, database_.begin());
  TRY_ASSIGN(const std::string text, setting("next_sequence"));
  if (base::parse_u64(text).value_or(0) >= to) return {};
  TRY(set_setting("next_sequence", std::to_string(to)));
  return transaction.commit();
}

Result<void> Meta::receive_space(const ArrivingSpace &arriving, Meta &from, const std::string &rule_note) {
  const SpaceId &id = arriving.record.info.id;
  const std::lock_guard guard(mutex_);
  TRY_ASSIGN(auto transaction, database_.begin());
  TRY(put_space(arriving.record));
  TRY(set_note(rule_note, arriving.names == NameRule::Unique ? "unique" : ""));
  for (const TrashRecord &record : arriving.trash) TRY(put_trash(record));
  for (const VersionRecord &record : arriving.versions) TRY(put_version(record));
  for (const Lock &lock : arriving.locks) TRY(put_lock(lock));
  TRY_ASSIGN(sql::Statement *const put,
             database_.cached("INSERT INTO attribute(node,ns,name,space,value) VALUES(?1,?2,?3,?4,?5)"));
  {
    const std::lock_guard reading(from.reader_mutex_);
    TRY_ASSIGN(sql::Statement *const all,
               from.reader_.cached("SELECT node,ns,name,value FROM attribute WHERE space=?1"));
    auto rows = all->query(id);
    for (;;) {
      TRY_ASSIGN(const bool more, rows.next());
      if (!more) break;
      TRY(put->run_with(rows.id<NodeId>(0), rows.text(1), rows.text(2), id, rows.blob(3)));
    }
  }
  return transaction.commit();
}

Result<Meta::Start> Meta::begin_run() {
  const std::lock_guard guard(mutex_);
  TRY_ASSIGN(auto transaction, database_.begin());
  TRY_ASSIGN(const std::string clean, setting("clean"));
  TRY_ASSIGN(std::string last, setting("last_clean"));
  TRY(set_setting("clean", ""));
  TRY(transaction.commit());
  return Start{!clean.empty(), clean.empty() ? std::move(last) : clean};
}

Result<void> Meta::end_run(std::string_view stamp) {
  const std::lock_guard guard(mutex_);
  TRY_ASSIGN(auto transaction, database_.begin());
  TRY(set_setting("clean", stamp));
  TRY(set_setting("last_clean", stamp));
  return transaction.commit();
}

Result<std::uint64_t> Meta::reserve_sequences(std::uint64_t count) {
  const std::lock_guard guard(mutex_);
  TRY_ASSIGN(auto transaction, database_.begin());
  TRY_ASSIGN(const std::string text, setting("next_sequence"));
  const auto next = text.empty() ? std::optional<std::uint64_t>(1) : base::parse_u64(text);
  if (!next) return error(Status::DataLoss, database_.path() + " holds no valid next_sequence");
  TRY(set_setting("next_sequence", std::to_string(*next + count)));
  TRY(transaction.commit());
  return *next;
}

namespace {

#define TREE_SPACE_COLUMNS "id,type,birth,owner,name,folder,quota,making,fingerprint"

SpaceRecord decode_space(const sql::Cursor &row) {
  SpaceRecord space;
  space.info.id = row.id<SpaceId>(0);
  space.info.type = static_cast<SpaceType>(row.integer(1));
  space.info.birth = row.id<Uuid>(2);
  space.info.owner = row.id<AccountId>(3);
  space.info.name = row.text(4);
  space.info.folder = row.text(5);
  space.info.quota = static_cast<std::uint64_t>(row.integer(6));
  space.making = row.integer(7) == 1;
  space.removing = row.integer(7) == 2;
  space.info.fingerprint = static_cast<std::uint64_t>(row.integer(8));
  return space;
}

}  // namespace

Result<std::vector<SpaceRecord>> Meta::spaces() {
  const std::lock_guard guard(mutex_);
  std::vector<SpaceRecord> all;
  TRY_ASSIGN(sql::Statement *const statement, database_.cached("SELECT " TREE_SPACE_COLUMNS " FROM space"));
  auto rows = statement->query();
  for (;;) {
    TRY_ASSIGN(const bool more, rows.next());
    if (!more) return all;
    all.push_back(decode_space(rows));
  }
}

Result<std::optional<SpaceRecord>> Meta::space(const SpaceId &id) {
  const std::lock_guard guard(mutex_);
  TRY_ASSIGN(sql::Statement *const one, database_.cached("SELECT " TREE_SPACE_COLUMNS " FROM space WHERE id=?1"));
  auto rows = one->query(id);
  TRY_ASSIGN(const bool there, rows.next());
  return there ? std::optional<SpaceRecord>(decode_space(rows)) : std::optional<SpaceRecord>();
}

Result<void> Meta::put_space(const SpaceRecord &space) {
  const std::lock_guard guard(mutex_);
  TRY_ASSIGN(sql::Statement *const statement,
             database_.cached("INSERT OR REPLACE INTO space(id,type,birth,owner,name,folder,quota,making,fingerprint)"
                              " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9)"));
  const SpaceInfo &info = space.info;
  return statement->run_with(info.id, static_cast<int>(info.type), info.birth, info.owner, info.name, info.folder,
                             static_cast<std::int64_t>(info.quota),
                             space.removing ? 2
                             : space.making ? 1
                                            : 0,
                             info.fingerprint);
}

Result<void> Meta::set_rebuilding(std::span<const SpaceId> spaces) {
  return for_spaces("INSERT OR IGNORE INTO rebuilding(space) VALUES(?1)", spaces);
}

Result<void> Meta::close_rebuilding(std::span<const SpaceId> spaces) {
  return for_spaces("DELETE FROM rebuilding WHERE space=?1", spaces);
}

Result<void> Meta::for_spaces(std::string_view text, std::span<const SpaceId> spaces) {
  const std::lock_guard guard(mutex_);
  TRY_ASSIGN(auto transaction, database_.begin());
  TRY_ASSIGN(sql::Statement *const statement, database_.cached(text));
  for (const SpaceId &space : spaces) TRY(statement->run_with(space));
  return transaction.commit();
}

Result<std::vector<SpaceId>> Meta::rebuilding() {
  const std::lock_guard guard(mutex_);
  std::vector<SpaceId> spaces;
  TRY_ASSIGN(sql::Statement *const statement, database_.cached("SELECT space FROM rebuilding"));
  auto rows = statement->query();
  for (;;) {
    TRY_ASSIGN(const bool more, rows.next());
    if (!more) return spaces;
    spaces.push_back(rows.id<SpaceId>(0));
  }
}

Result<void> Meta::set_fingerprint(const SpaceId &space, std::uint64_t fingerprint) {
  const std::lock_guard guard(mutex_);
  TRY_ASSIGN(sql::Statement *const statement, database_.cached("UPDATE space SET fingerprint=?2 WHERE id=?1"));
  return statement->run_with(space, fingerprint);
}

Result<void> Meta::set_quota(const SpaceId &space, std::uint64_t quota) {
  const std::lock_guard guard(mutex_);
  TRY_ASSIGN(sql::Statement *const statement, database_.cached("UPDATE space SET quota=?2 WHERE id=?1"));
  return statement->run_with(space, static_cast<std::int64_t>(quota));
}

Result<void> Meta::remove_space(const SpaceId &space) {
  const std::lock_guard guard(mutex_);
  TRY_ASSIGN(auto transaction, database_.begin());
  for (const char *text :
       {"DELETE FROM space WHERE id=?1", "DELETE FROM attribute WHERE space=?1", "DELETE FROM lock WHERE space=?1",
        "DELETE FROM intent WHERE space=?1", "DELETE FROM trash WHERE space=?1", "DELETE FROM version WHERE space=?1",
        "DELETE FROM consumer WHERE space=?1", "DELETE FROM upload WHERE space=?1",
        "DELETE FROM rebuilding WHERE space=?1"}) {
    TRY_ASSIGN(sql::Statement *const statement, database_.cached(text));
    TRY(statement->run_with(space));
  }
  return transaction.commit();
}

Result<std::vector<Intent>> Meta::intents() {
  const std::lock_guard guard(mutex_);
  std::vector<Intent> all;
  TRY_ASSIGN(sql::Statement *const statement,
             database_.cached("SELECT id,kind,space,folder,path,name,inode FROM intent ORDER BY id"));
  auto rows = statement->query();
  for (;;) {
    TRY_ASSIGN(const bool more, rows.next());
    if (!more) return all;
    all.push_back({rows.integer(0), static_cast<Intent::Kind>(rows.integer(1)), rows.id<SpaceId>(2), rows.id<NodeId>(3),
                   std::string(rows.text(4)), std::string(rows.text(5)), static_cast<std::uint64_t>(rows.integer(6))});
  }
}

Result<void> Meta::add_intents(std::span<const Intent> intents) {
  const std::lock_guard guard(mutex_);
  TRY_ASSIGN(auto transaction, database_.begin());
  TRY_ASSIGN(sql::Statement *const statement,
             database_.cached("INSERT INTO intent(kind,space,folder,path,name,inode) VALUES(?1,?2,?3,?4,?5,?6)"));
  for (const Intent &intent : intents)
    TRY(statement->run_with(static_cast<int>(intent.kind), intent.space, intent.folder, intent.path, intent.name,
                            intent.inode));
  return transaction.commit();
}

Result<void> Meta::close_folder_intents(std::span<const NodeId> folders) {
  const std::lock_guard guard(mutex_);
  TRY_ASSIGN(auto transaction, database_.begin());
  TRY_ASSIGN(sql::Statement *const statement, database_.cached("DELETE FROM intent WHERE folder=?1 AND kind=1"));
  for (const NodeId &folder : folders) TRY(statement->run_with(folder));
  return transaction.commit();
}

Result<void> Meta::close_drop_intents(const SpaceId &space, const NodeId &folder) {
  const std::lock_guard guard(mutex_);
  TRY_ASSIGN(sql::Statement *const statement,
             database_.cached("DELETE FROM intent WHERE space=?1 AND folder=?2 AND kind=2"));
  return statement->run_with(space, folder);
}

Result<void> Meta::close_unclaimed_intents() {
  const std::lock_guard guard(mutex_);
  return database_.exec("DELETE FROM intent WHERE kind=6");
}

Result<void> Meta::close_swap_intents(const SpaceId &space, const Uuid &item) {
  const std::lock_guard guard(mutex_);
  TRY_ASSIGN(sql::Statement *const statement,
             database_.cached("DELETE FROM intent WHERE space=?1 AND folder=?2 AND kind=5"));
  return statement->run_with(space, item);
}

Result<void> Meta::close_attributes_intents(const SpaceId &space, const NodeId &from, std::uint64_t inode) {
  const std::lock_guard guard(mutex_);
  TRY_ASSIGN(sql::Statement *const statement,
             database_.cached("DELETE FROM intent WHERE space=?1 AND folder=?2 AND inode=?3 AND kind=3"));
  return statement->run_with(space, from, inode);
}

Result<void> Meta::close_gone_intents(std::uint64_t round) {
  const std::lock_guard guard(mutex_);
  TRY_ASSIGN(sql::Statement *const any, database_.cached("SELECT 1 FROM intent WHERE kind=4 AND inode<?1 LIMIT 1"));
  {
    auto rows = any->query(round);
    TRY_ASSIGN(const bool there, rows.next());
    if (!there) return {};
  }
  TRY_ASSIGN(sql::Statement *const statement, database_.cached("DELETE FROM intent WHERE kind=4 AND inode<?1"));
  return statement->run_with(round);
}

Result<void> Meta::adopt_gone_intents() {
  const std::lock_guard guard(mutex_);
  TRY_ASSIGN(sql::Statement *const statement, database_.cached("UPDATE intent SET inode=0 WHERE kind=4"));
  return statement->run_with();
}

}  // namespace Atoll::tree
