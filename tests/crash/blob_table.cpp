// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/blob_table.hpp"

#include "core/base/time.hpp"
#include "core/base/uuid.hpp"
#include "core/tree/fault_point.hpp"
#include "core/tree/try.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

namespace Atoll::proof {
namespace {

using namespace Atoll::tree;
namespace fs = std::filesystem;

constexpr EntryId kTop = 1;
constexpr const char *kAside = ".atoll/aside";

constexpr const char *kBlobSchema[] = {
    "CREATE TABLE entry(id INTEGER PRIMARY KEY AUTOINCREMENT, parent INTEGER NOT NULL, name TEXT NOT NULL,"
    " kind INTEGER NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, object TEXT NOT NULL, node BLOB,"
    " seq INTEGER NOT NULL, node_size INTEGER NOT NULL, node_mtime_ns INTEGER NOT NULL, UNIQUE(parent,name));"
    "CREATE INDEX entry_object ON entry(object);"
    "CREATE TABLE fact(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
    "INSERT INTO entry VALUES(1,0,'',2,0,1,'',NULL,0,0,0);",
};

#define BLOB_COLUMNS "id,parent,name,kind,size,mtime_ns,object,node,seq,node_size,node_mtime_ns"

template <class Row>
BlobEntry read_row(const Row &row) {
  BlobEntry entry;
  entry.id = row.integer(0);
  entry.parent = row.integer(1);
  entry.name = row.text(2);
  entry.entry.kind = row.integer(3) == 2 ? EntryKind::Folder : EntryKind::File;
  entry.entry.size = static_cast<std::uint64_t>(row.integer(4));
  entry.entry.mtime_ns = row.integer(5);
  entry.entry.inode = static_cast<std::uint64_t>(entry.id);
  entry.object = row.text(6);
  if (!row.is_null(7)) {
    Identity identity;
    identity.id = row.template id<NodeId>(7);
    identity.sequence = static_cast<std::uint64_t>(row.integer(8));
    identity.size = static_cast<std::uint64_t>(row.integer(9));
    identity.mtime_ns = row.integer(10);
    identity.inode = entry.entry.inode;
    entry.identity = identity;
  }
  return entry;
}

Error missing(std::string_view name) { return base::errno_error("look at " + std::string(name), ENOENT); }

Result<void> sync_folder(const std::string &path) {
  const base::Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) return base::errno_error("make " + path + " durable");
  return {};
}

}  // namespace

Result<std::shared_ptr<BlobTable>> BlobTable::open(const std::string &path, const StateDir &state) {
  std::error_code failed;
  for (const char *folder : {"/staging", "/objects"}) fs::create_directories(path + folder, failed);
  if (failed) return base::errno_error("make " + path, failed.value());
  TRY_ASSIGN(sql::Database database, sql::Database::open(path + "/blobs.db"));
  TRY(database.migrate(kBlobSchema));
  std::shared_ptr<BlobTable> table(new BlobTable(path, std::move(database)));
  TRY_ASSIGN(sql::Statement *const put, table->database_.cached("INSERT OR IGNORE INTO fact VALUES('provider',?1)"));
  TRY(put->run_with(state.provider().text()));
  TRY_ASSIGN(sql::Statement *const get, table->database_.cached("SELECT value FROM fact WHERE name='provider'"));
  auto rows = get->query();
  TRY_ASSIGN(const bool there, rows.next());
  if (!there || rows.text(0) != state.provider().text())
    return error(Status::FailedPrecondition, path + " belongs to another provider");
  return table;
}

Result<void> BlobTable::prove() const {
  for (const char *name : {"/blobs.db", "/objects"})
    if (::access((path_ + name).c_str(), F_OK) != 0) return error(Status::Unavailable, path_ + name + " is not there");
  return {};
}

std::string BlobTable::object_path(const std::string &object) const { return path_ + "/objects/" + object; }

