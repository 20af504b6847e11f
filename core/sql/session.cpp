// SPDX-License-Identifier: Apache-2.0
#include "core/sql/session.hpp"

#include <Poco/Data/DataException.h>
#include <Poco/Data/PostgreSQL/PostgreSQLException.h>
#include <Poco/Data/SQLite/Connector.h>
#include <Poco/Data/SQLite/SQLiteException.h>
#include <Poco/Data/SQLite/Utility.h>
#include <fcntl.h>

#include <algorithm>

#include "core/base/file.hpp"
#include "core/base/time.hpp"
#include "core/sql/postgresql.hpp"
#include "core/sql/private_file.hpp"
#include "core/sql/statement.hpp"
#include "core/sql/watchdog.hpp"

namespace Atoll::sql {

using Poco::Data::Keywords::into;
using Poco::Data::Keywords::now;
using Poco::Data::Keywords::useRef;

namespace {

namespace sqlite = Poco::Data::SQLite;

bool contains(const std::string &text, std::string_view part) { return text.find(part) != std::string::npos; }

Status status_of(const Poco::Exception &failure) {
  if (dynamic_cast<const sqlite::ConstraintViolationException *>(&failure) != nullptr) {
    const std::string text = failure.displayText();
    return contains(text, "UNIQUE") || contains(text, "PRIMARY KEY") ? Status::AlreadyExists
                                                                     : Status::FailedPrecondition;
  }
  if (dynamic_cast<const sqlite::DatabaseFullException *>(&failure) != nullptr) return Status::InsufficientStorage;
  if (dynamic_cast<const sqlite::RowTooBigException *>(&failure) != nullptr) return Status::InvalidArgument;
  if (dynamic_cast<const sqlite::InvalidSQLStatementException *>(&failure) != nullptr ||
      dynamic_cast<const sqlite::ParameterCountMismatchException *>(&failure) != nullptr ||
      dynamic_cast<const sqlite::InvalidLibraryUseException *>(&failure) != nullptr) {
    return Status::Internal;
  }
  if (dynamic_cast<const Poco::Data::PostgreSQL::PostgreSQLException *>(&failure) != nullptr)
    return postgresql_status(failure);
  if (dynamic_cast<const Poco::Data::DataException *>(&failure) != nullptr) return Status::Unavailable;
  return Status::Internal;
}

std::vector<std::string> statements_of(std::string_view step) {
  std::vector<std::string> statements;
  while (!step.empty()) {
    const std::size_t end = step.find(";\n");
    std::string statement(step.substr(0, end));
    if (statement.find_first_not_of(" \n") != std::string::npos) statements.push_back(std::move(statement));
    step.remove_prefix(end == std::string_view::npos ? step.size() : end + 2);
  }
  return statements;
}

}  // namespace

Error data_error(const Poco::Exception &failure, std::string_view tried) {
  Error out;
  out.status = status_of(failure);
  out.message.append(tried).append(": ").append(failure.displayText());
  if (out.status == Status::Unavailable) out.retry_after_ms = 1000;
  return out;
}

Result<std::unique_ptr<Sessions>> Sessions::open(std::string_view url, std::size_t limit) {
  constexpr std::string_view scheme = "sqlite:";
  if (limit == 0) return error(Status::InvalidArgument, "a pool without sessions was asked for");
  const auto opened = [&](Dialect dialect, std::string target,
                          const std::string &name) -> Result<std::unique_ptr<Sessions>> {
    return guarded("open the database " + name, [&]() -> Result<std::unique_ptr<Sessions>> {
      auto pool = std::make_unique<Sessions>(Private{}, dialect, std::move(target), name, limit);
      pool->idle_.reserve(limit);  // so that giving back never allocates
      pool->idle_.push_back(pool->connect());
      return pool;
    });
  };
  if (url.starts_with("postgresql:")) {
    auto target = read_postgresql_url(url);
    if (!target) return std::move(target).error();
    return opened(Dialect::Postgresql, std::move(target->connection), target->shown);
  }
  if (!url.starts_with(scheme) || url.size() == scheme.size()) {
    return error(Status::InvalidArgument, "the database url must be sqlite:PATH or postgresql://...");
  }
  std::string path(url.substr(scheme.size()));
  if (auto made = make_private(path); !made) return made.error();
  sqlite::Connector::registerConnector();
  return opened(Dialect::Sqlite, path, path);
}

Sessions::Sessions(Private, Dialect dialect, std::string target, std::string name, std::size_t limit)
    : dialect_(dialect), target_(std::move(target)), name_(std::move(name)), limit_(limit) {
  if (dialect_ == Dialect::Postgresql) watchdog_ = std::make_unique<Watchdog>();
}

Sessions::~Sessions() = default;

void Sessions::StopWatching::operator()(void *watched) const noexcept { watchdog->forget(watched); }

Sessions::Watch Sessions::watch(Poco::Data::Session &session, Deadline deadline) {
  if (!watchdog_) return Watch(nullptr, StopWatching{nullptr});
  constexpr std::int64_t shortest = 1'000'000'000, longest = 25'000'000'000;  // ns; the server's own limit is 20 s
  const std::int64_t now_ns = base::monotonic_ns();
  const std::int64_t left =
      deadline.monotonic_ns == 0 ? longest : static_cast<std::int64_t>(deadline.monotonic_ns) - now_ns;
  return Watch(watchdog_->watch(socket_of(session), now_ns + std::clamp(left, shortest, longest)),
               StopWatching{watchdog_.get()});
}

bool Sessions::cut(const Watch &watch) const noexcept { return watchdog_ && watchdog_->cut(watch.get()); }

std::unique_ptr<Poco::Data::Session> Sessions::connect() const {
  if (dialect_ == Dialect::Postgresql) return connect_postgresql({target_, name_});
  auto session = std::make_unique<Poco::Data::Session>(sqlite::Connector::KEY, target_);
  *session << "PRAGMA busy_timeout=5000", now;
  std::string mode;
  *session << "PRAGMA journal_mode=WAL", into(mode), now;
  *session << "PRAGMA synchronous=FULL", now;
  *session << "PRAGMA foreign_keys=ON", now;
  return session;
}

Result<Sessions::Lease> Sessions::get(Deadline deadline) {
  constexpr std::int64_t longest = 10'000'000'000;  // ns
  if (deadline.monotonic_ns == 0) return get(std::chrono::nanoseconds(longest), deadline);
  const std::int64_t left = static_cast<std::int64_t>(deadline.monotonic_ns) - base::monotonic_ns();
  if (left <= 0) return error(Status::DeadlineExceeded, "there is no time left to ask the database " + name_);
  return get(std::chrono::nanoseconds(std::min(left, longest)), deadline);
}

Result<Sessions::Lease> Sessions::get(std::chrono::nanoseconds wait, Deadline deadline) {
  {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, wait, [this] { return leased_ < limit_; })) {
      return Error{Status::Unavailable, "all sessions of the database " + name_ + " are in use", 0, 1000};
    }
    ++leased_;
    if (!idle_.empty()) {
      auto session = std::move(idle_.back());
      idle_.pop_back();
      return Lease(this, std::move(session), deadline);
    }
  }
  auto made = guarded("open the database " + name_,
                      [this]() -> Result<std::unique_ptr<Poco::Data::Session>> { return connect(); });
  if (!made) {
    give_back(nullptr, Fit::Broken);
    return made.error();
  }
  return Lease(this, std::move(*made), deadline);
}

