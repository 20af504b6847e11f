// SPDX-License-Identifier: Apache-2.0
// Request bodies: buffered, into files, streamed; announced and not, whole and cut off.
#include <doctest/doctest.h>

#include <atomic>
#include <cstdio>
#include <future>
#include <ostream>

#include "core/net/block_pool.hpp"
#include "core/net/test_client.hpp"

using namespace Atoll;
using namespace Atoll::net;
using namespace Atoll::net::test;

namespace {

// Answers with what became of the body: its text, or the status of the error.
void echo(const std::shared_ptr<Exchange> &exchange) {
  exchange->buffer_body(1000, [](Exchange &self, Result<std::string> body) {
    if (body) return self.respond(Response(200, *body));
    self.respond(Response(body.status() == Status::ResourceExhausted ? 413 : 400, body.error().message));
  });
}

std::string put(std::string_view fields, std::string_view body = {}) {
  return "PUT /x HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n" + std::string(body);
}

std::string sized(std::string_view body) {
  return put("Content-Length: " + std::to_string(body.size()) + "\r\n", body);
}

std::string content(int fd) {
  std::string out(static_cast<std::size_t>(::lseek(fd, 0, SEEK_END)), '\0');
  REQUIRE(::pread(fd, out.data(), out.size(), 0) == static_cast<ssize_t>(out.size()));
  return out;
}

}  // namespace

TEST_CASE("a body in memory, by length and chunked, on one connection") {
  Server server(echo);
  auto client = server.client();
  CHECK(client.ask(sized("hello")).body == "hello");
  CHECK(client.ask(put("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n")).body ==
        "hello world");
  CHECK(client.ask(put("Content-Length: 0\r\n")).body.empty());
  CHECK(client.ask(put("")).body.empty());  // no length, no coding: no body
  CHECK(client.ask(put("Transfer-Encoding: chunked\r\n", "0\r\nX-Trailer: y\r\n\r\n")).body.empty());
  CHECK(client.ask(sized("last")).body == "last");
}

TEST_CASE("bodies that come in pieces") {
  Server server(echo);
  auto client = server.client();
  for (const auto &request :
       {sized("abcdef"), put("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n")}) {
    for (const char c : request) CHECK(client.send(std::string_view(&c, 1)));
    CHECK(client.answer().body == "abcdef");
  }
}

TEST_CASE("pipelined bodies") {
  Server server(echo);
  auto client = server.client();
  client.send(sized("one") + put("Transfer-Encoding: chunked\r\n", "3\r\ntwo\r\n0\r\n\r\n") + sized("three"));
  CHECK(client.answer().body == "one");
  CHECK(client.answer().body == "two");
  CHECK(client.answer().body == "three");
}

TEST_CASE("a body over the limit is refused, by length before it is read") {
  Server server(echo);
  auto first = server.client();
  const auto announced = first.ask(put("Content-Length: 1000000\r\nExpect: 100-continue\r\n"));
  CHECK(announced.status == 413);
  CHECK(announced.header("Connection") == "close");
  CHECK(first.closed());
  auto second = server.client();
  const std::string chunk = "300\r\n" + std::string(0x300, 'x') + "\r\n";
  CHECK(second.ask(put("Transfer-Encoding: chunked\r\n", chunk + chunk)).status == 413);
  auto third = server.client();  // small enough to be dropped: the connection stays
  CHECK(third.ask(sized(std::string(2000, 'x'))).status == 413);
  CHECK(third.ask(sized("next")).body == "next");
}

TEST_CASE("100 Continue comes when the body is asked for, and only then") {
  Server server([](const std::shared_ptr<Exchange> &exchange) {
    if (exchange->head().header("authorization"))
      echo(exchange);
    else
      exchange->respond(Response(401, "who?"));
  });
  auto refused = server.client();
  const auto answer = refused.ask(put("Expect: 100-continue\r\nContent-Length: 5\r\n"));
  CHECK(answer.status == 401);
  CHECK(answer.header("Connection") == "close");
  CHECK(refused.closed());

  auto taken = server.client();
  taken.send(put("Authorization: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n"));
  CHECK(taken.answer().status == 100);
  taken.send("hello");
  CHECK(taken.answer().body == "hello");

  auto chunked = server.client();
  chunked.send(put("Authorization: x\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n"));
  CHECK(chunked.answer().status == 100);
  chunked.send("5\r\nhello\r\n0\r\n\r\n");
  CHECK(chunked.answer().body == "hello");

  auto eager = server.client();  // did not wait: no 100 is needed
  CHECK(eager.ask(put("Authorization: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n", "hello")).status == 200);
}