Result<std::optional<BlobEntry>> BlobTable::child_of(EntryId parent, std::string_view name) {
  TRY_ASSIGN(sql::Statement *const statement,
             database_.cached("SELECT " BLOB_COLUMNS " FROM entry WHERE parent=?1 AND name=?2"));
  auto rows = statement->query(parent, name);
  TRY_ASSIGN(const bool there, rows.next());
  if (!there) return std::optional<BlobEntry>();
  return std::optional<BlobEntry>(read_row(rows));
}

Result<std::optional<BlobEntry>> BlobTable::child(EntryId parent, std::string_view name) {
  const std::lock_guard guard(mutex_);
  return child_of(parent, name);
}

Result<std::optional<BlobEntry>> BlobTable::by_id(EntryId id) {
  const std::lock_guard guard(mutex_);
  TRY_ASSIGN(sql::Statement *const statement, database_.cached("SELECT " BLOB_COLUMNS " FROM entry WHERE id=?1"));
  auto rows = statement->query(id);
  TRY_ASSIGN(const bool there, rows.next());
  if (!there) return std::optional<BlobEntry>();
  return std::optional<BlobEntry>(read_row(rows));
}

Result<std::vector<BlobEntry>> BlobTable::children(EntryId parent) {
  const std::lock_guard guard(mutex_);
  std::vector<BlobEntry> all;
  TRY_ASSIGN(sql::Statement *const statement, database_.cached("SELECT " BLOB_COLUMNS " FROM entry WHERE parent=?1"));
  auto rows = statement->query(parent);
  for (;;) {
    TRY_ASSIGN(const bool more, rows.next());
    if (!more) return all;
    all.push_back(read_row(rows));
  }
}

Result<EntryId> BlobTable::insert(const BlobEntry &entry) {
  TRY_ASSIGN(
      sql::Statement *const statement,
      database_.cached("INSERT INTO entry(parent,name,kind,size,mtime_ns,object,node,seq,node_size,node_mtime_ns)"
                       " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10)"));
  const std::optional<NodeId> node = entry.identity ? std::optional(entry.identity->id) : std::nullopt;
  TRY(statement->run_with(entry.parent, entry.name, entry.entry.kind == EntryKind::Folder ? 2 : 1, entry.entry.size,
                          entry.entry.mtime_ns, entry.object, node, entry.identity ? entry.identity->sequence : 0,
                          entry.entry.size, entry.entry.mtime_ns));
  return database_.last_insert_rowid();
}

Result<void> BlobTable::touch(EntryId folder) {
  TRY_ASSIGN(sql::Statement *const statement,
             database_.cached("UPDATE entry SET mtime_ns=max(?2,mtime_ns+1) WHERE id=?1 AND kind=2"));
  return statement->run_with(folder, base::now_unix_ns());
}

Result<void> BlobTable::relink(EntryId id, EntryId parent, std::string_view name) {
  TRY_ASSIGN(sql::Statement *const statement, database_.cached("UPDATE entry SET parent=?2,name=?3 WHERE id=?1"));
  return statement->run_with(id, parent, name);
}

Result<EntryId> BlobTable::walk(std::string_view path, bool make) {
  EntryId at = kTop;
  while (!path.empty()) {
    const std::size_t slash = std::min(path.find('/'), path.size());
    const std::string_view name = path.substr(0, slash);
    path.remove_prefix(std::min(slash + 1, path.size()));
    TRY_ASSIGN(const auto next, child_of(at, name));
    if (next) {
      if (next->entry.kind != EntryKind::Folder) return base::errno_error("open " + std::string(name), ENOTDIR);
      at = next->id;
      continue;
    }
    if (!make) return missing(name);
    BlobEntry folder;
    folder.parent = at;
    folder.name = name;
    folder.entry.kind = EntryKind::Folder;
    folder.entry.mtime_ns = base::now_unix_ns();
    TRY(touch(at));
    TRY_ASSIGN(at, insert(folder));
  }
  return at;
}

Result<EntryId> BlobTable::folder(std::string_view path, bool make) {
  const std::lock_guard guard(mutex_);
  if (!make) return walk(path, false);
  TRY_ASSIGN(auto transaction, database_.begin());
  TRY_ASSIGN(const EntryId id, walk(path, true));
  TRY(transaction.commit());
  return id;
}

