// SPDX-License-Identifier: Apache-2.0
#include "core/base/json.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <random>

using namespace Atoll::base;
using Atoll::Status;

TEST_CASE("the writer puts commas and escapes") {
  std::string out;
  JsonWriter json(out);
  json.begin_object()
      .field("a", 1)
      .field("b", "x\"\\\n\t\x01\xC3\xA9\xFF")
      .field("c", true)
      .key("d")
      .begin_array()
      .number(std::uint64_t{18446744073709551615u})
      .null()
      .begin_object()
      .end_object()
      .string("")
      .end_array()
      .field("e", 0.5)
      .field("f", std::numeric_limits<double>::infinity())
      .end_object();
  CHECK(out ==
        "{\"a\":1,\"b\":\"x\\\"\\\\\\n\\t\\u0001\xC3\xA9\xEF\xBF\xBD\",\"c\":true,"
        "\"d\":[18446744073709551615,null,{},\"\"],\"e\":0.5,\"f\":null}");
  CHECK(parse_json_object(out).ok());
}

TEST_CASE("reading gives members only of the type that was asked for") {
  const auto object = parse_json_object(R"({"s":"x","i":-7,"b":true,"o":{"k":"v"},"a":[1,2],"n":null,"f":1.5})");
  REQUIRE(object.ok());
  CHECK(json_string(*object, "s") == "x");
  CHECK(json_integer(*object, "i") == -7);
  CHECK(json_boolean(*object, "b") == true);
  CHECK(json_string(json_object(*object, "o"), "k") == "v");
  REQUIRE_FALSE(json_array(*object, "a").isNull());
  CHECK(json_array(*object, "a")->size() == 2);
  for (const char *name : {"s", "b", "o", "a", "n", "f", "none"}) CHECK_FALSE(json_integer(*object, name));
  for (const char *name : {"i", "b", "o", "a", "n", "none"}) CHECK_FALSE(json_string(*object, name));
  for (const char *name : {"i", "s", "o", "n", "none"}) CHECK_FALSE(json_boolean(*object, name));
  CHECK(json_object(*object, "s").isNull());
  CHECK_FALSE(json_string(JsonObject(), "x"));
}

TEST_CASE("bad JSON is refused") {
  for (const char *bad :
       {"", "[]", "1", "null", "{", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{\"a\":01}", "{'a':1}", "{\"a\":\"\xFF\"}"}) {
    CHECK_MESSAGE(parse_json_object(bad).status() == Status::InvalidArgument, bad);
  }
  // A reader that ends a name at NUL would take the first for "a".
  CHECK(parse_json_object(R"({"a\u0000b":1})").status() == Status::InvalidArgument);
  CHECK(parse_json_object(R"({"a":"\\\u0000"})").status() == Status::InvalidArgument);
  CHECK(json_string(*parse_json_object(R"({"a":"\\u0000"})"), "a") == "\\u0000");
  const std::string deep = "{\"a\":" + std::string(10'000, '[') + std::string(10'000, ']') + "}";
  CHECK(parse_json_object(deep).status() == Status::InvalidArgument);
  CHECK(parse_json_object("{\"a\":\"" + std::string(2u << 20, 'x') + "\"}").status() == Status::OutOfRange);
}

TEST_CASE("random damage never crashes the reader") {
  const unsigned seed = std::random_device{}();
  MESSAGE("seed " << seed);
  std::mt19937 random(seed);
  const std::string document = R"({"a":[1,-2.5e3,"x\u00e9\n",{"b":null}],"c":{"d":true},"e":"f"})";
  for (int i = 0; i < 5000; ++i) {
    std::string text = document;
    for (unsigned k = 0; k <= random() % 4; ++k) text[random() % text.size()] = static_cast<char>(random());
    const auto object = parse_json_object(text);
    if (object) json_string(*object, "e");
  }
}