TEST_CASE("a body that nobody asked for is dropped, and never taken for a request") {
  Server server([](const std::shared_ptr<Exchange> &exchange) {
    exchange->respond(Response(200, std::string(exchange->head().method)));
  });
  const std::string inner = "DELETE /gotcha HTTP/1.1\r\nHost: a\r\n\r\n";
  auto client = server.client();
  client.send(sized(inner) + get("/"));
  CHECK(client.answer().body == "PUT");
  CHECK(client.answer().body == "GET");
  client.send(put("Content-Length: 30000\r\n", std::string(100, 'x')));
  CHECK(client.answer().body == "PUT");
  client.send(std::string(29900, 'x') + get("/"));
  CHECK(client.answer().body == "GET");
  client.send(put("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\n\r\n") + get("/"));
  CHECK(client.answer().body == "PUT");
  CHECK(client.answer().body == "GET");
  client.send(put("Content-Length: 65537\r\n"));
  const auto big = client.answer();
  CHECK(big.body == "PUT");
  CHECK(big.header("Connection") == "close");
  CHECK(client.closed());
}

TEST_CASE("an upload into a file, at an offset, seen by an observer") {
  const auto file = temporary_file("0123");
  std::string seen;
  Server server([&](const std::shared_ptr<Exchange> &exchange) {
    BodyTarget target;
    target.fd = file.get();
    target.offset = 4;
    target.observer = [&](std::span<const std::byte> bytes) {
      seen.append(reinterpret_cast<const char *>(bytes.data()), bytes.size());
    };
    exchange->receive_body(std::move(target), [](Exchange &self, Result<std::uint64_t> bytes) {
      self.respond(Response(bytes ? 201 : 500, bytes ? std::to_string(*bytes) : bytes.error().message));
    });
  });
  const auto body = pattern(10'000'000);
  auto client = server.client();
  CHECK(client.ask(sized(body)).body == "10000000");
  CHECK(content(file.get()) == "0123" + body);
  CHECK(seen == body);
  CHECK(client.ask(sized("abc")).body == "3");  // the connection is as before
}

TEST_CASE("a large chunked upload through a function, then the next request") {
  std::string got;
  Server server([&](const std::shared_ptr<Exchange> &exchange) {
    BodyTarget target;
    target.write = [&](std::uint64_t offset, std::span<const std::byte> bytes) -> Result<void> {
      if (offset == 0) got.clear();
      CHECK(offset == got.size());
      got.append(reinterpret_cast<const char *>(bytes.data()), bytes.size());
      return {};
    };
    exchange->receive_body(std::move(target), [](Exchange &self, Result<std::uint64_t> bytes) {
      self.respond(Response(201, std::to_string(bytes ? *bytes : 0)));
    });
  });
  const auto body = pattern(3'000'000);
  std::string request = put("Transfer-Encoding: chunked\r\n");
  for (std::size_t at = 0, size = 1; at < body.size(); size = size * 3 % 70001 + 1) {
    const auto piece = body.substr(at, size);
    char line[32];
    request.append(line, static_cast<std::size_t>(std::snprintf(line, sizeof line, "%zx\r\n", piece.size())));
    request += piece + "\r\n";
    at += piece.size();
  }
  request += "0\r\n\r\n";
  auto client = server.client();
  CHECK(client.ask(request).body == "3000000");
  CHECK(got == body);
  CHECK(client.ask(sized("x")).body == "1");
}

TEST_CASE("a body shorter than announced is an error and never a success") {
  std::mutex mutex;
  std::vector<Status> ends;
  Server server([&](const std::shared_ptr<Exchange> &exchange) {
    exchange->stream_body([](std::span<const std::byte>) -> Result<void> { return {}; },
                          [&](Exchange &self, Result<std::uint64_t> bytes) {
                            {
                              const std::lock_guard lock(mutex);
                              ends.push_back(bytes.status());
                            }
                            CHECK(self.cancelled());
                            self.respond(Response(400, "cut off"));
                          });
  });
  const auto count = [&] {
    const std::lock_guard lock(mutex);
    return ends.size();
  };
  auto half = server.client();  // says that it sends no more, but still listens
  half.send(put("Content-Length: 1000000\r\n", std::string(5000, 'x')));
  half.shutdown();
  CHECK(half.answer().status == 400);
  auto gone = server.client();
  gone.send(put("Content-Length: 1000000\r\n", std::string(5000, 'x')));
  gone.close();
  CHECK(eventually([&] { return count() == 2; }));
  auto aborted = server.client();
  aborted.send(put("Transfer-Encoding: chunked\r\n", "5000\r\nabc"));
  aborted.abort();
  CHECK(eventually([&] { return count() == 3; }));
  auto unfinished = server.client();
  unfinished.send(put("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\n"));
  unfinished.close();
  CHECK(eventually([&] { return count() == 4; }));
  for (const auto status : ends) CHECK(status == Status::Cancelled);
}

TEST_CASE("broken chunks are an error of the client") {
  Server server(echo);
  for (const char *body : {"x\r\n", "3\r\nabcd\r\n", "3\nabc\n0\n\n", "FFFFFFFFFFFFFFFFFF\r\n"}) {
    auto client = server.client();
    const auto answer = client.ask(put("Transfer-Encoding: chunked\r\n", body));
    CHECK(answer.status == 400);
    CHECK(answer.header("Connection") == "close");
    CHECK(client.closed());
  }
}

