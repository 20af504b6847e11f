// SPDX-License-Identifier: Apache-2.0
// Clients that are too slow, and clients that only look so.
#include <doctest/doctest.h>

#include <atomic>
#include <future>
#include <limits>
#include <ostream>

#include "core/net/rate_watch.hpp"
#include "core/net/test_client.hpp"

using namespace Atoll;
using namespace Atoll::net;
using namespace Atoll::net::test;
using std::chrono::milliseconds;

namespace {

constexpr std::uint64_t kOutOfReach = 1'000'000'000'000;  ///< bytes a second
constexpr std::int64_t kSecond = 1'000'000'000;
constexpr auto kNever = std::numeric_limits<std::int64_t>::max();

Options with_rate(std::uint64_t rate, int grace_ms = 50) {
  Options options;
  options.min_rate = rate;
  options.rate_grace = milliseconds(grace_ms);
  return options;
}

void answer_body(Exchange &self, Result<std::string> body) {
  if (body) return self.respond(Response(200, std::to_string(body->size())));
  self.respond(Response(body.status() == Status::DeadlineExceeded ? 408 : 400, body.error().message));
}

void buffer(const std::shared_ptr<Exchange> &exchange) { exchange->buffer_body(1 << 20, answer_body); }

std::string slow_put(std::string_view fields, std::string_view body = {}) {
  return "PUT /x HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n" + std::string(body);
}

}  // namespace

