// SPDX-License-Identifier: Apache-2.0
// Slow attacks, many at once against one worker: none of them holds it, others are served, and who is slow but honest
// gets the whole answer in the end.
#include <doctest/doctest.h>

#include <cstring>
#include <deque>
#include <ostream>

#include "core/net/attack_support.hpp"

using namespace Atoll;
using namespace Atoll::net;
using namespace Atoll::net::test;
using std::chrono::milliseconds;

namespace {

Options slow_options() {
  Options options;
  options.workers = 1;
  options.min_rate = 0;  // what is looked at here is not who is cut off
  options.head_timeout = options.body_timeout = options.write_timeout = milliseconds(300'000);
  return options;
}

/// A request that is sent a byte at a time, and the body that it is answered with.
struct SlowRequest {
  std::string bytes, body;
};

std::vector<SlowRequest> slow_requests() {
  const std::string start = "PUT /x HTTP/1.1\r\nHost: a\r\n";
  const std::string chunked = start + "Transfer-Encoding: chunked\r\n\r\n";
  return {
      {"\r\n\r\nGET /x HTTP/1.1\r\nHost: a\r\nX-Long: " + std::string(100, 'y') + "\r\n\r\n", ""},
      {"GET http://a/x HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nAccept: */*\r\n\r\n", ""},
      {start + "Content-Length: 60\r\n\r\n" + pattern(60), pattern(60)},
      {start + "Content-Length: 0060\r\nExpect: 100-continue\r\n\r\n" + pattern(60), pattern(60)},
      {chunked + "00000000000001\r\nx\r\n000000000000002\r\nyz\r\n000000000000\r\n\r\n", "xyz"},
      {chunked + "1;extension=\"" + std::string(40, 'e') + "\"\r\nx\r\n0;another\r\n\r\n", "x"},
      {chunked + "5\r\nhello\r\n0\r\nX-Trailer: " + std::string(40, 't') + "\r\nY: z\r\n\r\n", "hello"},
      {chunked + "1\r\na\r\n1\r\nb\r\n1\r\nc\r\n1\r\nd\r\n1\r\ne\r\n1\r\nf\r\n0\r\n\r\n", "abcdef"},
  };
}

}  // namespace

TEST_CASE("slow: heads, bodies, chunk sizes and trailers a byte at a time, many at once") {
  Witness witness(slow_options());
  const auto &metrics = witness.server->metrics();
  struct Slow {
    Client client;
    SlowRequest request;
    std::size_t at;
  };
  std::deque<Slow> slow;
  for (int round = 0; round < 10; ++round)
    for (const auto &request : slow_requests()) {
      slow.push_back({witness.server.client(), request, 0});
      // They start at different places, so that at any time some are in each state.
      slow.back().at = static_cast<std::size_t>(round) * request.bytes.size() / 20;
      slow.back().client.send(std::string_view(request.bytes).substr(0, slow.back().at));
    }
  auto quick = witness.server.client();
  for (int step = 0; step < 40; ++step) {
    for (auto &[client, request, at] : slow)
      if (at + 1 < request.bytes.size()) client.send(std::string_view(request.bytes).substr(at++, 1));
    CHECK(quick.ask(get("/")).status == 200);
  }
  // All of them stand still in the middle: no worker is held, and none has been answered or cut off.
  CHECK(eventually([&] { return metrics.workers_busy == 0; }));
  CHECK(metrics.connections_open == slow.size() + 1);
  CHECK(metrics.timeouts == 0);
  for (int turn = 0; turn < 50; ++turn) CHECK(quick.ask(get("/")).status == 200);
  for (auto &[client, request, at] : slow) {
    CAPTURE(request.bytes);
    client.send(std::string_view(request.bytes).substr(at));
    auto answer = client.answer();
    if (answer.status == 100) answer = client.answer();
    CHECK(answer.status == 200);
    CHECK(answer.body == request.body);
  }
  CHECK(eventually([&] { return metrics.requests_active == 0; }));
}

TEST_CASE("slow: readers that take nothing, of bytes, files, holes and generators, many at once") {
  const auto big = std::make_shared<const std::string>(pattern(8'000'000));
  const auto file = temporary_file(*big);
  Server server(
      [&](const std::shared_ptr<Exchange> &exchange) {
        const auto path = exchange->head().path;
        Response response(200);
        if (path == "/bytes") {
          response.body = *big;
        } else if (path == "/file") {
          response.body = Extents{{Extent::file(file.get(), 0, big->size())}, nullptr, false};
        } else if (path == "/changing-file") {
          response.body = Extents{{Extent::file(file.get(), 0, big->size())}, nullptr, true};
        } else if (path == "/hole") {
          response.body = Extents{{Extent::hole(4'000'000), Extent::memory(big->substr(4'000'000))}, nullptr, false};
        } else if (path == "/generator") {
          Generator generator;
          generator.pull = [big, at = std::size_t{0}](std::span<char> out) mutable -> Result<Pull> {
            const auto size = std::min(out.size(), big->size() - at);
            std::memcpy(out.data(), big->data() + at, size);
            at += size;
            return size > 0 ? Pull::data(size) : Pull::end();
          };
          response.body = std::move(generator);
        } else {
          response = Response(200, "quick");
        }
        exchange->respond(std::move(response));
      },
      slow_options());
  const auto &metrics = server->metrics();
  const std::vector<std::string> paths = {"/bytes", "/file", "/changing-file", "/hole", "/generator"};
  std::vector<std::pair<Client, std::string>> slow;
  for (int round = 0; round < 8; ++round)
    for (const auto &path : paths) {
      slow.emplace_back(server.client(4096), path);
      slow.back().first.send(get(path) + get("/after"));  // and the next request waits behind it
    }
  CHECK(eventually([&] { return metrics.requests_active == slow.size() && metrics.workers_busy == 0; }));
  auto quick = server.client();
  for (int turn = 0; turn < 100; ++turn) CHECK(quick.ask(get("/")).body == "quick");
  CHECK(eventually([&] { return metrics.workers_busy == 0; }));
  CHECK(metrics.requests_active == slow.size());
  CHECK(metrics.requests == slow.size() + 100);  // the requests behind were not even looked at
  for (std::size_t index = 0; index < paths.size(); ++index) {
    CAPTURE(slow[index].second);
    const auto answer = slow[index].first.answer();
    CHECK(answer.whole);
    CHECK(answer.body.size() == big->size());
    CHECK((answer.body.substr(4'000'000) == big->substr(4'000'000)));
    CHECK(slow[index].first.answer().body == "quick");
  }
}

TEST_CASE("slow: who trickles chunk sizes, extensions or trailers is cut off like one who trickles a head") {
  Options options = slow_options();
  options.body_timeout = milliseconds(100);
  Witness witness(options);
  const std::string start = "PUT /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  // Stops in each of the states of a chunked body.
  for (const char *rest : {"", "5", "5;ext", "5\r", "5\r\n", "5\r\nhel", "5\r\nhello", "5\r\nhello\r", "5\r\nhello\r\n",
                           "0\r\n", "0\r\nX", "0\r\nX: y", "0\r\nX: y\r", "0\r\nX: y\r\n", "0\r\n\r"}) {
    CAPTURE(rest);
    auto client = witness.server.client();
    client.send(start + rest);
    const auto answer = client.answer();
    CHECK(answer.status == 408);
    CHECK(answer.header("Connection") == "close");
    CHECK(client.closed());
  }
  CHECK(witness.bodies == 0);
}

TEST_CASE("slow: a refused client that keeps talking is let go in time") {
  Options options = slow_options();
  options.linger_timeout = milliseconds(100);
  Witness witness(options);
  auto client = witness.server.client();
  client.send("GET / HTTP/1.1\r\n\r\n");
  CHECK(client.answer().status == 400);
  while (client.send("x")) {  // ends when the server has closed
    pollfd wait{client.fd(), 0, 0};
    ::poll(&wait, 1, 1);
  }
  CHECK(eventually([&] { return witness.server->metrics().connections_open == 0; }));
}

TEST_CASE("slow: a pipelined request that comes a byte at a time behind a quick one ends at the head's deadline") {
  Options options = slow_options();
  options.head_timeout = milliseconds(100);
  Witness witness(options);
  auto client = witness.server.client();
  client.send(get("/x") + "GET /y HTTP/1.1\r\nX: ");
  CHECK(client.answer().status == 200);
  while (client.send("y")) {
    pollfd wait{client.fd(), POLLIN, 0};
    if (::poll(&wait, 1, 5) > 0) break;
  }
  CHECK(client.answer().status == 408);
  CHECK(witness.requests == 1);
}

TEST_CASE("slow: an exchange that is answered late holds no worker, and neither do requests behind it") {
  std::mutex mutex;
  std::vector<std::shared_ptr<Exchange>> kept;
  Server server(
      [&](const std::shared_ptr<Exchange> &exchange) {
        if (exchange->head().path != "/late") return exchange->respond(Response(200, "quick"));
        const std::lock_guard lock(mutex);
        kept.push_back(exchange);
      },
      slow_options());
  std::vector<Client> slow;
  for (int index = 0; index < 50; ++index) {
    slow.push_back(server.client());
    slow.back().send(get("/late") + get("/behind"));
  }
  CHECK(eventually([&] {
    const std::lock_guard lock(mutex);
    return kept.size() == slow.size();
  }));
  CHECK(eventually([&] { return server->metrics().workers_busy == 0; }));
  CHECK(server.client().ask(get("/")).body == "quick");
  for (auto &exchange : kept) exchange->respond(Response(200, "late"));
  for (auto &client : slow) {
    CHECK(client.answer().body == "late");
    CHECK(client.answer().body == "quick");
  }
  kept.clear();
}
