// SPDX-License-Identifier: Apache-2.0
// What the server says of itself: status.php, and this plugin's part of the capabilities. [any thread]
#pragma once

#include <cstdint>
#include <string>

namespace Atoll::webdav {

/// The JSON of /status.php. `version` is the one that old clients look for; productversion is ours.
std::string status_json();

/// The JSON object of atoll.http.capabilities/1: only what is served.
/// `checksums`: ATOLL_STAT_SHA1 and others.
std::string capabilities_json(std::uint32_t checksums, bool uploads);

}  // namespace Atoll::webdav
