// SPDX-License-Identifier: Apache-2.0
// For tests: a store on a database of its own.
#pragma once

#include "plugins/registry-sql/space_record_store.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "core/base/uuid.hpp"
#include "core/sql/test_postgresql.hpp"

namespace Atoll::registry_sql {

inline constexpr std::int64_t kNow = 1'700'000'000'000'000'000;

struct Fixture {
  sql::TestDatabase database;
  std::unique_ptr<SpaceRecordStore> store;
  Fixture() { reopen(); }
  void reopen() {
    store.reset();
    auto opened = SpaceRecordStore::open(database.url());
    REQUIRE(opened.ok());
    store = std::move(*opened);
  }
  /// Straight into the tables.
  void sql(const std::vector<std::string> &statements) {
    auto sessions = sql::Sessions::open(database.url(), 1);
    REQUIRE(sessions.ok());
    const auto done = sql::guarded("test", [&]() -> Result<void> {
      auto lease = (*sessions)->get();
      if (!lease) return lease.error();
      for (const auto &statement : statements) lease->run(statement);
      return {};
    });
    CHECK_MESSAGE(done.ok(), done.error().message);
  }
  std::uint64_t generation(std::int64_t now_ns = kNow) {
    const auto value = store->generation(now_ns);
    REQUIRE(value.ok());
    return *value;
  }
};

inline SpaceRecord record_of(std::uint32_t type, const AccountId &owner, const std::string &name) {
  SpaceRecord record;
  record.type = type;
  record.id = base::random_id<SpaceId>();
  record.birth = base::random_id<Uuid>();
  record.owner = owner;
  record.name = name;
  record.alias = "project/" + name;
  record.provider = "storage:home";
  return record;
}

inline AccountId account() { return base::random_id<AccountId>(); }

inline Member member_of(const AccountId &id, std::uint32_t permissions, std::uint32_t kind = ATOLL_ACCOUNT_USER) {
  Member member;
  member.kind = kind;
  member.account = id;
  member.permissions = permissions;
  member.role = "some-role";
  return member;
}

}  // namespace Atoll::registry_sql
