// SPDX-License-Identifier: Apache-2.0
#include "plugins/web/client_config.hpp"

#include <doctest/doctest.h>

#include "core/base/json.hpp"

using namespace Atoll;
using namespace Atoll::web;

TEST_CASE("config.json has what the client wants") {
  ClientConfig config;
  config.server = "https://cloud.example/atoll";
  config.theme = "/themes/x/theme.json";
  config.apps = " files  search ";
  config.options = R"({"displayResourcesLazy":true})";
  auto json = base::parse_json_object(config.json());
  REQUIRE(json);
  CHECK(base::json_string(*json, "server") == "https://cloud.example/atoll");
  CHECK(base::json_string(*json, "theme") == "https://cloud.example/atoll/themes/x/theme.json");
  CHECK(base::json_array(*json, "apps")->size() == 2);
  CHECK(base::json_boolean(base::json_object(*json, "options"), "displayResourcesLazy") == true);
  CHECK(base::json_object(*json, "openIdConnect").isNull());

  config.oidc_issuer = "https://login.example/realms/a/";
  config.oidc_client_id = "web";
  config.oidc_scope = "openid";
  json = base::parse_json_object(config.json());
  REQUIRE(json);
  const auto oidc = base::json_object(*json, "openIdConnect");
  CHECK(base::json_string(oidc, "authority") == "https://login.example/realms/a/");
  CHECK(base::json_string(oidc, "metadata_url") == "https://login.example/realms/a/.well-known/openid-configuration");
  CHECK(base::json_string(oidc, "response_type") == "code");
}

TEST_CASE("the theme is JSON") { CHECK(base::parse_json_object(plain_theme())); }

TEST_CASE("origins") {
  CHECK(origin_of("https://login.example:8443/realms/a") == "https://login.example:8443");
  CHECK(origin_of("http://[::1]:9200") == "http://[::1]:9200");
  for (const char *bad :
       {"", "login.example", "ftp://x", "https://", "https:///x", "https://a;script-src b", "https://u@h"}) {
    CAPTURE(bad);
    CHECK(!origin_of(bad));
  }
}
