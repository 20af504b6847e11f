// SPDX-License-Identifier: Apache-2.0
// What requests and answers may hold in memory, and that all of it is given back.
#include <doctest/doctest.h>

#include <atomic>
#include <fstream>
#include <future>
#include <ostream>
#include <stdexcept>

#include "core/net/body_buffer.hpp"
#include "core/net/test_client.hpp"

using namespace Atoll;
using namespace Atoll::net;
using namespace Atoll::net::test;
using std::chrono::milliseconds;

namespace {

constexpr std::uint32_t kNoHint = 0;

// Answers with the size of the body, or as a protocol does: 413, or 503 with a time to come back.
void measure(const std::shared_ptr<Exchange> &exchange) {
  exchange->buffer_body(1 << 30, [](Exchange &self, Result<std::string> body) {
    if (body) return self.respond(Response(200, std::to_string(body->size())));
    Response response(500, body.error().message);
    if (body.status() == Status::ResourceExhausted) response.status = 413;
    if (body.status() == Status::DeadlineExceeded) response.status = 408;
    if (body.status() == Status::Unavailable) response.status = body.error().retry_after_ms == kNoHint ? 500 : 503;
    self.respond(std::move(response));
  });
}

std::string body_of(std::string_view fields, std::string_view body = {}) {
  return "PUT /x HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n" + std::string(body);
}
std::string announced(std::size_t announced, std::size_t given) {
  return body_of("Content-Length: " + std::to_string(announced) + "\r\n", std::string(given, 'x'));
}
std::string chunk(std::size_t size) {
  char line[32];
  std::snprintf(line, sizeof line, "%zx\r\n", size);
  return line + std::string(size, 'x') + "\r\n";
}

Options with_bodies(std::size_t one, std::size_t all) {
  Options options;
  options.max_buffered_body = one;
  options.max_buffered_total = all;
  return options;
}

std::span<const std::byte> bytes(const std::string &text) {
  return {reinterpret_cast<const std::byte *>(text.data()), text.size()};
}

}  // namespace

