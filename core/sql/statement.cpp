// SPDX-License-Identifier: Apache-2.0
#include "core/sql/statement.hpp"

#include <sqlite3.h>

#include <cerrno>
#include <utility>

#include "core/sql/damage.hpp"

namespace Atoll::sql {

namespace {

Status status_of(int code, int system_error) {
  switch (code) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
      return Status::AlreadyExists;
    default:
      break;
  }
  switch (code & 0xff) {
    case SQLITE_CONSTRAINT:
      return Status::FailedPrecondition;
    case SQLITE_FULL:
      return Status::InsufficientStorage;
    case SQLITE_TOOBIG:
      return Status::InvalidArgument;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
      return system_error == ENOSPC || system_error == EDQUOT ? Status::InsufficientStorage : Status::Unavailable;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_PROTOCOL:
    case SQLITE_READONLY:
    case SQLITE_NOMEM:
    case SQLITE_INTERRUPT:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_NOLFS:
      return Status::Unavailable;
    default:
      return Status::Internal;
  }
}

}  // namespace

Error sqlite_error(sqlite3 *connection, int code, std::string_view tried) {
  Error failure;
  const int extended = connection != nullptr && (sqlite3_errcode(connection) & 0xff) == (code & 0xff)
                           ? sqlite3_extended_errcode(connection)
                           : code;
  failure.sys_errno = connection != nullptr ? sqlite3_system_errno(connection) : 0;
  failure.status = status_of(extended, failure.sys_errno);
  failure.message.append(tried).append(": ");
  failure.message.append(connection != nullptr && extended != code ? sqlite3_errmsg(connection) : sqlite3_errstr(code));
  if (connection != nullptr && extended == code && sqlite3_errcode(connection) == code) {
    failure.message.append(" (").append(sqlite3_errmsg(connection)).append(")");
  }
  if (failure.status == Status::Unavailable) failure.retry_after_ms = 1000;
  if (connection != nullptr && ((code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB))
    if (const char *const path = sqlite3_db_filename(connection, "main")) note_damage(path);
  return failure;
}

Statement::Statement(Statement &&other) noexcept
    : statement_(std::exchange(other.statement_, nullptr)), bind_code_(std::exchange(other.bind_code_, 0)) {}

Statement &Statement::operator=(Statement &&other) noexcept {
  std::swap(statement_, other.statement_);
  std::swap(bind_code_, other.bind_code_);
  return *this;
}

Statement::~Statement() { sqlite3_finalize(statement_); }

Statement &Statement::note(int code) {
  if (code != SQLITE_OK && bind_code_ == SQLITE_OK) bind_code_ = code;
  return *this;
}

Statement &Statement::bind_int64(int position, std::int64_t value) {
  return note(sqlite3_bind_int64(statement_, position, value));
}

Statement &Statement::bind_double(int position, double value) {
  return note(sqlite3_bind_double(statement_, position, value));
}

Statement &Statement::bind(int position, std::string_view text) {
  const char *data = text.data() != nullptr ? text.data() : "";  // an empty text is not NULL
  return note(sqlite3_bind_text64(statement_, position, data, text.size(), SQLITE_STATIC, SQLITE_UTF8));
}

Statement &Statement::bind(int position, std::span<const std::uint8_t> blob) {
  if (blob.empty()) return note(sqlite3_bind_zeroblob(statement_, position, 0));
  return note(sqlite3_bind_blob64(statement_, position, blob.data(), blob.size(), SQLITE_STATIC));
}

Statement &Statement::bind(int position, std::nullptr_t) { return note(sqlite3_bind_null(statement_, position)); }

Error Statement::failure(int code) const {
  const char *sql = sqlite3_sql(statement_);
  return sqlite_error(sqlite3_db_handle(statement_), code, sql != nullptr ? sql : "statement");
}

Result<bool> Statement::step() {
  if (statement_ == nullptr) return error(Status::Internal, "a statement was used that was never prepared");
  if (bind_code_ != SQLITE_OK) {
    const int code = std::exchange(bind_code_, SQLITE_OK);
    Error why = failure(code);
    reset();
    return why;
  }
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) {
    reset();
    return false;
  }
  Error why = failure(code);
  reset();
  return why;
}

Result<void> Statement::run() {
  while (true) {
    const auto row = step();
    if (!row) return row.error();
    if (!*row) return {};
  }
}

void Statement::reset() noexcept {
  if (statement_ == nullptr) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
  bind_code_ = SQLITE_OK;
}

std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(statement_, column); }
double Statement::real(int column) const { return sqlite3_column_double(statement_, column); }
bool Statement::is_null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }

std::string_view Statement::text(int column) const {
  const auto *data = sqlite3_column_text(statement_, column);
  if (data == nullptr) return {};
  return {reinterpret_cast<const char *>(data), static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

std::span<const std::uint8_t> Statement::blob(int column) const {
  const void *data = sqlite3_column_blob(statement_, column);
  if (data == nullptr) return {};
  return {static_cast<const std::uint8_t *>(data), static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

}  // namespace Atoll::sql
