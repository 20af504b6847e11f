// SPDX-License-Identifier: Apache-2.0
#include "plugins/api-graph/items.hpp"

#include <doctest/doctest.h>

namespace Atoll::graph {

TEST_CASE("items: the place of a next page is read as it was written, and nothing else is") {
  for (const std::string name : {"a", "b/..", "Grüße 100%", "\"quoted\"", " "}) {
    const auto read = ItemPlace::read(ItemPlace{"0123456789abcde:1f", name}.text());
    REQUIRE(read.has_value());
    CHECK(read->etag == "0123456789abcde:1f");
    CHECK(read->name == name);
  }
  for (const std::string bad :
       {"", "x", "2f", "2f61", "612f", "6", "zz", "61", "612fff", "612F80", "..", "%2f", "61 2f 62"})
    CHECK_MESSAGE(!ItemPlace::read(bad).has_value(), bad);
  CHECK_FALSE(ItemPlace::read(std::string(1 << 20, 'f')).has_value());
}

}  // namespace Atoll::graph
