// SPDX-License-Identifier: Apache-2.0
// What the endpoints have in common in reading bodies. [any thread]
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/base/json.hpp"
#include "core/base/text.hpp"
#include "plugins/api-graph/odata.hpp"

namespace Atoll::graph {

inline Answer wrong_method(std::string allowed) {
  Answer out = failure(405, "notAllowed", "This resource takes " + allowed + ".");
  out.allow = std::move(allowed);
  return out;
}

/// No body is an object without members.
inline Result<base::JsonObject> object_of(std::string_view body) {
  if (base::trim(body).empty()) return base::JsonObject(new Poco::JSON::Object);
  auto object = base::parse_json_object(body, 1 << 20);
  if (!object) return error(Status::InvalidArgument, "The body is no JSON object.");
  return object;
}

/// A text of the body; an error when it is there and no text.
inline Result<std::optional<std::string>> read_text(const base::JsonObject &body, const char *name) {
  if (!body->has(name)) return std::optional<std::string>();
  auto text = base::json_string(body, name);
  if (!text) return invalid(std::string(name) + " is a text.");
  return text;
}

}  // namespace Atoll::graph
