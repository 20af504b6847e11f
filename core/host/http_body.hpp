// SPDX-License-Identifier: Apache-2.0
// The body of a plugin's answer as a body of the engine.
#pragma once

#include <atoll/abi/http.h>

#include <memory>

#include "core/host/instance.hpp"
#include "core/net/response.hpp"

namespace Atoll::host {

/// Takes over the duty to call raw.release, once, when all is sent or the connection is gone. The instance is held
/// until then. [any thread]
net::Body http_body(const atoll_response &raw, std::shared_ptr<Lease> lease);

}  // namespace Atoll::host
