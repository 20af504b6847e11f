// SPDX-License-Identifier: Apache-2.0
#include "core/host/activation.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "core/base/text.hpp"
#include "core/host/networks.hpp"

namespace Atoll::host {
namespace {

constexpr int kFirst = 3;  // SD_LISTEN_FDS_START
constexpr std::uint64_t kMost = 256;

std::string variable(const char *name) {
  const char *value = ::getenv(name);
  return value ? value : "";
}

// Fills in what the kernel knows; false when it is no listening stream socket.
bool describe(Activation::Socket &socket) {
  int type = 0, listening = 0;
  socklen_t size = sizeof type;
  if (::getsockopt(socket.fd.get(), SOL_SOCKET, SO_TYPE, &type, &size) != 0 || type != SOCK_STREAM) return false;
  size = sizeof listening;
  if (::getsockopt(socket.fd.get(), SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) != 0 || listening == 0) return false;

  sockaddr_storage address{};
  size = sizeof address;
  if (::getsockname(socket.fd.get(), reinterpret_cast<sockaddr *>(&address), &size) != 0) return false;
  Address parsed;
  std::uint16_t port = 0;
  if (address.ss_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &address, sizeof v4);
    std::memcpy(parsed.bytes.data(), &v4.sin_addr, 4);
    port = ntohs(v4.sin_port);
    socket.address = parsed.text() + ":" + std::to_string(port);
  } else if (address.ss_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &address, sizeof v6);
    std::memcpy(parsed.bytes.data(), &v6.sin6_addr, 16);
    parsed.v6 = true;
    port = ntohs(v6.sin6_port);
    socket.address = "[" + parsed.text() + "]:" + std::to_string(port);
  } else if (address.ss_family == AF_UNIX) {
    sockaddr_un local{};
    std::memcpy(&local, &address, sizeof local);
    const auto most = std::min<std::size_t>(size, sizeof local) - offsetof(sockaddr_un, sun_path);
    socket.address = "unix:" + std::string(local.sun_path, ::strnlen(local.sun_path, most));
    return true;
  } else {
    return false;
  }
  socket.exposed = !parsed.loopback();
  return true;
}

}  // namespace

Result<Activation> Activation::take() {
  const std::string pid = variable("LISTEN_PID"), count = variable("LISTEN_FDS"), names = variable("LISTEN_FDNAMES");
  for (const char *name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) ::unsetenv(name);
  Activation out;
  if (base::parse_u64(pid) != static_cast<std::uint64_t>(::getpid())) return out;
  const auto number = base::parse_u64(count);
  if (!number || *number > kMost)
    return error(Status::InvalidArgument, "LISTEN_FDS is '" + count +
                                              "', which is no number of sockets; start the "
                                              "server from its .socket unit, or without this variable");
  const auto words = base::split(names, ':');
  for (std::uint64_t i = 0; i < *number; ++i) {
    Socket socket;
    socket.fd.reset(kFirst + static_cast<int>(i));
    socket.name = i < words.size() && !words[i].empty() ? std::string(words[i]) : "unknown";
    const int flags = ::fcntl(socket.fd.get(), F_GETFD);
    if (flags < 0) {
      (void)socket.fd.release();
      return error(Status::InvalidArgument, "LISTEN_FDS announces " + count + " sockets, but descriptor " +
                                                std::to_string(kFirst + i) + " is not open");
    }
    ::fcntl(socket.fd.get(), F_SETFD, flags | FD_CLOEXEC);
    ::fcntl(socket.fd.get(), F_SETFL, ::fcntl(socket.fd.get(), F_GETFL) | O_NONBLOCK);
    out.sockets_.push_back(std::move(socket));
  }
  return out;
}

Result<std::vector<Activation::Socket>> Activation::claim_if(const std::string *name) {
  std::vector<Socket> out, rest;
  for (auto &socket : sockets_) (!name || socket.name == *name ? out : rest).push_back(std::move(socket));
  sockets_ = std::move(rest);
  const std::string shown = name ? "named '" + *name + "' " : "";
  if (out.empty())
    return error(Status::InvalidArgument,
                 "no socket " + shown + "was passed to this process; start it by its .socket unit" +
                     (name ? " with FileDescriptorName=" + *name : std::string()) + ", or listen on ADDRESS:PORT");
  for (auto &socket : out)
    if (!describe(socket))
      return error(Status::InvalidArgument, "the socket '" + socket.name +
                                                "' that was passed is no listening stream socket; the .socket unit "
                                                "needs ListenStream= and Accept=no");
  return out;
}

Result<std::vector<Activation::Socket>> Activation::claim(const std::string &name) { return claim_if(&name); }
Result<std::vector<Activation::Socket>> Activation::claim_rest() { return claim_if(nullptr); }

std::vector<std::string> Activation::left() const {
  std::vector<std::string> out;
  for (const auto &socket : sockets_) out.push_back(socket.name);
  return out;
}

}  // namespace Atoll::host