TEST_CASE("a buffer takes what it needs, and no more than was announced") {
  std::atomic<std::uint64_t> gauge{0};
  ByteBudget budget(gauge, 10'000);
  const std::string piece(1'500, 'x');
  {
    BodyBuffer known(budget, 4'000);
    CHECK(gauge == 0);
    CHECK(known.append(bytes(piece)).ok());
    CHECK(gauge == 1'500);
    CHECK(known.append(bytes(piece)).ok());
    CHECK(gauge == 3'000);
    CHECK(known.append(bytes(piece.substr(0, 1'000))).ok());
    CHECK(gauge == 4'000);
    BodyBuffer open(budget, std::nullopt);
    CHECK(open.append(bytes("x")).ok());
    CHECK(gauge == 4'000 + 1'024);
    CHECK(open.append(bytes(std::string(4'975, 'x'))).ok());  // no room for twice as much, but for what is needed
    CHECK(gauge == 4'000 + 4'976);
    const auto full = open.append(bytes(piece));
    CHECK(full.status() == Status::Unavailable);
    CHECK(full.error().retry_after_ms > 0);
    CHECK(gauge == 4'000 + 4'976);
    CHECK(known.take() == std::string(4'000, 'x'));
    known.release();
    known.release();
    CHECK(gauge == 4'976);
    CHECK(open.append(bytes(piece)).ok());
    CHECK(open.take().size() == 6'476);
  }
  CHECK(gauge == 0);
}

TEST_CASE("a body over the engine's own limit is 413, announced or not") {
  Server server(measure, with_bodies(1'000, 100'000));
  auto client = server.client();
  CHECK(client.ask(announced(1'000, 1'000)).body == "1000");
  CHECK(client.ask(body_of("Transfer-Encoding: chunked\r\n", chunk(1'000) + "0\r\n\r\n")).body == "1000");
  CHECK(server->metrics().bodies_refused == 0);
  CHECK(client.ask(announced(1'001, 0)).status == 413);
  CHECK(server->metrics().bodies_refused == 1);
  CHECK(server.client().ask(body_of("Transfer-Encoding: chunked\r\n", chunk(600) + chunk(401))).status == 413);
  CHECK(server->metrics().bodies_refused == 2);
  CHECK(server->metrics().buffered_bytes == 0);
  // With less room in all than for one, the smaller number counts: nobody is asked to come back in vain.
  Server small(measure, with_bodies(1'000, 500));
  CHECK(small.client().ask(announced(501, 501)).status == 413);
  CHECK(small.client().ask(announced(500, 500)).status == 200);
}

TEST_CASE("bodies that fill the memory in all: others come back later") {
  Server server(measure, with_bodies(100'000, 100'000));
  const auto held = [&] { return server->metrics().buffered_bytes.load(); };
  auto first = server.client();
  first.send(announced(80'000, 60'000));
  CHECK(eventually([&] { return held() >= 60'000; }));
  CHECK(held() <= 80'000);
  auto second = server.client();
  const auto refused = second.ask(body_of("Content-Length: 50000\r\nExpect: 100-continue\r\n"));
  CHECK(refused.status == 503);  // before a byte of it was asked for
  CHECK(server->metrics().bodies_refused == 1);
  auto third = server.client();
  CHECK(third.ask(body_of("Transfer-Encoding: chunked\r\n", chunk(10'000) + chunk(40'000))).status == 503);
  CHECK(server->metrics().bodies_refused == 2);
  auto fourth = server.client();
  CHECK(fourth.ask(announced(5'000, 5'000)).body == "5000");
  first.send(std::string(20'000, 'x'));
  CHECK(first.answer().body == "80000");
  CHECK(eventually([&] { return held() == 0; }));
  CHECK(fourth.ask(announced(100'000, 100'000)).body == "100000");
  CHECK(eventually([&] { return held() == 0; }));
}

TEST_CASE("announcing a body holds no memory") {
  Server server(measure, with_bodies(100'000, 100'000));
  std::vector<Client> clients;
  for (int index = 0; index < 30; ++index) {
    clients.push_back(server.client());
    clients.back().send(announced(90'000, 1));
  }
  CHECK(eventually([&] { return server->metrics().buffered_bytes >= 30; }));
  CHECK(server->metrics().buffered_bytes <= 30 * 1'024);
  CHECK(server.client().ask(announced(60'000, 60'000)).body == "60000");
}

TEST_CASE("however a buffered body ends, its memory is given back") {
  Options options = with_bodies(100'000, 1'000'000);
  options.body_timeout = milliseconds(10'000);
  std::promise<std::shared_ptr<Exchange>> handed;
  auto server = std::make_unique<Server>(
      [&](const std::shared_ptr<Exchange> &exchange) {
        if (exchange->head().method == "POST") {
          exchange->buffer_body(100'000, [](Exchange &, Result<std::string>) { throw std::runtime_error("no"); });
        } else {
          measure(exchange);
          if (exchange->head().header("X-Hand")) handed.set_value(exchange);
        }
      },
      options);
  const auto held = [&] { return (*server)->metrics().buffered_bytes.load(); };
  const auto half = announced(50'000, 20'000);
  const auto gone = [&] { return eventually([&] { return held() == 0; }); };
  SUBCASE("the client closes") {
    auto client = server->client();
    client.send(half);
    CHECK(eventually([&] { return held() >= 20'000; }));
    client.close();
    CHECK(gone());
  }
  SUBCASE("the client resets") {
    auto client = server->client();
    client.send(body_of("Transfer-Encoding: chunked\r\n", chunk(20'000)));
    CHECK(eventually([&] { return held() >= 20'000; }));
    client.abort();
    CHECK(gone());
  }
  SUBCASE("bad chunks") {
    auto client = server->client();
    client.send(body_of("Transfer-Encoding: chunked\r\n", chunk(20'000)));
    CHECK(eventually([&] { return held() >= 20'000; }));
    client.send("nonsense");
    CHECK(client.answer().status == 500);
    CHECK(gone());
  }
  SUBCASE("an answer from elsewhere") {
    auto client = server->client();
    client.send(body_of("X-Hand: 1\r\nContent-Length: 50000\r\n", std::string(20'000, 'x')));
    const auto exchange = handed.get_future().get();
    CHECK(eventually([&] { return held() >= 20'000; }));
    exchange->respond(Response(200, "early"));
    CHECK(client.answer().body == "early");
    CHECK(gone());
  }
  SUBCASE("a handler that throws") {
    CHECK(server->client().ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabcde").status == 500);
    CHECK(gone());
  }
  SUBCASE("the engine stops") {
    auto client = server->client();
    client.send(half);
    CHECK(eventually([&] { return held() >= 20'000; }));
    (*server)->stop();
    CHECK(held() == 0);
  }
}

TEST_CASE("a body that stalls gives its memory back") {
  Options options = with_bodies(100'000, 100'000);
  options.body_timeout = milliseconds(100);
  Server server(measure, options);
  auto client = server.client();
  CHECK(client.ask(announced(50'000, 20'000)).status == 408);
  CHECK(eventually([&] { return server->metrics().buffered_bytes == 0; }));
}

TEST_CASE("answers that wait for their readers fill the memory: others are told to come later") {
  constexpr std::size_t kSize = 20'000'000;  // more than the kernel takes
  Options options;
  options.max_answer_bytes = 50'000'000;
  std::mutex mutex;
  std::vector<std::string> routes;
  options.on_finished = [&](const Finished &finished) {
    const std::lock_guard lock(mutex);
    if (finished.status == 503) routes.push_back(std::string(finished.route) + " " + std::string(finished.user));
  };
  Server server(
      [&](const std::shared_ptr<Exchange> &exchange) {
        Response response(200);
        response.route = "files";
        response.user = "einstein";
        if (exchange->head().path == "/bytes") response.body = std::string(kSize, 'x');
        if (exchange->head().path == "/small") response.body = std::string(4'000, 'x');
        if (exchange->head().path == "/extents") {
          Extents extents;
          for (int index = 0; index < 20; ++index)
            extents.parts.push_back(Extent::memory(std::string(kSize / 20, 'x')));
          response.body = std::move(extents);
        }
        if (exchange->head().path == "/hole") response.body = Extents{{Extent::hole(kSize * 10)}, nullptr, false};
        exchange->respond(std::move(response));
      },
      options);
  const auto held = [&] { return server->metrics().answer_bytes.load(); };
  auto first = server.client(4096), second = server.client(4096);
  first.send(get("/bytes"));
  second.send(get("/extents"));
  CHECK(first.has("HTTP/1.1 200"));
  CHECK(second.has("HTTP/1.1 200"));
  CHECK(eventually([&] { return held() >= 2 * kSize; }));
  CHECK(held() < 2 * kSize + 1'000'000);
  CHECK(server->metrics().answers_refused == 0);

  auto third = server.client();
  std::uint64_t count = 0;
  for (const char *path : {"/bytes", "/extents"}) {
    const auto refused = third.ask(get(path));
    CHECK(refused.status == 503);
    CHECK(refused.header("Retry-After") == "5");
    CHECK(refused.whole);
    CHECK(server->metrics().answers_refused == ++count);
  }
  CHECK(third.ask(get("/small")).status == 200);  // and the connection is kept
  third.send("HEAD /bytes HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(third.answer(true).header("Content-Length") == std::to_string(kSize));
  CHECK(third.ask(get("/hole")).whole);  // holds nothing
  CHECK(first.answer().whole);
  CHECK(eventually([&] { return held() < kSize + 1'000'000; }));
  CHECK(third.ask(get("/bytes")).whole);
  second.abort();
  CHECK(eventually([&] { return held() == 0; }));
  first.send(get("/bytes"));
  CHECK(first.has("HTTP/1.1 200"));
  CHECK(held() >= kSize);
  server->stop();
  CHECK(held() == 0);
  const std::vector<std::string> expected(2, "files einstein");
  CHECK((routes == expected));
}

#ifndef ATOLL_SANITIZED
TEST_CASE("requests that overlap the reads of the server do not pile up") {
  const auto resident = [] {
    std::ifstream file("/proc/self/status");
    std::string line;
    while (std::getline(file, line))
      if (line.rfind("VmRSS:", 0) == 0) return std::stoull(line.substr(6)) * 1024;
    return 0ull;
  };
  constexpr int kRequests = 50'000;
  Server server([](const std::shared_ptr<Exchange> &exchange) { exchange->respond(Response(204)); });
  auto client = server.client();
  const auto request = get("/", "X: " + std::string(1'900, 'x') + "\r\n");  // no divisor of what is read at once
  std::size_t got = 0;
  const auto before = resident();
  REQUIRE(before > 0);
  std::thread sender([&] {
    for (int index = 0; index < kRequests; ++index)
      if (!client.send(request)) return;
  });
  const auto one = client.answer();
  CHECK(one.status == 204);
  char piece[65536];
  for (ssize_t count = 0;
       server->metrics().responses[1] < kRequests && (count = ::recv(client.fd(), piece, sizeof piece, 0)) > 0;)
    got += static_cast<std::size_t>(count);
  CHECK(resident() < before + 30'000'000);  // of 100 MB
  client.shutdown();
  sender.join();
  CHECK(server->metrics().responses[1] == kRequests);
}
#endif

TEST_CASE("what follows a chunked body is not read far ahead") {
  // 100 bodies at once: each is answered, although the reads of the server end anywhere.
  Server server(measure);
  auto client = server.client();
  std::string all;
  for (int index = 0; index < 100; ++index)
    all += body_of("Transfer-Encoding: chunked\r\n",
                   chunk(static_cast<std::size_t>(index) * 977 + 1) + chunk(5) + "0\r\n\r\n");
  std::thread sender([&] { client.send(all); });
  for (int index = 0; index < 100; ++index) CHECK(client.answer().body == std::to_string(index * 977 + 6));
  sender.join();
}
