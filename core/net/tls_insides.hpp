// SPDX-License-Identifier: Apache-2.0
// What a TlsContext holds. For core/net/tls_*.cpp only.
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "core/net/tls_context.hpp"
#include "core/net/tls_openssl.hpp"
#include "core/net/tls_tickets.hpp"

namespace Atoll::net {

struct TlsContext::Insides {
  explicit Insides(TlsFiles given) : files(std::move(given)) {}

  /// [any thread] What new connections use.
  SslContextPtr current() const {
    const std::lock_guard lock(mutex);
    return context;
  }

  const TlsFiles files;
  TicketKeys tickets;  ///< outlives every context and connection: engines hold the TlsContext
  mutable std::mutex mutex;
  SslContextPtr context;  ///< this and below: under the lock
  std::int64_t not_after = 0;
  std::vector<std::string> warnings;
};

}  // namespace Atoll::net
