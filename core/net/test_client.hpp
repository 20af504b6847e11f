// SPDX-License-Identifier: Apache-2.0
// For the tests of this folder: a raw client, and an engine on a free port.
#pragma once

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "core/base/file.hpp"
#include "core/base/text.hpp"
#include "core/net/engine.hpp"

namespace Atoll::net::test {

struct Answer {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  bool whole = false;  ///< head and body arrived as announced

  std::string header(std::string_view name) const {
    for (const auto &[key, value] : headers)
      if (base::iequals(key, name)) return value;
    return {};
  }
};

/// A blocking socket with what was received and not yet used. Gives up after 20 seconds of silence.
class Client {
 public:
  explicit Client(std::uint16_t port, int receive_buffer = 0) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval patience{20, 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (receive_buffer > 0) ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_.get(), reinterpret_cast<sockaddr *>(&address), sizeof address) == 0;
  }

  virtual ~Client() = default;
  Client(Client &&) = default;
  Client &operator=(Client &&) = default;

  bool connected() const { return connected_; }
  bool was_reset() const { return reset_; }
  int fd() const { return fd_.get(); }

  /// False once the peer refuses.
  bool send(std::string_view text) {
    while (!text.empty()) {
      const ssize_t count = write_some(text);
      if (count <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
  }
  void shutdown() { ::shutdown(fd_.get(), SHUT_WR); }
  void close() { fd_.reset(); }
  /// Closes with a reset.
  void abort() {
    const linger now{1, 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
    fd_.reset();
  }

  /// Receives something; false at the end, on a reset, or after silence.
  bool more() {
    char piece[65536];
    const ssize_t count = read_some(piece, sizeof piece);
    if (count < 0) {
      reset_ = errno == ECONNRESET;
      silent_ = !reset_;
      return false;
    }
    if (count == 0) return false;
    pending_.append(piece, static_cast<std::size_t>(count));
    return true;
  }
  /// Whether the peer closes and sends nothing more before it.
  bool closed() { return pending_.empty() && !more() && !silent_; }
  /// Everything up to the end.
  std::string rest() {
    while (more()) {
    }
    return std::exchange(pending_, {});
  }
  bool has(std::string_view text) {
    while (pending_.find(text) == std::string::npos)
      if (!more()) return false;
    return true;
  }
  std::string take(std::size_t count) {
    while (pending_.size() < count && more()) {
    }
    auto out = pending_.substr(0, count);
    pending_.erase(0, out.size());
    return out;
  }

  /// One answer; its body by length, chunked, or up to the end.
  Answer answer(bool head_only = false) {
    Answer out;
    if (!has("\r\n\r\n")) return out;
    const auto end = pending_.find("\r\n\r\n");
    const std::string head = pending_.substr(0, end);
    pending_.erase(0, end + 4);
    const auto lines = base::split(head, '\n');
    if (lines[0].size() < 12) return out;
    out.status = std::atoi(std::string(lines[0].substr(9, 3)).c_str());
    for (std::size_t index = 1; index < lines.size(); ++index) {
      const auto line = base::trim(lines[index]);
      const auto colon = line.find(':');
      if (colon == std::string_view::npos) continue;
      out.headers.emplace_back(line.substr(0, colon), base::trim(line.substr(colon + 1)));
    }
    out.whole = true;
    if (head_only || out.status == 100 || out.status == 204 || out.status == 304) return out;
    if (out.header("Transfer-Encoding") == "chunked") {
      out.whole = read_chunks(out.body);
    } else if (const auto length = out.header("Content-Length"); !length.empty()) {
      const auto size = static_cast<std::size_t>(std::stoull(length));
      out.body = take(size);
      out.whole = out.body.size() == size;
    } else {
      out.body = rest();
      out.whole = !reset_;
    }
    return out;
  }

  Answer ask(std::string_view request) {
    send(request);
    return answer();
  }

 protected:
  // As send(2) and recv(2); what lies between this and the socket may differ.
  virtual ssize_t write_some(std::string_view text) {
    return ::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL);
  }
  virtual ssize_t read_some(char *into, std::size_t size) { return ::recv(fd_.get(), into, size, 0); }

 private:
  bool read_chunks(std::string &body) {
    for (;;) {
      if (!has("\r\n")) return false;
      const auto line = pending_.find("\r\n");
      const auto size = static_cast<std::size_t>(std::strtoull(pending_.c_str(), nullptr, 16));
      pending_.erase(0, line + 2);
      body += take(size);
      if (take(2) != "\r\n") return false;
      if (size == 0) return true;
    }
  }

  base::Fd fd_;
  bool connected_ = false;
  bool reset_ = false;
  bool silent_ = false;
  std::string pending_;
};

/// An engine on a free port of the loopback address.
class Server {
 public:
  explicit Server(Engine::Handler handler, Options options = {}) : engine_(with_address(std::move(options))) {
    const auto started = engine_.start(std::move(handler));
    REQUIRE_MESSAGE(started.ok(), started.error().message);
  }
  Engine &operator*() { return engine_; }
  Engine *operator->() { return &engine_; }
  std::uint16_t port() const { return engine_.port(); }
  Client client(int receive_buffer = 0) const { return Client(engine_.port(), receive_buffer); }

 private:
  static Options with_address(Options options) {
    if (options.listen.empty()) options.listen = {"127.0.0.1:0"};
    if (options.workers == 0) options.workers = 2;
    return options;
  }
  Engine engine_;
};

/// Waits for a condition, up to 20 seconds.
inline bool eventually(const std::function<bool()> &condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

/// A temporary file that is gone at once from its folder.
inline base::Fd temporary_file(std::string_view content = {}) {
  std::string name = "/tmp/atoll-net-test-XXXXXX";
  base::Fd fd(::mkstemp(name.data()));
  REQUIRE(fd);
  ::unlink(name.c_str());
  REQUIRE(base::write_all(fd.get(), content).ok());
  return fd;
}

inline std::string get(std::string_view path, std::string_view fields = {}) {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n";
}

/// Bytes that show where they are.
inline std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t index = 0; index < size; ++index)
    text[index] = static_cast<char>('a' + (index * 7 + index / 251 + index / 65537) % 26);
  return text;
}

}  // namespace Atoll::net::test
