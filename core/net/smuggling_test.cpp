// SPDX-License-Identifier: Apache-2.0
// The holes that made this engine necessary: each was found in a server of the field, each stays closed here.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <ostream>

#include "core/net/test_client.hpp"

using namespace Atoll;
using namespace Atoll::net;
using namespace Atoll::net::test;

namespace {

const std::string kInner = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";

// Counts requests; answers without reading, except below /read.
struct Counting {
  std::atomic<int> requests{0};
  std::atomic<int> smuggled{0};
  Server server{[this](const std::shared_ptr<Exchange> &exchange) {
    ++requests;
    if (exchange->head().path == "/smuggled") ++smuggled;
    exchange->respond(Response(200, "ok"));
  }};
};

}  // namespace

TEST_CASE("hole 1: an unread body is not the next request") {
  Counting counting;
  auto client = counting.server.client();
  client.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(kInner.size()) + "\r\n\r\n" + kInner);
  CHECK(client.answer().status == 200);
  client.send(get("/last", "Connection: close\r\n"));
  CHECK(client.answer().status == 200);
  CHECK(client.closed());
  CHECK(counting.requests == 2);
  CHECK(counting.smuggled == 0);
}

TEST_CASE("hole 2: a method that may have a body, without a length, does not wait for one") {
  Server server([](const std::shared_ptr<Exchange> &exchange) {
    exchange->buffer_body(1000, [](Exchange &self, Result<std::string> body) {
      self.respond(Response(207, body ? "got " + std::to_string(body->size()) : "error"));
    });
  });
  auto client = server.client();
  CHECK(client.ask("PROPFIND / HTTP/1.1\r\nHost: a\r\n\r\n").body == "got 0");
  CHECK(client.ask("POST / HTTP/1.1\r\nHost: a\r\n\r\n").body == "got 0");
}

TEST_CASE("holes 3, 4, 5: heads that two readers would frame differently") {
  for (const std::string fields : {
           "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
           "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
           "Content-Length: 4\r\nContent-Length: 40\r\n",
           "Content-Length: 4, 40\r\n",
           "Transfer-Encoding : chunked\r\nContent-Length: 4\r\n",
           "Transfer-Encoding\t: chunked\r\n",
           "Content-Length : 4\r\n",
           "Content-Length: 4\r\n Transfer-Encoding: chunked\r\n",
           "Content-Length: 4\nTransfer-Encoding: chunked\r\n",
           "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
           "X: y\rContent-Length: 4\r\n",
       }) {
    CAPTURE(fields);
    Counting counting;
    auto client = counting.server.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n0\r\n\r\n" + kInner);
    CHECK(client.answer().status == 400);
    CHECK(client.closed());
    CHECK(counting.requests == 0);
  }
}

TEST_CASE("hole 6: a body that fails under way never looks complete") {
  Server server([](const std::shared_ptr<Exchange> &exchange) {
    int turn = 0;
    Response response(200);
    response.body = Generator{{},
                              [turn](std::span<char> out) mutable -> Result<Pull> {
                                if (++turn > 100) return error(Status::Unavailable, "the backend went away");
                                std::fill(out.begin(), out.end(), 'x');
                                return Pull::data(out.size());
                              },
                              nullptr};
    exchange->respond(std::move(response));
  });
  auto client = server.client();
  const auto answer = client.ask(get("/"));
  CHECK(answer.status == 200);
  CHECK_FALSE(answer.whole);
  CHECK(client.was_reset());
}

TEST_CASE("hole 7: a long bearer token is no bad request") {
  Counting counting;
  auto client = counting.server.client();
  CHECK(client.ask(get("/", "Authorization: Bearer " + std::string(12000, 'x') + "\r\n")).status == 200);
}

TEST_CASE("hole 8: a head that trickles in holds nobody and ends at the deadline") {
  Options options;
  options.head_timeout = std::chrono::milliseconds(100);
  Server server([](const std::shared_ptr<Exchange> &exchange) { exchange->respond(Response(200, "ok")); }, options);
  auto client = server.client();
  client.send("GET / HTTP/1.1\r\nHost:");
  CHECK(server.client().ask(get("/")).status == 200);
  // More bytes do not prolong it: the deadline counts from the first one.
  while (client.send("x")) {
    pollfd wait{client.fd(), POLLIN, 0};
    if (::poll(&wait, 1, 5) > 0) break;
  }
  CHECK(client.answer().status == 408);
  CHECK(server->metrics().timeouts == 1);
}
