// SPDX-License-Identifier: Apache-2.0
// One prepared statement of SQLite.
#pragma once

#include <atoll/sdk/ids.hpp>
#include <atoll/sdk/result.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace Atoll::sql {

/// What query() may bind: what others own, or a plain number; no temporary with bytes of its own.
template <class T>
concept LastsForQuery = std::is_lvalue_reference_v<T> || std::is_arithmetic_v<T> || std::is_pointer_v<T> ||
    std::same_as<T, std::nullptr_t> || std::same_as<T, std::string_view> ||
    std::same_as<T, std::span<const std::uint8_t>>;

class Cursor;

/// The Error for a result code of SQLite: BUSY, LOCKED, IOERR, CORRUPT, NOTADB, CANTOPEN, READONLY, NOMEM and the like
/// are Unavailable ("cannot tell"), FULL is InsufficientStorage, a unique constraint AlreadyExists, another constraint
/// FailedPrecondition, TOOBIG InvalidArgument, else Internal. [any thread]
Error sqlite_error(sqlite3 *connection, int code, std::string_view tried);

/// A statement that was prepared once and is used often. Belongs to its Database, which must outlive it.
/// [one thread at a time, together with its Database]
///
/// Parameters are numbered from 1, columns from 0. Text and blobs are bound without a copy: they must live until the
/// statement is reset. Texts and blobs of columns live until the next step or reset.
class Statement {
 public:
  Statement() = default;
  Statement(Statement &&other) noexcept;
  Statement &operator=(Statement &&other) noexcept;
  Statement(const Statement &) = delete;
  Statement &operator=(const Statement &) = delete;
  ~Statement();

  /// An error while binding is kept and comes out of the next step().
  template <std::integral T>
  Statement &bind(int position, T value) {
    return bind_int64(position, static_cast<std::int64_t>(value));
  }
  template <std::floating_point T>
  Statement &bind(int position, T value) {
    return bind_double(position, static_cast<double>(value));
  }
  Statement &bind(int position, std::string_view text);
  Statement &bind(int position, const char *text) { return bind(position, std::string_view(text)); }
  Statement &bind(int position, const std::string &text) { return bind(position, std::string_view(text)); }
  Statement &bind(int position, std::span<const std::uint8_t> blob);
  Statement &bind(int position, std::nullptr_t);
  /// As a blob of 16 bytes.
  template <class Tag>
  Statement &bind(int position, const BasicUuid<Tag> &id) {
    return bind(position, std::span<const std::uint8_t>(id.bytes()));
  }
  template <class T>
  Statement &bind(int position, const std::optional<T> &value) {
    return value ? bind(position, *value) : bind(position, nullptr);
  }

  /// True when there is a row, false at the end; the end resets the statement. Look at *result, not at the Result:
  /// an Ok without a row is "not there", an error is "cannot tell".
  Result<bool> step();
  /// Runs it to its end and resets it: for statements without rows.
  Result<void> run();
  /// Binds all arguments in order and runs it.
  template <class... Args>
  Result<void> run_with(const Args &...args) {
    int position = 0;
    (bind(++position, args), ...);
    return run();
  }
  /// Binds all arguments in order and starts reading rows. The Cursor resets the statement when it goes. Texts and
  /// blobs are borrowed until then.
  template <class... Args>
  Cursor query(Args &&...args);

  /// Ends what is under way and forgets all bindings. A statement that is left in the middle of its rows keeps a read
  /// transaction open, so use query() or reset it.
  void reset() noexcept;

  std::int64_t integer(int column) const;
  double real(int column) const;
  std::string_view text(int column) const;
  std::span<const std::uint8_t> blob(int column) const;
  bool is_null(int column) const;
  /// The id in a blob of 16 bytes; none for anything else.
  template <class Id>
  Id id(int column) const {
    const auto bytes = blob(column);
    return bytes.size() == 16 ? Id::from_bytes(bytes.data()) : Id();
  }

 private:
  friend class Database;
  explicit Statement(sqlite3_stmt *statement) noexcept : statement_(statement) {}
  Statement &bind_int64(int position, std::int64_t value);
  Statement &bind_double(int position, double value);
  Statement &note(int code);
  Error failure(int code) const;

  sqlite3_stmt *statement_ = nullptr;
  int bind_code_ = 0;
};

/// Rows of one use of a Statement, which it resets at its end.
class Cursor {
 public:
  explicit Cursor(Statement &statement) noexcept : statement_(&statement) {}
  Cursor(Cursor &&other) noexcept : statement_(other.statement_) { other.statement_ = nullptr; }
  Cursor(const Cursor &) = delete;
  Cursor &operator=(const Cursor &) = delete;
  Cursor &operator=(Cursor &&) = delete;
  ~Cursor() {
    if (statement_) statement_->reset();
  }

  /// True when there is a(nother) row.
  Result<bool> next() { return statement_->step(); }

  std::int64_t integer(int column) const { return statement_->integer(column); }
  double real(int column) const { return statement_->real(column); }
  std::string_view text(int column) const { return statement_->text(column); }
  std::span<const std::uint8_t> blob(int column) const { return statement_->blob(column); }
  bool is_null(int column) const { return statement_->is_null(column); }
  template <class Id>
  Id id(int column) const {
    return statement_->id<Id>(column);
  }

 private:
  Statement *statement_;
};

template <class... Args>
Cursor Statement::query(Args &&...args) {
  static_assert((LastsForQuery<Args> && ...), "texts, blobs and ids must live as long as the rows are read");
  int position = 0;
  (bind(++position, args), ...);
  return Cursor(*this);
}

}  // namespace Atoll::sql
