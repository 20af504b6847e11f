// SPDX-License-Identifier: Apache-2.0
// The beginning of a TLS connection.
#include "core/net/connection.hpp"

namespace Atoll::net {

Connection::Progress Connection::handshake(Worker &worker) {
  auto &metrics = core_->metrics;
  if (transport_.tls() == nullptr) {  // nothing is made before the first byte has come
    if (!readable_) {
      if (core_->draining.load(std::memory_order_relaxed)) close(false);
      return Progress::Wait;
    }
    char first = 0;
    const auto seen = transport_.peek(first);
    if (seen.kind == IoResult::Kind::Blocked) {
      readable_ = false;
      return Progress::More;
    }
    if (seen.kind != IoResult::Kind::Moved) {
      close(false);
      return Progress::Wait;
    }
    if (first >= 'A' && first <= 'Z') {  // a method; TLS begins with 0x16 (RFC 8446 5.1)
      metrics.tls_failed.fetch_add(1, std::memory_order_relaxed);
      return refuse({400, "This port speaks HTTPS. Write https:// in front of the address."}, worker);
    }
    if (!transport_.start_tls(*core_->options.tls)) {
      metrics.tls_failed.fetch_add(1, std::memory_order_relaxed);
      close(true);
      return Progress::Wait;
    }
  }
  switch (transport_.tls()->handshake().kind) {
    case IoResult::Kind::Moved:
      metrics.tls_handshakes.fetch_add(1, std::memory_order_relaxed);
      if (transport_.tls()->resumed()) metrics.tls_resumed.fetch_add(1, std::memory_order_relaxed);
      readable_ = true;  // a request may have come with the last message
      next_request();
      return Progress::More;
    case IoResult::Kind::Blocked:
      readable_ = false;
      return Progress::Wait;
    default:
      return fail_handshake();
  }
}

// The alert that says why is with the kernel. Bytes that nobody reads would turn it into a reset, so linger.
Connection::Progress Connection::fail_handshake() {
  core_->metrics.tls_failed.fetch_add(1, std::memory_order_relaxed);
  transport_.drop_tls();
  begin_linger();
  readable_ = true;
  return Progress::More;
}

}  // namespace Atoll::net
