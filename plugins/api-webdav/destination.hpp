// SPDX-License-Identifier: Apache-2.0
// The Destination field of RFC 4918, section 10.3, and other URLs that a client names. [any thread]
#pragma once

#include <atoll/sdk/result.hpp>

#include <string_view>

#include "plugins/api-webdav/location.hpp"

namespace Atoll::webdav {

/// What a URL or an absolute path of a client points to.
struct UrlTarget {
  bool other_host = false;  ///< another server: 502 for a Destination
  Location location;        ///< when it is this server
};

/// `value`: an absolute URL, or an absolute path; raw UTF-8 and blanks are fine. `authority`: that of the request.
/// InvalidArgument as parse_location, and for what is neither; a query and a fragment are refused.
Result<UrlTarget> parse_url_target(std::string_view value, std::string_view authority);

}  // namespace Atoll::webdav
