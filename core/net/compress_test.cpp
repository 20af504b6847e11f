// SPDX-License-Identifier: Apache-2.0
// Which answers are compressed, that they are what they were before, and that nothing waits in a buffer.
#include "core/net/compress.hpp"

#include <doctest/doctest.h>
#include <zlib.h>

#include <atomic>
#include <ostream>
#include <random>

#include "core/net/test_client.hpp"

using namespace Atoll;
using namespace Atoll::net;
using namespace Atoll::net::test;

namespace {

/// Undoes gzip, piece by piece.
class Gunzip {
 public:
  Gunzip() { REQUIRE(::inflateInit2(&stream_, 15 + 16) == Z_OK); }
  ~Gunzip() { ::inflateEnd(&stream_); }
  Gunzip(const Gunzip &) = delete;
  Gunzip &operator=(const Gunzip &) = delete;

  std::string operator()(std::string bytes) {
    std::string out;
    stream_.next_in = reinterpret_cast<Bytef *>(bytes.data());
    stream_.avail_in = static_cast<uInt>(bytes.size());
    std::vector<char> room(65536);
    do {
      stream_.next_out = reinterpret_cast<Bytef *>(room.data());
      stream_.avail_out = static_cast<uInt>(room.size());
      const int result = ::inflate(&stream_, Z_NO_FLUSH);
      good_ =
          good_ && (result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR) && !(ended_ && !bytes.empty());
      out.append(room.data(), room.size() - stream_.avail_out);
      if (result == Z_STREAM_END) {
        ended_ = true;
        good_ = good_ && stream_.avail_in == 0;
        break;
      }
    } while (good_ && (stream_.avail_in > 0 || stream_.avail_out == 0));
    return out;
  }
  /// Exactly one whole stream was given.
  bool whole() const { return good_ && ended_; }

 private:
  z_stream stream_{};
  bool good_ = true;
  bool ended_ = false;
};

std::string decoded(const std::string &bytes) {
  Gunzip gunzip;
  auto out = gunzip(bytes);
  CHECK(gunzip.whole());
  return out;
}

std::string noise(std::size_t size, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::string out(size, '\0');
  for (char &c : out) c = static_cast<char>(random());
  return out;
}

Generator in_pieces(std::string text, std::size_t piece) {
  auto at = std::make_shared<std::size_t>(0);
  return {std::nullopt,
          [text = std::move(text), piece, at](std::span<char> room) {
            const auto count = std::min({piece, room.size(), text.size() - *at});
            if (count == 0) return Pull::end();
            text.copy(room.data(), count, *at);
            *at += count;
            return Pull::data(count);
          },
          nullptr};
}

constexpr std::string_view kWants = "Accept-Encoding: gzip\r\n";

}  // namespace

TEST_CASE("what Accept-Encoding means") {
  for (const char *yes : {"gzip", "GZIP", "x-gzip", "deflate, gzip", "gzip;q=1", "gzip ; q=0.001",
                          "gzip;Q=0.5, identity;q=0.5", "*", "br, *", "*;q=0.1", "identity;q=0, gzip;q=0.2",
                          "gzip, identity", "gzip;q=1.000", "gzip;q=1.", ", gzip ,", "gzip;level=9;q=1"})
    CHECK_MESSAGE(accepts_gzip(yes), yes);
  for (const char *no : {"",
                         "identity",
                         "deflate",
                         "br, zstd",
                         "gzip;q=0",
                         "gzip;q=0.000",
                         "*;q=0",
                         "gzip;q=0, *",
                         "*, gzip;q=0",
                         "gzip;q=0.4, identity",
                         "gzip;q=0.4, identity;q=0.5",
                         "gzip;q=",
                         "gzip;q=2",
                         "gzip;q=1.001",
                         "gzip;q=0.0001",
                         "gzip;q=-1",
                         "gzip;q=a",
                         "gzipped",
                         "gzip, gzip;q=0",
                         "gzip;q=0.3, *;q=1, identity;q=1"})
    CHECK_MESSAGE(!accepts_gzip(no), no);
}

TEST_CASE("which types are compressed") {
  for (const char *yes :
       {"text/plain", "text/html; charset=utf-8", "Application/XML", "application/json", " application/json ;x=y",
        "application/javascript", "image/svg+xml", "application/problem+json"})
    CHECK_MESSAGE(compressible_type(yes), yes);
  for (const char *no :
       {"", "image/png", "application/zip", "application/octet-stream", "text/event-stream",
        "text/event-stream; charset=utf-8", "multipart/byteranges; boundary=x", "application/jsonx", "textual"})
    CHECK_MESSAGE(!compressible_type(no), no);
}

