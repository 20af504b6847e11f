// SPDX-License-Identifier: Apache-2.0
#include "core/net/http1_exchange.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>

#include "core/base/file.hpp"
#include "core/net/body_buffer.hpp"

namespace Atoll::net {
namespace {

Result<void> write_at(int fd, std::uint64_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0) {
      if (errno == EINTR) continue;
      return base::errno_error("cannot write the body of an upload");
    }
    offset += static_cast<std::uint64_t>(count);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

}  // namespace

Http1Exchange::Http1Exchange(std::shared_ptr<Connection> connection, std::uint64_t serial,
                             std::shared_ptr<const RequestHead> head, std::int64_t deadline_ns)
    : Exchange(std::move(head), deadline_ns), connection_(std::move(connection)), serial_(serial) {}

Http1Exchange::~Http1Exchange() {
  if (!responded_) connection_->deliver(serial_, Response(500, "The request was dropped without an answer.\n"));
}

void Http1Exchange::order(BodyOrder order) {
  if (ordered_.exchange(true)) {
    order.done(*this, error(Status::FailedPrecondition, "The body of this request was asked for twice."));
    return;
  }
  order.exchange = shared_from_this();
  connection_->order_body(serial_, std::move(order));
}

void Http1Exchange::buffer_body(std::size_t limit, Buffered done) {
  auto &core = connection_->core();  // outlives the connection that the order goes to
  const auto buffer = std::make_shared<BodyBuffer>(core.buffered, head().content_length);
  BodyOrder wanted;
  wanted.limit = std::min<std::uint64_t>({limit, core.options.max_buffered_body, core.options.max_buffered_total});
  wanted.buffered = true;
  wanted.sink = [buffer](const BodyPiece &piece) { return buffer->append(piece.bytes); };
  wanted.done = [buffer, &core, done = std::move(done)](Exchange &exchange, Result<std::uint64_t> result) {
    if (result) {
      done(exchange, buffer->take());  // counted while the handler looks at it
      buffer->release();
      return;
    }
    if (result.status() == Status::ResourceExhausted || result.status() == Status::Unavailable)
      core.metrics.bodies_refused.fetch_add(1, std::memory_order_relaxed);
    buffer->release();
    done(exchange, std::move(result).error());
  };
  order(std::move(wanted));
}

void Http1Exchange::receive_body(BodyTarget target, Received done) {
  BodyOrder wanted;
  wanted.limit = target.max_bytes;
  wanted.holds = target.take != nullptr && target.fd < 0;
  wanted.sink = [target = std::move(target), at = std::uint64_t{0}](BodyPiece piece) mutable -> Result<void> {
    const auto offset = target.offset + at;
    const auto bytes = piece.bytes;
    at += bytes.size();
    if (target.observer && !bytes.empty()) target.observer(bytes);
    if (target.fd >= 0) return write_at(target.fd, offset, bytes);
    return target.take ? target.take(offset, std::move(piece)) : target.write(offset, bytes);
  };
  wanted.done = std::move(done);
  order(std::move(wanted));
}

void Http1Exchange::stream_body(Sink sink, Received done) {
  BodyOrder wanted;
  wanted.limit = std::numeric_limits<std::uint64_t>::max();
  wanted.sink = [sink = std::move(sink)](const BodyPiece &piece) { return sink(piece.bytes); };
  wanted.done = std::move(done);
  order(std::move(wanted));
}

void Http1Exchange::respond(Response response) {
  if (!responded_.exchange(true)) connection_->deliver(serial_, std::move(response));
}

bool Http1Exchange::cancelled() const { return connection_->cancelled(serial_); }

}  // namespace Atoll::net
