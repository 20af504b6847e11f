// SPDX-License-Identifier: Apache-2.0
#include "core/sql/session.hpp"

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <thread>

#include "core/base/file.hpp"
#include "core/base/time.hpp"
#include "core/sql/postgresql.hpp"
#include "core/sql/test_postgresql.hpp"

using namespace Atoll::sql;
using namespace Poco::Data::Keywords;
using Atoll::Result;
using Atoll::Status;

namespace {

constexpr std::array<const char *, 2> kSteps = {
    "CREATE TABLE t(id TEXT PRIMARY KEY, n BIGINT NOT NULL);\nCREATE INDEX t_n ON t(n);\n",
    "CREATE TABLE u(id TEXT REFERENCES t(id))",
};

std::unique_ptr<Sessions> open_in(const TestDatabase &database, std::size_t limit = 4) {
  auto sessions = Sessions::open(database.url(), limit);
  REQUIRE(sessions.ok());
  REQUIRE((*sessions)->migrate("test", kSteps).ok());
  return std::move(*sessions);
}

Result<std::int64_t> count(Sessions &sessions) {
  return guarded("count", [&]() -> Result<std::int64_t> {
    auto lease = sessions.get();
    if (!lease) return lease.error();
    std::int64_t value = 0;
    lease->run("SELECT count(*) FROM t", into(value));
    return value;
  });
}

Result<void> insert(Sessions &sessions, std::string id, std::int64_t n, bool commit = true) {
  return guarded("insert", [&]() -> Result<void> {
    auto lease = sessions.get();
    if (!lease) return lease.error();
    lease->begin();
    lease->run("INSERT INTO t(id, n) VALUES($1, $2)", use(id), use(n));
    if (commit) lease->commit();
    return {};
  });
}

}  // namespace

TEST_CASE("urls") {
  const TestFolder folder;
  CHECK(Sessions::open("mysql:x").status() == Status::InvalidArgument);
  CHECK(Sessions::open("sqlite:").status() == Status::InvalidArgument);
  CHECK(Sessions::open("postgresql://127.0.0.1:1/d").status() == Status::Unavailable);
  CHECK(Sessions::open("sqlite:" + folder.path() + "/none/x").status() == Status::Unavailable);
  REQUIRE(Atoll::base::write_file_durably(folder.path() + "/damaged", std::string(8192, 'x'), 0600).ok());
  CHECK(Sessions::open("sqlite:" + folder.path() + "/damaged").status() == Status::Unavailable);
}

TEST_CASE("PostgreSQL: what a url comes to") {
  const auto plain = read_postgresql_url("postgresql://a%40b:p%27%5Cw=@db.example:5433/atoll?sslmode=verify-full");
  REQUIRE(plain.ok());
  CHECK(plain->connection ==
        "application_name=atoll connect_timeout=5 dbname=atoll host=db.example keepalives_idle=30 password=p\\'\\\\w= "
        "port=5433 sslmode=verify-full target_session_attrs=read-write tcp_user_timeout=20000 user=a@b");
  CHECK(plain->shown == "postgresql://db.example:5433/atoll");
  const auto socket = read_postgresql_url("postgresql:///atoll?host=/run/postgresql&connect_timeout=1");
  REQUIRE(socket.ok());
  CHECK(socket->connection ==
        "application_name=atoll connect_timeout=1 dbname=atoll host=/run/postgresql keepalives_idle=30 "
        "target_session_attrs=read-write tcp_user_timeout=20000");
  const auto six = read_postgresql_url("postgresql://[::1]:5432/x");
  REQUIRE(six.ok());
  CHECK(six->connection.find(" host=::1 ") != std::string::npos);
  for (const char *bad :
       {"postgresql:/x", "postgresql://h:port/x", "postgresql://h:123456/x", "postgresql://u:a b@h/x",
        "postgresql://u:a%20b@h/x", "postgresql://u:a%2@h/x", "postgresql://h/x?sslmode", "postgresql://h/x?a=b&=c",
        "postgresql://h/x?A=b", "postgresql://h/x%0Ay", "postgresql://a:1,b:2/x", "postgresql://a,b/x",
        "postgresql://h/x?target_session_attrs=any", "postgresql://h/x?target_session_attrs=prefer-standby"})
    CHECK_MESSAGE(read_postgresql_url(bad).status() == Status::InvalidArgument, bad);
  for (const char *secret : {"postgresql://u:hunter2%20@h/x", "postgresql://u:hunter2@h:port/x"})
    CHECK(read_postgresql_url(secret).error().message.find("hunter2") == std::string::npos);
  const auto away = Sessions::open("postgresql://u:hunter2@127.0.0.1:1/d");
  CHECK(away.status() == Status::Unavailable);
  CHECK(away.error().message.find("hunter2") == std::string::npos);
  CHECK(away.error().message.find("127.0.0.1:1/d") != std::string::npos);
}

