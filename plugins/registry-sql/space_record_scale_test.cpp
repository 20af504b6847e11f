// SPDX-License-Identifier: Apache-2.0
// What is asked of a large registry is found by its indexes.
#include <doctest/doctest.h>

#include <cstdio>
#include <set>

#include "plugins/registry-sql/store_fixture.hpp"

using namespace Atoll;
using namespace Atoll::registry_sql;

namespace {

/// How the database would go about a query.
class Plans {
 public:
  explicit Plans(const std::string &url) {
    auto opened = sql::Sessions::open(url, 1);
    REQUIRE(opened.ok());
    sessions_ = std::move(*opened);
  }
  /// values: for $1, $2, ...
  std::string of(std::string query, const std::vector<std::string> &values) const {
    for (std::size_t i = values.size(); i > 0; --i) {
      const std::string parameter = "$" + std::to_string(i);
      for (std::size_t at = 0; (at = query.find(parameter, at)) != std::string::npos;)
        query.replace(at, parameter.size(), values[i - 1]);
    }
    std::string text;
    const auto done = sql::guarded("explain", [&]() -> Result<void> {
      using namespace Poco::Data::Keywords;
      auto lease = sessions_->get();
      if (!lease) return lease.error();
      std::vector<std::string> lines;
      std::vector<std::int64_t> numbers[3];
      if (sql::on_postgresql())
        lease->run("EXPLAIN " + query, into(lines));
      else
        lease->run("EXPLAIN QUERY PLAN " + query, into(numbers[0]), into(numbers[1]), into(numbers[2]), into(lines));
      for (const auto &line : lines) text += line + "\n";
      return {};
    });
    REQUIRE_MESSAGE(done.ok(), done.error().message);
    return text;
  }

 private:
  std::unique_ptr<sql::Sessions> sessions_;
};

}  // namespace

// 100,000 spaces, each with three members out of 20,000 accounts, and every tenth with one of 100 groups.
TEST_CASE("which spaces a principal reaches among 100,000 is found by the index") {
  Fixture f;
  const bool postgresql = sql::on_postgresql();
  const std::string id = postgresql ? "lpad(to_hex(%), 8, '0') || '-0000-4000-8000-000000000000'"
                                    : "printf('%08x-0000-4000-8000-000000000000', %)";
  const auto id_of = [&](const std::string &number) {
    std::string out = id;
    out.replace(out.rfind('%'), 1, number);
    return out;
  };
  const std::string n = postgresql
                            ? " FROM generate_series(0, 99999) AS t(n)"
                            : " FROM (WITH RECURSIVE t(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM t WHERE n < 99999) "
                              "SELECT n FROM t)";
  std::vector<std::string> statements = {
      "INSERT INTO spaces(id, birth, type, state, owner, name, alias, description, provider, endpoint, quota, "
      "root_etag,"
      " created_ns) SELECT " +
      id_of("n") + ", " + id_of("1") + ", 2, 1, " + id_of("n") +
      ", 's' || n, 'project/s' || n, '', 'storage:home', '', -1, '', 1" + n};
  for (int i = 0; i < 3; ++i)
    statements.push_back("INSERT INTO members(space, kind, account, permissions, role, expires_ns) SELECT " +
                         id_of("n") + ", 1, " + id_of("(n * 7 + " + std::to_string(i) + ") % 20000") + ", 3, '', 0" +
                         n);
  statements.push_back("INSERT INTO members(space, kind, account, permissions, role, expires_ns) SELECT " + id_of("n") +
                       ", 2, " + id_of("1000000 + n % 100") + ", 1, '', 0" + n + " WHERE n % 10 = 0");
  if (postgresql) {  // does not look up the space of each member, which takes longest
    statements.insert(statements.begin(), "SET session_replication_role = replica");
    statements.push_back("ANALYZE");
  }
  f.sql(statements);
  const auto number = [](int value) {
    char text[40];
    std::snprintf(text, sizeof text, "%08x-0000-4000-8000-000000000000", static_cast<unsigned>(value));
    return *AccountId::parse(text);
  };
  const Asker asker{number(11), {number(1000010), number(1000020)}};
  std::set<int> expected;
  for (int i = 0; i < 100000; ++i) {
    for (int m = 0; m < 3; ++m)
      if ((i * 7 + m) % 20000 == 11) expected.insert(i);
    if (i % 100 == 10 || i % 100 == 20) expected.insert(i);
  }
  const auto reached = f.store->spaces_of(asker, kNow);
  REQUIRE(reached.ok());
  CHECK(reached->size() == expected.size());
  for (const auto &record : *reached) CHECK(expected.count(std::stoi(record.name.substr(1))) == 1);
  const Asker small{number(11), {}};
  CHECK(f.store->spaces_of(small, kNow)->size() == 15);

  const Plans plans(f.database.url());
  for (const Asker *one : {&asker, &small}) {
    const std::string text = plans.of(SpaceRecordStore::query_of(*one), {std::to_string(kNow)});
    CHECK_MESSAGE(text.find("members_by_account") != std::string::npos, text);
    // PostgreSQL may rather read all spaces once than 2,000 of them one by one, which is cheap; members it may not.
    for (const char *slow : {"SCAN m", "SCAN s", "Seq Scan on members"})
      CHECK_MESSAGE(text.find(slow) == std::string::npos, text);
    if (one == &small) CHECK_MESSAGE(text.find("Seq Scan") == std::string::npos, text);
  }

  // The few of one type among the many of another, and a page of the many.
  f.sql({"UPDATE spaces SET type = 1 WHERE id = " + id_of("99999")});
  if (postgresql) f.sql({"ANALYZE"});
  const auto personal = f.store->list_of_type(ATOLL_SPACE_PERSONAL, SpaceId(), 1000, Asker(), kNow);
  REQUIRE(personal.ok());
  REQUIRE(personal->size() == 1);
  CHECK(personal->front().name == "s99999");
  const auto page = f.store->list_of_type(ATOLL_SPACE_PROJECT, personal->front().id, 10, Asker(), kNow);
  CHECK(page->empty());
  CHECK(f.store->list_of_type(ATOLL_SPACE_PROJECT, number(99989).as<SpaceTag>(), 20, Asker(), kNow)->size() == 9);
  for (const char *type : {"1", "2"}) {
    const std::string text =
        plans.of(SpaceRecordStore::query_of_type(Asker()), {type, "''", "1000", std::to_string(kNow)});
    // PostgreSQL may rather walk the ids when nearly all are of the type.
    if (!postgresql || type[0] == '1') CHECK_MESSAGE(text.find("spaces_by_type") != std::string::npos, text);
    for (const char *slow : {"SCAN spaces", "Seq Scan on spaces"})
      CHECK_MESSAGE(text.find(slow) == std::string::npos, text);
  }
}
