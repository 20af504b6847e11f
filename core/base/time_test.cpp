// SPDX-License-Identifier: Apache-2.0
#include "core/base/time.hpp"

#include <doctest/doctest.h>

#include <random>

using namespace Atoll::base;

TEST_CASE("the three date forms of HTTP") {
  constexpr std::int64_t when = 784111777;
  CHECK(http_date(when) == "Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT") == when);
  CHECK(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT") == when);
  CHECK(parse_http_date("Sun Nov  6 08:49:37 1994") == when);
  CHECK(iso8601(when) == "1994-11-06T08:49:37Z");
  CHECK(http_date(0) == "Thu, 01 Jan 1970 00:00:00 GMT");
}

TEST_CASE("impossible dates are refused") {
  for (const char *bad :
       {"", "x", "Sun, 06 Nov 1994 08:49:37", "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 6 Nov 1994 08:49:37 GMT", "sun, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 06 Nov 1994 08:49:37 GMT ", "784111777"}) {
    CHECK_MESSAGE(!parse_http_date(bad), bad);
  }
}

TEST_CASE("every time comes back, and wild ones are clamped") {
  std::mt19937_64 random(11);
  for (int i = 0; i < 2000; ++i) {
    const auto when = static_cast<std::int64_t>(random() % 253402300800ull);
    CHECK(parse_http_date(http_date(when)) == when);
  }
  CHECK(http_date(INT64_MAX) == "Fri, 31 Dec 9999 23:59:59 GMT");
  CHECK(iso8601(INT64_MIN) == "0000-01-01T00:00:00Z");
}
