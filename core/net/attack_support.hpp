// SPDX-License-Identifier: Apache-2.0
// For the attack tests: a server that tells what reached its handlers, and a look at memory.
#pragma once

#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "core/net/test_client.hpp"

namespace Atoll::net::test {

/// What no attack may get to a handler.
inline const std::string kSmuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";

/// Reads each body and echoes it, except below /unread, where it answers at once.
struct Witness {
  explicit Witness(Options options = {})
      : server([this](const std::shared_ptr<Exchange> &exchange) { handle(exchange); }, std::move(options)) {}

  void handle(const std::shared_ptr<Exchange> &exchange) {
    ++requests;
    const auto &head = exchange->head();
    if (head.path == "/smuggled") ++smuggled;
    {
      const std::lock_guard lock(mutex);
      last_host = head.host;
    }
    if (head.path == "/unread") return exchange->respond(Response(200, "unread"));
    exchange->buffer_body(1 << 20, [this](Exchange &self, Result<std::string> body) {
      if (!body) return self.respond(Response(body.status() == Status::DeadlineExceeded ? 408 : 400, "no"));
      if (self.head().has_body()) ++bodies;
      self.respond(Response(200, *body));
    });
  }
  std::string host() {
    const std::lock_guard lock(mutex);
    return last_host;
  }

  std::atomic<int> requests{0};  ///< that reached the handler
  std::atomic<int> smuggled{0};  ///< of them, those for /smuggled
  std::atomic<int> bodies{0};    ///< that were whole
  std::mutex mutex;
  std::string last_host;
  Server server;
};

/// The statuses of all answers up to the end of the connection, for example "200 400".
inline std::string statuses(Client &client) {
  std::string out;
  for (;;) {
    const auto answer = client.answer();
    if (answer.status == 0) return out;
    if (!out.empty()) out += ' ';
    out += std::to_string(answer.status);
    if (!answer.whole) out += " cut";
  }
}

/// Bytes that the process has allocated. In a sanitizer's build, which has an allocator of its own, always 0.
inline std::size_t heap_in_use() {
#ifdef ATOLL_SANITIZED
  return 0;
#else
  const auto info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
#endif
}

/// Sends as much of `text`, again and again, as the peer takes while nothing is read, and until `enough` bytes went
/// out: returns the bytes taken. "Takes no more" is a send buffer that stays full while the server has nothing to do.
inline std::size_t flood(Client &client, Server &server, std::string_view text, std::size_t enough) {
  std::size_t sent = 0, at = 0;
  const auto &metrics = server->metrics();
  while (sent < enough) {
    const auto count = ::send(client.fd(), text.data() + at, text.size() - at, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count > 0) {
      sent += static_cast<std::size_t>(count);
      at = (at + static_cast<std::size_t>(count)) % text.size();
      continue;
    }
    if (errno != EAGAIN && errno != EWOULDBLOCK) return sent;
    const auto seen = metrics.bytes_in.load();
    pollfd room{client.fd(), POLLOUT, 0};
    if (::poll(&room, 1, 200) == 0 && metrics.bytes_in == seen && metrics.workers_busy == 0) return sent;
  }
  return sent;
}

}  // namespace Atoll::net::test
