// SPDX-License-Identifier: Apache-2.0
#include "plugins/api-webdav/etags.hpp"

#include <doctest/doctest.h>

using namespace Atoll;
using namespace Atoll::webdav;

TEST_CASE("conditions of writes") {
  ConditionalFields fields;
  Conditions conditions;
  fields.if_match = "\"a\", W/\"b\"";
  fields.if_none_match = "*";
  REQUIRE(to_conditions(fields, conditions));
  CHECK(conditions.none_match_any);
  CHECK(conditions.if_match.size() == 2);
  CHECK(!conditions_hold(conditions, "a"));
  conditions.none_match_any = false;
  CHECK(conditions_hold(conditions, "a"));
  CHECK(!conditions_hold(conditions, "b"));
  CHECK(!conditions_hold(conditions, std::nullopt));
  fields.if_match = "";
  CHECK(!to_conditions(fields, conditions));
}
