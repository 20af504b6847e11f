// SPDX-License-Identifier: Apache-2.0
// The HTTP/1.1 engine: sockets, workers, connections. Several may run in one process.
#pragma once

#include <atoll/sdk/result.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/net/exchange.hpp"
#include "core/net/tls_context.hpp"

namespace Atoll::net {

/// Counters since start; gauges where said. [any thread], relaxed.
struct Metrics {
  std::atomic<std::uint64_t> connections_open{0};  ///< gauge
  std::atomic<std::uint64_t> connections_accepted{0};
  std::atomic<std::uint64_t> connections_refused{0};  ///< over max_connections, or no descriptor left
  std::atomic<std::uint64_t> connections_reset{0};    ///< reset by us: failed body, timeout, stop
  std::atomic<std::uint64_t> timeouts{0};
  std::atomic<std::uint64_t> requests{0};
  std::atomic<std::uint64_t> requests_active{0};              ///< gauge: head parsed, answer not yet sent
  std::atomic<std::uint64_t> workers_busy{0};                 ///< gauge
  std::atomic<std::uint64_t> heads_refused{0};                ///< 400, 414, 431, 501, 505 by the engine itself
  std::atomic<std::uint64_t> connections_refused_address{0};  ///< over max_connections_per_address
  std::atomic<std::uint64_t> too_slow{0};                     ///< cut off for min_rate
  std::atomic<std::uint64_t> bodies_refused{0};               ///< 413 and 503 for buffered bodies
  std::atomic<std::uint64_t> buffered_bytes{0};               ///< gauge: of all bodies being buffered
  std::atomic<std::uint64_t> answer_bytes{0};                 ///< gauge: held in memory by answers being sent
  std::atomic<std::uint64_t> answers_refused{0};              ///< over max_answer_bytes: 503 instead
  std::atomic<std::uint64_t> tls_handshakes{0};
  std::atomic<std::uint64_t> tls_resumed{0};  ///< of these, resumed sessions
  std::atomic<std::uint64_t> tls_failed{0};
  std::atomic<std::uint64_t> compressed{0};   ///< answers sent with gzip
  std::atomic<std::uint64_t> responses[5]{};  ///< by class: 1xx .. 5xx
  std::atomic<std::uint64_t> bytes_in{0};
  std::atomic<std::uint64_t> bytes_out{0};
};

/// What an access log needs to know. Valid during the call.
struct Finished {
  const RequestHead &head;
  int status;
  std::uint64_t bytes_in;    ///< of the body as far as it was read
  std::uint64_t bytes_out;   ///< head and body as handed to the kernel
  std::int64_t duration_ns;  ///< from head complete to last byte handed to the kernel
  bool complete;             ///< false: the client went away or the connection was reset
  std::string_view route;    ///< Response::route; empty if the engine itself answered
  std::string_view user;     ///< Response::user
};

/// Where to listen: an address, or a listening socket that somebody opened before (socket activation).
struct ListenAddress {
  ListenAddress(const char *where) : address(where) {}  // NOLINT(google-explicit-constructor)
  ListenAddress(std::string where, bool with_tls = false) : address(std::move(where)), tls(with_tls) {}  // NOLINT
  static ListenAddress inherited(int fd, bool with_tls) {
    ListenAddress out(std::string(), with_tls);
    out.fd = fd;
    return out;
  }

