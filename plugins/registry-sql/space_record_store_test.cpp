// SPDX-License-Identifier: Apache-2.0
#include "plugins/registry-sql/space_record_store.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <random>
#include <set>
#include <thread>

#include "core/base/uuid.hpp"
#include "core/sql/database.hpp"
#include "core/sql/test_folder.hpp"
#include "plugins/registry-sql/registry_sql.hpp"

using namespace Atoll;
using namespace Atoll::registry_sql;

namespace {

constexpr std::int64_t kNow = 1'700'000'000'000'000'000;

struct Fixture {
  sql::TestFolder folder;
  std::string path = folder.path() + "/registry.db";
  std::unique_ptr<SpaceRecordStore> store;
  Fixture() { reopen(); }
  void reopen() {
    store.reset();
    auto opened = SpaceRecordStore::open("sqlite:" + path);
    REQUIRE(opened.ok());
    store = std::move(*opened);
  }
  std::uint64_t generation(std::int64_t now_ns = kNow) {
    const auto value = store->generation(now_ns);
    REQUIRE(value.ok());
    return *value;
  }
};

SpaceRecord record_of(std::uint32_t type, const AccountId &owner, const std::string &name) {
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

AccountId account() { return base::random_id<AccountId>(); }

Member member_of(const AccountId &id, std::uint32_t permissions, std::uint32_t kind = ATOLL_ACCOUNT_USER) {
  Member member;
  member.kind = kind;
  member.account = id;
  member.permissions = permissions;
  member.role = "some-role";
  return member;
}

}  // namespace

TEST_CASE("a record comes back as it was put, also after a restart") {
  Fixture f;
  const AccountId owner = account();
  SpaceRecord record = record_of(ATOLL_SPACE_PERSONAL, owner, "einst'ein \xC3\xA9");
  record.description = "d\n\"x\"";
  record.endpoint = "https://other.example/dav";
  record.quota = 12345678901234;
  record.root_etag = "abc:1";
  REQUIRE(f.store->insert(record).ok());
  f.reopen();
  const auto read = f.store->personal(owner, Asker{owner, {}}, kNow);
  REQUIRE(read.ok());
  CHECK(read->id == record.id);
  CHECK(read->birth == record.birth);
  CHECK(read->owner == owner);
  CHECK(read->type == ATOLL_SPACE_PERSONAL);
  CHECK(read->state == ATOLL_SPACE_STATE_ACTIVE);
  CHECK(read->name == record.name);
  CHECK(read->alias == record.alias);
  CHECK(read->description == record.description);
  CHECK(read->provider == record.provider);
  CHECK(read->endpoint == record.endpoint);
  CHECK(read->quota == record.quota);
  CHECK(read->root_etag == record.root_etag);
  CHECK(read->permissions == kAllPermissions);
  const auto stranger = f.store->get(record.id, Asker{account(), {}}, kNow);
  REQUIRE(stranger.ok());
  CHECK(stranger->permissions == 0);
  CHECK(f.store->get(base::random_id<SpaceId>(), Asker{owner, {}}, kNow).status() == Status::NotFound);
  CHECK(f.store->personal(account(), Asker{owner, {}}, kNow).status() == Status::NotFound);
}

TEST_CASE("update and remove") {
  Fixture f;
  SpaceRecord record = record_of(ATOLL_SPACE_PROJECT, AccountId(), "Solar");
  REQUIRE(f.store->insert(record).ok());
  const AccountId user = account();
  REQUIRE(f.store->member_put(record.id, member_of(user, ATOLL_MAY_READ)).ok());
  record.name = "Lunar";
  record.state = ATOLL_SPACE_STATE_DISABLED;
  record.quota = 0;
  REQUIRE(f.store->update(record).ok());
  auto read = f.store->get(record.id, Asker{user, {}}, kNow);
  REQUIRE(read.ok());
  CHECK(read->owner == record.id.as<AccountTag>());
  CHECK(read->name == "Lunar");
  CHECK(read->state == ATOLL_SPACE_STATE_DISABLED);
  CHECK(read->quota == 0);
  CHECK(read->permissions == ATOLL_MAY_READ);
  REQUIRE(f.store->remove(record.id).ok());
  CHECK(f.store->remove(record.id).status() == Status::NotFound);
  CHECK(f.store->update(record).status() == Status::NotFound);
  CHECK(f.store->members(record.id).status() == Status::NotFound);
  CHECK(f.store->spaces_of(Asker{user, {}}, kNow)->empty());
}

TEST_CASE("there is one personal space per owner, whoever comes first") {
  Fixture f;
  const AccountId owner = account();
  std::atomic<int> made{0}, taken{0}, other{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      const Status status = f.store->insert(record_of(ATOLL_SPACE_PERSONAL, owner, "e")).status();
      ++(status == Status::Ok ? made : status == Status::AlreadyExists ? taken : other);
    });
  }
  for (auto &thread : threads) thread.join();
  CHECK(made == 1);
  CHECK(taken == 7);
  CHECK(other == 0);
  CHECK(f.store->spaces_of(Asker{owner, {}}, kNow)->size() == 1);
  SpaceRecord again = *f.store->personal(owner, Asker{}, kNow);
  again.owner = account();
  CHECK(f.store->insert(again).status() == Status::AlreadyExists);  // the id
  CHECK(f.store->insert(record_of(ATOLL_SPACE_PROJECT, owner, "p")).ok());
  CHECK(f.store->insert(record_of(ATOLL_SPACE_PROJECT, owner, "p")).ok());
}