Result<BlobEntry> BlobTable::make_folder(EntryId parent, std::string_view name, const std::optional<NodeId> &id) {
  const std::lock_guard guard(mutex_);
  TRY_ASSIGN(auto transaction, database_.begin());
  TRY_ASSIGN(const auto there, child_of(parent, name));
  if (there) return base::errno_error("make the folder " + std::string(name), EEXIST);
  BlobEntry made;
  made.parent = parent;
  made.name = name;
  made.entry.kind = EntryKind::Folder;
  made.entry.mtime_ns = base::now_unix_ns();
  if (id) made.identity = Identity{*id, 0, 0, 0, 0};
  TRY_ASSIGN(made.id, insert(made));
  made.entry.inode = static_cast<std::uint64_t>(made.id);
  TRY(touch(parent));
  TRY(transaction.commit());
  return made;
}

Result<void> BlobTable::move(EntryId from, std::string_view name, EntryId to, std::string_view to_name, Onto onto) {
  const std::lock_guard guard(mutex_);
  TRY_ASSIGN(auto transaction, database_.begin());
  TRY_ASSIGN(const auto source, child_of(from, name));
  if (!source) return missing(name);
  TRY_ASSIGN(const auto goal, child_of(to, to_name));
  if (onto == Onto::Nothing && goal) return base::errno_error("rename " + std::string(name), EEXIST);
  if (onto == Onto::Exchange && !goal) return missing(to_name);
  if (onto == Onto::File && goal) {
    if (goal->entry.kind == EntryKind::Folder) return base::errno_error("rename " + std::string(name), EISDIR);
    TRY_ASSIGN(sql::Statement *const drop, database_.cached("DELETE FROM entry WHERE id=?1"));
    TRY(drop->run_with(goal->id));
  }
  if (onto == Onto::Exchange) {
    TRY(relink(goal->id, -goal->id, "exchanged"));
    TRY(relink(source->id, to, to_name));
    TRY(relink(goal->id, from, name));
  } else {
    TRY(relink(source->id, to, to_name));
  }
  TRY(touch(from));
  TRY(touch(to));
  ATOLL_FAULT_POINT("blob.move");
  TRY(transaction.commit());
  ATOLL_FAULT_POINT("blob.moved");
  return {};
}

Result<void> BlobTable::set_aside(EntryId parent, std::string_view name) {
  TRY_ASSIGN(const EntryId aside, folder(kAside, true));
  return move(parent, name, aside, base::random_id<Uuid>().text(), Onto::Nothing);
}

Result<void> BlobTable::identify(EntryId parent, std::string_view name, const NodeId &id, std::uint64_t sequence) {
  const std::lock_guard guard(mutex_);
  TRY_ASSIGN(sql::Statement *const statement,
             database_.cached("UPDATE entry SET node=?3,seq=?4,node_size=size,node_mtime_ns=mtime_ns"
                              " WHERE parent=?1 AND name=?2"));
  TRY(statement->run_with(parent, name, id, sequence));
  return database_.changes() == 1 ? Result<void>() : missing(name);
}

Result<BlobEntry> BlobTable::set_mtime(EntryId parent, std::string_view name, std::int64_t mtime_ns, const NodeId &id,
                                       std::uint64_t sequence) {
  const std::lock_guard guard(mutex_);
  TRY_ASSIGN(sql::Statement *const statement,
             database_.cached("UPDATE entry SET mtime_ns=?3,node=?4,seq=?5,node_size=size,node_mtime_ns=?3"
                              " WHERE parent=?1 AND name=?2"));
  TRY(statement->run_with(parent, name, mtime_ns == kMtimeNow ? base::now_unix_ns() : mtime_ns, id, sequence));
  TRY_ASSIGN(auto entry, child_of(parent, name));
  if (!entry) return missing(name);
  return std::move(*entry);
}

