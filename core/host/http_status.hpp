// SPDX-License-Identifier: Apache-2.0
// Status codes of the ABI as status codes of HTTP.
#pragma once

#include <cstdint>

namespace Atoll::host {

/// 200 for ATOLL_OK; 500 for a number that is no status code. [any thread]
int http_status(std::int32_t status);

}  // namespace Atoll::host
