// SPDX-License-Identifier: Apache-2.0
// The limits where the client speaks TLS.
#include <doctest/doctest.h>

#include <ostream>

#include "core/net/tls_test_client.hpp"

using namespace Atoll;
using namespace Atoll::net;
using namespace Atoll::net::test;
using std::chrono::milliseconds;

TEST_CASE("a TLS client over a limit is closed: nobody could read an answer") {
  const TlsFolder folder;
  const auto fine = [](const std::shared_ptr<Exchange> &exchange) { exchange->respond(Response(200, "fine")); };
  Options options = tls_options(folder.context());
  options.max_connections_per_address = 1;
  options.exempt_loopback = false;
  Server crowded(fine, options);
  options.max_connections = 1;
  options.exempt_loopback = true;
  Server full(fine, options);
  for (const auto *server : {&crowded, &full}) {
    TlsClient first(server->port());
    REQUIRE(first.handshake());
    CHECK(first.ask(get("/")).body == "fine");
    auto second = server->client();
    CHECK(second.rest().empty());
  }
  CHECK(crowded->metrics().connections_refused_address == 1);
  CHECK(crowded->metrics().connections_refused == 0);
  CHECK(full->metrics().connections_refused == 1);
  CHECK(full->metrics().connections_refused_address == 0);
}

TEST_CASE("slow bodies and slow readers over TLS are cut off, and compression works") {
  const TlsFolder folder;
  Options options = tls_options(folder.context());
  options.min_rate = 1'000'000'000'000;
  options.rate_grace = milliseconds(50);
  const std::string big(50'000'000, 'x');
  Server server(
      [&](const std::shared_ptr<Exchange> &exchange) {
        if (exchange->head().method == "GET") return exchange->respond(Response(200, big));
        exchange->buffer_body(1 << 20, [](Exchange &self, Result<std::string> body) {
          self.respond(Response(body.status() == Status::DeadlineExceeded ? 408 : 200));
        });
      },
      options);
  TlsClient body(server.port());
  REQUIRE(body.handshake());
  CHECK(body.ask("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nabc").status == 408);
  CHECK(server->metrics().too_slow == 1);
  Wish small;
  small.receive_buffer = 4096;
  TlsClient reader(server.port(), small);
  REQUIRE(reader.handshake());
  reader.send(get("/"));
  CHECK(eventually([&] { return server->metrics().too_slow == 2; }));
  CHECK(eventually([&] { return server->metrics().answer_bytes == 0; }));
  TlsClient packed(server.port());
  REQUIRE(packed.handshake());
  const auto answer = packed.ask(get("/", "Accept-Encoding: gzip\r\n"));
  CHECK(answer.whole);
  CHECK(answer.header("Content-Encoding") == "gzip");
  CHECK(answer.body.size() < big.size() / 100);
  CHECK(server->metrics().buffered_bytes == 0);
}