  std::string address;  ///< "127.0.0.1:9200", "[::1]:9200", "unix:/run/atoll.sock"; port 0: any
  bool tls = false;     ///< needs Options::tls
  int fd = -1;          ///< a listening stream socket, owned by the engine from start() on; then no address is needed
};

struct Options {
  std::vector<ListenAddress> listen;
  std::shared_ptr<TlsContext> tls;     ///< for the addresses that want it
  unsigned workers = 0;                ///< threads that run handlers; 0: 24, or four per processor if that is more
  std::size_t max_head = 32 * 1024;    ///< request line and headers, bytes: 431
  std::size_t max_target = 16 * 1024;  ///< bytes: 414
  std::size_t max_headers = 128;       ///< fields: 431
  std::size_t max_connections = 16384;
  /// From one address (IPv6: from one /64): more are answered 429, or closed on a TLS address. 0: no limit. Not for
  /// loopback and unix sockets, where proxies sit.
  std::size_t max_connections_per_address = 1024;
  bool exempt_loopback = true;  ///< false: loopback addresses are counted too
  /// [worker] Whether a peer (Endpoint::host) has no such limit: proxies. Empty: none but the above.
  std::function<bool(std::string_view)> exempt;
  std::size_t max_buffered_body = 16 * 1024 * 1024;    ///< bytes; of one request, whatever limit its handler gave: 413
  std::size_t max_buffered_total = 128 * 1024 * 1024;  ///< bytes; of all bodies being buffered: 503 with Retry-After
  /// Bytes; of answers in memory until their clients took them: 503 with Retry-After instead. Those of up to 4 KiB are
  /// not counted. Also the memory of compressed streams.
  std::size_t max_answer_bytes = 512 * 1024 * 1024;
  /// Bytes a second, as the mean since the body or answer began, once rate_grace has passed; slower bodies and slower
  /// readers are cut off (408 if nothing was answered, else a reset). Only time in which the server waits for the
  /// client counts, and what was faster pays for at most ten minutes ahead. 0: no limit.
  std::uint64_t min_rate = 128;
  std::chrono::milliseconds rate_grace{30'000};
  bool compress = true;                 ///< gzip for text-like answers without an ETag when the client asks for it
  std::size_t drain_limit = 64 * 1024;  ///< body bytes nobody asked for that are read to keep the connection
  unsigned unix_mode = 0660;            ///< of a unix socket
  std::chrono::milliseconds head_timeout{15'000};     ///< from its first byte to its last; for a TLS handshake, too
  std::chrono::milliseconds idle_timeout{75'000};     ///< between requests
  std::chrono::milliseconds body_timeout{60'000};     ///< without a byte of the body
  std::chrono::milliseconds write_timeout{60'000};    ///< without a byte taken by the client
  std::chrono::milliseconds linger_timeout{30'000};   ///< reading on after an answer that closes, in all
  std::chrono::milliseconds request_timeout{0};       ///< for Exchange::deadline_ns; 0: none
  std::function<void(const Finished &)> on_finished;  ///< [worker] after each answer; must be quick
};

/// [start-up only] unless said otherwise.
class Engine {
 public:
  /// Runs on a worker for each request; may block, must not throw (a throw answers 500).
  using Handler = std::function<void(std::shared_ptr<Exchange>)>;

  explicit Engine(Options options);
  ~Engine();  ///< stop(), for as long as it takes
  Engine(const Engine &) = delete;
  Engine &operator=(const Engine &) = delete;

  /// Binds and starts the threads. Errors: InvalidArgument (address), AlreadyExists (in use), PermissionDenied.
  Result<void> start(Handler handler);

  /// What was bound, with real ports: "127.0.0.1:43211", "unix:/path".
  std::vector<std::string> addresses() const;
  /// Port of the first address that has one, else 0.
  std::uint16_t port() const;

  /// [any thread] Closes the listening sockets; what is connected goes on.
  void stop_accepting();
  /// [any thread, not a worker] Stops accepting, closes idle connections, lets running requests finish. True if all
  /// were gone in time.
  bool drain(std::chrono::milliseconds patience);
  /// [any thread, not a worker] Resets what is still open, waits for handlers that run, and joins the threads. False:
  /// some handlers were still running after `patience`; then it must be called again, or the process end without
  /// destroying the engine.
  bool stop(std::chrono::milliseconds patience = std::chrono::milliseconds::max());

  const Metrics &metrics() const;  ///< [any thread] valid as long as the engine

 private:
  struct Insides;
  std::unique_ptr<Insides> insides_;
};

}  // namespace Atoll::net
