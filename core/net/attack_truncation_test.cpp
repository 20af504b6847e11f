// SPDX-License-Identifier: Apache-2.0
// Truncation: nothing that ended early is taken for whole, neither by a handler nor by a client.
#include <doctest/doctest.h>

#include <cstring>
#include <ostream>
#include <stdexcept>

#include "core/net/attack_support.hpp"

using namespace Atoll;
using namespace Atoll::net;
using namespace Atoll::net::test;

namespace {

const std::string kTruncatedChunked =
    "PUT /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;e=f\r\nhello\r\n3\r\nabc\r\n0\r\nX: y\r\n\r\n";
const std::string kTruncatedSized = "PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\nhelloabc";

/// A generator that gives `count` bytes and then ends as `last` says.
Generator truncated_generator(std::size_t count, std::function<Result<Pull>()> last) {
  Generator generator;
  generator.pull = [count, last = std::move(last)](std::span<char> out) mutable -> Result<Pull> {
    const auto size = std::min(count, out.size());
    if (size == 0) return last();
    std::memset(out.data(), 'x', size);
    count -= size;
    return Pull::data(size);
  };
  return generator;
}

}  // namespace

TEST_CASE("truncation: a request cut anywhere is never a whole one") {
  const auto file = temporary_file();
  std::atomic<int> successes{0}, ends{0}, orders{0};
  Server server([&](const std::shared_ptr<Exchange> &exchange) {
    static std::atomic<unsigned> turn{0};
    ++orders;
    const auto received = [&](Exchange &self, Result<std::uint64_t> bytes) {
      ++ends;
      if (bytes) ++successes;
      self.respond(Response(bytes ? 201 : 400));
    };
    switch (turn++ % 3) {
      case 0:
        return exchange->buffer_body(1000, [received](Exchange &self, Result<std::string> body) {
          received(self, body ? Result<std::uint64_t>(body->size()) : Result<std::uint64_t>(std::move(body).error()));
        });
      case 1: {
        BodyTarget target;
        target.fd = file.get();
        return exchange->receive_body(std::move(target), received);
      }
      default:
        return exchange->stream_body([](std::span<const std::byte>) -> Result<void> { return {}; }, received);
    }
  });
  for (const auto &request : {kTruncatedChunked, kTruncatedSized}) {
    for (std::size_t cut = 1; cut < request.size(); ++cut) {
      for (int way = 0; way < 3; ++way) {  // half closed, closed, reset
        CAPTURE(cut);
        CAPTURE(way);
        auto client = server.client();
        client.send(std::string_view(request).substr(0, cut));
        if (way == 0) {
          client.shutdown();
          const auto status = client.answer().status;
          CHECK((status == 0 || status == 400));
        } else if (way == 1) {
          client.close();
        } else {
          client.abort();
        }
      }
    }
  }
  CHECK(eventually([&] { return server->metrics().connections_open == 0; }));
  CHECK(successes == 0);
  CHECK(ends == orders);  // each callback came
  for (const auto &request : {kTruncatedChunked, kTruncatedSized}) CHECK(server.client().ask(request).status == 201);
}

TEST_CASE("truncation: a body of unknown length that fails is reset, chunked and to the end of the connection") {
  Server server([](const std::shared_ptr<Exchange> &exchange) {
    const auto path = exchange->head().path;
    Response response(200);
    if (path == "/error")
      response.body =
          truncated_generator(3'000'000, []() -> Result<Pull> { return error(Status::Unavailable, "gone"); });
    else if (path == "/throw")
      response.body = truncated_generator(3'000'000, []() -> Result<Pull> { throw std::runtime_error("oh"); });
    else if (path == "/throw-at-once")
      response.body = truncated_generator(0, []() -> Result<Pull> { throw std::runtime_error("oh"); });
    else if (path == "/too-much")
      response.body = truncated_generator(3'000'000, []() -> Result<Pull> { return Pull::data(1u << 30); });
    else
      response.body = truncated_generator(3'000'000, []() -> Result<Pull> { return Pull::end(); });
    exchange->respond(std::move(response));
  });
  for (const std::string version : {"1.1", "1.0"}) {
    for (const std::string path : {"/error", "/throw", "/too-much"}) {
      CAPTURE(path);
      CAPTURE(version);
      auto client = server.client();
      const auto answer = client.ask("GET " + path + " HTTP/" + version + "\r\nHost: a\r\n\r\n");
      CHECK(answer.status == 200);
      CHECK_FALSE(answer.whole);
      CHECK(client.was_reset());
    }
    const auto whole = server.client().ask("GET / HTTP/" + version + "\r\nHost: a\r\n\r\n");
    CHECK(whole.whole);
    CHECK(whole.body.size() == 3'000'000);
  }
  CHECK(server.client().ask(get("/throw-at-once")).status == 500);
  CHECK(eventually([&] { return server->metrics().connections_reset == 6; }));
}

TEST_CASE("truncation: a generator never sends more than it announced") {
  Server server([](const std::shared_ptr<Exchange> &exchange) {
    Response response(200);
    auto generator = truncated_generator(100'000, [] { return Pull::end(); });
    generator.length = 1000;
    response.body = std::move(generator);
    exchange->respond(std::move(response));
  });
  auto client = server.client();
  for (int turn = 0; turn < 3; ++turn) {
    const auto answer = client.ask(get("/"));  // the next answer begins where this one ends
    CHECK(answer.whole);
    CHECK(answer.body == std::string(1000, 'x'));
  }
}

TEST_CASE("truncation: a sink or a callback that throws is an error of the server, and nothing more") {
  Server server([](const std::shared_ptr<Exchange> &exchange) {
    if (exchange->head().path == "/sink")
      return exchange->stream_body(
          [](std::span<const std::byte>) -> Result<void> { throw std::runtime_error("oh"); },
          [](Exchange &self, Result<std::uint64_t> bytes) { self.respond(Response(bytes ? 201 : 500, "sink")); });
    exchange->buffer_body(100, [](Exchange &, Result<std::string>) { throw std::runtime_error("oh"); });
  });
  auto client = server.client();
  for (const std::string path : {"/sink", "/callback", "/sink"})
    CHECK(client.ask("PUT " + path + " HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab").status == 500);
}

TEST_CASE("truncation: a server that stops resets what it was sending") {
  Server server([](const std::shared_ptr<Exchange> &exchange) {
    Response response(200);
    response.body = truncated_generator(1u << 30, [] { return Pull::end(); });
    exchange->respond(std::move(response));
  });
  for (const std::string version : {"1.1", "1.0"}) {
    auto client = server.client(4096);
    client.send("GET / HTTP/" + version + "\r\nHost: a\r\n\r\n");
    CHECK(client.has("\r\n\r\n"));
    if (version == "1.0") server->stop();
    if (version == "1.1") client.abort();
    if (version == "1.0") CHECK_FALSE(client.answer().whole);
    if (version == "1.0") CHECK(client.was_reset());
  }
}
