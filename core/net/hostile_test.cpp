// SPDX-License-Identifier: Apache-2.0
// Random damage to well-formed input: whatever comes in, the answer is a refusal or a head that makes sense.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <ostream>
#include <random>

#include "core/net/chunked.hpp"
#include "core/net/head_parser.hpp"
#include "core/net/range.hpp"
#include "core/net/test_client.hpp"

using namespace Atoll;
using namespace Atoll::net;
using namespace Atoll::net::test;
using namespace std::string_literals;

namespace {

using Random = std::mt19937_64;

std::size_t below(Random &random, std::size_t limit) { return static_cast<std::size_t>(random() % limit); }

std::string damaged(std::string text, Random &random) {
  static const std::string spice = "\r\n\t :,;\0\x7f\x01\xff=-/?#[]0159chunked"s;
  for (auto count = below(random, 4) + 1; count > 0 && !text.empty(); --count) {
    const auto at = below(random, text.size());
    switch (random() % 5) {
      case 0:
        text[at] = spice[below(random, spice.size())];
        break;
      case 1:
        text.erase(at, below(random, 5) + 1);
        break;
      case 2:
        text.insert(at, 1, spice[below(random, spice.size())]);
        break;
      case 3:
        text.insert(at, text.substr(below(random, text.size()), below(random, 20)));
        break;
      default:
        text[at] = static_cast<char>(random());
        break;
    }
  }
  return text;
}

void check_head(const std::string &text, Random &random) {
  const HeadLimits limits{1000, 300, 8};
  HeadScanner scanner;
  auto state = HeadScanner::State::More;
  for (std::size_t size = 0; size < text.size() && state == HeadScanner::State::More;) {
    size = std::min(text.size(), size + 1 + below(random, 40));
    state = scanner.scan(std::string_view(text).substr(0, size), limits);
  }
  if (state != HeadScanner::State::Complete) return;
  RequestHead head;
  head.buffer = text.substr(scanner.begin(), scanner.end() - scanner.begin());
  if (parse_head(head, limits)) return;
  CHECK(is_token(head.method));
  CHECK_FALSE((head.chunked && head.content_length));
  CHECK((head.path == "*" || head.path.front() == '/'));
  CHECK(head.headers.size() <= limits.max_headers);
  for (const auto &field : head.headers) {
    CHECK(is_token(field.name));
    CHECK(field.value.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos);
  }
}

}  // namespace

TEST_CASE("random damage to heads, chunks and ranges") {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  Random random(seed);
  const std::string head =
      "PUT http://h:80/a/b?c=d HTTP/1.1\r\nHost: example.org\r\nContent-Length: 3, 3\r\nTransfer-Encoding: chunked\r\n"
      "Connection: keep-alive, close\r\nExpect: 100-continue\r\nX-Request-ID: abc\r\n\r\n";
  const std::string plain = "GET /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n";
  const std::string chunks = "5;ext=1\r\nhello\r\n10\r\n0123456789abcdef\r\n0\r\nTrailer: x\r\n\r\n";
  for (int turn = 0; turn < 20'000; ++turn) {
    check_head(damaged(turn % 2 == 0 ? head : plain, random), random);
    const auto coded = damaged(chunks, random);
    ChunkedDecoder decoder;
    for (std::size_t at = 0; at < coded.size() && !decoder.done();) {
      const auto step = decoder.next(std::string_view(coded).substr(at, 1 + below(random, 9)));
      if (!step) break;
      REQUIRE(step->consumed > 0);
      at += step->consumed;
    }
    const auto size = below(random, 1000);
    const auto wanted = parse_range(damaged("bytes=0-99,200-,-5, 7-7", random), size);
    CHECK((wanted.kind == RangeRequest::Kind::Satisfiable) == !wanted.ranges.empty());
    for (const auto &range : wanted.ranges) {
      CHECK(range.length > 0);
      CHECK(range.first + range.length <= size);
    }
  }
}

TEST_CASE("random requests cut at random places are answered like whole ones") {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  Random random(seed);
  Server server([](const std::shared_ptr<Exchange> &exchange) {
    exchange->buffer_body(1 << 20, [](Exchange &self, Result<std::string> body) {
      REQUIRE(body.ok());
      self.respond(Response(200, std::string(self.head().path) + " " + *body));
    });
  });
  for (int round = 0; round < 20; ++round) {
    std::string sent;
    std::vector<std::string> expected;
    for (int index = 0; index < 20; ++index) {
      const auto path = "/" + std::to_string(random() % 1000);
      const auto body = pattern(random() % 3 == 0 ? below(random, 400'000) : below(random, 100));
      sent += "PUT " + path + " HTTP/1.1\r\nHost: a\r\n";
      if (random() % 2 == 0) {
        sent += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
      } else {
        sent += "Transfer-Encoding: chunked\r\n\r\n";
        for (std::size_t at = 0; at < body.size();) {
          const auto piece = body.substr(at, 1 + below(random, 30'000));
          char line[32];
          sent.append(line, static_cast<std::size_t>(std::snprintf(line, sizeof line, "%zX\r\n", piece.size())));
          sent += piece + "\r\n";
          at += piece.size();
        }
        sent += "0\r\n\r\n";
      }
      expected.push_back(path + " " + body);
    }
    auto client = server.client();
    std::thread sender([&, cut = random()]() mutable {
      Random cuts(cut);
      for (std::size_t at = 0; at < sent.size();) {
        const auto size = std::min(sent.size() - at, cuts() % 4 == 0 ? below(cuts, 3) + 1 : below(cuts, 100'000) + 1);
        client.send(std::string_view(sent).substr(at, size));
        at += size;
      }
    });
    std::vector<std::string> got;
    for (std::size_t index = 0; index < expected.size(); ++index) got.push_back(client.answer().body);
    sender.join();
    CHECK((got == expected));
  }
}
