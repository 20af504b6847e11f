// SPDX-License-Identifier: Apache-2.0
// Bodies through TLS: large, slow, pipelined, and cut in the middle.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <ostream>

#include "core/net/tls_test_client.hpp"

using namespace Atoll;
using namespace Atoll::net;
using namespace Atoll::net::test;

namespace {

constexpr std::size_t kTlsBody = 20'000'000;

/// Serves one file in several ways and measures what is put.
struct TlsBodies {
  std::string big = pattern(kTlsBody);
  base::Fd file = temporary_file(big);
  std::atomic<int> failed{0};

  void operator()(const std::shared_ptr<Exchange> &exchange) {
    const auto &head = exchange->head();
    if (head.method == "PUT") {
      const auto got = std::make_shared<std::string>();
      return exchange->stream_body(
          [got](std::span<const std::byte> bytes) -> Result<void> {
            got->append(reinterpret_cast<const char *>(bytes.data()), bytes.size());
            return {};
          },
          [this, got](Exchange &self, Result<std::uint64_t> bytes) {
            if (!bytes) ++failed;
            const bool same = bytes && *got == std::string_view(big).substr(0, got->size());
            self.respond(Response(bytes ? 200 : 400, (same ? "same " : "other ") + std::to_string(got->size())));
          });
    }
    Response response(200);
    if (head.path == "/small") return exchange->respond(Response(200, "small"));
    if (head.path == "/bytes") response.body = big;
    if (head.path == "/file") response.body = Extents{{Extent::file(file.get(), 0, kTlsBody)}, nullptr, false};
    if (head.path == "/changing") response.body = Extents{{Extent::file(file.get(), 0, kTlsBody)}, nullptr, true};
    if (head.path == "/pieces") {
      Extents extents;
      for (std::size_t at = 0; at < 1'000'000; at += 1000) extents.parts.push_back(Extent::file(file.get(), at, 1000));
      extents.parts.push_back(Extent::hole(100'000));
      extents.parts.push_back(Extent::memory("end"));
      response.body = std::move(extents);
    }
    if (head.path == "/generator" || head.path == "/broken") {
      const std::size_t end = head.path == "/broken" ? kTlsBody / 2 : kTlsBody;
      Generator generator;
      if (head.path == "/broken") generator.length = kTlsBody;
      generator.pull = [this, end, at = std::size_t{0}](std::span<char> out) mutable -> Result<Pull> {
        if (at == end) return end == kTlsBody ? Result<Pull>(Pull::end()) : error(Status::Internal, "broken");
        const auto size = std::min(out.size(), end - at);
        std::memcpy(out.data(), big.data() + at, size);
        at += size;
        return Pull::data(size);
      };
      response.body = std::move(generator);
    }
    exchange->respond(std::move(response));
  }
};

Wish limited_to(int version, int receive_buffer = 0) {
  Wish wish;
  wish.oldest = wish.newest = version;
  wish.receive_buffer = receive_buffer;
  return wish;
}

std::string put_head(std::size_t size, std::string_view fields = {}) {
  return "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(size) + "\r\n" + std::string(fields) + "\r\n";
}

// A listening socket whose connections take only little at once.
base::Fd tiny_buffers(int receive = 1) {
  base::Fd fd(::socket(AF_INET, SOCK_STREAM, 0));
  const int least = 1;  // the kernel makes some KiB of it
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDBUF, &least, sizeof least);
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &receive, sizeof receive);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::bind(fd.get(), reinterpret_cast<sockaddr *>(&address), sizeof address) == 0);
  REQUIRE(::listen(fd.get(), 16) == 0);
  return fd;
}

// False if the socket takes nothing for a while; then `bytes` are what is left.
bool sent_at_once(int fd, std::string &bytes) {
  while (!bytes.empty()) {
    pollfd ready{fd, POLLOUT, 0};
    if (::poll(&ready, 1, 300) != 1) return false;
    const ssize_t count = ::send(fd, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    REQUIRE((count > 0 || errno == EAGAIN));
    if (count > 0) bytes.erase(0, static_cast<std::size_t>(count));
  }
  return true;
}

}  // namespace

