// SPDX-License-Identifier: Apache-2.0
#include "core/net/chunked.hpp"

#include <doctest/doctest.h>

#include <ostream>
#include <string>

using namespace Atoll;
using net::ChunkedDecoder;

namespace {

struct Decoded {
  std::string body;
  bool ok = true;
  bool done = false;
  std::size_t used = 0;
};

Decoded decode(std::string_view text, std::size_t piece) {
  Decoded out;
  ChunkedDecoder decoder;
  while (out.used < text.size() && !decoder.done()) {
    auto input = text.substr(out.used, piece);
    while (!input.empty() && !decoder.done()) {
      const auto step = decoder.next(input);
      if (!step) {
        out.ok = false;
        return out;
      }
      out.body += step->data;
      out.used += step->consumed;
      input.remove_prefix(step->consumed);
    }
  }
  out.done = decoder.done();
  return out;
}

}  // namespace

TEST_CASE("chunks come out the same however they are cut") {
  const std::string text =
      "4;a=b\r\nWiki\r\n005\r\npedia\r\ne\r\n in\r\n\r\nchunks.\r\n0\r\nX-T: 1\r\nY: 2\r\n\r\nGET /";
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    const auto out = decode(text, piece);
    CAPTURE(piece);
    CHECK(out.ok);
    CHECK(out.done);
    CHECK(out.body == "Wikipedia in\r\n\r\nchunks.");
    CHECK(text.substr(out.used) == "GET /");
  }
}

TEST_CASE("an unfinished body is not done") {
  for (const char *text :
       {"", "5", "5\r\n", "5\r\nabc", "5\r\nabcde", "5\r\nabcde\r\n", "0\r\n", "0\r\nX: y\r\n", "0\r\n\r"}) {
    CAPTURE(text);
    const auto out = decode(text, 100);
    CHECK(out.ok);
    CHECK_FALSE(out.done);
  }
}

TEST_CASE("broken chunks are refused") {
  const std::string long_extension = "1;" + std::string(20000, 'x') + "\r\na\r\n0\r\n\r\n";
  const std::string long_trailer = "0\r\nX: " + std::string(20000, 'x') + "\r\n\r\n";
  for (const std::string &text : {std::string("\r\n"),
                                  std::string("x\r\n"),
                                  std::string("-1\r\n"),
                                  std::string("+1\r\na\r\n"),
                                  std::string("0x1\r\na\r\n"),
                                  std::string("1 \r\na\r\n"),
                                  std::string(" 1\r\na\r\n"),
                                  std::string("1\na\n"),
                                  std::string("1\r\na\n"),
                                  std::string("1\r\nab\r\n"),
                                  std::string("1\r\na0\r\n\r\n"),
                                  std::string("1;a\nb\r\na\r\n"),
                                  std::string("1;a\x01\r\na\r\n"),
                                  std::string("1\rx"),
                                  std::string("0\r\n\rx"),
                                  std::string("0\r\n\n"),
                                  std::string("0\r\n X: y\r\n\r\n"),
                                  std::string("0\r\nX: y\n\r\n"),
                                  std::string("0\r\nGET / HTTP/1.1\r\n\r\n"),
                                  std::string("0\r\nno colon\r\n\r\n"),
                                  std::string("0\r\nX\r\n\r\n"),
                                  std::string("0\r\n: y\r\n\r\n"),
                                  std::string("0\r\nX : y\r\n\r\n"),
                                  std::string("0\r\n" + std::string(20000, 'x') + ": y\r\n\r\n"),
                                  std::string("FFFFFFFFFFFFFFFF\r\n"),
                                  std::string("10000000000000000\r\n"),
                                  std::string("0000000000000000000001\r\na\r\n"),
                                  long_extension,
                                  long_trailer}) {
    CAPTURE(text.substr(0, 40));
    CHECK_FALSE(decode(text, 7).ok);
    CHECK_FALSE(decode(text, 100000).ok);
  }
}
