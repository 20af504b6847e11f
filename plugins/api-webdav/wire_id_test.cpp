// SPDX-License-Identifier: Apache-2.0
#include "plugins/api-webdav/wire_id.hpp"

#include <doctest/doctest.h>

using namespace Atoll;
using namespace Atoll::webdav;

namespace {
const std::string kBirth = "1284d238-aa92-42ce-bdc4-0b0000009157";
const std::string kSpace = "4c510ada-c86b-4815-8820-42cdf82c3d51";
const std::string kNode = "9f1b6c7e-0000-4000-8000-0123456789ab";
}  // namespace

TEST_CASE("the id of a space names its root") {
  const auto id = parse_wire_id(kBirth + "$" + kSpace);
  REQUIRE(id);
  CHECK(id->birth.text() == kBirth);
  CHECK(id->space.text() == kSpace);
  CHECK(!id->node);
  CHECK(id->node_or_root().text() == kSpace);
}

TEST_CASE("the id of a node survives a round trip, upper case included") {
  const auto id = parse_wire_id("1284D238-AA92-42CE-BDC4-0B0000009157$" + kSpace + "!" + kNode);
  REQUIRE(id);
  REQUIRE(id->node);
  std::string out;
  append_node_id(out, id->birth.bytes().data(), id->space.bytes().data(), id->node->bytes().data());
  CHECK(out == kBirth + "$" + kSpace + "!" + kNode);
}

TEST_CASE("anything else is no id") {
  const auto joined = [](std::initializer_list<std::string_view> parts) {
    std::string out;
    for (const std::string_view part : parts) out.append(part);
    return out;
  };
  for (const std::string &bad :
       {std::string(), std::string("einstein"), kSpace, joined({kBirth, "!", kSpace}),
        joined({kBirth, "$", kSpace, "!"}), joined({kBirth, "$", kSpace, "$", kNode}),
        joined({kBirth, "$", kSpace, "!", kNode, "x"}), joined({kBirth, "%24", kSpace}),
        joined({kBirth, "$00000000-0000-0000-0000-000000000000"}), joined({"g", kBirth.substr(1), "$", kSpace})}) {
    CAPTURE(bad);
    CHECK(!parse_wire_id(bad));
  }
}
