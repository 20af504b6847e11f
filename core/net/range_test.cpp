// SPDX-License-Identifier: Apache-2.0
#include "core/net/range.hpp"

#include <doctest/doctest.h>

#include <ostream>
#include <string>

#include "core/net/test_client.hpp"

using namespace Atoll::net;
using Kind = RangeRequest::Kind;

TEST_CASE("ranges that can be met") {
  struct {
    const char *value;
    std::vector<ByteRange> ranges;
  } const rows[] = {
      {"bytes=0-0", {{0, 1}}},
      {"bytes=0-99", {{0, 100}}},
      {"bytes=10-19", {{10, 10}}},
      {"bytes=90-", {{90, 10}}},
      {"bytes=90-1000", {{90, 10}}},
      {"bytes=-5", {{95, 5}}},
      {"bytes=-500", {{0, 100}}},
      {"Bytes=1-2", {{1, 2}}},
      {"bytes=0-1, 3-4", {{0, 2}, {3, 2}}},
      {"bytes=50-59,0-9", {{50, 10}, {0, 10}}},
      {"bytes=0-1,200-300", {{0, 2}}},
      {"bytes= 0-1 ,, 3-4 ", {{0, 2}, {3, 2}}},
      {"bytes=0-50,25-75", {{0, 51}, {25, 51}}},
      {"bytes=99-18446744073709551615", {{99, 1}}},
  };
  for (const auto &row : rows) {
    CAPTURE(row.value);
    const auto out = parse_range(row.value, 100);
    CHECK(out.kind == Kind::Satisfiable);
    CHECK(out.ranges == row.ranges);
  }
}

TEST_CASE("ranges that cannot be met, and those that are ignored") {
  for (const char *value : {"bytes=100-", "bytes=100-200", "bytes=-0", "bytes=500-600,700-"}) {
    CAPTURE(value);
    CHECK(parse_range(value, 100).kind == Kind::Unsatisfiable);
  }
  CHECK(parse_range("bytes=0-", 0).kind == Kind::Unsatisfiable);
  for (const char *value :
       {"", "bytes", "bytes=", "bytes=,", "items=0-1", "bytes=a-b", "bytes=1", "bytes=5-4", "bytes=-", "bytes=--5",
        "bytes=1-2-3", "bytes=0-1;2-3", "bytes=0x1-2", "bytes=0-1,x", "bytes=99999999999999999999-", "bytes=1 0-20"}) {
    CAPTURE(value);
    CHECK(parse_range(value, 100).kind == Kind::Ignore);
  }
}

TEST_CASE("hostile lists are ignored") {
  std::string many = "bytes=0-0";
  for (int index = 1; index < 65; ++index) many += "," + std::to_string(index * 2) + "-" + std::to_string(index * 2);
  CHECK(parse_range(many, 1000).kind == Kind::Ignore);
  CHECK(parse_range("bytes=0-,0-,0-,0-", 1000).kind == Kind::Ignore);
  CHECK(parse_range("bytes=0-,0-,0-", 1000).kind == Kind::Satisfiable);
}

TEST_CASE("content-range") {
  CHECK(content_range({10, 5}, 100) == "bytes 10-14/100");
  CHECK(unsatisfied_range(100) == "bytes */100");
}

TEST_CASE("a slice crosses extents") {
  Extents whole;
  whole.parts = {Extent::memory("abcde"), Extent::hole(5), Extent::file(7, 1000, 10)};
  const auto piece = slice(whole, {3, 12});
  REQUIRE(piece.parts.size() == 3);
  CHECK(piece.parts[0].bytes == "de");
  CHECK(piece.parts[1].length == 5);
  CHECK(piece.parts[2].offset == 1000);
  CHECK(piece.parts[2].length == 5);
  CHECK(piece.length() == 12);
  const auto inner = slice(whole, {12, 2});
  REQUIRE(inner.parts.size() == 1);
  CHECK(inner.parts[0].offset == 1002);
  CHECK(inner.length() == 2);
}

TEST_CASE("multipart ranges name each part") {
  Extents whole;
  whole.parts = {Extent::memory("0123456789")};
  const auto out = multipart_ranges(whole, {{0, 2}, {8, 2}}, 10, "text/plain");
  const auto mark = out.content_type.find("boundary=");
  REQUIRE(mark != std::string::npos);
  const auto boundary = out.content_type.substr(mark + 9);
  std::string body;
  for (const auto &part : out.body.parts) body += part.bytes;
  CHECK(body == "\r\n--" + boundary + "\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-1/10\r\n\r\n01\r\n--" +
                    boundary + "\r\nContent-Type: text/plain\r\nContent-Range: bytes 8-9/10\r\n\r\n89\r\n--" +
                    boundary + "--\r\n");
}
