// SPDX-License-Identifier: Apache-2.0
#include "plugins/api-webdav/if_header.hpp"

#include <doctest/doctest.h>

#include <random>

using namespace Atoll::webdav;

namespace {

bool holds(std::string_view value, const IfState &state) {
  const auto header = parse_if(value);
  CAPTURE(value);
  REQUIRE(header);
  return evaluate_if(*header, [&](const std::string &) { return state; });
}

}  // namespace

TEST_CASE("untagged lists") {
  const IfState locked{"e1", {"urn:1"}};
  CHECK(holds("(<urn:1>)", locked));
  CHECK(!holds("(<urn:2>)", locked));
  CHECK(holds("(<urn:2>) (<urn:1>)", locked));
  CHECK(holds("(<urn:1> [\"e1\"])", locked));
  CHECK(!holds("(<urn:1> [\"e2\"])", locked));
  CHECK(!holds("(<urn:1> [W/\"e1\"])", locked));
}

TEST_CASE("Not") {
  const IfState locked{"e1", {"urn:1"}};
  CHECK(holds("(Not <DAV:no-lock>)", locked));
  CHECK(!holds("(<DAV:no-lock>)", locked));
  CHECK(holds("(not <DAV:no-lock> [\"e1\"])", locked));
  CHECK(!holds("(<urn:1> [\"x\"]) (Not <DAV:no-lock> [\"x\"])", locked));
}

TEST_CASE("nothing there has no etag") {
  const IfState nothing{std::nullopt, {}};
  CHECK(!holds("([\"e1\"])", nothing));
  CHECK(holds("(Not [\"e1\"])", nothing));
}

TEST_CASE("tagged lists are asked about their own resource") {
  const auto header = parse_if("<http://h/a> (<urn:1>) (<urn:2>) </b> (<urn:3>)");
  REQUIRE(header);
  REQUIRE(header->lists.size() == 3);
  CHECK(header->lists[1].tag == "http://h/a");
  CHECK(header->lists[2].tag == "/b");
  CHECK(header->submitted_tokens() == std::vector<std::string>{"urn:1", "urn:2", "urn:3"});
  CHECK(evaluate_if(*header, [](const std::string &tag) -> std::optional<IfState> {
    if (tag == "/b") return IfState{"e", {"urn:3"}};
    return std::nullopt;
  }));
  CHECK(!evaluate_if(*header, [](const std::string &) { return std::nullopt; }));
}

TEST_CASE("negated tokens are not submitted") {
  const auto header = parse_if("(<urn:1> Not <urn:2>)(<urn:1>)");
  REQUIRE(header);
  CHECK(header->submitted_tokens() == std::vector<std::string>{"urn:1"});
}

TEST_CASE("malformed") {
  for (const char *bad : {"", "()", "(", "<a>", "(<a>", "(<a>)) ", "<a>(<b>)<c>", "(<a>)<b>(<c>)", "(Not)", "([a)", "a",
                          "(<>)", "<> (<a>)", "(<a> x)"}) {
    CAPTURE(bad);
    CHECK(!parse_if(bad));
  }
  std::string many;
  for (int i = 0; i < 100; ++i) many += "(<a>)";
  CHECK(!parse_if(many));
}

TEST_CASE("random values never break it") {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const std::string_view alphabet = "()<>[]\" NotW/a";
  for (int round = 0; round < 50000; ++round) {
    std::string value;
    for (auto left = random() % 24; left > 0; --left) value += alphabet[random() % alphabet.size()];
    if (const auto header = parse_if(value)) CHECK(!header->lists.empty());
  }
}
