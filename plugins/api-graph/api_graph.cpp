// SPDX-License-Identifier: Apache-2.0
#include "plugins/api-graph/api_graph.hpp"

#include <algorithm>
#include <span>

#include "core/base/path.hpp"
#include "core/base/text.hpp"
#include "core/base/uri.hpp"
#include "plugins/api-graph/bodies.hpp"

namespace Atoll::graph {
namespace {

constexpr std::uint64_t kLargestBody = 1 << 20;

Answer no_endpoint() { return failure(404, "itemNotFound", "There is no such resource."); }

bool reads(const Request &request) { return request.method() == "GET" || request.method() == "HEAD"; }

/// A header that says yes.
bool says(const Request &request, std::string_view name) {
  const auto value = request.header(name);
  return value && (base::iequals(*value, "true") || base::iequals(*value, "t") || *value == "1");
}

}  // namespace

Result<std::unique_ptr<ApiGraph>> ApiGraph::create(const Call &, Host host) {
  auto made = std::make_unique<ApiGraph>(host);
  if (!made->spaces_.there() || !made->accounts_.there())
    return error(Status::FailedPrecondition, "this host offers no spaces and no accounts to protocols");
  return made;
}

Result<std::string> ApiGraph::capabilities(const Call &) {
  std::string out;
  base::JsonWriter json(out);
  json.begin_object().key("spaces").begin_object();
  json.field("version", "1.0.0").field("enabled", true).field("projects", true).field("share_jail", false);
  json.field("max_quota", 0).end_object();
  json.key("graph").begin_object().field("personal-data-export", true).end_object().end_object();
  return out;
}

void ApiGraph::handle(const Call &call, const Request &request, Exchange exchange) {
  if (request.auth_status() != Status::Ok) {
    std::string why(request.auth_message());
    Answer refused = failure(error(request.auth_status(), why.empty() ? "Log in to see this." : std::move(why)));
    refused.retry_after_ms = request.raw()->retry_after_ms;
    return send(request, exchange, std::move(refused));
  }
  if (!request.has_body()) return send(request, exchange, answer(call, request, {}));
  exchange.buffer_body(kLargestBody, [this](const Call &later, Exchange again, const BodyResult &body) {
    const Request request_again = again.request();
    if (body.ok()) return send(request_again, again, answer(later, request_again, body.bytes()));
    const Status status = body.status();
    Answer refused = status == Status::ResourceExhausted ? failure(413, "invalidRequest", "The body is too large.")
                     : status == Status::DeadlineExceeded
                         ? failure(408, "invalidRequest", "The body did not arrive in time.")
                     : status == Status::Unavailable ? failure(error(status, ""))
                                                     : failure(400, "invalidRequest", "The body did not arrive whole.");
    refused.retry_after_ms = body.retry_after_ms();
    send(request_again, again, std::move(refused));
  });
}

void ApiGraph::send(const Request &request, const Exchange &exchange, Answer answer) const {
  Response response;
  response.status = answer.status;
  response.header("Cache-Control", "no-store").header("X-Content-Type-Options", "nosniff");
  if (!answer.json.empty()) response.header("Content-Type", "application/json; charset=utf-8");
  if (!answer.allow.empty()) response.header("Allow", answer.allow);
  if (answer.status == 503 || answer.status == 429)
    response.header("Retry-After", std::to_string(std::max<std::uint32_t>(1, (answer.retry_after_ms + 999) / 1000)));
  if (request.method() == "HEAD")
    response.body = HeadBody{answer.json.size()};
  else if (!answer.json.empty())
    response.body = std::move(answer.json);
  exchange.respond(std::move(response));
}

Answer ApiGraph::answer(const Call &call, const Request &request, std::string_view body) const {
  const auto decoded = base::percent_decode(request.path());
  const auto names = base::split_path(decoded ? std::string_view(*decoded) : std::string_view("/"));
  if (!decoded || !names || names->size() < 3) return no_endpoint();
  const std::vector<std::string> all(names->begin() + 2, names->end());
  const std::span<const std::string> path(all);
  const std::string_view first = path[0];
  if (first == "me" && path.size() == 2 && (path[1] == "drives" || path[1] == "drive")) {
    if (!reads(request)) return wrong_method("GET");
    return path[1] == "drives" ? drives_.list(call, request.query(), false) : drives_.mine(call, request.query());
  }
  if (first == "me" && path.size() > 2 && path[1] == "drive") {
    const auto own = items_.own(call);
    return own ? items(call, request, *own, path.subspan(2), body) : failure(own.error());
  }
  const Asked asked{call, request, path.subspan(1), body};
  if (first == "me") return users_.me(asked);
  if (first == "users" && path.size() == 3 && path[2] == "exportPersonalData")
    return personal_data_.answer(asked, path[1]);
  if (first == "users") return users_.users(asked);
  if (first == "groups") return groups_.groups(asked);
  if (first == "applications") return Users::applications(asked);
  if (first == "drives") return drives(call, request, path.subspan(1), body);
  if (first == "roleManagement" && path.size() >= 3 && path[1] == "permissions" && path[2] == "roleDefinitions")
    return role_definitions(call, request, path.subspan(3));
  return no_endpoint();
}

Answer ApiGraph::drives(const Call &call, const Request &request, std::span<const std::string> path,
                        std::string_view body) const {
  if (path.empty()) {
    if (reads(request)) return drives_.list(call, request.query(), true);
    if (request.method() != "POST") return wrong_method("GET, POST");
    const auto object = object_of(body);
    return object ? drives_.create(call, request.query(), *object) : failure(object.error());
  }
  const auto space = read_drive_id(path[0]);
  if (!space) return failure(404, "itemNotFound", "There is no such drive.");
  if (path.size() == 1) {
    if (reads(request)) return drives_.get(call, *space, request.query());
    if (const auto options = Query::read(request.query(), {}); !options) return failure(options.error());
    if (request.method() == "DELETE") return drives_.remove(call, *space, says(request, "Purge"));
    if (request.method() != "PATCH") return wrong_method("GET, PATCH, DELETE");
    const auto object = object_of(body);
    return object ? drives_.change(call, *space, *object, says(request, "Restore")) : failure(object.error());
  }
  return items(call, request, *space, path.subspan(1), body);
}

Answer ApiGraph::items(const Call &call, const Request &request, const SpaceId &space,
                       std::span<const std::string> path, std::string_view body) const {
  std::span<const std::string> rest = path.subspan(1);
  NodeId node = root_of(space);
  if (path[0] == "items" && !rest.empty()) {
    const auto item = read_item_id(rest[0]);
    if (!item || item->space != space) return failure(404, "itemNotFound", "There is no such item.");
    node = item->node;
    rest = rest.subspan(1);
  } else if (path[0] != "root") {
    return no_endpoint();
  }
  if (rest.empty()) return reads(request) ? items_.get(call, space, node, request.query()) : wrong_method("GET");
  if (rest.size() == 1 && rest[0] == "children")
    return reads(request) ? items_.children(call, space, node, request.path(), request.query()) : wrong_method("GET");
  if (node != root_of(space))
    return failure(501, "notSupported",
                   "Permissions of files and folders are not there yet, only those of a drive's root.");
  return permissions(call, request, space, rest, body);
}

Answer ApiGraph::permissions(const Call &call, const Request &request, const SpaceId &space,
                             std::span<const std::string> path, std::string_view body) const {
  if (const auto options = Query::read(request.query(), {}); !options) return failure(options.error());
  const bool invite = path.size() == 1 && path[0] == "invite";
  if (!invite && (path.empty() || path.size() > 2 || path[0] != "permissions")) return no_endpoint();
  if (path.size() == 1 && !invite) return reads(request) ? members_.list(call, space) : wrong_method("GET");
  if (invite && request.method() != "POST") return wrong_method("POST");
  if (!invite) {
    if (reads(request)) return members_.get(call, space, path[1]);
    if (request.method() == "DELETE") return members_.remove(call, space, path[1]);
    if (request.method() != "PATCH") return wrong_method("GET, PATCH, DELETE");
  }
  const auto object = object_of(body);
  if (!object) return failure(object.error());
  return invite ? members_.invite(call, space, *object) : members_.change(call, space, path[1], *object);
}

Answer ApiGraph::role_definitions(const Call &call, const Request &request, std::span<const std::string> path) const {
  if (path.size() > 1) return no_endpoint();
  if (!reads(request)) return wrong_method("GET");
  if (const auto options = Query::read(request.query(), {}); !options) return failure(options.error());
  const auto roles = spaces_.roles(call);
  if (!roles) return failure(roles.error());
  Answer out;
  base::JsonWriter json(out.json);
  if (path.empty()) {
    json.begin_array();
    for (const RoleDefinition &role : *roles)
      if (role.enabled) append_role(json, role);
    json.end_array();
    return out;
  }
  for (const RoleDefinition &role : *roles)
    if (role.enabled && role.id.text() == path[0]) {
      append_role(json, role);
      return out;
    }
  return failure(404, "itemNotFound", "There is no such role.");
}

}  // namespace Atoll::graph
