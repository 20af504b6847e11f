// SPDX-License-Identifier: Apache-2.0
// Requests and answers over real sockets: keep-alive, pipelining, HEAD, refusals, counters.
#include "core/net/engine.hpp"

#include <doctest/doctest.h>

#include <ostream>
#include <stdexcept>

#include "core/net/test_client.hpp"

using namespace Atoll;
using namespace Atoll::net;
using namespace Atoll::net::test;

namespace {

void hello(const std::shared_ptr<Exchange> &exchange) {
  exchange->respond(Response(200, "hello " + std::string(exchange->head().path)));
}

}  // namespace

TEST_CASE("a request is answered and the connection kept") {
  Server server(hello);
  auto client = server.client();
  for (int turn = 0; turn < 3; ++turn) {
    const auto answer = client.ask(get("/x"));
    CHECK(answer.status == 200);
    CHECK(answer.body == "hello /x");
    CHECK(answer.header("Content-Length") == "8");
    CHECK(answer.header("Connection").empty());
    CHECK(answer.header("Date").size() == 29);
    CHECK(answer.header("X-Request-ID").size() == 15);
  }
  CHECK(server->metrics().requests == 3);
  CHECK(server->metrics().connections_accepted == 1);
  CHECK(server->metrics().connections_open == 1);
  client.close();
  CHECK(eventually([&] { return server->metrics().connections_open == 0; }));
  CHECK(server->metrics().responses[1] == 3);
  CHECK(server->metrics().requests_active == 0);
}

TEST_CASE("the request id of the client comes back, a strange one does not") {
  Server server(hello);
  auto client = server.client();
  CHECK(client.ask(get("/", "X-Request-ID: abc.DEF-1_2\r\n")).header("X-Request-ID") == "abc.DEF-1_2");
  CHECK(client.ask(get("/", "X-Request-ID: a b\r\n")).header("X-Request-ID").size() == 15);
}

