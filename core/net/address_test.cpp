// SPDX-License-Identifier: Apache-2.0
// Connections per address: whom they are counted for, and real ones over the limit.
#include <doctest/doctest.h>
#include <sys/un.h>

#include <ostream>

#include "core/net/address_table.hpp"
#include "core/net/test_client.hpp"

using namespace Atoll;
using namespace Atoll::net;
using namespace Atoll::net::test;

namespace {

void hello(const std::shared_ptr<Exchange> &exchange) { exchange->respond(Response(200, "hello")); }

bool same(const char *a, const char *b) {
  const auto first = AddressKey::of(a), second = AddressKey::of(b);
  REQUIRE((first && second));
  return !(*first < *second) && !(*second < *first);
}

base::Fd connect_from(const char *from, std::uint16_t port) {
  base::Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  ::inet_pton(AF_INET, from, &address.sin_addr);
  REQUIRE(::bind(fd.get(), reinterpret_cast<sockaddr *>(&address), sizeof address) == 0);
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::connect(fd.get(), reinterpret_cast<sockaddr *>(&address), sizeof address) == 0);
  return fd;
}

std::string ask(int fd) {
  const auto request = get("/", "Connection: close\r\n");
  ::send(fd, request.data(), request.size(), MSG_NOSIGNAL);
  std::string out;
  char piece[4096];
  for (ssize_t count = 0; (count = ::recv(fd, piece, sizeof piece, 0)) > 0;)
    out.append(piece, static_cast<std::size_t>(count));
  return out;
}

}  // namespace

TEST_CASE("whom a connection is counted for") {
  CHECK(same("192.0.2.1", "192.0.2.1"));
  CHECK_FALSE(same("192.0.2.1", "192.0.2.2"));
  CHECK(same("192.0.2.1", "::ffff:192.0.2.1"));
  CHECK(same("2001:db8:1:2::1", "2001:db8:1:2:ffff::9"));
  CHECK_FALSE(same("2001:db8:1:2::1", "2001:db8:1:3::1"));
  CHECK_FALSE(same("0.0.0.1", "::1"));
  for (const char *loopback : {"127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"})
    CHECK(AddressKey::of(loopback)->loopback);
  for (const char *other : {"128.0.0.1", "::2", "::", "1::1", "10.0.0.1"}) CHECK_FALSE(AddressKey::of(other)->loopback);
  for (const char *none : {"", "unix", "1.2.3", "[::1]", "example.org"}) CHECK_FALSE(AddressKey::of(none));
}

TEST_CASE("a table of addresses holds those that have connections, and no other") {
  AddressTable table;
  const auto one = *AddressKey::of("192.0.2.1"), two = *AddressKey::of("2001:db8::1");
  {
    auto a = table.take(one, 2), b = table.take(one, 2), c = table.take(two, 1);
    CHECK((a && b && c));
    CHECK_FALSE(table.take(one, 2));
    CHECK_FALSE(table.take(two, 1));
    CHECK(table.size() == 2);
    auto moved = std::move(*a);
    moved.release();
    moved.release();
    CHECK(table.take(one, 2));
    c.reset();
    CHECK(table.size() == 1);
  }
  CHECK(table.size() == 0);
}

TEST_CASE("connections of one address over the limit are answered 429 and closed, others are not") {
  Options options;
  options.max_connections_per_address = 3;
  options.exempt_loopback = false;
  Server server(hello, options);
  std::vector<Client> clients;
  for (int index = 0; index < 3; ++index) {
    clients.push_back(server.client());
    CHECK(clients.back().ask(get("/")).status == 200);
  }
  for (std::uint64_t turn = 1; turn < 4; ++turn) {
    auto fourth = server.client();
    fourth.send(get("/"));
    const auto answer = fourth.answer();
    CHECK(answer.status == 429);
    CHECK(answer.whole);
    CHECK(answer.header("Retry-After") == "5");
    CHECK(answer.header("Connection") == "close");
    CHECK(fourth.closed());
    CHECK(server->metrics().connections_refused_address == turn);
  }
  CHECK(ask(connect_from("127.0.0.2", server.port()).get()).find("hello") != std::string::npos);
  CHECK(server->metrics().connections_refused == 0);
  clients.pop_back();
  CHECK(eventually([&] { return server->metrics().connections_open == 2; }));
  CHECK(server.client().ask(get("/")).status == 200);
}

TEST_CASE("peers that the options exempt are not counted") {
  Options options;
  options.max_connections_per_address = 1;
  options.exempt_loopback = false;
  options.exempt = [](std::string_view host) { return host == "127.0.0.1"; };
  Server server(hello, options);
  std::vector<Client> clients;
  for (int index = 0; index < 3; ++index) {
    clients.push_back(server.client());
    CHECK(clients.back().ask(get("/")).status == 200);
  }
  const auto first = connect_from("127.0.0.2", server.port());
  CHECK(eventually([&] { return server->metrics().connections_open == 4; }));
  CHECK(ask(connect_from("127.0.0.2", server.port()).get()).find(" 429 ") != std::string::npos);
}

TEST_CASE("loopback and unix sockets are not counted, nor is anybody with a limit of 0") {
  const std::string path = "/tmp/atoll-net-address-" + std::to_string(::getpid());
  Options options;
  options.max_connections_per_address = 1;
  options.listen = {"127.0.0.1:0", "unix:" + path};
  Server server(hello, options);
  std::vector<Client> clients;
  for (int index = 0; index < 3; ++index) {
    clients.push_back(server.client());
    CHECK(clients.back().ask(get("/")).status == 200);
  }
  Options unlimited;
  unlimited.max_connections_per_address = 0;
  unlimited.exempt_loopback = false;
  Server other(hello, unlimited);
  for (int index = 0; index < 3; ++index) {
    clients.push_back(other.client());
    CHECK(clients.back().ask(get("/")).status == 200);
  }
  Options strict;
  strict.max_connections_per_address = 1;
  strict.exempt_loopback = false;
  strict.listen = {"unix:" + path + "-2"};
  Server third(hello, strict);
  std::vector<base::Fd> peers;
  for (int index = 0; index < 3; ++index) {
    peers.emplace_back(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const auto name = path + "-2";
    name.copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(::connect(peers.back().get(), reinterpret_cast<sockaddr *>(&address), sizeof address) == 0);
  }
  for (auto &peer : peers) CHECK(ask(peer.get()).find("hello") != std::string::npos);
  CHECK(server->metrics().connections_refused_address + other->metrics().connections_refused_address +
            third->metrics().connections_refused_address ==
        0);
}
