// SPDX-License-Identifier: Apache-2.0
// Sessions of Poco::Data for code that is to run on SQLite and PostgreSQL alike.
#pragma once

#include <Poco/Data/Session.h>
#include <Poco/Data/Statement.h>
#include <Poco/Exception.h>

#include <atoll/sdk/result.hpp>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace Atoll::sql {

enum class Dialect { Sqlite, Postgresql };

/// Until when somebody waits for what he has asked.
struct Deadline {
  std::uint64_t monotonic_ns = 0;  ///< 0: as long as it takes
};

class Watchdog;

/// The Error for an exception of Poco::Data, with the statuses of sqlite_error(). [any thread]
Error data_error(const Poco::Exception &failure, std::string_view tried);

/// Runs an action that uses Poco::Data and turns what it throws into an Error. The action returns a Result. [any
/// thread]
template <class Action>
auto guarded(std::string_view tried, Action &&action) -> std::invoke_result_t<Action> {
  try {
    return std::forward<Action>(action)();
  } catch (const Poco::Exception &failure) {
    return data_error(failure, tried);
  } catch (const std::exception &failure) {
    return error(Status::Internal, std::string(tried) + ": " + failure.what());
  }
}

/// A bounded pool of sessions to one database. Unlike Poco's own pool it waits for a free session instead of failing at
/// once, and needs no timer thread. [any thread]
///
/// SQL is written once for both databases: parameters as $1, $2, ... in the order of their first use, ids as text of 36
/// characters, instants as BIGINT nanoseconds, ON CONFLICT for upserts.
class Sessions {
 public:
  /// A borrowed session; given back at its end, rolled back if a transaction is still open. A session that failed in a
  /// way that may be the connection's fault, or that could not be rolled back, is closed and made anew. When PostgreSQL
  /// ended the connection all that are idle are, too: the server may have been started again.
  class Lease {
   public:
    Lease(Lease &&other) noexcept
        : pool_(std::exchange(other.pool_, nullptr)),
          session_(std::move(other.session_)),
          exceptions_(other.exceptions_),
          open_transaction_(std::exchange(other.open_transaction_, false)),
          broken_(other.broken_),
          ended_(other.ended_),
          cut_(other.cut_),
          deadline_(other.deadline_) {}
    Lease(const Lease &) = delete;
    Lease &operator=(const Lease &) = delete;
    Lease &operator=(Lease &&) = delete;
    ~Lease();

    Poco::Data::Session &operator*() const { return *session_; }
    Poco::Data::Session *operator->() const { return session_.get(); }

    /// Takes the write lock on SQLite. Throws what Poco::Data throws, as everything of the session does.
    void begin();
    void commit();
    void rollback() noexcept;
    /// Rows changed or read by one statement: `lease.run("UPDATE ...", use(a), use(b))`.
    template <class... Bindings>
    std::size_t run(const std::string &sql, Bindings &&...bindings) {
      return run_bound(sql, {}, std::forward<Bindings>(bindings)...);
    }
    /// The same with any number of parameters; each binding serves one statement.
    template <class... Bindings>
    std::size_t run_bound(const std::string &sql, const std::vector<Poco::Data::AbstractBinding::Ptr> &values,
                          Bindings &&...bindings) {
      return watched([&] {
        Poco::Data::Statement statement(*session_);
        statement << sql;
        for (const auto &value : values) statement.addBind(value);
        (static_cast<void>((statement, std::forward<Bindings>(bindings))), ...);
        return statement.execute();
      });
    }

   private:
    friend class Sessions;
    Lease(Sessions *pool, std::unique_ptr<Poco::Data::Session> session, Deadline deadline) noexcept
        : pool_(pool), session_(std::move(session)), exceptions_(std::uncaught_exceptions()), deadline_(deadline) {}
    /// Does something with the session: not longer than it may take, and what it throws is noted.
    template <class F>
    std::invoke_result_t<F> watched(F &&f) {
      const auto watch = pool_->watch(*session_, deadline_);
      try {
        return f();
      } catch (const Poco::Exception &failure) {
        failed(failure, pool_->cut(watch));
        throw;
      }
    }
    /// Notes what a failure says of the connection. `cut`: by our own watchdog.
    void failed(const Poco::Exception &failure, bool cut);
    Sessions *pool_;
    std::unique_ptr<Poco::Data::Session> session_;
    int exceptions_;
    bool open_transaction_ = false;
    bool broken_ = false;  // in a state that nobody knows
    bool ended_ = false;   // PostgreSQL ended the connection
    bool cut_ = false;     // we did: that says nothing of other connections
    Deadline deadline_;
  };

  /// url: "sqlite:PATH", or "postgresql://..." as read_postgresql_url() takes it. Opens one session, to fail early.
  static Result<std::unique_ptr<Sessions>> open(std::string_view url, std::size_t limit = 8);

  /// Unavailable when none is free within the wait.
  Result<Lease> get(std::chrono::milliseconds wait = std::chrono::seconds(10)) {
    return get(std::chrono::nanoseconds(wait), {});
  }
  /// Waits no longer than until the deadline, but 10 seconds at most. On PostgreSQL a statement of the lease takes not
  /// much longer either, though a second at least and 25 at most: then its connection is cut, and it fails as one that
  /// broke.
  Result<Lease> get(Deadline deadline);

  /// As Database::migrate(): all missing steps in one transaction, FailedPrecondition for a newer database. The version
  /// is a row of the table atoll_schema, under the name of the component, so that several can share a database. A step
  /// may hold several statements, separated by ";\n".
  Result<void> migrate(const std::string &component, std::span<const char *const> steps);

  Dialect dialect() const { return dialect_; }
  /// Sessions that are open and lent to nobody.
  std::size_t idle() const {
    const std::lock_guard lock(mutex_);
    return idle_.size();
  }

  class Private {
    friend class Sessions;
    Private() = default;
  };  // only open() makes pools
  /// target: a file, or what PostgreSQL is reached by; name: what people are told.
  Sessions(Private, Dialect dialect, std::string target, std::string name, std::size_t limit);
  Sessions(const Sessions &) = delete;
  Sessions &operator=(const Sessions &) = delete;
  /// All leases must be gone.
  ~Sessions();

 private:
  Result<Lease> get(std::chrono::nanoseconds wait, Deadline deadline);
  std::unique_ptr<Poco::Data::Session> connect() const;
  /// Null on SQLite, which waits for nobody else.
  struct StopWatching {
    Watchdog *watchdog;
    void operator()(void *watched) const noexcept;
  };
  using Watch = std::unique_ptr<void, StopWatching>;
  Watch watch(Poco::Data::Session &session, Deadline deadline);
  bool cut(const Watch &watch) const noexcept;
  enum class Fit { Healthy, Broken, Ended };
  void give_back(std::unique_ptr<Poco::Data::Session> session, Fit fit) noexcept;

  const Dialect dialect_;
  const std::string target_, name_;
  const std::size_t limit_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::unique_ptr<Poco::Data::Session>> idle_;
  std::size_t leased_ = 0;
  std::unique_ptr<Watchdog> watchdog_;  // of PostgreSQL
};

}  // namespace Atoll::sql
