// SPDX-License-Identifier: Apache-2.0
// One line of the log for each answer.
#pragma once

#include "core/host/networks.hpp"
#include "core/net/engine.hpp"

namespace Atoll::host {

/// Method, path, route, status, bytes in and out, duration, account id, client's address behind trusted proxies,
/// whether it came over TLS, request id. The query is left out: it may hold secrets. [any thread]
void log_access(const net::Finished &done, const Networks &trusted_proxies);

}  // namespace Atoll::host
