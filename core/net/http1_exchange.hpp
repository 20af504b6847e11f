// SPDX-License-Identifier: Apache-2.0
// The exchange of an HTTP/1.x connection: hands orders and answers over to it.
#pragma once

#include <atomic>
#include <memory>

#include "core/net/connection.hpp"
#include "core/net/exchange.hpp"

namespace Atoll::net {

class Http1Exchange final : public Exchange {
 public:
  Http1Exchange(std::shared_ptr<Connection> connection, std::uint64_t serial, std::shared_ptr<const RequestHead> head,
                std::int64_t deadline_ns);
  ~Http1Exchange() override;

  void buffer_body(std::size_t limit, Buffered done) override;
  void receive_body(BodyTarget target, Received done) override;
  void stream_body(Sink sink, Received done) override;
  void respond(Response response) override;
  bool responded() const override { return responded_.load(); }
  bool cancelled() const override;

 private:
  void order(BodyOrder order);

  const std::shared_ptr<Connection> connection_;
  const std::uint64_t serial_;
  std::atomic<bool> responded_{false};
  std::atomic<bool> ordered_{false};
};

}  // namespace Atoll::net
