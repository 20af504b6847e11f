// SPDX-License-Identifier: Apache-2.0
#include "core/base/byte_ranges.hpp"

#include <doctest/doctest.h>

#include <random>

using namespace Atoll::base;
using Kind = RangeWish::Kind;

TEST_CASE("single, suffix and open ranges") {
  CHECK(parse_range("bytes=0-9", 100).parts == std::vector<ByteRange>{{0, 10}});
  CHECK(parse_range("bytes=90-", 100).parts == std::vector<ByteRange>{{90, 10}});
  CHECK(parse_range("bytes=90-1000", 100).parts == std::vector<ByteRange>{{90, 10}});
  CHECK(parse_range("bytes=-5", 100).parts == std::vector<ByteRange>{{95, 5}});
  CHECK(parse_range("bytes=-500", 100).parts == std::vector<ByteRange>{{0, 100}});
  CHECK(parse_range("Bytes=0-0, 5-6 ,-1", 100).parts == std::vector<ByteRange>{{0, 1}, {5, 2}, {99, 1}});
  CHECK(content_range({5, 2}, 100) == "bytes 5-6/100");
}

TEST_CASE("what cannot be satisfied") {
  CHECK(parse_range("bytes=100-", 100).kind == Kind::Unsatisfiable);
  CHECK(parse_range("bytes=-0", 100).kind == Kind::Unsatisfiable);
  CHECK(parse_range("bytes=0-", 0).kind == Kind::Unsatisfiable);
  CHECK(parse_range("bytes=200-300,5-6", 100).parts == std::vector<ByteRange>{{5, 2}});
}

TEST_CASE("what is ignored") {
  for (const char *value : {"", "bytes", "bytes=", "bytes=a-b", "bytes=5-1", "bytes=1-x", "items=0-1", "bytes=--1",
                            "bytes=0-5,3-9", "bytes=99999999999999999999-"}) {
    CAPTURE(value);
    CHECK(parse_range(value, 100).kind == Kind::Whole);
  }
  std::string many = "bytes=0-0";
  for (int i = 1; i < 70; ++i) {
    const std::string at = std::to_string(2 * i);
    many.append(",").append(at).append("-").append(at);
  }
  CHECK(parse_range(many, 1000).kind == Kind::Whole);
}

TEST_CASE("random ranges stay inside") {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const std::string_view alphabet = "0123456789-,- ";
  for (int round = 0; round < 20000; ++round) {
    std::string value = "bytes=";
    for (auto left = random() % 20; left > 0; --left) value += alphabet[random() % alphabet.size()];
    const std::uint64_t size = random() % 200;
    for (const ByteRange &part : parse_range(value, size).parts) {
      CHECK(part.length > 0);
      CHECK(part.first + part.length <= size);
    }
  }
}
