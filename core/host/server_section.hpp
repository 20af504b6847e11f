// SPDX-License-Identifier: Apache-2.0
// What the keys of [server] mean together: addresses, TLS, proxies, limits.
#pragma once

#include <string>

#include "core/host/configuration.hpp"
#include "core/net/engine.hpp"

namespace Atoll::host {

/// Fills in Configuration::listen, metrics_listen, trusted_proxies and tls, and adds what does not fit together. The
/// values are complete and of the right types. [start-up]
void check_server(Configuration &configuration, Problems &problems);

/// The limits of [server] for the engine of the main port; addresses, TLS and callbacks are left to the caller.
net::Options engine_limits(const Configuration &configuration);

}  // namespace Atoll::host