TEST_CASE("HTTP/1.0 closes unless asked to keep") {
  Server server(hello);
  auto first = server.client();
  auto answer = first.ask("GET / HTTP/1.0\r\n\r\n");
  CHECK(answer.status == 200);
  CHECK(answer.header("Connection") == "close");
  CHECK(first.closed());
  auto second = server.client();
  answer = second.ask("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  CHECK(answer.header("Connection") == "keep-alive");
  CHECK(second.ask("GET / HTTP/1.0\r\n\r\n").status == 200);
}

TEST_CASE("the client's wish to close is met") {
  Server server(hello);
  auto client = server.client();
  CHECK(client.ask(get("/", "Connection: close\r\n")).header("Connection") == "close");
  CHECK(client.closed());
}

TEST_CASE("pipelined requests are answered in order, also by slow and foreign threads") {
  std::vector<std::thread> threads;
  std::mutex mutex;
  {
    Server server([&](std::shared_ptr<Exchange> exchange) {
      if (exchange->head().path == "/3") {
        const std::lock_guard lock(mutex);
        threads.emplace_back([exchange = std::move(exchange)] { hello(exchange); });
      } else {
        hello(exchange);
      }
    });
    auto client = server.client();
    std::string all;
    for (int index = 0; index < 200; ++index) all += get("/" + std::to_string(index % 10));
    CHECK(client.send(all));
    for (int index = 0; index < 200; ++index) CHECK(client.answer().body == "hello /" + std::to_string(index % 10));
  }
  for (auto &thread : threads) thread.join();
}

TEST_CASE("a request that comes byte by byte") {
  Server server(hello);
  auto client = server.client();
  for (const char c : get("/slow")) CHECK(client.send(std::string_view(&c, 1)));
  CHECK(client.answer().body == "hello /slow");
}

TEST_CASE("HEAD has the headers of GET and no body") {
  Server server([](const std::shared_ptr<Exchange> &exchange) {
    Response response(200, "12345");
    const auto path = exchange->head().path;
    if (path == "/file") {
      Extents extents;
      extents.parts.push_back(Extent::hole(1u << 30));
      response.body = std::move(extents);
    }
    if (path == "/own") {
      response.body = std::monostate{};
      response.with("Content-Length", "77");
    }
    if (path == "/generator") response.body = Generator{{}, [](std::span<char>) { return Pull::end(); }, nullptr};
    exchange->respond(std::move(response));
  });
  auto client = server.client();
  const auto head = [&](const std::string &path) {
    client.send("HEAD " + path + " HTTP/1.1\r\nHost: a\r\n\r\n");
    return client.answer(true);
  };
  CHECK(head("/").header("Content-Length") == "5");
  CHECK(head("/file").header("Content-Length") == "1073741824");
  CHECK(head("/own").header("Content-Length") == "77");
  CHECK(head("/generator").header("Content-Length").empty());
  CHECK(client.ask(get("/")).body == "12345");
}

TEST_CASE("204 and 304 have neither body nor length") {
  Server server([](const std::shared_ptr<Exchange> &exchange) {
    exchange->respond(Response(exchange->head().path == "/204" ? 204 : 304, "surprise"));
  });
  auto client = server.client();
  for (const char *path : {"/204", "/304"}) {
    const auto answer = client.ask(get(path));
    CHECK(std::to_string(answer.status) == path + 1);
    CHECK(answer.header("Content-Length").empty());
  }
}

TEST_CASE("no handler can split an answer or break its framing") {
  Server server([](const std::shared_ptr<Exchange> &exchange) {
    Response response(200, "body");
    response.with("X-A", "1\r\nX-B: 2")
        .with("X C", "3")
        .with("Content-Length", "99")
        .with("Transfer-Encoding", "chunked");
    exchange->respond(std::move(response));
  });
  auto client = server.client();
  const auto answer = client.ask(get("/"));
  CHECK(answer.header("X-A") == "1  X-B: 2");
  CHECK(answer.header("X-B").empty());
  CHECK(answer.header("X C").empty());
  CHECK(answer.header("Content-Length") == "4");
  CHECK(answer.header("Transfer-Encoding").empty());
  CHECK(answer.body == "body");
}

TEST_CASE("a handler that throws, forgets or speaks nonsense answers 500") {
  Server server([](const std::shared_ptr<Exchange> &exchange) {
    if (exchange->head().path == "/throw") throw std::runtime_error("no");
    if (exchange->head().path == "/nonsense") exchange->respond(Response(99));
    if (exchange->head().path == "/twice") {
      exchange->respond(Response(200, "first"));
      exchange->respond(Response(200, "second"));
    }
  });
  auto client = server.client();
  CHECK(client.ask(get("/throw")).status == 500);
  CHECK(client.ask(get("/forget")).status == 500);
  CHECK(client.ask(get("/nonsense")).status == 500);
  CHECK(client.ask(get("/twice")).body == "first");
  CHECK(client.ask(get("/forget")).status == 500);
}

TEST_CASE("a refused head is answered with a sentence, closed and counted") {
  Server server(hello, [] {
    Options options;
    options.max_head = 4096;
    options.max_target = 1024;
    return options;
  }());
  const std::pair<int, std::string> rows[] = {
      {400, "GET / HTTP/1.1\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n"},
      {400, "nonsense\r\n\r\n"},
      {400, std::string("\x16\x03\x01", 3)},
      {414, "GET /" + std::string(2000, 'a') + " HTTP/1.1\r\n"},
      {431, "GET / HTTP/1.1\r\nX: " + std::string(5000, 'a')},
      {501, "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n"},
      {505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
  };
  std::uint64_t count = 0;
  for (const auto &[status, text] : rows) {
    CAPTURE(text.substr(0, 60));
    auto client = server.client();
    const auto answer = client.ask(text);
    CHECK(answer.status == status);
    CHECK(answer.body.size() > 10);
    CHECK(answer.header("Connection") == "close");
    CHECK(client.closed());
    CHECK(server->metrics().heads_refused == ++count);
  }
  CHECK(server->metrics().requests == 0);
}

TEST_CASE("the handler sees both ends of the connection") {
  Server server([](const std::shared_ptr<Exchange> &exchange) {
    const auto &connection = *exchange->head().connection;
    exchange->respond(Response(200, connection.peer.host + " " + connection.local.text()));
  });
  CHECK(server.client().ask(get("/")).body == "127.0.0.1 127.0.0.1:" + std::to_string(server.port()));
}

TEST_CASE("what an access log needs is told once per answer") {
  std::mutex mutex;
  std::vector<std::string> lines;
  Options options;
  options.on_finished = [&](const Finished &finished) {
    const std::lock_guard lock(mutex);
    lines.push_back(std::string(finished.head.method) + " " + std::string(finished.head.path) + " " +
                    std::to_string(finished.status) + (finished.complete ? " whole" : " broken"));
  };
  Server server(hello, std::move(options));
  const auto told = [&](std::size_t count) {
    return eventually([&] {
      const std::lock_guard lock(mutex);
      return lines.size() == count;
    });
  };
  server.client().ask(get("/a"));
  REQUIRE(told(1));
  server.client().ask("bad\r\n\r\n");
  REQUIRE(told(2));
  CHECK(lines[0] == "GET /a 200 whole");
  CHECK(lines[1].find("400 whole") != std::string::npos);
}

TEST_CASE("two engines in one process, and answers from a foreign thread later") {
  std::mutex mutex;
  std::vector<std::shared_ptr<Exchange>> kept;
  Server late([&](std::shared_ptr<Exchange> exchange) {
    const std::lock_guard lock(mutex);
    kept.push_back(std::move(exchange));
  });
  Server other(hello);
  auto client = late.client();
  client.send(get("/later"));
  CHECK(other.client().ask(get("/now")).body == "hello /now");
  REQUIRE(eventually([&] {
    const std::lock_guard lock(mutex);
    return kept.size() == 1;
  }));
  CHECK_FALSE(kept[0]->cancelled());
  CHECK(late->metrics().workers_busy == 0);  // nobody waits for the answer
  hello(kept[0]);
  CHECK(client.answer().body == "hello /later");
  CHECK(kept[0]->responded());
}
