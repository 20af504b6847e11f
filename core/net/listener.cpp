// SPDX-License-Identifier: Apache-2.0
#include "core/net/listener.hpp"

#include <Poco/Exception.h>
#include <Poco/Net/SocketAddress.h>
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <utility>

namespace Atoll::net {
namespace {

Endpoint to_endpoint(const sockaddr_storage &address) {
  Endpoint out;
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.ss_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &address, sizeof v4);
    ::inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
    out.port = ntohs(v4.sin_port);
  } else if (address.ss_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &address, sizeof v6);
    ::inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
    out.port = ntohs(v6.sin6_port);
  } else {
    return {"unix", 0};
  }
  out.host = text.data();
  return out;
}

Endpoint local_endpoint(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(fd, reinterpret_cast<sockaddr *>(&address), &size) != 0) return {};
  return to_endpoint(address);
}

void set_flag(int fd, int level, int name) {
  const int on = 1;
  ::setsockopt(fd, level, name, &on, sizeof on);
}

// The name of a unix socket; one in the abstract namespace begins with '@'.
std::string unix_path(const sockaddr_storage &address, socklen_t size) {
  sockaddr_un raw{};
  std::memcpy(&raw, &address, std::min<std::size_t>(size, sizeof raw));
  const std::size_t begin = offsetof(sockaddr_un, sun_path);
  if (size <= begin) return {};
  std::string path(raw.sun_path, std::min<std::size_t>(size, sizeof raw) - begin);
  if (path.front() == '\0')
    path.front() = '@';
  else
    path.resize(std::strlen(path.c_str()));
  return path;
}

Error in_use(const std::string &address) {
  return error(Status::AlreadyExists,
               "cannot listen on " + address + ": something else listens there; stop it or choose another address");
}

}  // namespace

Listener::~Listener() {
  if (fd_ && !unix_path_.empty()) ::unlink(unix_path_.c_str());
}

Result<Listener> Listener::open(const ListenAddress &where, unsigned unix_mode) {
  Listener listener;
  listener.tls_ = where.tls;
  const auto &address = where.address;
  auto opened = where.fd >= 0                    ? listener.adopt(base::Fd(where.fd))
                : address.rfind("unix:", 0) == 0 ? listener.listen_unix(address.substr(5), unix_mode)
                                                 : listener.listen_tcp(address);
  if (!opened) return std::move(opened).error();
  return listener;
}

Result<void> Listener::listen_tcp(const std::string &address) {
  Poco::Net::SocketAddress parsed;
  try {
    if (address.rfind(':') == std::string::npos || address.rfind(':') == 0)
      throw Poco::InvalidArgumentException("an address is HOST:PORT");
    parsed = Poco::Net::SocketAddress(address);
  } catch (const Poco::Exception &problem) {
    return error(Status::InvalidArgument, "cannot listen on \"" + address + "\": " + problem.displayText() +
                                              "; write 127.0.0.1:9200, [::1]:9200 or unix:/path");
  }
  fd_.reset(::socket(parsed.af(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd_) return base::errno_error("cannot listen on " + address);
  // Accepted sockets inherit all of these.
  set_flag(fd_.get(), SOL_SOCKET, SO_REUSEADDR);
  set_flag(fd_.get(), SOL_SOCKET, SO_KEEPALIVE);
  set_flag(fd_.get(), IPPROTO_TCP, TCP_NODELAY);
  if (parsed.af() == AF_INET6) set_flag(fd_.get(), IPPROTO_IPV6, IPV6_V6ONLY);
  if (::bind(fd_.get(), parsed.addr(), parsed.length()) != 0 || ::listen(fd_.get(), SOMAXCONN) != 0) {
    if (errno == EADDRINUSE) return in_use(address);
    return base::errno_error("cannot listen on " + address);
  }
  local_ = local_endpoint(fd_.get());
  address_ = local_.text();
  any_address_ = local_.host == "0.0.0.0" || local_.host == "::";
  return {};
}

Result<void> Listener::listen_unix(const std::string &path, unsigned mode) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.front() != '/' || path.size() >= sizeof address.sun_path)
    return error(Status::InvalidArgument,
                 "cannot listen on \"unix:" + path + "\": the path must be absolute and shorter than 108 bytes");
  std::memcpy(address.sun_path, path.data(), path.size());
  const auto *raw = reinterpret_cast<const sockaddr *>(&address);

  // A socket that a dead process left behind refuses; one that answers is in use.
  struct stat status {};
  if (::lstat(path.c_str(), &status) == 0) {
    if (!S_ISSOCK(status.st_mode)) return in_use("unix:" + path);
    const base::Fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (::connect(probe.get(), raw, sizeof address) == 0 || errno != ECONNREFUSED) return in_use("unix:" + path);
    ::unlink(path.c_str());
  }
  fd_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd_ || ::bind(fd_.get(), raw, sizeof address) != 0) return base::errno_error("cannot listen on unix:" + path);
  unix_path_ = path;
  is_unix_ = true;
  // Nobody can connect before listen(), so the mode is in force in time.
  if (::chmod(path.c_str(), static_cast<mode_t>(mode)) != 0 || ::listen(fd_.get(), SOMAXCONN) != 0)
    return base::errno_error("cannot listen on unix:" + path);
  local_ = {"unix", 0};
  address_ = "unix:" + path;
  return {};
}

