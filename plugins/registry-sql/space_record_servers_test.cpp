// SPDX-License-Identifier: Apache-2.0
// Several threads and servers on one database, and one that goes away.
#include <doctest/doctest.h>

#include <atomic>
#include <thread>
#include <utility>

#include "plugins/registry-sql/store_fixture.hpp"

using namespace Atoll;
using namespace Atoll::registry_sql;

TEST_CASE("changes of different parts at the same time are all there in the end") {
  Fixture f;
  const SpaceRecord record = record_of(ATOLL_SPACE_PROJECT, AccountId(), "x");
  REQUIRE(f.store->insert(record).ok());
  std::atomic<int> failures{0}, disabled{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      SpaceRecord mine = record;
      for (int i = 0; i < 15; ++i) {
        mine.name = "n" + std::to_string(i);
        mine.alias = "project/a" + std::to_string(i);
        mine.description = "d" + std::to_string(i);
        mine.state = ATOLL_SPACE_STATE_DISABLED;
        if (t < 3 && !f.store->change(mine, 1u << t, 0).ok()) ++failures;
        if (t == 3 && f.store->change(mine, ATOLL_SPACE_SET_STATE, ATOLL_SPACE_STATE_ACTIVE).ok()) ++disabled;
      }
    });
  for (auto &thread : threads) thread.join();
  CHECK(failures == 0);
  CHECK(disabled == 1);
  const SpaceRecord read = *f.store->get(record.id, Asker{}, kNow);
  CHECK(read.name == "n14");
  CHECK(read.alias == "project/a14");
  CHECK(read.description == "d14");
  CHECK(read.state == ATOLL_SPACE_STATE_DISABLED);
}

TEST_CASE("several servers on one database: a change by one ends what the other has kept") {
  if (!sql::on_postgresql()) return;  // an SQLite file has one server
  Fixture f;
  auto other = SpaceRecordStore::open(f.database.url());
  REQUIRE(other.ok());
  const SpaceRecord record = record_of(ATOLL_SPACE_PROJECT, AccountId(), "x");
  const auto generation = [&](std::int64_t now_ns = kNow) { return *(*other)->generation(now_ns); };
  auto before = generation();
  const auto grown = [&] { return std::exchange(before, generation()) < before; };
  REQUIRE(f.store->insert(record).ok());
  CHECK(grown());
  CHECK_FALSE(grown());
  Member member = member_of(account(), ATOLL_MAY_READ);
  member.expires_ns = kNow + 10;
  REQUIRE(f.store->member_put(record.id, member).ok());
  CHECK(grown());
  CHECK(generation(kNow + 11) > before);
  before = generation(kNow + 11);
  REQUIRE(f.store->member_remove(record.id, member.account).ok());
  CHECK(generation(kNow + 11) > before);
}

TEST_CASE("a PostgreSQL server that went and came back: unavailable meanwhile, then as before") {
  if (!sql::on_postgresql()) return;
  Fixture f;
  const AccountId owner = account();
  REQUIRE(f.store->insert(record_of(ATOLL_SPACE_PERSONAL, owner, "e")).ok());
  auto &server = sql::TestPostgresql::instance();
  server.stop();
  for (int i = 0; i < 3; ++i) {
    CHECK(f.store->spaces_of(Asker{owner, {}}, kNow).status() == Status::Unavailable);
    CHECK(f.store->generation(kNow).status() == Status::Unavailable);
    CHECK(f.store->personal(account(), Asker{}, kNow).status() == Status::Unavailable);
    CHECK(f.store->insert(record_of(ATOLL_SPACE_PROJECT, owner, "p")).status() == Status::Unavailable);
  }
  server.start();
  const auto again = f.store->spaces_of(Asker{owner, {}}, kNow);
  REQUIRE(again.ok());
  CHECK(again->size() == 1);
}

TEST_CASE("many threads change and read at the same time") {
  Fixture f;
  const SpaceRecord record = record_of(ATOLL_SPACE_PROJECT, AccountId(), "x");
  REQUIRE(f.store->insert(record).ok());
  const AccountId permanent = account();
  REQUIRE(f.store->member_put(record.id, member_of(permanent, ATOLL_MAY_READ)).ok());
  std::atomic<int> failures{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 20; ++i) {
        const AccountId user = account();
        if (!f.store->member_put(record.id, member_of(user, ATOLL_MAY_READ)).ok()) ++failures;
        const auto mine = f.store->spaces_of(Asker{user, {}}, kNow);
        if (!mine.ok() || mine->size() != 1) ++failures;
        const auto others = f.store->spaces_of(Asker{permanent, {}}, kNow);
        if (!others.ok() || others->size() != 1) ++failures;
        if (!f.store->member_remove(record.id, user).ok()) ++failures;
        if (!f.store->generation(kNow).ok()) ++failures;
      }
    });
  }
  for (auto &thread : threads) thread.join();
  CHECK(failures == 0);
  CHECK(f.store->members(record.id)->size() == 1);
}