TEST_CASE("an account reaches its own, its groups' and nothing else; permissions add up") {
  Fixture f;
  const AccountId user = account(), group = account(), other_group = account();
  const SpaceRecord own = record_of(ATOLL_SPACE_PERSONAL, user, "own");
  const SpaceRecord by_group = record_of(ATOLL_SPACE_PROJECT, AccountId(), "b");
  const SpaceRecord by_both = record_of(ATOLL_SPACE_PROJECT, AccountId(), "a");
  const SpaceRecord not_mine = record_of(ATOLL_SPACE_PROJECT, AccountId(), "c");
  for (const auto *record : {&own, &by_group, &by_both, &not_mine}) REQUIRE(f.store->insert(*record).ok());
  REQUIRE(f.store->member_put(by_group.id, member_of(group, ATOLL_MAY_STAT, ATOLL_ACCOUNT_GROUP)).ok());
  REQUIRE(f.store->member_put(by_both.id, member_of(group, ATOLL_MAY_STAT, ATOLL_ACCOUNT_GROUP)).ok());
  REQUIRE(f.store->member_put(by_both.id, member_of(user, ATOLL_MAY_WRITE)).ok());
  REQUIRE(f.store->member_put(not_mine.id, member_of(other_group, ATOLL_MAY_STAT, ATOLL_ACCOUNT_GROUP)).ok());
  // A group's id as a user, and a user's id as a group, lead nowhere.
  REQUIRE(f.store->member_put(not_mine.id, member_of(group, ATOLL_MAY_STAT, ATOLL_ACCOUNT_USER)).ok());
  REQUIRE(f.store->member_put(not_mine.id, member_of(user, ATOLL_MAY_STAT, ATOLL_ACCOUNT_GROUP)).ok());
  const auto reached = f.store->spaces_of(Asker{user, {group}}, kNow);
  REQUIRE(reached.ok());
  REQUIRE(reached->size() == 3);
  CHECK((*reached)[0].id == own.id);
  CHECK((*reached)[1].id == by_both.id);
  CHECK((*reached)[1].permissions == (ATOLL_MAY_STAT | ATOLL_MAY_WRITE));
  CHECK((*reached)[2].id == by_group.id);
  CHECK(f.store->spaces_of(Asker{user, {}}, kNow)->size() == 2);
  CHECK(f.store->spaces_of(Asker{}, kNow)->empty());
  const auto all = f.store->list(SpaceId(), 0, Asker{user, {group}}, kNow);
  REQUIRE(all.ok());
  CHECK(all->size() == 4);
  CHECK(std::is_sorted(all->begin(), all->end(), [](const auto &a, const auto &b) { return a.id < b.id; }));
  const auto page = f.store->list((*all)[0].id, 2, Asker{user, {group}}, kNow);
  REQUIRE(page->size() == 2);
  CHECK((*page)[0].id == (*all)[1].id);
  CHECK(f.store->members(not_mine.id)->size() == 3);
  REQUIRE(f.store->member_remove(by_both.id, user).ok());
  CHECK(f.store->member_remove(by_both.id, user).status() == Status::NotFound);
  CHECK(f.store->get(by_both.id, Asker{user, {group}}, kNow)->permissions == ATOLL_MAY_STAT);
}

