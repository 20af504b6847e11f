// SPDX-License-Identifier: Apache-2.0
// Floods: whatever comes in whatever amount, memory stays bounded and others are served.
#include <doctest/doctest.h>

#include <ostream>

#include "core/net/attack_support.hpp"

using namespace Atoll;
using namespace Atoll::net;
using namespace Atoll::net::test;

namespace {

constexpr std::size_t kFloodSlack = 4u << 20;  ///< bytes of heap that a flood may cost, whatever its size

std::string flood_of(std::string_view piece, std::size_t size) {
  std::string text;
  while (text.size() < size) text += piece;
  return text;
}

/// Takes and forgets what comes in, up to the end.
std::size_t swallow(Client &client) {
  std::vector<char> piece(1 << 16);
  std::size_t taken = 0;
  for (ssize_t count; (count = ::recv(client.fd(), piece.data(), piece.size(), 0)) > 0;)
    taken += static_cast<std::size_t>(count);
  return taken;
}

}  // namespace

TEST_CASE("flood: the measure of memory sees what is allocated") {
#ifndef ATOLL_SANITIZED
  const auto before = heap_in_use();
  const std::string large(std::size_t{1} << 20, 'x');
  CHECK(heap_in_use() >= before + large.size());
#endif
}

TEST_CASE("flood: heads without an end") {
  Witness witness;
  const std::string start = "GET / HTTP/1.1\r\nHost: a\r\n";
  const std::size_t million = 1'000'000;
  const std::pair<int, std::string> rows[] = {
      {431, start + "X: " + std::string(million, 'y')},            // one endless field
      {431, start + flood_of("X: y\r\n", million)},                // endlessly many
      {431, start + flood_of("a:\r\n", 40'000) + "\r\n"},          // 10,000 tiny ones, and the end
      {431, start + std::string(million, 'x')},                    // a name without a colon
      {414, "GET /" + std::string(million, 'a')},                  // a target
      {414, std::string(million, 'G')},                            // a method
      {400, flood_of("\r\n", million)},                            // empty lines
      {431, start + "Host" + std::string(million, ' ')},           // blanks
      {431, start + "Cookie: " + flood_of("a=b; ", million)},      // cookies
      {431, start + flood_of("Content-Length: 5\r\n", million)},   // the same length again and again
      {431, start + "Connection: " + flood_of("close,", million)}  // list items
  };
  const auto before = heap_in_use();
  std::uint64_t refused = 0;
  for (const auto &[status, text] : rows) {
    CAPTURE(text.substr(0, 40));
    auto client = witness.server.client();
    client.send(text);
    CHECK(client.answer().status == status);
    CHECK(witness.server->metrics().heads_refused == ++refused);
  }
  CHECK(witness.requests == 0);
  CHECK(heap_in_use() <= before + kFloodSlack);
  CHECK(witness.server.client().ask(get("/")).status == 200);
}

TEST_CASE("flood: as many fields as are allowed, and one more") {
  Options options;
  options.max_headers = 50;
  Witness witness(options);
  auto client = witness.server.client();
  std::string fields;
  for (int index = 0; index < 49; ++index) fields += "X: y\r\n";
  CHECK(client.ask(get("/", fields)).status == 200);
  CHECK(client.ask(get("/", fields + "X: y\r\n")).status == 431);
  CHECK(client.closed());
}

TEST_CASE("flood: many heads that stand still before their end cost what a head may cost") {
  Witness witness;
  const std::size_t count = 300, size = 30'000;
  const auto head = "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(size, 'y');
  const auto before = heap_in_use();
  {
    std::vector<Client> clients;
    for (std::size_t index = 0; index < count; ++index) {
      clients.push_back(witness.server.client());
      clients.back().send(head);
    }
    CHECK(eventually([&] { return witness.server->metrics().bytes_in == count * head.size(); }));
    CHECK(heap_in_use() <= before + count * 4 * size);
    CHECK(witness.server.client().ask(get("/")).status == 200);
  }
  CHECK(eventually([&] { return witness.server->metrics().connections_open == 0; }));
  CHECK(heap_in_use() <= before + kFloodSlack);
}

TEST_CASE("flood: pipelined requests whose answers nobody reads are not read either") {
  const std::string big(100'000, 'x');
  Server server([&](const std::shared_ptr<Exchange> &exchange) { exchange->respond(Response(200, big)); });
  const auto text = flood_of(get("/"), 1'000'000);
  auto client = server.client(4096);
  const auto before = heap_in_use();
  const auto taken = flood(client, server, text, 500'000'000);
  CHECK(taken < 100'000'000);  // the sockets' buffers were full long before
  const auto &metrics = server->metrics();
  CHECK(eventually([&] { return metrics.requests_active == 1 && metrics.workers_busy == 0; }));
  CHECK(metrics.requests < 500);
  CHECK(heap_in_use() <= before + kFloodSlack);
  CHECK(server.client().ask(get("/")).whole);
}

TEST_CASE("flood: 10,000 pipelined requests are answered in turn, while others are served") {
  Options options;
  options.workers = 1;
  std::atomic<std::size_t> expected{0};
  std::atomic<bool> in_order{true};
  Server server(
      [&](const std::shared_ptr<Exchange> &exchange) {
        if (exchange->head().path == "/other") return exchange->respond(Response(200, "other"));
        if (exchange->head().path != "/" + std::to_string(expected++)) in_order = false;
        exchange->respond(Response(204));
      },
      options);
  const std::size_t count = 10'000;
  auto client = server.client();
  std::thread sender([&] {
    std::string text;
    for (std::size_t index = 0; index < count; ++index) text += get("/" + std::to_string(index));
    client.send(text);
    client.shutdown();
  });
  auto other = server.client();
  for (int turn = 0; turn < 20; ++turn) CHECK(other.ask(get("/other")).body == "other");
  swallow(client);
  sender.join();
  CHECK(expected == count);
  CHECK(in_order);
}

TEST_CASE("flood: requests without a gap between them do not let the buffer grow") {
  Witness witness;
  // Long heads: hardly ever does one end where a read ended, so the buffer is never quite empty.
  const auto text = flood_of(get("/unread", "X: " + std::string(2969, 'y') + "\r\n"), 60'000);
  auto client = witness.server.client();
  std::size_t answered = 0;
  std::thread reader([&] { answered = swallow(client); });
  for (int turn = 0; turn < 10; ++turn) client.send(text);
  const auto early = heap_in_use();
  for (int turn = 0; turn < 500; ++turn) client.send(text);
  const auto late = heap_in_use();
  client.shutdown();
  reader.join();
  CHECK(answered > 0);
  CHECK(witness.server->metrics().bytes_in == 510 * text.size());
  CHECK(late <= early + kFloodSlack);
}

TEST_CASE("flood: a body that goes on behind a refusal is read for a while and then not any more") {
  Options options;
  options.linger_timeout = std::chrono::milliseconds(100);
  Witness witness(options);
  const auto text = flood_of("x", 1 << 16);
  const auto before = heap_in_use();
  for (const std::string &request :
       {std::string("GET / HTTP/1.1\r\n\r\n"),
        std::string("PUT /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 4000000000\r\n\r\n"),
        std::string("PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 4000000000\r\n\r\n")}) {
    auto client = witness.server.client();
    client.send(request);
    while (client.send(text)) {
    }
    CHECK(heap_in_use() <= before + kFloodSlack);
  }
  CHECK(eventually([&] { return witness.server->metrics().connections_open == 0; }));
}

TEST_CASE("flood: connections that come and go leave nothing behind") {
  Witness witness;
  const auto &metrics = witness.server->metrics();
  const auto play = [&](int count) {
    for (int index = 0; index < count; ++index) {
      auto client = witness.server.client();
      switch (index % 5) {
        case 0:
          break;
        case 1:
          client.send(get("/"));
          break;
        case 2:
          client.send("PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc");
          break;
        case 3:
          client.send("PUT /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab");
          break;
        default:
          client.send("GET / HTT");
          break;
      }
      if (index % 2 == 0) client.abort();
    }
    CHECK(eventually([&] { return metrics.connections_open == 0 && metrics.requests_active == 0; }));
  };
  play(500);
  const auto before = heap_in_use();
  play(3000);
  CHECK(heap_in_use() <= before + kFloodSlack);
  CHECK(witness.server.client().ask(get("/")).status == 200);
}
