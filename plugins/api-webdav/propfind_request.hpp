// SPDX-License-Identifier: Apache-2.0
// What PROPFIND requests on all roots have in common.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "plugins/api-webdav/context.hpp"
#include "plugins/api-webdav/headers.hpp"

namespace Atoll::webdav {

struct PropfindRequest {
  Depth depth = Depth::One;  ///< also without the header: as clients of this family expect, never the whole tree
  bool minimal = false;      ///< Prefer: return=minimal
  std::shared_ptr<const PropertyPlan> plan;
};

/// Reads Depth, Prefer and the body. An answer (400, 403) when the request must not go on. `infinity`: whether the root
/// answers that depth at all; the configuration decides then.
std::optional<Response> read_propfind(const Context &context, std::string_view body, bool infinity,
                                      PropfindRequest &out);

/// A 207 with its headers and without a body.
Response multistatus_response(const PropfindRequest &request);

}  // namespace Atoll::webdav
