// SPDX-License-Identifier: Apache-2.0
#include "core/host/listen.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/host/activation.hpp"

namespace Atoll::host {
namespace {

std::string show(std::string_view words, bool tls) {
  const auto specs = parse_listen(words, tls);
  if (!specs) return "refused";
  std::string out;
  for (const auto &spec : *specs) out += (out.empty() ? "" : " ") + spec.text() + (spec.exposed() ? "!" : "");
  return out;
}

TEST_CASE("listen: words") {
  CHECK(show("127.0.0.1:9200", false) == "http://127.0.0.1:9200");
  CHECK(show("127.0.0.1:9200", true) == "https://127.0.0.1:9200");
  CHECK(show(" [::1]:1  localhost:2 127.9.9.9:3 ", false) == "http://[::1]:1 http://localhost:2 http://127.9.9.9:3");
  CHECK(show("0.0.0.0:1 [::]:1 192.0.2.1:1 cloud.example:1", false) ==
        "http://0.0.0.0:1! http://[::]:1! http://192.0.2.1:1! http://cloud.example:1!");
  CHECK(show("http://127.0.0.1:1 https://0.0.0.0:2 unix:/run/x", true) ==
        "http://127.0.0.1:1 https://0.0.0.0:2! unix:/run/x");
  CHECK(show("https://127.0.0.1:1", false) == "https://127.0.0.1:1");
  CHECK(show("systemd systemd:web http://systemd:plain", true) ==
        "https://systemd https://systemd:web http://systemd:plain");
  CHECK(show("127.0.0.1:0 127.0.0.1:0", false) == "http://127.0.0.1:0 http://127.0.0.1:0");
  CHECK(show("", false).empty());
  for (const char *bad : {"9200",
                          ":9200",
                          "127.0.0.1",
                          "127.0.0.1:",
                          "127.0.0.1:x",
                          "127.0.0.1:65536",
                          "::1:80",
                          "[::1]",
                          "[::1:80",
                          "[x]:80",
                          "[]:80",
                          "[1.2.3.4]:80",
                          "unix:",
                          "unix:x",
                          "unix:/",
                          "http://unix:/run/x",
                          "https://unix:/run/x",
                          "ftp://127.0.0.1:1",
                          "http://127.0.0.1:1/",
                          "http://",
                          "systemd:",
                          "https://http://127.0.0.1:1",
                          "127.0.0.1:1 127.0.0.1:1",
                          "systemd systemd",
                          "127.0.0.1:1,127.0.0.1:2"}) {
    CAPTURE(bad);
    CHECK(show(bad, true) == "refused");
  }
}

base::Fd listening(int type = SOCK_STREAM) {
  base::Fd fd(::socket(AF_INET, type, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::bind(fd.get(), reinterpret_cast<const sockaddr *>(&address), sizeof address) == 0);
  if (type == SOCK_STREAM) REQUIRE(::listen(fd.get(), 1) == 0);
  return fd;
}

// Runs `check` in a child whose descriptors 3 and on are `passed`. What the child found wrong is its exit code.
int in_child(const std::vector<int> &passed, const char *names, const char *pid, int (*check)()) {
  const pid_t child = ::fork();
  if (child == 0) {
    std::vector<int> high;
    for (const int fd : passed) high.push_back(::fcntl(fd, F_DUPFD, 200));
    for (std::size_t i = 0; i < high.size(); ++i) ::dup2(high[i], 3 + static_cast<int>(i));
    ::setenv("LISTEN_FDS", std::to_string(passed.size()).c_str(), 1);
    ::setenv("LISTEN_PID", pid ? pid : std::to_string(::getpid()).c_str(), 1);
    ::setenv("LISTEN_FDNAMES", names, 1);
    ::_exit(check());
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_CASE("activation: sockets that were passed") {
  const base::Fd first = listening(), second = listening(), datagrams = listening(SOCK_DGRAM);
  CHECK(in_child({first.get(), second.get()}, "web:extra", nullptr, [] {
          auto passed = Activation::take();
          if (!passed) return 1;
          if (::getenv("LISTEN_FDS") || ::getenv("LISTEN_PID") || ::getenv("LISTEN_FDNAMES")) return 2;
          if (passed->claim("nobody").status() != Status::InvalidArgument) return 3;
          auto web = passed->claim("web");
          if (!web || web->size() != 1 || (*web)[0].fd.get() != 3) return 4;
          if ((*web)[0].address.compare(0, 10, "127.0.0.1:") != 0 || (*web)[0].exposed) return 5;
          if ((::fcntl(3, F_GETFD) & FD_CLOEXEC) == 0 || (::fcntl(3, F_GETFL) & O_NONBLOCK) == 0) return 6;
          if (passed->left() != std::vector<std::string>{"extra"}) return 7;
          if (passed->claim("web").ok()) return 8;
          auto rest = passed->claim_rest();
          return rest && rest->size() == 1 && passed->left().empty() ? 0 : 9;
        }) == 0);
  CHECK(in_child({datagrams.get()}, "web", nullptr, [] {
          auto passed = Activation::take();
          return passed && passed->claim_rest().status() == Status::InvalidArgument ? 0 : 1;
        }) == 0);
  CHECK(in_child({first.get()}, "web", "1", [] {  // meant for another process
          auto passed = Activation::take();
          return passed && passed->left().empty() && !::getenv("LISTEN_FDS") ? 0 : 1;
        }) == 0);
  CHECK(in_child({first.get()}, "", nullptr, [] {
          auto passed = Activation::take();
          return passed && passed->left() == std::vector<std::string>{"unknown"} ? 0 : 1;
        }) == 0);
  CHECK(in_child({first.get()}, "", nullptr, [] {
          ::setenv("LISTEN_FDS", "x", 1);
          return Activation::take().status() == Status::InvalidArgument ? 0 : 1;
        }) == 0);
  CHECK(in_child({first.get()}, "", nullptr, [] {
          ::setenv("LISTEN_FDS", "100", 1);  // 103 is not open
          return Activation::take().status() == Status::InvalidArgument ? 0 : 1;
        }) == 0);
  auto nothing = Activation::take();
  REQUIRE(nothing.ok());
  CHECK(nothing->claim_rest().status() == Status::InvalidArgument);
}

}  // namespace
}  // namespace Atoll::host