Result<BlobEntry> BlobTable::put_file(EntryId parent, std::string_view name, const std::string &staged,
                                      const std::string &object, std::uint64_t size, std::int64_t mtime_ns,
                                      const NodeId &id, std::uint64_t sequence) {
  const std::lock_guard guard(mutex_);  // so that no object goes between the look and the row
  const std::string path = object_path(object);
  if (::access(path.c_str(), F_OK) != 0) {
    if (::rename((staging() + staged).c_str(), path.c_str()) != 0)
      return base::errno_error("make the object " + object);
    ATOLL_FAULT_POINT("blob.object_made");
    TRY(sync_folder(path_ + "/objects"));
  } else {
    ::unlink((staging() + staged).c_str());
  }
  TRY_ASSIGN(auto transaction, database_.begin());
  TRY_ASSIGN(sql::Statement *const drop, database_.cached("DELETE FROM entry WHERE parent=?1 AND name=?2"));
  TRY(drop->run_with(parent, name));
  BlobEntry made;
  made.parent = parent;
  made.name = name;
  made.entry.kind = EntryKind::File;
  made.entry.size = size;
  made.entry.mtime_ns = mtime_ns == kMtimeNow ? base::now_unix_ns() : mtime_ns;
  made.object = object;
  made.identity = Identity{id, sequence, size, made.entry.mtime_ns, 0};
  TRY_ASSIGN(made.id, insert(made));
  made.entry.inode = static_cast<std::uint64_t>(made.id);
  TRY(transaction.commit());
  ATOLL_FAULT_POINT("blob.file_staged");
  return made;
}

Result<base::Fd> BlobTable::open_object(const std::string &object) const {
  base::Fd fd(::open(object_path(object).c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) return error(Status::Unavailable, "the object " + object + " is not there");
  return fd;
}

Result<bool> BlobTable::referred(const std::string &object) {
  TRY_ASSIGN(sql::Statement *const statement, database_.cached("SELECT 1 FROM entry WHERE object=?1 LIMIT 1"));
  auto rows = statement->query(object);
  return rows.next();
}

Result<bool> BlobTable::purge(std::size_t limit) {
  TRY_ASSIGN(const EntryId aside, folder(kAside, true));
  TRY_ASSIGN(const auto all, children(aside));
  const std::lock_guard guard(mutex_);
  TRY_ASSIGN(auto transaction, database_.begin());
  TRY_ASSIGN(sql::Statement *const drop, database_.cached("DELETE FROM entry WHERE id=?1"));
  TRY_ASSIGN(sql::Statement *const rise,
             database_.cached("UPDATE entry SET parent=?2,name=parent||'.'||id WHERE parent=?1"));
  std::size_t left = limit;
  bool more = false;
  for (const BlobEntry &entry : all) {
    if (left == 0) break;
    --left;
    if (entry.entry.kind == EntryKind::Folder) {
      TRY(rise->run_with(entry.id, aside));
      more |= database_.changes() != 0;
    }
    TRY(drop->run_with(entry.id));
  }
  TRY(transaction.commit());
  ATOLL_FAULT_POINT("blob.rows_purged");
  for (const BlobEntry &entry : all) {
    if (entry.object.empty()) continue;
    TRY_ASSIGN(const bool kept, referred(entry.object));
    if (!kept) ::unlink(object_path(entry.object).c_str());
  }
  return more || left == 0;
}

Result<void> BlobTable::sweep() {
  TRY_ASSIGN(const EntryId spaces, folder(".atoll/spaces", true));
  TRY_ASSIGN(const auto all, children(spaces));
  for (const BlobEntry &space : all) {
    TRY_ASSIGN(const auto staging, child(space.id, "staging"));
    if (!staging) continue;
    TRY_ASSIGN(const auto rest, children(staging->id));
    for (const BlobEntry &entry : rest) TRY(set_aside(staging->id, entry.name));
  }
  const std::lock_guard guard(mutex_);
  std::error_code failed;
  for (const auto &entry : fs::directory_iterator(path_ + "/staging", failed)) fs::remove(entry.path(), failed);
  for (const auto &entry : fs::directory_iterator(path_ + "/objects", failed)) {
    TRY_ASSIGN(const bool kept, referred(entry.path().filename().string()));
    if (!kept) fs::remove(entry.path(), failed);
  }
  return {};
}

}  // namespace Atoll::proof