Result<void> Listener::adopt(base::Fd socket) {
  const std::string named = "cannot listen on the inherited descriptor " + std::to_string(socket.get());
  int type = 0, listening = 0;
  socklen_t size = sizeof type;
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_TYPE, &type, &size) != 0)
    return error(Status::InvalidArgument, named + ": it is not a socket");
  size = sizeof listening;
  if (type != SOCK_STREAM || ::getsockopt(socket.get(), SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) != 0 ||
      listening == 0)
    return error(Status::InvalidArgument,
                 named + ": it is not a listening stream socket; use ListenStream= and Accept=no in the socket unit");
  sockaddr_storage address{};
  size = sizeof address;
  if (::getsockname(socket.get(), reinterpret_cast<sockaddr *>(&address), &size) != 0) return base::errno_error(named);
  if (address.ss_family != AF_INET && address.ss_family != AF_INET6 && address.ss_family != AF_UNIX)
    return error(Status::InvalidArgument, named + ": it is neither an IP nor a unix socket");
  const int flags = ::fcntl(socket.get(), F_GETFL);
  if (flags < 0 || ::fcntl(socket.get(), F_SETFL, flags | O_NONBLOCK) != 0 ||
      ::fcntl(socket.get(), F_SETFD, FD_CLOEXEC) != 0)
    return base::errno_error(named);
  fd_ = std::move(socket);
  inherited_ = true;
  is_unix_ = address.ss_family == AF_UNIX;
  local_ = to_endpoint(address);
  address_ = is_unix_ ? "unix:" + unix_path(address, size) : local_.text();
  any_address_ = local_.host == "0.0.0.0" || local_.host == "::";
  return {};
}

Listener::Accepted Listener::accept() const {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  base::Fd fd;
  do {
    size = sizeof address;
    fd.reset(::accept4(fd_.get(), reinterpret_cast<sockaddr *>(&address), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
  } while (!fd && (errno == EINTR || errno == ECONNABORTED));
  if (!fd) return {base::Fd(), errno, nullptr};
  auto info = std::make_shared<ConnectionInfo>();
  info->unix_socket = is_unix_;
  info->secure = tls_;
  if (inherited_ && !is_unix_) {  // whoever opened the socket may not have set these
    set_flag(fd.get(), SOL_SOCKET, SO_KEEPALIVE);
    set_flag(fd.get(), IPPROTO_TCP, TCP_NODELAY);
  }
  info->peer = info->unix_socket ? Endpoint{"unix", 0} : to_endpoint(address);
  info->local = any_address_ ? local_endpoint(fd.get()) : local_;
  return {std::move(fd), 0, std::move(info)};
}

void Listener::shut() {
  if (inherited_) return;
  ::shutdown(fd_.get(), SHUT_RDWR);
  if (!unix_path_.empty()) ::unlink(unix_path_.c_str());
  unix_path_.clear();
}

}  // namespace Atoll::net
