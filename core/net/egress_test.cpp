// SPDX-License-Identifier: Apache-2.0
// Bodies on their way out: files, ranges, generators, slow readers, and what must end in a reset.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <ostream>

#include "core/net/range.hpp"
#include "core/net/test_client.hpp"

using namespace Atoll;
using namespace Atoll::net;
using namespace Atoll::net::test;

namespace {

Response with_body(Body body) {
  Response response(200);
  response.body = std::move(body);
  return response;
}

Extents one_file(int fd, std::uint64_t size, std::shared_ptr<void> owner = nullptr, bool may_change = false) {
  return {{Extent::file(fd, 0, size)}, std::move(owner), may_change};
}

}  // namespace

TEST_CASE("files of all sizes, memory and holes in one body") {
  const auto big = pattern(3'000'000);
  const auto file = temporary_file(big);
  for (const bool may_change : {false, true}) {
    Server server([&](const std::shared_ptr<Exchange> &exchange) {
      Extents extents;
      extents.may_change = may_change;
      extents.parts = {Extent::memory("<"),
                       Extent::file(file.get(), 5, 10),
                       Extent::hole(100'000),
                       Extent::memory(""),
                       Extent::file(file.get(), 0, big.size()),
                       Extent::hole(0),
                       Extent::file(file.get(), 100, 32'768),
                       Extent::file(file.get(), 100, 32'769),
                       Extent::memory(">")};
      exchange->respond(with_body(std::move(extents)));
    });
    const auto expected = "<" + big.substr(5, 10) + std::string(100'000, '\0') + big + big.substr(100, 32'768) +
                          big.substr(100, 32'769) + ">";
    auto client = server.client();
    for (int turn = 0; turn < 2; ++turn) {
      const auto answer = client.ask(get("/"));
      CHECK(answer.whole);
      CHECK((answer.body == expected));
    }
  }
}

TEST_CASE("an empty body of extents") {
  Server server([](const std::shared_ptr<Exchange> &exchange) { exchange->respond(with_body(Extents{})); });
  auto client = server.client();
  CHECK(client.ask(get("/")).header("Content-Length") == "0");
  CHECK(client.ask(get("/")).status == 200);
}

TEST_CASE("the owner of extents is released after the last byte") {
  const auto file = temporary_file(pattern(100'000));
  std::atomic<int> released{0};
  Server server([&](const std::shared_ptr<Exchange> &exchange) {
    std::shared_ptr<void> owner(nullptr, [&](void *) { ++released; });
    exchange->respond(with_body(one_file(file.get(), 100'000, std::move(owner))));
  });
  auto client = server.client();
  CHECK(client.ask(get("/")).whole);
  CHECK(eventually([&] { return released == 1; }));
  client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
  client.answer(true);
  CHECK(eventually([&] { return released == 2; }));
}

TEST_CASE("slow readers hold no worker, and get everything") {
  const std::size_t size = 30'000'000;
  const auto big = pattern(size);
  const auto file = temporary_file(big);
  Options options;
  options.workers = 1;
  Server server(
      [&](const std::shared_ptr<Exchange> &exchange) {
        if (exchange->head().path == "/small")
          exchange->respond(Response(200, "small"));
        else if (exchange->head().path == "/bytes")
          exchange->respond(Response(200, big));
        else
          exchange->respond(with_body(one_file(file.get(), size)));
      },
      options);
  std::vector<Client> slow;
  for (int index = 0; index < 20; ++index) {
    slow.push_back(server.client(4096));
    slow.back().send(get(index % 4 == 0 ? "/bytes" : "/file"));
    CHECK(slow.back().has("HTTP/1.1 200"));
  }
  auto quick = server.client();
  for (int turn = 0; turn < 200; ++turn) CHECK(quick.ask(get("/small")).body == "small");
  CHECK(eventually([&] { return server->metrics().requests_active == 20; }));
  for (const std::size_t index : {std::size_t{0}, std::size_t{1}}) {
    const auto answer = slow[index].answer();
    CHECK(answer.whole);
    CHECK((answer.body == big));
    CHECK(slow[index].ask(get("/small")).body == "small");  // back to keep-alive
  }
}

TEST_CASE("a file that shrinks under way resets the connection") {
  const auto file = temporary_file(pattern(50'000'000));
  Server server([&](const std::shared_ptr<Exchange> &exchange) {
    exchange->respond(with_body(one_file(file.get(), 50'000'000)));
  });
  auto client = server.client(4096);
  client.send(get("/"));
  CHECK(client.has("\r\n\r\n"));
  REQUIRE(::ftruncate(file.get(), 1000) == 0);
  const auto answer = client.answer();
  CHECK_FALSE(answer.whole);
  CHECK(client.was_reset());
  CHECK(eventually([&] { return server->metrics().connections_reset == 1; }));
}

TEST_CASE("a small file that is shorter than said is a 500, as nothing was sent yet") {
  const auto file = temporary_file("abc");
  Server server(
      [&](const std::shared_ptr<Exchange> &exchange) { exchange->respond(with_body(one_file(file.get(), 10))); });
  CHECK(server.client().ask(get("/")).status == 500);
}

TEST_CASE("a file that another writer changes under way resets the connection") {
  const std::size_t size = 50'000'000;
  const auto file = temporary_file(pattern(size));
  Server server([&](const std::shared_ptr<Exchange> &exchange) {
    exchange->respond(with_body(one_file(file.get(), size, nullptr, true)));
  });
  CHECK(server.client().ask(get("/")).whole);  // nobody wrote: fine
  auto client = server.client(4096);
  client.send(get("/"));
  CHECK(client.has("\r\n\r\n"));
  REQUIRE(::pwrite(file.get(), "X", 1, static_cast<off_t>(size - 1)) == 1);
  const timespec times[2] = {{1, 0}, {1, 0}};
  REQUIRE(::futimens(file.get(), times) == 0);  // whatever the clock's grain
  CHECK_FALSE(client.answer().whole);
  CHECK(client.was_reset());
}

TEST_CASE("one range and several") {
  const auto big = pattern(1'000'000);
  const auto file = temporary_file(big);
  Server server([&](const std::shared_ptr<Exchange> &exchange) {
    const auto whole = one_file(file.get(), big.size());
    const auto wanted = parse_range(exchange->head().header("range").value_or(""), big.size());
    Response response(206);
    if (wanted.kind == RangeRequest::Kind::Unsatisfiable) {
      response = Response(416);
      response.with("Content-Range", unsatisfied_range(big.size()));
    } else if (wanted.ranges.size() == 1) {
      response.with("Content-Range", content_range(wanted.ranges[0], big.size()));
      response.body = slice(whole, wanted.ranges[0]);
    } else {
      auto multipart = multipart_ranges(whole, wanted.ranges, big.size(), "text/plain");
      response.with("Content-Type", multipart.content_type);
      response.body = std::move(multipart.body);
    }
    exchange->respond(std::move(response));
  });
  auto client = server.client();
  auto answer = client.ask(get("/", "Range: bytes=999990-\r\n"));
  CHECK(answer.body == big.substr(999990));
  CHECK(answer.header("Content-Range") == "bytes 999990-999999/1000000");
  answer = client.ask(get("/", "Range: bytes=0-99999,500000-599999\r\n"));
  CHECK(answer.whole);
  CHECK(answer.body.find(big.substr(0, 100000)) != std::string::npos);
  CHECK(answer.body.find(big.substr(500000, 100000)) != std::string::npos);
  answer = client.ask(get("/", "Range: bytes=1000000-\r\n"));
  CHECK(answer.status == 416);
  CHECK(answer.header("Content-Range") == "bytes */1000000");
}

TEST_CASE("a generator with a length, chunked, and to the end of an HTTP/1.0 connection") {
  const auto text = pattern(2'000'000);
  Server server([&](const std::shared_ptr<Exchange> &exchange) {
    std::size_t at = 0, turn = 0;
    Generator generator;
    if (exchange->head().path == "/length") generator.length = text.size();
    generator.pull = [&text, at, turn](std::span<char> out) mutable -> Result<Pull> {
      if (at == text.size()) return Pull::end();
      const auto size = std::min({out.size(), text.size() - at, ++turn * 997});
      std::memcpy(out.data(), text.data() + at, size);
      at += size;
      return Pull::data(size);
    };
    exchange->respond(with_body(std::move(generator)));
  });
  auto client = server.client();
  for (int turn = 0; turn < 2; ++turn) {
    auto answer = client.ask(get("/length"));
    CHECK(answer.header("Content-Length") == "2000000");
    CHECK((answer.body == text));
    answer = client.ask(get("/chunked"));
    CHECK(answer.header("Transfer-Encoding") == "chunked");
    CHECK((answer.body == text));
  }
  auto old = server.client();
  const auto answer = old.ask("GET /chunked HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  CHECK(answer.header("Connection") == "close");
  CHECK(answer.header("Transfer-Encoding").empty());
  CHECK((answer.body == text));
}

TEST_CASE("an empty generator") {
  Server server([](const std::shared_ptr<Exchange> &exchange) {
    exchange->respond(with_body(Generator{{}, [](std::span<char>) { return Pull::end(); }, nullptr}));
  });
  auto client = server.client();
  CHECK(client.ask(get("/")).whole);
  CHECK(client.ask(get("/")).body.empty());
}

TEST_CASE("a generator is woken from another thread, and holds no worker while it waits") {
  struct Feed {
    std::mutex mutex;
    std::string ready;
    bool end = false;
    std::shared_ptr<Waker> waker = std::make_shared<Waker>();
    void put(std::string_view text, bool last = false) {
      {
        const std::lock_guard lock(mutex);
        ready += text;
        end = last;
      }
      waker->wake();
    }
  };
  const auto feed = std::make_shared<Feed>();
  Options options;
  options.workers = 1;
  Server server(
      [&](const std::shared_ptr<Exchange> &exchange) {
        if (exchange->head().path == "/small") return exchange->respond(Response(200, "small"));
        Generator generator;
        generator.waker = feed->waker;
        generator.pull = [feed](std::span<char> out) -> Result<Pull> {
          const std::lock_guard lock(feed->mutex);
          if (feed->ready.empty()) return feed->end ? Pull::end() : Pull::again();
          const auto size = std::min(out.size(), feed->ready.size());
          std::memcpy(out.data(), feed->ready.data(), size);
          feed->ready.erase(0, size);
          return Pull::data(size);
        };
        exchange->respond(with_body(std::move(generator)));
      },
      options);
  auto client = server.client();
  client.send(get("/events"));
  CHECK(client.has("\r\n\r\n"));  // the head does not wait for the first event
  CHECK(server.client().ask(get("/small")).body == "small");
  std::thread producer([&] {
    for (int index = 0; index < 100; ++index) feed->put("event " + std::to_string(index) + "\n");
    feed->put("", true);
  });
  const auto answer = client.answer();
  producer.join();
  CHECK(answer.whole);
  CHECK(answer.body.rfind("event 0\n", 0) == 0);
  CHECK(answer.body.find("event 99\n") != std::string::npos);
  CHECK(client.ask(get("/small")).body == "small");
}

TEST_CASE("a waiting generator whose client is gone is let go") {
  const auto alive = std::make_shared<int>(1);
  const std::weak_ptr<int> watch = alive;
  Server server([token = alive](const std::shared_ptr<Exchange> &exchange) mutable {
    Generator generator;
    generator.waker = std::make_shared<Waker>();
    generator.pull = [held = std::move(token)](std::span<char>) -> Result<Pull> { return Pull::again(); };
    exchange->respond(with_body(std::move(generator)));
  });
  auto client = server.client();
  client.send(get("/"));
  CHECK(client.has("\r\n\r\n"));
  CHECK(watch.use_count() == 2);
  client.close();
  CHECK(eventually([&] { return watch.use_count() == 1; }));
}

TEST_CASE("a generator that fails: before the first byte a status, after it a reset") {
  Server server([](const std::shared_ptr<Exchange> &exchange) {
    const auto path = exchange->head().path;
    Generator generator;
    if (path == "/early") {
      generator.pull = [](std::span<char>) -> Result<Pull> { return error(Status::Unavailable, "the backend sleeps"); };
    } else if (path == "/internal") {
      generator.pull = [](std::span<char>) -> Result<Pull> { return error(Status::NotFound, "hm"); };
    } else if (path == "/short") {
      generator.length = 10'000'000;
      generator.pull = [left = 5'000'000u](std::span<char> out) mutable -> Result<Pull> {
        const auto size = std::min<std::size_t>(out.size(), left);
        left -= static_cast<unsigned>(size);
        return size > 0 ? Pull::data(size) : Pull::end();
      };
    } else {
      generator.pull = [turn = 0](std::span<char> out) mutable -> Result<Pull> {
        if (++turn > 20) return error(Status::Internal, "broken");
        return Pull::data(out.size());
      };
    }
    exchange->respond(with_body(std::move(generator)));
  });
  auto client = server.client();
  const auto early = client.ask(get("/early"));
  CHECK(early.status == 503);
  CHECK_FALSE(early.header("Retry-After").empty());
  CHECK(client.ask(get("/internal")).status == 500);  // never 404: the status of a failed body proves nothing
  for (const char *path : {"/late", "/short"}) {
    auto other = server.client();
    const auto late = other.ask(get(path));
    CHECK(late.status == 200);
    CHECK_FALSE(late.whole);
    CHECK(other.was_reset());
  }
  CHECK(server->metrics().responses[4] == 2);
}
