// SPDX-License-Identifier: Apache-2.0
// /healthz, /readyz and /metrics on a port of their own.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "core/host/runtime.hpp"
#include "core/host/supervisor.hpp"
#include "core/host/traffic.hpp"
#include "core/net/engine.hpp"

namespace Atoll::host {

/// Outlives the engine whose handler it is.
class AdminHttp {
 public:
  /// `main` is the engine of the main port, whose counters are shown, and `traffic` what its requests came to; either
  /// may be null.
  AdminHttp(const Runtime &runtime, const Supervisor &supervisor, const net::Engine *main, const Traffic *traffic);

  /// Everything else of the server is open, too: before, it is not ready. [any thread]
  void all_is_open() noexcept { open_.store(true, std::memory_order_release); }

  /// The handler for net::Engine. [worker]
  void handle(net::Exchange &exchange) const;

  std::string readiness(bool &ready) const;  ///< JSON
  std::string metrics() const;               ///< Prometheus' text format

 private:
  const Runtime &runtime_;
  const Supervisor &supervisor_;
  const net::Engine *main_;
  const Traffic *traffic_;
  const std::int64_t started_ns_;
  std::atomic<bool> open_{false};
};

}  // namespace Atoll::host
