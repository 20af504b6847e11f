// SPDX-License-Identifier: Apache-2.0
#include "plugins/api-webdav/propfind_request.hpp"

#include "core/base/text.hpp"
#include "plugins/api-webdav/multistatus.hpp"

namespace Atoll::webdav {

std::optional<Response> read_propfind(const Context &context, std::string_view body, bool infinity,
                                      PropfindRequest &out) {
  if (const auto value = context.request.header("Depth")) {
    const auto parsed = parse_depth(base::trim(*value));
    if (!parsed) return context.fail(400, "Depth is neither 0 nor 1 nor infinity.");
    out.depth = *parsed;
  }
  if (out.depth == Depth::Infinity && !(infinity && context.services.depth_infinity)) {
    return context.fail(403, "Depth: infinity is refused here: ask with 0 or 1.", "<d:propfind-finite-depth/>");
  }
  const auto prefer = context.request.joined_header("Prefer");
  out.minimal = prefer && prefers_minimal(*prefer);
  auto plan = context.services.plans.plan(body, out.minimal);
  if (!plan) return context.fail(plan.error());
  out.plan = *std::move(plan);
  return std::nullopt;
}

Response multistatus_response(const PropfindRequest &request) {
  Response response;
  response.status = 207;
  response.header("Content-Type", std::string(kMultistatusType));
  response.header("DAV", "1, 2");
  response.header("Vary", "Prefer");
  if (request.minimal) response.header("Preference-Applied", "return=minimal");
  return response;
}

}  // namespace Atoll::webdav
