// SPDX-License-Identifier: Apache-2.0
// A connection to a SQLite database through its C API: for hot paths.
#pragma once

#include <atoll/sdk/result.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "core/sql/statement.hpp"

struct sqlite3;

namespace Atoll::sql {

/// What a commit waits for. Full: survives a power cut. Normal: a power cut may take back the last commits, but never
/// damages the database. Off: for tests and throw-away data.
enum class Synchronous { Off, Normal, Full };

struct Options {
  Synchronous synchronous = Synchronous::Full;
  std::chrono::milliseconds busy_timeout{5000};  ///< how long to wait for another connection's write
  bool read_only = false;                        ///< the database must be there already
  int cache_kib = 2048;                          ///< page cache of this connection
  std::int64_t mmap_bytes = 0;                   ///< memory-mapped reads; 0: none
};

/// A transaction that rolls back when it goes out of scope without a commit.
class Transaction {
 public:
  Transaction(Transaction &&other) noexcept
      : connection_(other.connection_), commit_(other.commit_), rollback_(other.rollback_) {
    other.connection_ = nullptr;
  }
  Transaction(const Transaction &) = delete;
  Transaction &operator=(const Transaction &) = delete;
  Transaction &operator=(Transaction &&) = delete;
  ~Transaction() { rollback(); }

  /// Durable as the options say when it returns Ok. After an error nothing of it has happened.
  Result<void> commit();
  void rollback() noexcept;

 private:
  friend class Database;
  Transaction(sqlite3 *connection, Statement &commit, Statement &rollback) noexcept
      : connection_(connection), commit_(&commit), rollback_(&rollback) {}
  sqlite3 *connection_;
  Statement *commit_, *rollback_;
};

/// One connection. Always in WAL mode, with foreign keys enforced. [one thread at a time]
class Database {
 public:
  /// Opens the file, or makes it (with mode 0600). ":memory:" is a private database for tests.
  /// Errors: FailedPrecondition where the file system cannot do WAL (network file systems), else as sqlite_error().
  static Result<Database> open(const std::string &path, const Options &options = {});

  Database(Database &&other) noexcept = default;
  Database &operator=(Database &&other) noexcept = default;
  ~Database() = default;

  Result<Statement> prepare(std::string_view sql);
  /// The statement for this text, prepared at its first use and kept as long as the database. It may not be in use
  /// already (that is: not inside of its own rows).
  Result<Statement *> cached(std::string_view sql);
  /// Runs one or more statements whose rows do not matter.
  Result<void> exec(const std::string &sql);

  /// BEGIN IMMEDIATE: waits for the write lock now, so that nothing later in it fails for want of it.
  Result<Transaction> begin();
  /// BEGIN: a stable view for several reads.
  Result<Transaction> begin_read();

  /// Brings the schema up to date: step i (from 0) leads from version i to i + 1, which is kept in user_version. All
  /// missing steps happen in one transaction. FailedPrecondition when the database is newer than the steps.
  Result<void> migrate(std::span<const char *const> steps);
  Result<std::int64_t> version();

  /// From the next commit on. Not inside of a transaction.
  Result<void> set_synchronous(Synchronous synchronous);
  /// Rows changed by the last statement.
  std::int64_t changes() const;
  std::int64_t last_insert_rowid() const;
  bool in_transaction() const;
  /// Makes a running step() of this connection fail. [any thread]
  void interrupt() const;
  const std::string &path() const { return path_; }
  /// What is in it cannot be right; see damage.hpp. [any thread]
  void note_damage() const;
  sqlite3 *handle() const { return connection_.get(); }

 private:
  struct Close {
    void operator()(sqlite3 *connection) const noexcept;
  };
  Database(sqlite3 *connection, std::string path) : connection_(connection), path_(std::move(path)) {}
  Result<void> configure(const Options &options);
  Result<Transaction> begin_by(std::string_view sql);
  Result<std::string> pragma(const std::string &sql);

  std::unique_ptr<sqlite3, Close> connection_;
  std::string path_;
  std::map<std::string, Statement, std::less<>> cache_;  // finalised before the connection is closed
};

}  // namespace Atoll::sql
