// SPDX-License-Identifier: Apache-2.0
// One request and its answer. The seam between the HTTP engine and everything above it.
#pragma once

#include <atoll/sdk/result.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "core/net/request.hpp"
#include "core/net/response.hpp"

namespace Atoll::net {

class Exchange;

/// Some bytes of a body.
struct BodyPiece {
  std::span<const std::byte> bytes;
  /// Keeps the bytes where they are as long as somebody has it; nothing: they are valid during the call only. Memory
  /// that is held counts for all bodies, so it is to be let go soon.
  std::shared_ptr<const void> hold;
};

/// Where receive_body puts a body: into `fd` at `offset` (pwrite), through `write`, or through `take`.
struct BodyTarget {
  int fd = -1;               ///< borrowed until the callback; -1: use `write`
  std::uint64_t offset = 0;  ///< where the first byte goes
  /// [worker] offset in the upload (the first byte is at `offset`) and bytes. An error ends the reception and goes to
  /// the callback.
  std::function<Result<void>(std::uint64_t, std::span<const std::byte>)> write;
  /// [worker] In the place of `write` for who goes on with a piece after the call: offset and piece. One with nothing
  /// in it says that the client has sent nothing more for now. Large bodies come in pieces that can be held.
  std::function<Result<void>(std::uint64_t, BodyPiece)> take;
  /// [worker] sees each piece in order before it is written: checksums.
  std::function<void(std::span<const std::byte>)> observer;
  std::uint64_t max_bytes = std::numeric_limits<std::uint64_t>::max();  ///< more: ResourceExhausted
};

/// One request. Held by shared_ptr; several may be alive on one connection.
///
/// A handler gets it on a worker and may keep it, hand it to another thread and answer later. At most one of the
/// body functions is called, at most once; its callback comes exactly once, on a worker, also when the client is
/// gone. "100 Continue" is sent only when a body function is called, so a handler can refuse first. A body that
/// nobody asked for is dropped up to 64 KiB, beyond that the connection closes after the answer.
class Exchange : public std::enable_shared_from_this<Exchange> {
 public:
  using Buffered = std::function<void(Exchange &, Result<std::string>)>;
  using Received = std::function<void(Exchange &, Result<std::uint64_t>)>;
  using Sink = std::function<Result<void>(std::span<const std::byte>)>;

  virtual ~Exchange() = default;
  Exchange(const Exchange &) = delete;
  Exchange &operator=(const Exchange &) = delete;

  /// [any thread] Valid as long as the exchange.
  const RequestHead &head() const { return *head_; }
  std::shared_ptr<const RequestHead> shared_head() const { return head_; }

  /// [any thread] The whole body in memory. Errors: ResourceExhausted (more than `limit` bytes, or than the engine
  /// allows: answer 413), Unavailable with a time to come back (the bodies of others fill the memory: 503), Cancelled
  /// (the client went away or sent less than announced), DeadlineExceeded (no progress, or too slow: 408),
  /// InvalidArgument (bad chunked coding: 400).
  virtual void buffer_body(std::size_t limit, Buffered done) = 0;

  /// [any thread] The body into an upload; `done` gets the number of bytes. Errors as above and those of the target.
  /// A body shorter than announced is never a success.
  virtual void receive_body(BodyTarget target, Received done) = 0;

  /// [any thread] The body piece by piece to `sink` [worker]; then `done`. Errors as above and those of the sink.
  virtual void stream_body(Sink sink, Received done) = 0;

  /// [any thread] The answer, exactly once; later ones are dropped. Returns before anything is sent.
  /// While a body is received: the reception ends (its callback gets Cancelled), then the answer goes out.
  /// An exchange that is destroyed unanswered answers 500.
  virtual void respond(Response response) = 0;

  /// [any thread] Whether respond was called.
  virtual bool responded() const = 0;

  /// [any thread] The client is gone or the server stops: work for this request may be given up.
  virtual bool cancelled() const = 0;

  /// CLOCK_MONOTONIC nanoseconds after which nobody waits for the answer; 0: none.
  std::int64_t deadline_ns() const { return deadline_ns_; }

 protected:
  Exchange(std::shared_ptr<const RequestHead> head, std::int64_t deadline_ns)
      : head_(std::move(head)), deadline_ns_(deadline_ns) {}

 private:
  std::shared_ptr<const RequestHead> head_;
  std::int64_t deadline_ns_;
};

}  // namespace Atoll::net
