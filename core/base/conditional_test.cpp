// SPDX-License-Identifier: Apache-2.0
#include "core/base/conditional.hpp"

#include <doctest/doctest.h>

#include <random>

#include "core/base/time.hpp"

using namespace Atoll;
using namespace Atoll::base;

TEST_CASE("etag lists") {
  const auto list = parse_etags("\"a:1\", W/\"b\",\"c-gzip\"");
  REQUIRE(list);
  CHECK(list->has_strong("a:1"));
  CHECK(!list->has_strong("b"));
  CHECK(list->has_weak("b"));
  CHECK(list->has_strong("c"));
  CHECK(parse_etags(" * ")->any);
  CHECK(parse_etags("bare")->has_strong("bare"));
  for (const char *bad : {"", "\"open", "\"a\" \"b\"", "a b", "W/"}) {
    CAPTURE(bad);
    CHECK(!parse_etags(bad));
  }
}

TEST_CASE("reads follow the order of RFC 9110, 13.2.2") {
  const std::int64_t mtime = 1'000'000;
  const std::string same = base::http_date(mtime), earlier = base::http_date(mtime - 10);
  ConditionalFields fields;
  CHECK(evaluate_read(fields, "e", mtime) == Verdict::Perform);
  fields.if_match = "\"x\"";
  CHECK(evaluate_read(fields, "e", mtime) == Verdict::PreconditionFailed);
  fields.if_match = "\"e\"";
  fields.if_unmodified_since = earlier;  // ignored beside If-Match
  CHECK(evaluate_read(fields, "e", mtime) == Verdict::Perform);
  fields.if_match.reset();
  CHECK(evaluate_read(fields, "e", mtime) == Verdict::PreconditionFailed);
  fields = {};
  fields.if_modified_since = same;
  CHECK(evaluate_read(fields, "e", mtime) == Verdict::NotModified);
  fields.if_none_match = "\"x\"";  // If-Modified-Since is ignored beside it
  CHECK(evaluate_read(fields, "e", mtime) == Verdict::Perform);
  fields.if_none_match = "W/\"e\"";
  CHECK(evaluate_read(fields, "e", mtime) == Verdict::NotModified);
  fields = {};
  fields.if_modified_since = "yesterday";
  CHECK(evaluate_read(fields, "e", mtime) == Verdict::Perform);
  fields.if_none_match = "\"";
  CHECK(evaluate_read(fields, "e", mtime) == Verdict::Malformed);
}

TEST_CASE("If-Range") {
  ConditionalFields fields;
  CHECK(range_applies(fields, "e", 5));
  fields.if_range = "\"e\"";
  CHECK(range_applies(fields, "e", 5));
  CHECK(!range_applies(fields, "f", 5));
  fields.if_range = "W/\"e\"";
  CHECK(!range_applies(fields, "e", 5));
  const std::string date = base::http_date(5);
  fields.if_range = date;
  CHECK(range_applies(fields, "e", 5));
  CHECK(!range_applies(fields, "e", 4));
  fields.if_range = "garbage";
  CHECK(!range_applies(fields, "e", 5));
}

TEST_CASE("random values never break it") {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const std::string_view alphabet = "\"W/,* -gzipab";
  for (int round = 0; round < 20000; ++round) {
    std::string value;
    for (auto left = random() % 20; left > 0; --left) value += alphabet[random() % alphabet.size()];
    const auto list = parse_etags(value);
    if (list) CHECK((list->any || !list->items.empty()));
  }
}