TEST_CASE("a membership ends at its time, and the generation tells") {
  Fixture f;
  const AccountId user = account();
  const SpaceRecord record = record_of(ATOLL_SPACE_PROJECT, AccountId(), "x");
  REQUIRE(f.store->insert(record).ok());
  Member member = member_of(user, ATOLL_MAY_READ);
  member.expires_ns = kNow + 10;
  REQUIRE(f.store->member_put(record.id, member).ok());
  const auto before = f.generation(kNow);
  CHECK(f.generation(kNow + 9) == before);
  CHECK(f.store->get(record.id, Asker{user, {}}, kNow + 9)->permissions == ATOLL_MAY_READ);
  CHECK(f.store->get(record.id, Asker{user, {}}, kNow + 10)->permissions == 0);
  CHECK(f.store->spaces_of(Asker{user, {}}, kNow + 10)->empty());
  const auto after = f.generation(kNow + 10);
  CHECK(after > before);
  CHECK(f.generation(kNow + 11) == after);
  CHECK(f.store->members(record.id)->size() == 1);
}

TEST_CASE("the generation grows with every change and never comes back") {
  Fixture f;
  std::set<std::uint64_t> seen{f.generation()};
  const auto grown = [&] { return seen.insert(f.generation()).second; };
  SpaceRecord record = record_of(ATOLL_SPACE_PROJECT, AccountId(), "x");
  const AccountId user = account();
  REQUIRE(f.store->insert(record).ok());
  CHECK(grown());
  REQUIRE(f.store->member_put(record.id, member_of(user, 1)).ok());
  CHECK(grown());
  record.alias = "other";
  REQUIRE(f.store->update(record).ok());
  CHECK(grown());
  record.root_etag = "1:2";
  REQUIRE(f.store->update(record).ok());
  CHECK_FALSE(grown());
  CHECK(f.store->get(record.id, Asker{}, kNow)->root_etag == "1:2");
  REQUIRE(f.store->member_remove(record.id, user).ok());
  CHECK(grown());
  REQUIRE(f.store->remove(record.id).ok());
  CHECK(grown());
  const auto last = *seen.rbegin();
  f.reopen();
  CHECK(f.generation() > last);
}