TEST_CASE("a rate is a mean over the time in which the client is waited for") {
  const RateWatch::Limit limit{100, std::chrono::seconds(10)};
  RateWatch watch;
  CHECK(watch.deadline(limit) == kNever);
  watch.wait(5 * kSecond);
  CHECK(watch.deadline(limit) == 15 * kSecond);
  watch.wait(8 * kSecond);  // goes on
  CHECK(watch.deadline(limit) == 15 * kSecond);
  watch.go(9 * kSecond);  // 4 seconds waited
  CHECK(watch.deadline(limit) == kNever);
  watch.reached(500, limit);  // 5 seconds' worth: less than the grace
  watch.wait(100 * kSecond);
  CHECK(watch.deadline(limit) == 106 * kSecond);
  watch.go(103 * kSecond);  // 7 waited
  watch.reached(3'050, limit);
  watch.wait(200 * kSecond);
  CHECK(watch.deadline(limit) == 200 * kSecond + 30 * kSecond + kSecond / 2 - 7 * kSecond);
  CHECK(watch.deadline({0, limit.grace}) == kNever);
  watch.start();
  watch.wait(kSecond);
  CHECK(watch.deadline(limit) == 11 * kSecond);
}

TEST_CASE("bytes above the rate pay for ten minutes at most") {
  const RateWatch::Limit limit{128, std::chrono::seconds(30)};
  RateWatch watch;
  watch.wait(kSecond);
  watch.go(2 * kSecond);
  watch.reached(std::uint64_t{1} << 50, limit);
  watch.wait(10 * kSecond);
  CHECK(watch.deadline(limit) == 10 * kSecond + 600 * kSecond);
  // Eight times the minimum rate for a day: never too slow.
  watch.start();
  std::int64_t now = kSecond;
  std::uint64_t bytes = 0;
  for (int second = 0; second < 86'400; ++second) {
    watch.wait(now);
    REQUIRE(watch.deadline(limit) > now + kSecond);
    now += kSecond;
    watch.go(now);
    watch.reached(bytes += 1024, limit);
  }
  // Then a trickle: too slow after ten minutes, not after a week.
  int seconds = 0;
  for (;; ++seconds) {
    watch.wait(now);
    if (watch.deadline(limit) <= now + kSecond) break;
    now += kSecond;
    watch.go(now);
    watch.reached(++bytes, limit);
    REQUIRE(seconds < 700);
  }
  CHECK(seconds > 590);
}

TEST_CASE("a body that comes too slowly is 408, by length and chunked") {
  Server server(buffer, with_rate(kOutOfReach));
  std::uint64_t count = 0;
  for (const auto &request :
       {slow_put("Content-Length: 1000\r\n", "abc"), slow_put("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n"),
        slow_put("Transfer-Encoding: chunked\r\n"), slow_put("Content-Length: 5\r\n")}) {
    auto client = server.client();
    CHECK(client.ask(request).status == 408);
    CHECK(client.closed());
    CHECK(server->metrics().too_slow == ++count);
  }
  auto trickle = server.client();  // each byte is progress, and yet
  trickle.send(slow_put("Content-Length: 1000000\r\n"));
  std::thread sender([&] {
    while (server->metrics().too_slow == count) {
      trickle.send("x");
      std::this_thread::sleep_for(milliseconds(1));
    }
  });
  CHECK(trickle.answer().status == 408);
  sender.join();
  CHECK(server->metrics().timeouts == 0);
  CHECK(eventually([&] { return server->metrics().requests_active == 0; }));
  CHECK(server->metrics().buffered_bytes == 0);
}

TEST_CASE("a body that nobody asked for is not waited for when it is too slow") {
  Server server([](const std::shared_ptr<Exchange> &exchange) { exchange->respond(Response(200, "early")); },
                with_rate(kOutOfReach));
  auto client = server.client();
  CHECK(client.ask(slow_put("Content-Length: 1000\r\n", "abc")).body == "early");
  CHECK(client.closed());
  CHECK(server->metrics().too_slow == 1);
}

TEST_CASE("a slow but sufficient body is taken") {
  Server server(buffer, with_rate(1, 1));
  auto client = server.client();
  client.send(slow_put("Content-Length: 1001\r\n", std::string(1000, 'x')));  // worth 1000 seconds
  CHECK(eventually([&] { return server->metrics().buffered_bytes > 0; }));
  std::this_thread::sleep_for(milliseconds(100));  // many looks at the clock
  client.send("x");
  CHECK(client.answer().body == "1001");
  CHECK(server->metrics().too_slow == 0);
}

TEST_CASE("what the server takes its time for is not the client's slowness") {
  Options options = with_rate(kOutOfReach, 200);
  options.body_timeout = options.write_timeout = milliseconds(200);
  const auto pause = [] { std::this_thread::sleep_for(milliseconds(500)); };
  std::promise<void> all_sent;
  auto sent = all_sent.get_future().share();
  std::atomic<int> pulls{0};
  std::atomic<bool> more{false};
  const auto waker = std::make_shared<Waker>();
  Server server(
      [&](const std::shared_ptr<Exchange> &exchange) {
        if (exchange->head().path == "/wait") {  // a generator with nothing to say
          Response response(200);
          Generator generator;
          generator.waker = waker;
          generator.pull = [&, last = false](std::span<char> room) mutable -> Result<Pull> {
            room[0] = 'x';
            if (++pulls == 1) return Pull::data(1);
            if (!more) return Pull::again();
            if (std::exchange(last, true)) return Pull::end();
            return Pull::data(1);
          };
          response.body = std::move(generator);
          return exchange->respond(std::move(response));
        }
        sent.wait();
        pause();  // a handler that thinks
        exchange->stream_body(
            [&](std::span<const std::byte>) -> Result<void> {
              pause();  // a disk that is slow
              return {};
            },
            [](Exchange &self, Result<std::uint64_t> bytes) {
              self.respond(Response(bytes ? 200 : 408, bytes ? std::to_string(*bytes) : bytes.error().message));
            });
      },
      options);
  auto client = server.client();
  client.send(slow_put("Content-Length: 300000\r\n", std::string(300'000, 'x')));
  all_sent.set_value();
  CHECK(client.answer().body == "300000");
  client.send(get("/wait"));
  CHECK(eventually([&] { return pulls >= 2; }));
  pause();
  more = true;
  waker->wake();
  CHECK(client.answer().body == "xx");
  CHECK(server->metrics().too_slow == 0);
  CHECK(server->metrics().timeouts == 0);
}

TEST_CASE("a reader that is too slow is reset, whatever the answer is made of") {
  const std::string big(50'000'000, 'x');
  const auto file = temporary_file(big);
  Server server(
      [&](const std::shared_ptr<Exchange> &exchange) {
        Response response(200);
        if (exchange->head().path == "/bytes") {
          response.body = big;
        } else if (exchange->head().path == "/file") {
          response.body = Extents{{Extent::file(file.get(), 0, big.size())}, nullptr, false};
        } else {
          response.body =
              Generator{std::nullopt, [](std::span<char> room) { return Pull::data(room.size()); }, nullptr};
        }
        exchange->respond(std::move(response));
      },
      with_rate(kOutOfReach));
  std::uint64_t count = 0;
  for (const char *path : {"/bytes", "/file", "/generator"}) {
    CAPTURE(path);
    auto client = server.client(4096);
    client.send(get(path));
    ++count;
    CHECK(eventually([&] { return server->metrics().too_slow == count; }));
    CHECK(eventually([&] { return server->metrics().connections_reset == count; }));
    CHECK_FALSE(client.answer().whole);
  }
  CHECK(eventually([&] { return server->metrics().answer_bytes == 0; }));
  CHECK(server->metrics().requests_active == 0);
  CHECK(server->metrics().timeouts == 0);
}

TEST_CASE("a reader is not stuck while it takes what the kernel holds for it") {
  // The socket buffer holds megabytes and is writable again only when much of it is free: for longer than any timeout.
  Options options = with_rate(1, 1);
  options.write_timeout = milliseconds(1500);
  const std::string big(50'000'000, 'x');
  Server server([&](const std::shared_ptr<Exchange> &exchange) { exchange->respond(Response(200, big)); }, options);
  auto client = server.client(4096);
  client.send(get("/"));
  REQUIRE(client.has("\r\n\r\n"));
  const auto end = std::chrono::steady_clock::now() + 3 * options.write_timeout;
  char piece[4096];
  while (std::chrono::steady_clock::now() < end) {
    REQUIRE(::recv(client.fd(), piece, sizeof piece, 0) > 0);
    std::this_thread::sleep_for(milliseconds(50));
  }
  CHECK(server->metrics().connections_reset == 0);
  CHECK(server->metrics().requests_active == 1);
  // And it is stuck when it takes nothing.
  CHECK(eventually([&] { return server->metrics().connections_reset == 1; }));
  CHECK(server->metrics().timeouts == 1);
  CHECK(server->metrics().too_slow == 0);
}