void Sessions::give_back(std::unique_ptr<Poco::Data::Session> session, Fit fit) noexcept {
  {
    const std::lock_guard lock(mutex_);
    --leased_;
    if (fit == Fit::Healthy) {
      idle_.push_back(std::move(session));
    } else if (dialect_ == Dialect::Postgresql) {
      if (fit == Fit::Ended) {
        for (auto &idle : idle_) close_postgresql(std::move(idle));
        idle_.clear();
      }
      if (session) close_postgresql(std::move(session));
    }
  }
  changed_.notify_one();
}

Sessions::Lease::~Lease() {
  if (pool_ == nullptr) return;
  rollback();
  // An exception on its way through here may be the connection's fault; a new one costs little.
  const bool healthy = !broken_ && std::uncaught_exceptions() == exceptions_;
  pool_->give_back(std::move(session_), ended_ ? Fit::Ended : healthy ? Fit::Healthy : Fit::Broken);
}

void Sessions::Lease::failed(const Poco::Exception &failure, bool cut) {
  if (pool_->dialect_ != Dialect::Postgresql) return;
  broken_ = true;
  cut_ |= cut;
  const std::string state = sqlstate(failure);
  ended_ |= !cut_ && (state.empty() || ends_connection(state));
}

void Sessions::Lease::begin() {
  watched([this] {
    if (pool_->dialect_ == Dialect::Sqlite)
      *session_ << "BEGIN IMMEDIATE", now;  // Poco's own begin() takes the lock late, and then may not get it
    else
      session_->begin();
  });
  open_transaction_ = true;
}

void Sessions::Lease::commit() {
  watched([this] {
    if (pool_->dialect_ == Dialect::Sqlite)
      *session_ << "COMMIT", now;
    else
      session_->commit();
  });
  open_transaction_ = false;
}

void Sessions::Lease::rollback() noexcept {
  if (!std::exchange(open_transaction_, false)) return;
  try {
    const auto watch = pool_->watch(*session_, deadline_);
    if (pool_->dialect_ == Dialect::Sqlite) {
      *session_ << "ROLLBACK", now;
    } else {
      session_->rollback();
    }
  } catch (...) {
    broken_ = true;
    ended_ |= !cut_ && pool_->dialect_ == Dialect::Postgresql;
  }
}

Result<void> Sessions::migrate(const std::string &component, std::span<const char *const> steps) {
  auto lease = get();
  if (!lease) return lease.error();
  return guarded("bring the schema of " + component + " in " + name_ + " up to date", [&]() -> Result<void> {
    lease->begin();
    if (dialect_ == Dialect::Postgresql) {  // another server may be starting at this moment
      std::vector<std::string> nothing;
      lease->run("SELECT CAST(pg_advisory_xact_lock(4702104) AS TEXT)", into(nothing));
    }
    lease->run("CREATE TABLE IF NOT EXISTS atoll_schema(component TEXT PRIMARY KEY, version BIGINT NOT NULL)");
    std::int64_t current = 0;
    std::string name = component;
    lease->run("SELECT version FROM atoll_schema WHERE component = $1", useRef(name), into(current));
    const auto wanted = static_cast<std::int64_t>(steps.size());
    if (current > wanted || current < 0) {
      lease->rollback();
      return error(Status::FailedPrecondition, "the tables of " + component + " in " + name_ + " have format " +
                                                   std::to_string(current) +
                                                   ", this version of Atoll knows formats up to " +
                                                   std::to_string(wanted) + ": use the newer version that made them");
    }
    for (std::int64_t i = current; i < wanted; ++i) {
      for (const std::string &statement : statements_of(steps[static_cast<std::size_t>(i)])) lease->run(statement);
    }
    std::int64_t version = wanted;
    lease->run(
        "INSERT INTO atoll_schema(component, version) VALUES($1, $2) "
        "ON CONFLICT(component) DO UPDATE SET version = excluded.version",
        useRef(name), useRef(version));
    lease->commit();
    return {};
  });
}

}  // namespace Atoll::sql
