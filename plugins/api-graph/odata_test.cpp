// SPDX-License-Identifier: Apache-2.0
#include "plugins/api-graph/odata.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include <atoll/abi/storage_fs.h>

#include "core/base/json.hpp"
#include "plugins/api-graph/actions.hpp"
#include "plugins/api-graph/wire.hpp"

using namespace Atoll;
using namespace Atoll::graph;

TEST_CASE("queries: what is not expected is refused, never ignored") {
  const auto query =
      Query::read("%24filter=driveType+eq%20%27project%27&$orderby=name%20asc&", {"$filter", "$orderby"});
  REQUIRE(query.ok());
  CHECK(query->get("$filter") == "driveType eq 'project'");
  CHECK(query->get("$orderby") == "name asc");
  CHECK(query->get("$select").empty());
  for (const char *bad : {"$top=3", "filter=x", "$filter=a&$filter=b", "$filter=%zz", "$filter=%ff", "=x"})
    CHECK_MESSAGE(Query::read(bad, {"$filter"}).status() == Status::InvalidArgument, bad);
}

TEST_CASE("filters and orders") {
  CHECK(*equals_filter("driveType eq 'project'", "driveType") == "project");
  CHECK(*equals_filter(" driveType eq project ", "driveType") == "project");
  for (const char *bad : {"", "driveType", "driveType ne 'x'", "driveTypes eq 'x'", "driveType eq ''", "driveType eq ",
                          "driveType eq 'a' or driveType eq 'b'", "not(driveType eq 'a')", "name eq 'x'"})
    CHECK_MESSAGE(equals_filter(bad, "driveType").status() == Status::InvalidArgument, bad);
  CHECK(read_order("name", {"name"})->descending == false);
  CHECK(read_order("name desc", {"id", "name"})->descending);
  CHECK(read_order(" name  asc ", {"name"})->field == "name");
  for (const char *bad : {"", "size", "name up", "name,id", "name asc desc"})
    CHECK_MESSAGE(read_order(bad, {"name"}).status() == Status::InvalidArgument, bad);
  const std::string_view fields[] = {"id", "name"};
  CHECK(read_select("", fields)->empty());
  CHECK(read_select("id, name", fields)->size() == 2);
  for (const char *bad : {"x", "id,,name", "id,"})
    CHECK_MESSAGE(read_select(bad, fields).status() == Status::InvalidArgument, bad);
}

TEST_CASE("instants") {
  CHECK(*read_instant("1970-01-01T00:00:01Z") == 1'000'000'000);
  CHECK(*read_instant("2024-02-29T12:30:00.25+02:00") == 1'709'202'600'250'000'000);
  CHECK(*read_instant("2024-02-29t12:30:00-00:30") == 1'709'211'600'000'000'000);
  for (const char *bad : {"", "2024-02-29", "2023-02-29T00:00:00Z", "2024-13-01T00:00:00Z", "2024-01-01T24:00:00Z",
                          "2024-01-01T00:00:00", "2024-01-01T00:00:00.Z", "2024-01-01T00:00:00Zx",
                          "2024-01-01T00:00:00+2", "9999-01-01T00:00:00Z", "2024-01-01T00:00:-1Z"})
    CHECK_MESSAGE(!read_instant(bad), bad);
}

TEST_CASE("errors have the form of OData, and tell no internals where they are the server's") {
  const Answer missing = failure(error(Status::NotFound, "There is no \"x\"."));
  CHECK(missing.status == 404);
  CHECK(missing.json == R"({"error":{"code":"itemNotFound","message":"There is no \"x\"."}})");
  for (const Status status : {Status::Unavailable, Status::Internal, Status::DataLoss, Status::DeadlineExceeded}) {
    const Answer hidden = failure(Error{status, "/var/lib/atoll is away", 0, 1500});
    CHECK(hidden.status >= 500);
    CHECK(hidden.json.find("/var") == std::string::npos);
    CHECK(hidden.retry_after_ms == 1500);
  }
  CHECK(failure(error(Status::PermissionDenied, "no")).status == 403);
  CHECK(failure(error(Status::FailedPrecondition, "no")).status == 400);
  CHECK(failure(error(Status::AlreadyExists, "no")).status == 409);
}

TEST_CASE("ids") {
  const std::string a = "11111111-1111-4111-8111-111111111111", b = "22222222-2222-4222-8222-222222222222",
                    c = "33333333-3333-4333-8333-333333333333";
  REQUIRE(read_drive_id(a + "$" + b).has_value());
  CHECK(read_drive_id(a + "$" + b)->text() == b);
  REQUIRE(read_item_id(a + "$" + b + "!" + c).has_value());
  CHECK(read_item_id(a + "$" + b + "!" + c)->node.text() == c);
  CHECK(item_id(*Uuid::parse(a), *SpaceId::parse(b), *NodeId::parse(c)) == a + "$" + b + "!" + c);
  for (const auto &bad : {a, a + "!" + b, a + "$" + b + "!", a + "$" + b + "x", a + "$", std::string()}) {
    CHECK_FALSE(read_drive_id(bad).has_value());
    CHECK_FALSE(read_item_id(bad).has_value());
  }
  CHECK(Holder::read("u:" + a)->kind == ATOLL_ACCOUNT_USER);
  CHECK(Holder::read("g:" + a)->text() == "g:" + a);
  for (const auto &bad : {a, "x:" + a, "u:" + a + "0", std::string("u:")}) CHECK_FALSE(Holder::read(bad).has_value());
}

TEST_CASE("actions: each gives no more than what shows it") {
  const std::uint32_t all = 0x3ff;
  for (const auto action : actions_of(all)) {
    const auto takes = permissions_for(action);
    REQUIRE(takes.has_value());
    CHECK((*takes & ATOLL_MAY_STAT) != 0);
    const auto shown = actions_of(*takes);
    CHECK_MESSAGE(std::find(shown.begin(), shown.end(), action) != shown.end(), action);
  }
  CHECK(actions_of(0).empty());
  CHECK_FALSE(permissions_for("libre.graph/driveItem/nonsense").has_value());
  const auto view = actions_of(ATOLL_MAY_STAT | ATOLL_MAY_READ);
  for (const auto action : view) CHECK((*permissions_for(action) & ~(ATOLL_MAY_STAT | ATOLL_MAY_READ)) == 0);
}