TEST_CASE("large downloads arrive whole, whatever they are made of") {
  const TlsFolder files;
  TlsBodies bodies;
  Server server(std::ref(bodies), tls_options(files.context()));
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsClient client(server.port(), limited_to(version));
    for (const char *path : {"/file", "/changing", "/bytes", "/generator"}) {
      CAPTURE(path);
      const auto answer = client.ask(get(path));
      CHECK(answer.whole);
      CHECK((answer.body == bodies.big));
    }
    const auto pieces = client.ask(get("/pieces"));
    CHECK((pieces.body == bodies.big.substr(0, 1'000'000) + std::string(100'000, '\0') + "end"));
  }
}

TEST_CASE("large uploads arrive whole, by length and chunked") {
  const TlsFolder files;
  TlsBodies bodies;
  Server server(std::ref(bodies), tls_options(files.context()));
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsClient client(server.port(), limited_to(version));
    CHECK(client.send(put_head(kTlsBody) + bodies.big + get("/small")));
    CHECK(client.answer().body == "same 20000000");
    CHECK(client.answer().body == "small");
    CHECK(client.send(put_head(kTlsBody, "Expect: 100-continue\r\n")));
    CHECK(client.answer().status == 100);
    CHECK(client.send(bodies.big));
    CHECK(client.answer().body == "same 20000000");
    CHECK(client.send("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"));
    for (std::size_t at = 0; at < 1'000'000; at += 0x1234) {
      const auto piece = bodies.big.substr(at, std::min<std::size_t>(0x1234, 1'000'000 - at));
      std::array<char, 16> line{};
      std::snprintf(line.data(), line.size(), "%zx\r\n", piece.size());
      CHECK(client.send(line.data() + piece + "\r\n"));
    }
    CHECK(client.send("0\r\n\r\n"));
    CHECK(client.answer().body == "same 1000000");
  }
}

TEST_CASE("slow readers and slow writers hold no worker, and end well") {
  const TlsFolder files;
  TlsBodies bodies;
  auto options = tls_options(files.context());
  options.workers = 1;
  Server server(std::ref(bodies), options);
  std::vector<std::unique_ptr<TlsClient>> readers, writers;
  for (int index = 0; index < 10; ++index) {
    const int version = index % 2 == 0 ? TLS1_2_VERSION : TLS1_3_VERSION;
    auto &reader = *readers.emplace_back(std::make_unique<TlsClient>(server.port(), limited_to(version, 4096)));
    CHECK(reader.send(get(index % 3 == 0 ? "/bytes" : "/file")));
    CHECK(reader.has("HTTP/1.1 200"));
    auto &writer = *writers.emplace_back(std::make_unique<TlsClient>(server.port(), limited_to(version)));
    CHECK(writer.send(put_head(100'000)));
  }
  TlsClient quick(server.port());
  std::vector<std::string> records;
  for (auto &writer : writers) records.push_back(writer->seal(std::string_view(bodies.big).substr(0, 100'000)));
  for (std::size_t at = 0; at < 200; ++at) {  // in pieces that end anywhere in a record
    for (std::size_t index = 0; index < writers.size(); ++index)
      CHECK(writers[index]->raw_send(std::string_view(records[index]).substr(at * 7, 7)));
    CHECK(quick.ask(get("/small")).body == "small");
  }
  CHECK(eventually([&] { return server->metrics().requests_active == 20; }));
  CHECK(eventually([&] { return server->metrics().workers_busy == 0; }));
  for (std::size_t index = 0; index < writers.size(); ++index) {
    CHECK(writers[index]->raw_send(std::string_view(records[index]).substr(1400)));
    CHECK(writers[index]->answer().body == "same 100000");
  }
  for (const std::size_t index : {std::size_t{0}, std::size_t{1}, std::size_t{2}}) {
    const auto answer = readers[index]->answer();
    CHECK(answer.whole);
    CHECK((answer.body == bodies.big));
    CHECK(readers[index]->ask(get("/small")).body == "small");
  }
}

TEST_CASE("a client that makes us owe it more than the socket takes is read no further, until it reads") {
  const TlsFolder files;
  TlsBodies bodies;
  auto options = tls_options(files.context());
  options.workers = 1;
  options.listen = {ListenAddress::inherited(tiny_buffers(65'536).release(), true)};
  Server server(std::ref(bodies), options);
  TlsClient client(server.port(), limited_to(TLS1_3_VERSION, 1));
  const int little = 65'536;  // so that this side notices soon
  ::setsockopt(client.fd(), SOL_SOCKET, SO_SNDBUF, &little, sizeof little);
  CHECK(client.send(put_head(100'000)));
  std::string waiting;
  int updates = 0;
  for (; updates < 50'000; ++updates) {  // each wants an answer of its own
    REQUIRE(SSL_key_update(client.ssl(), SSL_KEY_UPDATE_REQUESTED) == 1);
    SSL_do_handshake(client.ssl());
    waiting += updates % 100 == 99 ? client.made() : "";
    if (!sent_at_once(client.fd(), waiting)) break;
  }
  CHECK(updates < 50'000);
  TlsClient quick(server.port());
  CHECK(quick.ask(get("/small")).body == "small");
  CHECK(eventually([&] { return server->metrics().workers_busy == 0; }));
  // The rest goes out while the answers come in: neither side may wait for the other.
  const int plenty = 1 << 20;
  ::setsockopt(client.fd(), SOL_SOCKET, SO_RCVBUF, &plenty, sizeof plenty);
  const std::string rest = waiting + client.seal(std::string_view(bodies.big).substr(0, 100'000));
  std::thread sender([&] { client.raw_send(rest); });
  const auto answer = client.answer();
  sender.join();
  CHECK(answer.body == "same 100000");
}

TEST_CASE("tiny socket buffers, in both directions and already in the handshake") {
  const TlsFolder files;
  std::string chain;
  for (int link = 0; link < 40; ++link) chain += files.text(files.certificate());
  files.write("cert.pem", chain);
  TlsBodies bodies;
  auto options = tls_options(files.context());
  options.workers = 1;
  options.listen = {ListenAddress::inherited(tiny_buffers().release(), true)};
  Server server(std::ref(bodies), options);
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsClient client(server.port(), limited_to(version, 1));
    SSL_do_handshake(client.ssl());
    CHECK(client.raw_send(client.made()));
    CHECK(TlsClient(server.port()).ask(get("/small")).body == "small");  // while the first flight is stuck
    CHECK(client.send(put_head(300'000) + bodies.big.substr(0, 300'000)));
    CHECK(client.answer().body == "same 300000");
    const auto answer = client.ask(get("/pieces"));
    CHECK((answer.body == bodies.big.substr(0, 1'000'000) + std::string(100'000, '\0') + "end"));
  }
}

TEST_CASE("many requests in one record are all answered") {
  const TlsFolder files;
  TlsBodies bodies;
  Server server(std::ref(bodies), tls_options(files.context()));
  TlsClient client(server.port());
  REQUIRE(client.handshake());
  std::string all;
  for (int index = 0; index < 300; ++index) all += get("/small");
  REQUIRE(all.size() < 16'384);
  CHECK(client.raw_send(client.seal(all)));
  for (int index = 0; index < 300; ++index) REQUIRE(client.answer().body == "small");
  // A body that ends inside of a record, with the next request behind it, and nothing after it to wake anybody.
  CHECK(client.raw_send(client.seal(put_head(1000) + bodies.big.substr(0, 1000) + get("/small") + put_head(3) +
                                    bodies.big.substr(0, 3))));
  CHECK(client.answer().body == "same 1000");
  CHECK(client.answer().body == "small");
  CHECK(client.answer().body == "same 3");
}

TEST_CASE("the first request may come with the end of the handshake") {
  const TlsFolder files;
  TlsBodies bodies;
  Server server(std::ref(bodies), tls_options(files.context()));
  TlsClient client(server.port(), limited_to(TLS1_3_VERSION));
  std::string last;
  while (SSL_do_handshake(client.ssl()) != 1) {
    CHECK(client.raw_send(client.made()));
    char byte = 0;
    REQUIRE(::recv(client.fd(), &byte, 1, 0) == 1);
    BIO_write(SSL_get_rbio(client.ssl()), &byte, 1);
  }
  last = client.made();
  CHECK(client.raw_send(last + client.seal(get("/small") + get("/small"))));
  CHECK(client.answer().body == "small");
  CHECK(client.answer().body == "small");
}

TEST_CASE("an answer that closes ends with close_notify") {
  const TlsFolder files;
  TlsBodies bodies;
  Server server(std::ref(bodies), tls_options(files.context()));
  for (const char *request : {"GET /generator HTTP/1.0\r\n\r\n", "GET /file HTTP/1.0\r\n\r\n"}) {
    TlsClient client(server.port());
    const auto answer = client.ask(request);
    CHECK(answer.header("Connection") == "close");
    CHECK(answer.whole);
    CHECK((answer.body == bodies.big));
    CHECK(client.closed());
    CHECK(client.ended_cleanly());
  }
  CHECK(eventually([&] { return server->metrics().connections_open == 0; }));
  CHECK(server->metrics().connections_reset == 0);
}

TEST_CASE("an answer that fails on its way never ends with close_notify") {
  const TlsFolder files;
  TlsBodies bodies;
  Server server(std::ref(bodies), tls_options(files.context()));
  for (const char *request : {"GET /broken HTTP/1.0\r\n\r\n", "GET /broken HTTP/1.1\r\nHost: a\r\n\r\n"}) {
    TlsClient client(server.port());
    const auto answer = client.ask(request);
    CHECK(answer.status == 200);
    CHECK_FALSE(answer.whole);
    CHECK(client.was_reset());
    CHECK_FALSE(client.ended_cleanly());
  }
  CHECK(server->metrics().connections_reset == 2);
}

TEST_CASE("a body that is cut is a failure, however it is cut") {
  const TlsFolder files;
  TlsBodies bodies;
  Server server(std::ref(bodies), tls_options(files.context()));
  int failures = 0;
  for (int way = 0; way < 4; ++way) {
    CAPTURE(way);
    TlsClient client(server.port());
    CHECK(client.send(put_head(1'000'000) + bodies.big.substr(0, 300'000)));
    if (way == 0) client.abort();
    if (way == 1) client.shutdown();      // the stream ends without a word
    if (way == 2) client.notify_close();  // said so, but in the middle
    if (way == 3) {                       // a record that somebody changed
      auto record = client.seal("abc");
      record.back() = static_cast<char>(record.back() ^ 1);
      client.raw_send(record);
    }
    ++failures;
    CHECK(eventually([&] { return bodies.failed == failures; }));
  }
  CHECK(eventually([&] { return server->metrics().connections_open == 0; }));
}

TEST_CASE("a client that is gone in the middle of a download is let go") {
  const TlsFolder files;
  TlsBodies bodies;
  Server server(std::ref(bodies), tls_options(files.context()));
  for (const bool abort : {false, true}) {
    TlsClient client(server.port(), limited_to(TLS1_3_VERSION, 4096));
    CHECK(client.send(get("/file")));
    CHECK(client.has("\r\n\r\n"));
    if (abort)
      client.abort();
    else
      client.close();
    CHECK(eventually([&] { return server->metrics().connections_open == 0; }));
  }
  CHECK(server->metrics().requests_active == 0);
}
