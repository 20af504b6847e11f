// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstdint>
#include <list>
#include <mutex>
#include <thread>

namespace Atoll::sql {

/// Cuts connections on which an answer takes too long. The server's own limits do not help when it is the server that
/// hangs. One thread, made with the first watch; what is late is found within a quarter of a second. [any thread]
class Watchdog {
 public:
  Watchdog() = default;
  Watchdog(const Watchdog &) = delete;
  Watchdog &operator=(const Watchdog &) = delete;
  /// Nothing is watched any more.
  ~Watchdog();

  /// Shuts the socket down once the monotonic clock has reached until_ns, unless it is forgotten before. The socket
  /// stays open until then. Null for a socket below 0. May throw std::system_error.
  void *watch(int socket, std::int64_t until_ns);
  /// Null is nothing.
  void forget(void *watched) noexcept;
  /// Whether it was shut down. False for null.
  bool cut(const void *watched) const noexcept;

 private:
  struct Watched {
    int socket = -1;
    std::int64_t until_ns = 0;
    std::list<Watched>::iterator place;
  };
  void run();

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::list<Watched> watched_;
  std::thread thread_;
  bool asleep_ = false, leaving_ = false;
};

}  // namespace Atoll::sql
