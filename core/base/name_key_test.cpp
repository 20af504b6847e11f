// SPDX-License-Identifier: Apache-2.0
#include "core/base/name_key.hpp"

#include <doctest/doctest.h>

using Atoll::base::name_key;

TEST_CASE("names that differ only in case or normal form have one key") {
  CHECK(name_key("README.txt") == name_key("ReadMe.TXT"));
  CHECK(name_key("caf\xc3\xa9") == name_key("cafe\xcc\x81"));
  CHECK(name_key("CAF\xc3\x89") == name_key("cafe\xcc\x81"));
  CHECK(name_key("\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab") == name_key("\xed\x95\x9c"));  // Hangul
  CHECK(name_key("STRASSE") == name_key("stra\xc3\x9f"
                                        "e"));
  CHECK(name_key("\xce\xa3") == name_key("\xcf\x82"));  // the two small sigmas and the large one
  CHECK(name_key("caf\xc3\xa9") != name_key("cafe"));
  CHECK(name_key("a") != name_key("b"));
  CHECK(name_key("bad\xff") == "bad\xff");
  CHECK(name_key("").empty());
}