TEST_CASE("a target that fails ends the reception with its own error") {
  Server server([](const std::shared_ptr<Exchange> &exchange) {
    BodyTarget target;
    target.write = [](std::uint64_t offset, std::span<const std::byte>) -> Result<void> {
      if (offset > 100000) return error(Status::InsufficientStorage, "the disk is full");
      return {};
    };
    exchange->receive_body(std::move(target), [](Exchange &self, Result<std::uint64_t> bytes) {
      self.respond(Response(bytes.status() == Status::InsufficientStorage ? 507 : 500, "no"));
    });
  });
  auto client = server.client();
  std::thread sender([&] { client.send(put("Content-Length: 20000000\r\n", std::string(20000000, 'x'))); });
  const auto answer = client.answer();
  sender.join();
  CHECK(answer.status == 507);
  CHECK(answer.header("Connection") == "close");
  CHECK(client.closed());
}

TEST_CASE("an answer from another thread ends the reception") {
  std::promise<void> ended;
  std::shared_ptr<Exchange> kept;
  std::promise<void> handed;
  Server server([&](const std::shared_ptr<Exchange> &exchange) {
    kept = exchange;
    exchange->stream_body([](std::span<const std::byte>) -> Result<void> { return {}; },
                          [&](Exchange &, Result<std::uint64_t> bytes) {
                            CHECK(bytes.status() == Status::Cancelled);
                            ended.set_value();
                          });
    handed.set_value();
  });
  auto client = server.client();
  client.send(put("Content-Length: 1000000\r\n", "abc"));
  handed.get_future().get();
  kept->respond(Response(503, "not now"));
  ended.get_future().get();
  CHECK(client.answer().status == 503);
  kept.reset();
}

TEST_CASE("a body is asked for once, and not after the answer") {
  std::atomic<int> errors{0};
  Server server([&](const std::shared_ptr<Exchange> &exchange) {
    const auto failed = [&](Exchange &, Result<std::string> body) { errors += body ? 0 : 1; };
    if (exchange->head().path == "/x") {
      exchange->buffer_body(10, [](Exchange &self, Result<std::string> body) { self.respond(Response(200, *body)); });
      exchange->buffer_body(10, failed);
    } else {
      exchange->respond(Response(200, "early"));
      exchange->buffer_body(10, failed);
    }
  });
  auto client = server.client();
  CHECK(client.ask(sized("abc")).body == "abc");
  CHECK(client.ask(get("/y")).body == "early");
  CHECK(eventually([&] { return errors == 2; }));
}

TEST_CASE("pieces of a large body stay where they are as long as they are held, within the budget") {
  struct Seen {
    std::string at_once, later;
    std::vector<BodyPiece> held;
    std::size_t loose = 0;
    bool order = true;
  };
  constexpr std::uint64_t budget = 4 * BlockPool::kBlock;
  std::string body(5'000'000, '\0');
  for (std::size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>(i * 7 + i / 1000);
  Seen seen;
  std::atomic<std::size_t> pauses{0};
  Options options;
  options.max_buffered_total = budget;
  Server server(
      [&seen, &pauses](const std::shared_ptr<Exchange> &exchange) {
        seen = {};
        BodyTarget target;
        target.take = [&seen, &pauses](std::uint64_t offset, BodyPiece piece) -> Result<void> {
          if (offset != seen.at_once.size()) seen.order = false;
          if (piece.bytes.empty()) ++pauses;
          const std::string_view text(reinterpret_cast<const char *>(piece.bytes.data()), piece.bytes.size());
          seen.at_once += text;
          if (piece.hold)
            seen.held.push_back(std::move(piece));
          else
            seen.loose += text.size();
          return {};
        };
        exchange->receive_body(std::move(target), [&seen](Exchange &self, Result<std::uint64_t> bytes) {
          for (const auto &piece : seen.held)
            seen.later.append(reinterpret_cast<const char *>(piece.bytes.data()), piece.bytes.size());
          seen.held.clear();
          self.respond(Response(bytes && *bytes == seen.at_once.size() ? 200 : 500, "end"));
        });
      },
      options);
  auto client = server.client();
  const std::string chunk =
      "400000\r\n" + body.substr(0, 0x400000) + "\r\n" + "10\r\n" + body.substr(0x400000, 16) + "\r\n0\r\n\r\n";
  for (const bool chunked : {false, true}) {
    CAPTURE(chunked);
    CHECK(client.ask(chunked ? put("Transfer-Encoding: chunked\r\n", chunk) : sized(body)).status == 200);
    CHECK(seen.order);
    const auto expected = chunked ? body.substr(0, 0x400010) : body;
    CHECK(seen.at_once == expected);
    // What could be held is at most the budget, and nobody wrote over it; the rest was valid at once only.
    CHECK(seen.later.size() <= budget);
    CHECK(seen.later.size() + seen.loose == expected.size());
    CHECK_FALSE(seen.later.empty());
    std::size_t at = expected.find(seen.later.substr(0, 64));
    CHECK(at != std::string::npos);
    CHECK(server->metrics().buffered_bytes == 0);
  }
  // A client that stops in between: who holds pieces is told.
  pauses = 0;
  CHECK(client.send(sized(body).substr(0, body.size() - 1'000'000)));
  CHECK(eventually([&] { return pauses > 0; }));
}