TEST_CASE("PostgreSQL: of several hosts one that takes writes, and no other") {
  const auto several = read_postgresql_url("postgresql:///x?host=a,b&port=1,2&target_session_attrs=primary");
  REQUIRE(several.ok());
  CHECK(several->connection.find(" host=a,b ") != std::string::npos);
  CHECK(several->connection.find(" target_session_attrs=primary ") != std::string::npos);
  if (!on_postgresql()) return;
  const TestDatabase database;
  auto sessions = open_in(database, 1);
  const auto set = [&](const std::string &value) {
    return guarded("set", [&]() -> Result<void> {
      auto lease = sessions->get();
      if (!lease) return lease.error();
      std::string name;
      lease->run("SELECT current_database()", into(name));
      lease->run("ALTER DATABASE " + name + " SET default_transaction_read_only = " + value);
      return {};
    });
  };
  REQUIRE(set("on").ok());
  CHECK(Sessions::open(database.url()).status() == Status::Unavailable);
}

TEST_CASE("a session that failed is not lent again, and takes those with it that cannot do better") {
  const TestDatabase database;
  auto sessions = open_in(database, 3);
  const auto fill = [&] {  // three idle ones
    auto a = sessions->get(), b = sessions->get(), c = sessions->get();
    REQUIRE((a.ok() && b.ok() && c.ok()));
  };
  fill();
  REQUIRE(sessions->idle() == 3);
  REQUIRE(insert(*sessions, "a", 1).ok());
  CHECK(insert(*sessions, "a", 2).status() == Status::AlreadyExists);
  CHECK(sessions->idle() == 2);
  fill();
  if (!on_postgresql()) return;
  const auto end_all = [&] {
    auto other = Sessions::open(database.url(), 1);
    REQUIRE(other.ok());
    auto lease = (*other)->get();
    REQUIRE(lease.ok());
    std::vector<std::string> ended;
    lease->run(
        "SELECT CAST(pg_terminate_backend(pid, 10000) AS TEXT) FROM pg_stat_activity WHERE datname = "
        "current_database() AND "
        "pid <> pg_backend_pid()",
        into(ended));
    REQUIRE(ended.size() >= 3);
  };
  end_all();
  CHECK(count(*sessions).status() == Status::Unavailable);
  CHECK(sessions->idle() == 0);
  CHECK(count(*sessions).ok());
  // Without an exception on its way: the rollback finds out.
  fill();
  {
    auto lease = sessions->get();
    REQUIRE(lease.ok());
    lease->begin();
    end_all();
  }
  CHECK(sessions->idle() == 0);
  CHECK(count(*sessions).ok());
}

TEST_CASE("transactions, constraints and the state after an exception") {
  const TestDatabase database;
  auto sessions = open_in(database, 1);
  CHECK(insert(*sessions, "a", 1).ok());
  CHECK(insert(*sessions, "b", 1, false).ok());
  CHECK(*count(*sessions) == 1);
  CHECK(insert(*sessions, "a", 2).status() == Status::AlreadyExists);
  CHECK(*count(*sessions) == 1);
  CHECK(guarded("x", [&]() -> Result<void> {
          auto lease = sessions->get();
          if (!lease) return lease.error();
          lease->run("INSERT INTO u(id) VALUES('none')");
          return {};
        }).status() == Status::FailedPrecondition);
  CHECK(guarded("x", [&]() -> Result<void> {
          auto lease = sessions->get();
          if (!lease) return lease.error();
          lease->run("SELECT nonsense");
          return {};
        }).status() == Status::Internal);  // it is the statement, and the database is there
  CHECK(insert(*sessions, "c", 3).ok());
  auto lease = sessions->get();
  REQUIRE(lease.ok());
  CHECK(sessions->get(std::chrono::milliseconds(1)).status() == Status::Unavailable);
}

