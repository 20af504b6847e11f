// SPDX-License-Identifier: Apache-2.0
#include "core/sql/database.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <utility>

#include "core/base/file.hpp"
#include "core/sql/damage.hpp"
#include "core/sql/private_file.hpp"

namespace Atoll::sql {

namespace {

const char *pragma_value(Synchronous synchronous) {
  switch (synchronous) {
    case Synchronous::Off:
      return "OFF";
    case Synchronous::Normal:
      return "NORMAL";
    case Synchronous::Full:
      return "FULL";
  }
  return "FULL";
}

bool in_memory(const std::string &path) { return path == ":memory:"; }

}  // namespace

Result<void> Transaction::commit() {
  if (connection_ == nullptr) return error(Status::Internal, "commit of a transaction that has ended");
  if (auto committed = commit_->run(); !committed) {
    rollback();
    return committed;
  }
  connection_ = nullptr;
  return {};
}

void Transaction::rollback() noexcept {
  if (connection_ == nullptr) return;
  try {
    if (sqlite3_get_autocommit(connection_) == 0) static_cast<void>(rollback_->run());  // else a failure has done it
  } catch (...) {  // no memory for the reason why not
  }
  connection_ = nullptr;
}

void Database::Close::operator()(sqlite3 *connection) const noexcept { sqlite3_close_v2(connection); }

Result<Database> Database::open(const std::string &path, const Options &options) {
  if (!in_memory(path) && !options.read_only) {
    if (auto made = make_private(path); !made) return made.error();
  }
  sqlite3 *connection = nullptr;
  const int flags = (options.read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE) |
                    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const int code = sqlite3_open_v2(path.c_str(), &connection, flags, nullptr);
  Database database(connection, path);
  if (code != SQLITE_OK) return sqlite_error(connection, code, "open the database " + path);
  if (auto configured = database.configure(options); !configured) return configured.error();
  return database;
}

Result<void> Database::configure(const Options &options) {
  sqlite3_busy_timeout(connection_.get(), static_cast<int>(options.busy_timeout.count()));
  sqlite3_db_config(connection_.get(), SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  if (!options.read_only) {
    const auto mode = pragma("PRAGMA journal_mode=WAL");
    if (!mode) return mode.error();
    if (*mode != "wal" && !in_memory(path_)) {
      return error(Status::FailedPrecondition, "the database " + path_ + " cannot use a write-ahead log (mode " +
                                                   *mode + "): put it on a local file system");
    }
  }
  return exec(std::string("PRAGMA synchronous=") + pragma_value(options.synchronous) +
              "; PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-" +
              std::to_string(options.cache_kib) + "; PRAGMA mmap_size=" + std::to_string(options.mmap_bytes));
}

Result<void> Database::set_synchronous(Synchronous synchronous) {
  return exec(std::string("PRAGMA synchronous=") + pragma_value(synchronous));
}

Result<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt *statement = nullptr;
  const char *rest = nullptr;
  const int code = sqlite3_prepare_v3(connection_.get(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, &rest);
  if (code != SQLITE_OK) return sqlite_error(connection_.get(), code, sql);
  if (statement == nullptr) return error(Status::Internal, "an empty SQL statement was prepared");
  return Statement(statement);
}

Result<Statement *> Database::cached(std::string_view sql) {
  auto found = cache_.find(sql);
  if (found == cache_.end()) {
    auto prepared = prepare(sql);
    if (!prepared) return prepared.error();
    found = cache_.emplace(std::string(sql), std::move(*prepared)).first;
  }
  return &found->second;
}

Result<void> Database::exec(const std::string &sql) {
  const int code = sqlite3_exec(connection_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return sqlite_error(connection_.get(), code, sql);
  return {};
}

Result<Transaction> Database::begin_by(std::string_view sql) {
  auto commit = cached("COMMIT");
  if (!commit) return commit.error();
  auto rollback = cached("ROLLBACK");
  if (!rollback) return rollback.error();
  auto begin = cached(sql);
  if (!begin) return begin.error();
  if (auto begun = (*begin)->run(); !begun) return begun.error();
  return Transaction(connection_.get(), **commit, **rollback);
}

Result<Transaction> Database::begin() { return begin_by("BEGIN IMMEDIATE"); }
Result<Transaction> Database::begin_read() { return begin_by("BEGIN"); }

Result<std::string> Database::pragma(const std::string &sql) {
  auto statement = prepare(sql);
  if (!statement) return statement.error();
  const auto row = statement->step();
  if (!row) return row.error();
  return *row ? std::string(statement->text(0)) : std::string();
}

Result<std::int64_t> Database::version() {
  auto statement = prepare("PRAGMA user_version");
  if (!statement) return statement.error();
  const auto row = statement->step();
  if (!row) return row.error();
  if (!*row) return error(Status::Unavailable, "the database " + path_ + " does not tell its version");
  return statement->integer(0);
}

Result<void> Database::migrate(std::span<const char *const> steps) {
  auto transaction = begin();
  if (!transaction) return transaction.error();
  const auto current = version();
  if (!current) return current.error();
  const auto wanted = static_cast<std::int64_t>(steps.size());
  if (*current > wanted || *current < 0) {
    return error(Status::FailedPrecondition, "the database " + path_ + " has format " + std::to_string(*current) +
                                                 ", this version of Atoll knows formats up to " +
                                                 std::to_string(wanted) + ": use the newer version that made it");
  }
  if (*current == wanted) return {};
  for (std::int64_t i = *current; i < wanted; ++i) {
    if (auto done = exec(steps[static_cast<std::size_t>(i)]); !done) return done;
  }
  if (auto done = exec("PRAGMA user_version=" + std::to_string(wanted)); !done) return done;
  return transaction->commit();
}

std::int64_t Database::changes() const { return sqlite3_changes64(connection_.get()); }
std::int64_t Database::last_insert_rowid() const { return sqlite3_last_insert_rowid(connection_.get()); }
bool Database::in_transaction() const { return sqlite3_get_autocommit(connection_.get()) == 0; }
void Database::note_damage() const { sql::note_damage(sqlite3_db_filename(connection_.get(), "main")); }

void Database::interrupt() const { sqlite3_interrupt(connection_.get()); }

}  // namespace Atoll::sql
