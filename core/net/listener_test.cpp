// SPDX-License-Identifier: Apache-2.0
// Listening sockets that somebody opened before.
#include "core/net/listener.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/un.h>

#include <cstring>
#include <ostream>

#include "core/net/test_client.hpp"

using namespace Atoll;
using namespace Atoll::net;
using namespace Atoll::net::test;

namespace {

void serve_inherited(const std::shared_ptr<Exchange> &exchange) { exchange->respond(Response(200, "hello")); }

// A blocking socket on a free port of 127.0.0.1, as a service manager makes it.
base::Fd listening_socket(bool listening = true) {
  base::Fd fd(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::bind(fd.get(), reinterpret_cast<sockaddr *>(&address), sizeof address) == 0);
  if (listening) REQUIRE(::listen(fd.get(), 16) == 0);
  return fd;
}

std::string adopt_failure(int fd) {
  const auto opened = Listener::open(ListenAddress::inherited(fd, false), 0660);
  REQUIRE_FALSE(opened.ok());
  CHECK(opened.status() == Status::InvalidArgument);
  return opened.error().message;
}

int socket_flag(int fd, int level, int name) {
  int value = 0;
  socklen_t size = sizeof value;
  CHECK(::getsockopt(fd, level, name, &value, &size) == 0);
  return value;
}

}  // namespace

TEST_CASE("an inherited TCP socket is served, with its address and flags set right") {
  auto socket = listening_socket();
  const base::Fd copy(::dup(socket.get()));
  const int fd = socket.get();
  Options options;
  options.listen = {ListenAddress::inherited(socket.release(), false)};
  {
    Server server(serve_inherited, options);
    CHECK(server->addresses()[0] == "127.0.0.1:" + std::to_string(server.port()));
    CHECK((::fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
    CHECK((::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    CHECK(server.client().ask(get("/")).body == "hello");
    server->stop_accepting();
    // Others hold the socket, too: who connects now waits for them.
    CHECK(server.client().connected());
  }
  CHECK(socket_flag(copy.get(), SOL_SOCKET, SO_ACCEPTCONN) == 1);
  options.listen = {ListenAddress::inherited(::dup(copy.get()), false)};
  Server next(serve_inherited, options);
  CHECK(next.client().ask(get("/")).body == "hello");
}

TEST_CASE("connections of an inherited socket get their options") {
  auto listener = Listener::open(ListenAddress::inherited(listening_socket().release(), true), 0660);
  REQUIRE(listener.ok());
  Client client(listener->port());
  const auto accepted = listener->accept();
  REQUIRE(accepted.fd);
  CHECK(accepted.info->secure);
  CHECK(socket_flag(accepted.fd.get(), IPPROTO_TCP, TCP_NODELAY) == 1);
  CHECK(socket_flag(accepted.fd.get(), SOL_SOCKET, SO_KEEPALIVE) == 1);
}

TEST_CASE("an inherited unix socket is served and its file stays") {
  std::string folder = "/tmp/atoll-net-test-XXXXXX";
  REQUIRE(::mkdtemp(folder.data()) != nullptr);
  const auto path = folder + "/socket";
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  const auto *raw = reinterpret_cast<const sockaddr *>(&address);
  base::Fd socket(::socket(AF_UNIX, SOCK_STREAM, 0));
  REQUIRE(::bind(socket.get(), raw, sizeof address) == 0);
  REQUIRE(::listen(socket.get(), 16) == 0);
  {
    Options options;
    options.listen = {ListenAddress::inherited(socket.release(), false)};
    Server server(serve_inherited, options);
    CHECK(server->addresses()[0] == "unix:" + path);
    const base::Fd client(::socket(AF_UNIX, SOCK_STREAM, 0));
    REQUIRE(::connect(client.get(), raw, sizeof address) == 0);
    const auto request = get("/");
    CHECK(::send(client.get(), request.data(), request.size(), 0) == static_cast<ssize_t>(request.size()));
    std::string answer(12, '\0');
    CHECK(::recv(client.get(), answer.data(), answer.size(), MSG_WAITALL) == 12);
    CHECK(answer == "HTTP/1.1 200");
  }
  CHECK(::unlink(path.c_str()) == 0);
  ::rmdir(folder.c_str());
}

TEST_CASE("descriptors that are no listening stream sockets are refused") {
  CHECK(adopt_failure(temporary_file().release()).find("it is not a socket") != std::string::npos);
  CHECK(adopt_failure(listening_socket(false).release()).find("not a listening stream socket") != std::string::npos);
  CHECK(adopt_failure(::socket(AF_INET, SOCK_DGRAM, 0)).find("not a listening stream socket") != std::string::npos);
}

TEST_CASE("a start that fails closes what it was given") {
  const int first = listening_socket().release(), wrong = temporary_file().release(),
            last = listening_socket().release();
  Options options;
  for (const int fd : {first, wrong, last}) options.listen.push_back(ListenAddress::inherited(fd, false));
  Engine engine(options);
  CHECK_FALSE(engine.start(serve_inherited).ok());
  for (const int fd : {first, wrong, last}) CHECK(::fcntl(fd, F_GETFD) == -1);
}
