// SPDX-License-Identifier: Apache-2.0
#include "plugins/api-graph/user_filter.hpp"

#include <doctest/doctest.h>

#include <string>

#include "plugins/api-graph/odata.hpp"
#include "plugins/api-graph/users.hpp"

using namespace Atoll;
using namespace Atoll::graph;

namespace {

const std::string kGroupA = "11111111-1111-4111-8111-111111111111", kGroupB = "22222222-2222-4222-8222-222222222222";
const std::string kAdminRole = "71881883-1768-46bd-a24d-a356a2afdf7f",
                  kUserRole = "d7beeea8-8ff4-406b-8fb6-ab2dd81e6b11";

std::string in_group(const std::string &id) { return "memberOf/any(m:m/id eq '" + id + "')"; }
std::string with_role(const std::string &id) { return "appRoleAssignments/any(x:x/appRoleId eq '" + id + "')"; }

}  // namespace

TEST_CASE("filters of users") {
  AccountPage page;
  REQUIRE(apply_filter("(" + in_group(kGroupA) + " or " + in_group(kGroupB) + ") and (" + with_role(kAdminRole) +
                           " or " + with_role(kUserRole) + ") and contains(displayName,'O''Hara')",
                       page)
              .ok());
  CHECK(page.groups.size() == 2);
  CHECK(page.roles == (1u << ATOLL_ROLE_ADMIN | 1u << ATOLL_ROLE_USER));
  CHECK(page.text == "O'Hara");
  page = AccountPage();
  REQUIRE(apply_filter(" ( (accountEnabled eq false) ) and userType eq 'Guest' and mail eq 'a b@c'", page).ok());
  CHECK(page.flags == (ATOLL_ACCOUNT_QUERY_DISABLED | ATOLL_ACCOUNT_QUERY_GUESTS));
  CHECK(page.mail == "a b@c");
}

TEST_CASE("filters that would mean something else are refused") {
  const std::string deep(5000, '('), many = std::string("displayName eq '") + std::string(20'000, 'x') + "'";
  std::string terms = with_role(kUserRole);
  for (int i = 0; i < 250; ++i) terms += " or " + with_role(kUserRole);
  for (const std::string &bad : {std::string("displayName"),
                                 std::string("displayName eq"),
                                 std::string("displayName eq x"),
                                 std::string("displayName eq 'x"),
                                 std::string("displayName eq ''"),
                                 std::string("displayName ne 'x'"),
                                 std::string("password eq 'x'"),
                                 std::string("displayName eq 'x' or mail eq 'y'"),
                                 std::string("displayName eq 'x' or displayName eq 'y'"),
                                 std::string("displayName eq 'x' and displayName eq 'y'"),
                                 std::string("not displayName eq 'x'"),
                                 std::string("(displayName eq 'x'"),
                                 std::string("displayName eq 'x')"),
                                 std::string("contains(mail,'x')"),
                                 std::string("contains(displayName,'x'"),
                                 std::string("accountEnabled eq 1"),
                                 std::string("memberOf/any(m:n/id eq 'x')"),
                                 in_group("x"),
                                 with_role("x"),
                                 in_group(kGroupA) + " and " + in_group(kGroupB),
                                 in_group(kGroupA) + " or " + with_role(kUserRole),
                                 std::string("displayName eq 'x' and"),
                                 std::string("and"),
                                 std::string("()"),
                                 std::string("'"),
                                 deep,
                                 many,
                                 terms,
                                 std::string("userType eq 'Admin'"),
                                 std::string("displayName eq 'x' 'y'")}) {
    AccountPage page;
    CHECK_MESSAGE(apply_filter(bad, page).status() == Status::InvalidArgument, bad.substr(0, 60));
  }
}

TEST_CASE("searches") {
  CHECK(*search_of("\"marie\"") == "marie");
  CHECK(*search_of(" marie curie ") == "marie curie");
  CHECK(*search_of("\"a\\\"b\"") == "a\"b");
  for (const std::string &bad :
       {std::string(), std::string("\"\""), std::string("a\"b"), std::string(1001, 'x'), std::string("\"")})
    CHECK(search_of(bad).status() == Status::InvalidArgument);
}

TEST_CASE("places lead back, and nothing else does") {
  AccountRecord last;
  last.id = *AccountId::parse(kGroupA);
  last.name = "marie";
  last.display_name = "Größe \n";
  AccountPage page;
  REQUIRE(read_place(place_of(last, ATOLL_ACCOUNT_BY_DISPLAY_NAME), page).ok());
  CHECK(page.after == last.display_name);
  CHECK(page.after_id == last.id);
  for (const std::string &bad :
       {std::string("x"), kGroupA.substr(1), kGroupA + "0", kGroupA + "zz", kGroupA + "ff",
        std::string("00000000-0000-0000-0000-000000000000"), kGroupA + std::string(10'000, '6')})
    CHECK(read_place(bad, page).status() == Status::InvalidArgument);
  CHECK(next_link("https://a", "/graph/v1.0/users", "$top=5&%24skiptoken=old&$search=x", "new") ==
        "https://a/graph/v1.0/users?$top=5&$search=x&$skiptoken=new");
}

TEST_CASE("urls of users") {
  CHECK(read_account_url("https://a/graph/v1.0/users/" + kGroupA) == AccountId::parse(kGroupA));
  CHECK(read_account_url("/users/" + kGroupA + "/") == AccountId::parse(kGroupA));
  for (const std::string &bad :
       {kGroupA, "https://a/groups/" + kGroupA, std::string("/users/"), "users/" + kGroupA + "x", std::string()})
    CHECK(!read_account_url(bad));
}
