// SPDX-License-Identifier: Apache-2.0
#include "plugins/api-graph/personal_data.hpp"

#include <doctest/doctest.h>

using namespace Atoll;
using namespace Atoll::graph;

TEST_CASE("where an export lies") {
  CHECK(*export_path("") == ".personal_data_export.json");
  CHECK(*export_path("/.personal_data_export.json") == ".personal_data_export.json");
  CHECK(*export_path("a//b.json") == "a/b.json");
  for (const char *wrong : {"/", "//", "a/", "/../x", "a/./b"})
    CHECK_MESSAGE(export_path(wrong).status() == Status::InvalidArgument, wrong);
  CHECK(export_path(std::string_view("a\0b", 3)).status() == Status::InvalidArgument);
  CHECK(export_path("a/\xFF").status() == Status::InvalidArgument);
  CHECK(export_path(std::string(256, 'x')).status() == Status::InvalidArgument);
}

TEST_CASE("an export is JSON, whatever the texts are, and holds no secret") {
  AccountRecord account, group;
  account.name = "marie\"\\";
  account.display_name = "Marie \xE2\x98\x83\n";
  account.mail = "m@x.example";
  account.issuer = "local";
  account.created_ns = account.last_login_ns = 1'896'091'200'000'000'000;
  account.app_role = ATOLL_ROLE_USER;
  group.display_name = "physics";
  AppTokenRecord token;
  token.label = "laptop";
  token.secret = "not to be told";
  Space space;
  space.record.name = "Marie";
  space.record.type = ATOLL_SPACE_PERSONAL;
  const std::string text = personal_data(account, {group}, {token}, {space}, 1'896'091'200'000'000'000);
  const auto read = base::parse_json_object(text);
  REQUIRE(read.ok());
  const auto user = base::json_object(*read, "user");
  CHECK(base::json_string(user, "onPremisesSamAccountName") == account.name);
  CHECK(base::json_string(user, "displayName") == account.display_name);
  CHECK(base::json_string(user, "createdDateTime") == "2030-01-31T12:00:00Z");
  CHECK_FALSE(user->has("expirationDateTime"));
  CHECK(base::json_array(*read, "memberOf")->size() == 1);
  CHECK(base::json_array(*read, "appTokens")->size() == 1);
  CHECK(base::json_array(*read, "drives")->size() == 1);
  CHECK(text.find("not to be told") == std::string::npos);
}
