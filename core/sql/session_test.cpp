// SPDX-License-Identifier: Apache-2.0
#include "core/sql/session.hpp"

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <thread>

#include "core/base/file.hpp"
#include "core/sql/test_folder.hpp"

using namespace Atoll::sql;
using namespace Poco::Data::Keywords;
using Atoll::Result;
using Atoll::Status;

namespace {

constexpr std::array<const char *, 2> kSteps = {
    "CREATE TABLE t(id TEXT PRIMARY KEY, n BIGINT NOT NULL);\nCREATE INDEX t_n ON t(n);\n",
    "CREATE TABLE u(id TEXT REFERENCES t(id))",
};

std::unique_ptr<Sessions> open_in(const TestFolder &folder, std::size_t limit = 4) {
  auto sessions = Sessions::open("sqlite:" + folder.path() + "/s.db", limit);
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
  CHECK(Sessions::open("postgresql://h/d").status() == Status::Unimplemented);
  CHECK(Sessions::open("sqlite:" + folder.path() + "/none/x").status() == Status::Unavailable);
  REQUIRE(Atoll::base::write_file_durably(folder.path() + "/damaged", std::string(8192, 'x'), 0600).ok());
  CHECK(Sessions::open("sqlite:" + folder.path() + "/damaged").status() == Status::Unavailable);
}

TEST_CASE("transactions, constraints and the state after an exception") {
  const TestFolder folder;
  auto sessions = open_in(folder, 1);
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
        }).status() == Status::Internal);
  CHECK(insert(*sessions, "c", 3).ok());
  auto lease = sessions->get();
  REQUIRE(lease.ok());
  CHECK(sessions->get(std::chrono::milliseconds(1)).status() == Status::Unavailable);
}

TEST_CASE("migrations are kept per component and refuse a newer database") {
  const TestFolder folder;
  auto sessions = open_in(folder);
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
  const TestFolder folder;
  auto sessions = open_in(folder, 3);
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
  const TestFolder folder;
  auto sessions = open_in(folder);
  const std::string evil = "'; DROP TABLE t; --\x01\"\xC3\xA9";
  REQUIRE(insert(*sessions, evil, 1).ok());
  auto lease = sessions->get();
  std::string id;
  lease->run("SELECT id FROM t", into(id));
  CHECK(id == evil);
}