TEST_CASE("bad records and members are refused") {
  Fixture f;
  const auto status = [&](auto change) {
    SpaceRecord record = record_of(ATOLL_SPACE_PERSONAL, account(), "x");
    change(record);
    return f.store->insert(record).status();
  };
  CHECK(status([](SpaceRecord &r) { r.id = SpaceId(); }) == Status::InvalidArgument);
  CHECK(status([](SpaceRecord &r) { r.owner = AccountId(); }) == Status::InvalidArgument);
  CHECK(status([](SpaceRecord &r) { r.type = 99; }) == Status::InvalidArgument);
  CHECK(status([](SpaceRecord &r) { r.state = 0; }) == Status::InvalidArgument);
  CHECK(status([](SpaceRecord &r) { r.name.clear(); }) == Status::InvalidArgument);
  CHECK(status([](SpaceRecord &r) { r.name = "\xFF"; }) == Status::InvalidArgument);
  CHECK(status([](SpaceRecord &r) { r.name.assign(100'000, 'x'); }) == Status::InvalidArgument);
  CHECK(status([](SpaceRecord &r) { r.alias = std::string("a\0b", 3); }) == Status::InvalidArgument);
  CHECK(status([](SpaceRecord &r) { r.quota = ATOLL_QUOTA_NONE - 1; }) == Status::InvalidArgument);
  CHECK(status([](SpaceRecord &r) { r.name = "'; DROP TABLE spaces; --"; }) == Status::Ok);
  const SpaceRecord record = record_of(ATOLL_SPACE_PROJECT, AccountId(), "x");
  REQUIRE(f.store->insert(record).ok());
  CHECK(f.store->member_put(record.id, member_of(AccountId(), 1)).status() == Status::InvalidArgument);
  CHECK(f.store->member_put(record.id, member_of(account(), 1, 3)).status() == Status::InvalidArgument);
  CHECK(f.store->member_put(base::random_id<SpaceId>(), member_of(account(), 1)).status() == Status::NotFound);
}

TEST_CASE("a database in trouble is unavailable, never empty") {
  Fixture f;
  const AccountId owner = account();
  REQUIRE(f.store->insert(record_of(ATOLL_SPACE_PERSONAL, owner, "e")).ok());
  {
    auto writer = sql::Database::open(f.path);
    REQUIRE(writer.ok());
    REQUIRE(writer->exec("ALTER TABLE members RENAME TO gone").ok());
  }
  CHECK_FALSE(f.store->spaces_of(Asker{owner, {}}, kNow).ok());
  CHECK(f.store->spaces_of(Asker{owner, {}}, kNow).status() != Status::NotFound);
}

TEST_CASE("the query for a principal uses the index of members") {
  Fixture f;
  auto database = sql::Database::open(f.path);
  REQUIRE(database.ok());
  auto plan = database->prepare(
      "EXPLAIN QUERY PLAN SELECT s.id FROM members m JOIN spaces s ON s.id = m.space WHERE "
      "(m.expires_ns = 0 OR m.expires_ns > 1) AND ((m.kind = 1 AND m.account = 'a') OR (m.kind = 2 AND m.account IN "
      "('b', 'c')))");
  REQUIRE(plan.ok());
  std::string text;
  auto rows = plan->query();
  for (auto row = rows.next(); row.ok() && *row; row = rows.next()) text.append(rows.text(3)).append("\n");
  CHECK_MESSAGE(text.find("members_by_account") != std::string::npos, text);
  CHECK_MESSAGE(text.find("SCAN") == std::string::npos, text);
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

TEST_CASE("through the ABI: the principal of the call decides") {
  const sql::TestFolder folder;
  auto plugin = RegistrySql::open("sqlite:" + folder.path() + "/r.db");
  REQUIRE(plugin.ok());
  const auto *table = static_cast<const atoll_registry *>(RegistrySql::descriptor()->query(ATOLL_REGISTRY));
  REQUIRE(table != nullptr);
  CHECK(RegistrySql::descriptor()->query("atoll.storage.fs/1") == nullptr);
  const AccountId owner = account();
  SpaceRecord record = record_of(ATOLL_SPACE_PERSONAL, owner, "einstein");
  OutgoingCall call;
  const auto raw = record.abi();
  REQUIRE(table->insert(call.get(), plugin->get(), &raw) == ATOLL_OK);
  CHECK(table->insert(call.get(), plugin->get(), &raw) == ATOLL_ALREADY_EXISTS);
  CHECK_FALSE(call.error(ATOLL_ALREADY_EXISTS).message.empty());
  std::uint32_t permissions = 77;
  auto sink = make_sink<atoll_space_record_sink>([&](const atoll_space_record *r) { permissions = r->permissions; });
  const atoll_uuid id = to_abi(record.id);
  CHECK(table->get(call.get(), plugin->get(), &id, sink.get()) == ATOLL_OK);
  CHECK(permissions == 0);
  Principal einstein;
  einstein.account = owner;
  const AbiPrincipal principal(einstein);
  call.principal(principal.get());
  CHECK(table->get(call.get(), plugin->get(), &id, sink.get()) == ATOLL_OK);
  CHECK(permissions == kAllPermissions);
  int count = 0;
  auto counter = make_sink<atoll_space_record_sink>([&](const atoll_space_record *) { ++count; });
  CHECK(table->spaces_of(call.get(), plugin->get(), counter.get()) == ATOLL_OK);
  CHECK(count == 1);
  const atoll_uuid none = to_abi(base::random_id<SpaceId>());
  CHECK(table->get(call.get(), plugin->get(), &none, sink.get()) == ATOLL_NOT_FOUND);
}