TEST_CASE("who has no time left gets no session, and no server that hangs keeps anybody") {
  const TestDatabase database;
  auto sessions = open_in(database, 1);
  const auto now = [] { return static_cast<std::uint64_t>(Atoll::base::monotonic_ns()); };
  CHECK(sessions->get(Deadline{now() - 1}).status() == Status::DeadlineExceeded);
  {
    const auto held = sessions->get(Deadline{});
    REQUIRE(held.ok());
    CHECK(sessions->get(Deadline{now() + 1'000'000}).status() == Status::Unavailable);
  }
  if (!on_postgresql()) return;
  std::int64_t server = 0;
  const auto ask = [&](std::uint64_t wait_ns) {
    return guarded("ask", [&]() -> Result<void> {
      auto lease = sessions->get(Deadline{now() + wait_ns});
      if (!lease) return lease.error();
      lease->run("SELECT CAST(pg_backend_pid() AS BIGINT)", into(server));
      return {};
    });
  };
  REQUIRE(ask(10'000'000'000).ok());
  const auto hung = static_cast<pid_t>(server);
  REQUIRE(::kill(hung, SIGSTOP) == 0);
  CHECK(ask(1'000'000).status() == Status::Unavailable);
  CHECK(ask(10'000'000'000).ok());  // on another connection
  CHECK(server != hung);
  REQUIRE(::kill(hung, SIGCONT) == 0);
}

TEST_CASE("a statement that takes too long costs its own connection only") {
  if (!on_postgresql()) return;
  const TestDatabase database;
  auto sessions = open_in(database, 2);
  const auto server_of = [](Sessions::Lease &lease) {
    std::int64_t server = 0;
    lease.run("SELECT CAST(pg_backend_pid() AS BIGINT)", into(server));
    return server;
  };
  std::int64_t kept = 0;
  CHECK(guarded("ask slowly", [&]() -> Result<void> {
          auto slow = sessions->get(Deadline{static_cast<std::uint64_t>(Atoll::base::monotonic_ns()) + 1'000'000});
          if (!slow) return slow.error();
          {
            auto other = sessions->get();
            if (!other) return other.error();
            kept = server_of(*other);
          }
          slow->begin();
          slow->run("SELECT pg_sleep(60)");
          return {};
        }).status() == Status::Unavailable);
  auto lease = sessions->get();
  REQUIRE(lease.ok());
  CHECK(kept != 0);
  CHECK(server_of(*lease) == kept);
}

TEST_CASE("migrations are kept per component and refuse a newer database") {
  const TestDatabase database;
  auto sessions = open_in(database);
  CHECK(sessions->migrate("test", kSteps).ok());
  CHECK(sessions->migrate("test", std::span(kSteps).first(1)).status() == Status::FailedPrecondition);
  const std::array<const char *, 1> other = {"CREATE TABLE v(x TEXT)"};
  CHECK(sessions->migrate("other", other).ok());
  const std::array<const char *, 2> broken = {other[0], "CREATE TABLE w(x TEXT);\nNONSENSE"};
  CHECK_FALSE(sessions->migrate("other", broken).ok());
  const std::array<const char *, 2> fixed = {other[0], "CREATE TABLE w(x TEXT)"};
  CHECK(sessions->migrate("other", fixed).ok());
}

TEST_CASE("many threads share few sessions") {
  const TestDatabase database;
  auto sessions = open_in(database, 3);
  std::atomic<int> failures{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 6; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 25; ++i) {
        if (!insert(*sessions, std::to_string(t) + "-" + std::to_string(i), i).ok()) ++failures;
        if (!count(*sessions).ok()) ++failures;
      }
    });
  }
  for (auto &thread : threads) thread.join();
  CHECK(failures == 0);
  CHECK(*count(*sessions) == 150);
}

TEST_CASE("texts with quotes and control characters stay data") {
  const TestDatabase database;
  auto sessions = open_in(database);
  const std::string evil = "'; DROP TABLE t; --\x01\"\xC3\xA9";
  REQUIRE(insert(*sessions, evil, 1).ok());
  auto lease = sessions->get();
  std::string id;
  lease->run("SELECT id FROM t", into(id));
  CHECK(id == evil);
}
