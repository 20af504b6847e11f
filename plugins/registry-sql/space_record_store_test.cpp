// SPDX-License-Identifier: Apache-2.0
#include "plugins/registry-sql/space_record_store.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <random>
#include <set>
#include <thread>

#include "core/base/file.hpp"
#include "core/base/uuid.hpp"
#include "core/sql/test_postgresql.hpp"
#include "plugins/registry-sql/registry_sql.hpp"
#include "plugins/registry-sql/store_fixture.hpp"

using namespace Atoll;
using namespace Atoll::registry_sql;

TEST_CASE("a record comes back as it was put, also after a restart") {
  Fixture f;
  const AccountId owner = account();
  SpaceRecord record = record_of(ATOLL_SPACE_PERSONAL, owner, "einst'ein \xC3\xA9");
  record.description = "d\n\"x\"";
  record.quota = 12345678901234;
  record.image = base::random_id<NodeId>();
  record.readme = base::random_id<NodeId>();
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
  CHECK(read->image == record.image);
  CHECK(read->readme == record.readme);
  CHECK(read->quota == record.quota);
  CHECK(read->root_etag == record.root_etag);
  CHECK(read->permissions == kAllPermissions);
  const auto stranger = f.store->get(record.id, Asker{account(), {}}, kNow);
  REQUIRE(stranger.ok());
  CHECK(stranger->permissions == 0);
  CHECK(f.store->get(base::random_id<SpaceId>(), Asker{owner, {}}, kNow).status() == Status::NotFound);
  CHECK(f.store->personal(account(), Asker{owner, {}}, kNow).status() == Status::NotFound);
}

