// SPDX-License-Identifier: Apache-2.0
// What happens to a request between the engine and a protocol plugin: health, route, login.
#pragma once

#include <memory>
#include <string>

#include "core/host/instance_set.hpp"
#include "core/host/networks.hpp"
#include "core/host/router.hpp"
#include "core/host/side_work.hpp"
#include "core/net/exchange.hpp"

namespace Atoll::host {

class Supervisor;

/// Outlives the engine whose handler it is.
class HttpHost {
 public:
  HttpHost(const InstanceSet &instances, const Router &router, const Supervisor *supervisor, std::string realm,
           Networks trusted_proxies = {})
      : instances_(instances),
        router_(router),
        supervisor_(supervisor),
        realm_(std::move(realm)),
        trusted_proxies_(std::move(trusted_proxies)) {}

  /// The handler for net::Engine. [worker]
  void handle(std::shared_ptr<net::Exchange> exchange) const;

 private:
  void refuse_instance(net::Exchange &exchange, const Route &route) const;

  const InstanceSet &instances_;
  const Router &router_;
  const Supervisor *supervisor_;  // may be null: then nothing is known about when to retry
  const std::string realm_;
  const Networks trusted_proxies_;
  mutable SideWork helpers_{SideWork::useful_threads()};
};

}  // namespace Atoll::host