TEST_CASE("which answers may be compressed") {
  const auto answer = [](std::size_t size = 5'000) { return Response(200, std::string(size, 'x')); };
  CHECK(may_compress(answer(), false));
  CHECK(may_compress(answer(1'400), false));
  CHECK_FALSE(may_compress(answer(1'399), false));
  for (const int status : {201, 204, 206, 304, 404, 500}) {
    auto other = answer();
    other.status = status;
    CHECK_FALSE(may_compress(other, false));
  }
  for (const auto &[name, value] :
       std::initializer_list<std::pair<const char *, const char *>>{{"ETag", "\"x\""},
                                                                    {"etag", "W/\"x\""},
                                                                    {"Content-Encoding", "br"},
                                                                    {"Content-Range", "bytes 0-9/10"},
                                                                    {"Cache-Control", "no-store, No-Transform"},
                                                                    {"Digest", "sha-256=x"}})
    CHECK_FALSE_MESSAGE(may_compress(answer().with(name, value), false), name);
  CHECK(may_compress(answer().with("Cache-Control", "no-store").with("OC-ETag", "x"), false));
  Response untyped(200);
  untyped.body = std::string(5'000, 'x');
  CHECK_FALSE(may_compress(untyped, false));
  Response stream(207);
  stream.with("Content-Type", "application/xml");
  CHECK_FALSE(may_compress(stream, false));
  stream.body = in_pieces("x", 1);
  CHECK(may_compress(stream, false));
  std::get<Generator>(stream.body).length = 5'000;
  CHECK_FALSE(may_compress(stream, false));
  stream.body = Extents{{Extent::hole(5'000)}, nullptr, false};
  CHECK_FALSE(may_compress(stream, false));
  stream.body = std::monostate{};
  stream.with("Content-Length", "5000");
  CHECK(may_compress(stream, true));
  CHECK_FALSE(may_compress(stream, false));
}

TEST_CASE("Vary is merged") {
  const auto merged = [](const char *before) {
    Response response(200);
    if (before != nullptr) response.with("vary", before);
    add_vary(response, "Accept-Encoding");
    REQUIRE(response.headers.size() == 1);
    return std::string(response.headers[0].value);
  };
  CHECK(merged(nullptr) == "Accept-Encoding");
  CHECK(merged("Prefer") == "Prefer, Accept-Encoding");
  CHECK(merged("") == "Accept-Encoding");
  CHECK(merged("a, accept-encoding ,b") == "a, accept-encoding ,b");
  CHECK(merged("*") == "*");
}

TEST_CASE("answers of all sizes come out as they went in, on one connection") {
  const std::string texts[] = {std::string(1'400, 'x'), pattern(100'000), noise(3'000'000, 1),
                               std::string(30'000'000, 'y')};
  Server server([&](const std::shared_ptr<Exchange> &exchange) {
    Response response(207, texts[static_cast<std::size_t>(exchange->head().path[1] - '0')], "application/xml");
    exchange->respond(std::move(response.with("Vary", "Prefer")));
  });
  auto client = server.client();
  std::uint64_t count = 0;
  for (int index = 0; index < 4; ++index) {
    CAPTURE(index);
    const auto path = "/" + std::to_string(index);
    const auto packed = client.ask(get(path, kWants));
    CHECK(packed.status == 207);
    CHECK(packed.whole);
    CHECK(packed.header("Content-Encoding") == "gzip");
    CHECK(packed.header("Content-Length") == std::to_string(packed.body.size()));
    CHECK(packed.header("Vary") == "Prefer, Accept-Encoding");
    CHECK((decoded(packed.body) == texts[index]));
    CHECK(server->metrics().compressed == ++count);
    const auto plain = client.ask(get(path, "Accept-Encoding: gzip;q=0\r\n"));
    CHECK(plain.header("Content-Encoding").empty());
    CHECK(plain.header("Vary") == "Prefer, Accept-Encoding");
    CHECK((plain.body == texts[index]));
    const auto silent = client.ask(get(path));
    CHECK(silent.header("Content-Encoding").empty());
    CHECK((silent.body == texts[index]));
  }
  CHECK(server->metrics().compressed == count);
  CHECK(eventually([&] { return server->metrics().answer_bytes == 0; }));
}

TEST_CASE("an answer with an ETag, a short one, and all of them when it is off, go out as they are") {
  const auto handler = [](const std::shared_ptr<Exchange> &exchange) {
    Response response(200, std::string(exchange->head().path == "/short" ? 100 : 10'000, 'x'));
    if (exchange->head().path == "/etag") response.with("ETag", "\"1\"");
    exchange->respond(std::move(response));
  };
  Server server(handler);
  auto client = server.client();
  const auto etag = client.ask(get("/etag", kWants));
  CHECK(etag.header("ETag") == "\"1\"");
  CHECK(etag.header("Content-Encoding").empty());
  CHECK(etag.header("Vary").empty());
  CHECK(etag.body.size() == 10'000);
  CHECK(client.ask(get("/short", kWants)).body.size() == 100);
  CHECK(client.ask(get("/other", kWants)).header("Content-Encoding") == "gzip");
  Options options;
  options.compress = false;
  Server off(handler, options);
  const auto plain = off.client().ask(get("/other", kWants));
  CHECK(plain.header("Content-Encoding").empty());
  CHECK(plain.header("Vary").empty());
  CHECK(plain.body.size() == 10'000);
}

TEST_CASE("HEAD says what GET would, without a length that would be wrong") {
  Server server([](const std::shared_ptr<Exchange> &exchange) {
    Response response(200, std::string(10'000, 'x'));
    if (exchange->head().path == "/own") {
      response.body = std::monostate{};
      response.with("Content-Length", "10000");
    }
    if (exchange->head().path == "/etag") response.with("ETag", "\"1\"");
    exchange->respond(std::move(response));
  });
  auto client = server.client();
  const auto head = [&](const std::string &path, std::string_view fields) {
    client.send("HEAD " + path + " HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n");
    return client.answer(true);
  };
  for (const char *path : {"/", "/own"}) {
    CAPTURE(path);
    const auto packed = head(path, kWants);
    CHECK(packed.header("Content-Length").empty());
    CHECK(packed.header("Content-Encoding") == "gzip");
    CHECK(packed.header("Vary") == "Accept-Encoding");
    const auto plain = head(path, "");
    CHECK(plain.header("Content-Length") == "10000");
    CHECK(plain.header("Content-Encoding").empty());
    CHECK(plain.header("Vary") == "Accept-Encoding");
  }
  CHECK(head("/etag", kWants).header("Content-Length") == "10000");
  CHECK(server->metrics().compressed == 0);
  CHECK(client.ask(get("/", kWants)).whole);
}

TEST_CASE("generators are compressed while they run") {
  const auto text = pattern(500'000) + noise(300'000, 2);
  Server server([&](const std::shared_ptr<Exchange> &exchange) {
    Response response(200);
    response.with("Content-Type", "application/json");
    const auto path = exchange->head().path;
    response.body = in_pieces(path == "/empty" ? "" : text, path == "/tiny" ? 7 : 50'000);
    if (path == "/known") std::get<Generator>(response.body).length = text.size();
    exchange->respond(std::move(response));
  });
  auto client = server.client();
  for (const char *path : {"/large", "/tiny", "/empty"}) {
    CAPTURE(path);
    const auto answer = client.ask(get(path, kWants));
    CHECK(answer.whole);
    CHECK(answer.header("Content-Encoding") == "gzip");
    CHECK(answer.header("Transfer-Encoding") == "chunked");
    CHECK(answer.header("Content-Length").empty());
    CHECK((decoded(answer.body) == (path[1] == 'e' ? "" : text)));
  }
  const auto known = client.ask(get("/known", kWants));
  CHECK(known.header("Content-Encoding").empty());
  CHECK((known.body == text));
  const auto old = server.client().ask("GET /large HTTP/1.0\r\nAccept-Encoding: gzip\r\n\r\n");
  CHECK(old.header("Transfer-Encoding").empty());
  CHECK((decoded(old.body) == text));
  CHECK(eventually([&] { return server->metrics().answer_bytes == 0; }));
}

TEST_CASE("what a generator has given reaches the client before it waits") {
  std::mutex mutex;
  std::string ready;
  bool end = false;
  const auto waker = std::make_shared<Waker>();
  Server server([&](const std::shared_ptr<Exchange> &exchange) {
    Response response(200);
    response.with("Content-Type", "text/plain");
    response.body = Generator{std::nullopt,
                              [&](std::span<char> room) -> Result<Pull> {
                                const std::lock_guard lock(mutex);
                                if (ready.empty()) return end ? Pull::end() : Pull::again();
                                const auto count = ready.copy(room.data(), room.size());
                                ready.erase(0, count);
                                return Pull::data(count);
                              },
                              waker};
    exchange->respond(std::move(response));
  });
  auto client = server.client();
  client.send(get("/", kWants));
  REQUIRE(client.has("\r\n\r\n"));
  std::string head;
  while (head.find("\r\n\r\n") == std::string::npos) head += client.take(1);
  CHECK(head.find("Content-Encoding: gzip") != std::string::npos);
  Gunzip gunzip;
  const auto chunk = [&] {
    std::string line;
    while (line.find("\r\n") == std::string::npos) {
      const auto c = client.take(1);
      REQUIRE(!c.empty());
      line += c;
    }
    const auto bytes = client.take(std::stoul(line, nullptr, 16));
    CHECK(client.take(2) == "\r\n");
    return bytes;
  };
  for (const auto &piece :
       {std::string("a"), std::string("bc"), noise(200'000, 3), std::string(100'000, 'z'), std::string("d")}) {
    {
      const std::lock_guard lock(mutex);
      ready = piece;
    }
    waker->wake();
    std::string got;
    while (got.size() < piece.size()) got += gunzip(chunk());
    CHECK((got == piece));
  }
  CHECK(server->metrics().answer_bytes > 0);
  {
    const std::lock_guard lock(mutex);
    end = true;
  }
  waker->wake();
  for (auto last = chunk(); !last.empty(); last = chunk()) CHECK(gunzip(last).empty());
  CHECK(gunzip.whole());
  CHECK(eventually([&] { return server->metrics().answer_bytes == 0; }));
}

TEST_CASE("generators in random steps") {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 50; ++round) {
    CAPTURE(round);
    std::string text;
    while (random() % 20 != 0)
      text += random() % 2 == 0 ? noise(random() % 40'000, random()) : std::string(random() % 90'000, 'x');
    const auto waker = std::make_shared<Waker>();
    std::size_t at = 0;
    bool waited = false;
    Server server([&](const std::shared_ptr<Exchange> &exchange) {
      Response response(200);
      response.with("Content-Type", "text/html");
      response.body = Generator{std::nullopt,
                                [&](std::span<char> room) -> Result<Pull> {
                                  if (!waited && random() % 4 == 0) {
                                    waited = true;
                                    waker->wake();
                                    return Pull::again();
                                  }
                                  waited = false;
                                  const auto most = std::min<std::size_t>(room.size(), text.size() - at);
                                  if (most == 0) return Pull::end();
                                  const auto count = text.copy(room.data(), 1 + random() % most, at);
                                  at += count;
                                  return Pull::data(count);
                                },
                                waker};
      exchange->respond(std::move(response));
    });
    const auto answer = server.client().ask(get("/", kWants));
    CHECK(answer.whole);
    CHECK((decoded(answer.body) == text));
  }
}

TEST_CASE("a generator that fails resets the connection, and one that fails at once answers 503") {
  Server server([](const std::shared_ptr<Exchange> &exchange) {
    Response response(200);
    response.with("Content-Type", "text/plain");
    const bool late = exchange->head().path == "/late";
    response.body = Generator{std::nullopt,
                              [late, count = 0](std::span<char> room) mutable -> Result<Pull> {
                                if (!late || ++count > 100) return error(Status::Unavailable, "gone");
                                const auto bytes = noise(room.size(), static_cast<std::uint64_t>(count));
                                bytes.copy(room.data(), room.size());
                                return Pull::data(room.size());
                              },
                              nullptr};
    exchange->respond(std::move(response));
  });
  const auto refused = server.client().ask(get("/", kWants));
  CHECK(refused.status == 503);
  CHECK(refused.header("Content-Encoding").empty());
  auto client = server.client();
  CHECK_FALSE(client.ask(get("/late", kWants)).whole);
  CHECK(eventually([&] { return server->metrics().connections_reset == 1; }));
  CHECK(eventually([&] { return server->metrics().answer_bytes == 0; }));
}

TEST_CASE("event streams are not touched, and without memory for a stream it goes out as it is") {
  Options options;
  options.max_answer_bytes = 1'000;
  Server server(
      [](const std::shared_ptr<Exchange> &exchange) {
        Response response(200);
        response.with("Content-Type", exchange->head().path == "/events" ? "text/event-stream" : "text/plain");
        response.body = in_pieces(pattern(100'000), 10'000);
        exchange->respond(std::move(response));
      },
      options);
  auto client = server.client();
  const auto events = client.ask(get("/events", kWants));
  CHECK(events.header("Content-Encoding").empty());
  CHECK(events.header("Vary").empty());
  CHECK((events.body == pattern(100'000)));
  const auto text = client.ask(get("/text", kWants));
  CHECK(text.header("Content-Encoding").empty());
  CHECK(text.header("Vary") == "Accept-Encoding");
  CHECK((text.body == pattern(100'000)));
  CHECK(server->metrics().compressed == 0);
}

TEST_CASE("compressed answers count for what they hold, not for what they were") {
  Options options;
  options.max_answer_bytes = 1'000'000;
  Server server(
      [](const std::shared_ptr<Exchange> &exchange) { exchange->respond(Response(200, std::string(20'000'000, 'x'))); },
      options);
  auto client = server.client();
  CHECK(client.ask(get("/")).status == 503);
  const auto packed = client.ask(get("/", kWants));
  CHECK(packed.status == 200);
  CHECK((decoded(packed.body) == std::string(20'000'000, 'x')));
  CHECK(server->metrics().answers_refused == 1);
}