TEST_CASE("an empty database beside a file with spaces is refused, with what to do") {
  const sql::TestFolder folder;
  const std::string file = folder.path() + "/registry.db";
  Fixture f;
  const auto opens = [&](const std::string &previous) { return RegistrySql::open(f.database.url(), previous); };
  CHECK(opens(file).ok());  // there is none
  REQUIRE(RegistrySql::open("sqlite:" + file, file).ok());
  CHECK(opens(file).ok());  // it holds none
  {
    auto before = SpaceRecordStore::open("sqlite:" + file);
    REQUIRE(before.ok());
    for (const char *name : {"Solar", "Lunar"})
      REQUIRE((*before)->insert(record_of(ATOLL_SPACE_PROJECT, AccountId(), name)).ok());
  }
  const auto refused = opens(file);
  REQUIRE(refused.status() == Status::FailedPrecondition);
  for (const std::string &part : {file + " holds 2", std::string("start_empty = yes"), std::string("[database] url")})
    CHECK_MESSAGE(refused.error().message.find(part) != std::string::npos, refused.error().message);
  CHECK(opens("").ok());  // start_empty
  CHECK(RegistrySql::open("sqlite:" + file, file).ok());
  REQUIRE(base::write_file_durably(folder.path() + "/damaged", std::string(8192, 'x'), 0600).ok());
  CHECK(opens(folder.path() + "/damaged").status() == Status::Unavailable);
  REQUIRE(f.store->insert(record_of(ATOLL_SPACE_PROJECT, AccountId(), "Third")).ok());
  CHECK(opens(file).ok());  // in use
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

TEST_CASE("a change takes what it names and nothing else, in the state that is expected only") {
  Fixture f;
  SpaceRecord record = record_of(ATOLL_SPACE_PROJECT, AccountId(), "Solar");
  record.description = "d";
  record.quota = 5;
  REQUIRE(f.store->insert(record).ok());
  const auto read = [&] { return *f.store->get(record.id, Asker{}, kNow); };
  SpaceRecord other;  // nothing but what is named counts
  other.id = record.id;
  other.name = "Lunar";
  auto before = f.generation();
  REQUIRE(f.store->change(other, ATOLL_SPACE_SET_NAME, 0).ok());
  CHECK(f.generation() > before);
  CHECK(read().name == "Lunar");
  CHECK(read().alias == record.alias);
  CHECK(read().description == "d");
  CHECK(read().quota == 5);
  CHECK(read().provider == "storage:home");
  before = f.generation();
  REQUIRE(f.store->change(other, ATOLL_SPACE_SET_NAME, 0).ok());  // nothing new
  other.root_etag = "1:2";
  REQUIRE(f.store->change(other, ATOLL_SPACE_SET_ROOT_ETAG, 0).ok());
  REQUIRE(f.store->change(other, 0, 0).ok());
  CHECK(f.generation() == before);
  CHECK(read().root_etag == "1:2");
  other.state = ATOLL_SPACE_STATE_PURGING;
  CHECK(f.store->change(other, ATOLL_SPACE_SET_STATE, ATOLL_SPACE_STATE_DISABLED).status() == Status::Aborted);
  CHECK(read().state == ATOLL_SPACE_STATE_ACTIVE);
  REQUIRE(f.store->change(other, ATOLL_SPACE_SET_STATE, ATOLL_SPACE_STATE_ACTIVE).ok());
  CHECK(read().state == ATOLL_SPACE_STATE_PURGING);
  CHECK(f.store->change(other, ATOLL_SPACE_SET_STATE, ATOLL_SPACE_STATE_ACTIVE).status() == Status::Aborted);
  other.provider = "storage:archive";
  REQUIRE(f.store->change(other, ATOLL_SPACE_SET_PROVIDER, ATOLL_SPACE_STATE_PURGING).ok());
  CHECK(read().provider == "storage:archive");
  other.endpoint = "https://far.example";
  CHECK(f.store->change(other, ATOLL_SPACE_SET_ENDPOINT, 0).status() == Status::FailedPrecondition);
  CHECK(f.store->change(other, 1u << 20, 0).status() == Status::InvalidArgument);
  other.name.clear();
  CHECK(f.store->change(other, ATOLL_SPACE_SET_NAME, 0).status() == Status::InvalidArgument);
  other.id = base::random_id<SpaceId>();
  other.name = "x";
  CHECK(f.store->change(other, ATOLL_SPACE_SET_NAME, 0).status() == Status::NotFound);
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
  CHECK((*all)[0].permissions_until_ns == 0);
  CHECK(f.store->list_of_type(ATOLL_SPACE_PROJECT, SpaceId(), 0, Asker{user, {group}}, kNow)->size() == 3);
  CHECK(f.store->list_of_type(ATOLL_SPACE_PERSONAL, SpaceId(), 0, Asker{user, {group}}, kNow)->front().id == own.id);
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
  CHECK(f.store->spaces_of(Asker{user, {}}, kNow)->front().permissions_until_ns == kNow + 10);
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
  f.sql({"ALTER TABLE members RENAME TO gone"});
  CHECK_FALSE(f.store->spaces_of(Asker{owner, {}}, kNow).ok());
  CHECK(f.store->spaces_of(Asker{owner, {}}, kNow).status() != Status::NotFound);
}

TEST_CASE("a space on another server: its record, and no claim on somebody's personal space here") {
  Fixture f;
  const AccountId owner = account();
  SpaceRecord far = record_of(ATOLL_SPACE_PERSONAL, owner, "far");
  far.provider.clear();
  far.endpoint = "https://other.example/dav/spaces/1";
  far.issuer = "https://other.example";
  far.root_etag = "1:2";
  REQUIRE(f.store->insert(far).ok());
  REQUIRE(f.store->member_put(far.id, member_of(owner, ATOLL_MAY_READ)).ok());
  CHECK(f.store->personal(owner, Asker{owner, {}}, kNow).status() == Status::NotFound);
  const SpaceRecord here = record_of(ATOLL_SPACE_PERSONAL, owner, "here");
  REQUIRE(f.store->insert(here).ok());
  CHECK(f.store->personal(owner, Asker{owner, {}}, kNow)->id == here.id);
  f.reopen();
  const auto read = f.store->get(far.id, Asker{owner, {}}, kNow);
  REQUIRE(read.ok());
  CHECK(read->remote());
  CHECK(read->endpoint == far.endpoint);
  CHECK(read->issuer == far.issuer);
  CHECK(read->root_etag == far.root_etag);
  CHECK(read->permissions == ATOLL_MAY_READ);
  CHECK(f.store->spaces_of(Asker{owner, {}}, kNow)->size() == 2);
  far.id = base::random_id<SpaceId>();
  far.provider = "storage:home";
  CHECK(f.store->insert(far).status() == Status::InvalidArgument);  // one of both
}

TEST_CASE("records and members of many spaces at once are those that one by one gives") {
  Fixture f;
  const AccountId user = account();
  std::vector<SpaceId> ids;
  for (int i = 0; i < 5; ++i) {
    const SpaceRecord record = record_of(ATOLL_SPACE_PROJECT, AccountId(), "p" + std::to_string(i));
    ids.push_back(record.id);
    REQUIRE(f.store->insert(record).ok());
    for (int m = 0; m < i; ++m) REQUIRE(f.store->member_put(record.id, member_of(account(), ATOLL_MAY_STAT)).ok());
    if (i == 3) REQUIRE(f.store->member_put(record.id, member_of(user, ATOLL_MAY_READ)).ok());
  }
  std::vector<SpaceId> asked(ids.begin() + 1, ids.end());
  asked.push_back(ids[1]);
  asked.insert(asked.end(), 1200, base::random_id<SpaceId>());
  for (int i = 0; i < 1200; ++i) asked.push_back(base::random_id<SpaceId>());
  const auto records = f.store->get_many(asked, Asker{user, {}}, kNow);
  REQUIRE(records.ok());
  CHECK(records->size() == 4);
  for (const auto &record : *records) CHECK(record.permissions == (record.id == ids[3] ? ATOLL_MAY_READ : 0));
  const auto members = f.store->members_many(asked);
  REQUIRE(members.ok());
  CHECK(members->size() == 1 + 2 + 4 + 4);
  CHECK(
      std::is_sorted(members->begin(), members->end(), [](const auto &a, const auto &b) { return a.space < b.space; }));
  CHECK(f.store->members_many({})->empty());
  CHECK(f.store->get_many({}, Asker{user, {}}, kNow)->empty());
}

TEST_CASE("through the ABI: the principal of the call decides") {
  const sql::TestDatabase database;
  auto plugin = RegistrySql::open(database.url());
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
  count = 0;
  const atoll_uuid first{};
  CHECK(table->list_of_type(call.get(), plugin->get(), ATOLL_SPACE_PERSONAL, &first, 0, counter.get()) == ATOLL_OK);
  CHECK(count == 1);
  CHECK(table->list_of_type(call.get(), plugin->get(), ATOLL_SPACE_PROJECT, &first, 0, counter.get()) == ATOLL_OK);
  CHECK(count == 1);
  CHECK(table->change(call.get(), plugin->get(), &raw, ATOLL_SPACE_SET_NAME, ATOLL_SPACE_STATE_DISABLED) ==
        ATOLL_ABORTED);
  atoll_call late = *call.get();
  late.deadline_ns = 1;
  CHECK(table->get(&late, plugin->get(), &id, sink.get()) == ATOLL_DEADLINE_EXCEEDED);
  const atoll_uuid none = to_abi(base::random_id<SpaceId>());
  CHECK(table->get(call.get(), plugin->get(), &none, sink.get()) == ATOLL_NOT_FOUND);
}
