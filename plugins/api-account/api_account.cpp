// SPDX-License-Identifier: Apache-2.0
#include "plugins/api-account/api_account.hpp"

#include <algorithm>

#include "core/base/path.hpp"
#include "core/base/uri.hpp"
#include "plugins/api-account/tokens.hpp"
#include "plugins/api-account/webfinger.hpp"

namespace Atoll::account {
namespace {

constexpr std::uint64_t kLargestBody = 64 << 10;

Answer no_endpoint() { return refusal(404, "itemNotFound", "There is no such resource."); }

}  // namespace

Result<std::unique_ptr<ApiAccount>> ApiAccount::create(const Call &, Host host) {
  auto made = std::make_unique<ApiAccount>(host);
  if (!made->accounts_.there()) return error(Status::FailedPrecondition, "this host offers no accounts to protocols");
  return made;
}

void ApiAccount::handle(const Call &call, const Request &request, Exchange exchange) {
  if (request.path().substr(0, 13) != "/.well-known/" && request.auth_status() != Status::Ok) {
    std::string why(request.auth_message());
    Answer refused = refusal(error(request.auth_status(), why.empty() ? "Log in to see this." : std::move(why)));
    refused.retry_after_ms = request.raw()->retry_after_ms;
    return send(request, exchange, std::move(refused));
  }
  if (!request.has_body()) return send(request, exchange, answer(call, request, {}));
  exchange.buffer_body(kLargestBody, [this](const Call &later, Exchange again, const BodyResult &body) {
    const Request request_again = again.request();
    if (body.ok()) return send(request_again, again, answer(later, request_again, body.bytes()));
    const Status status = body.status();
    Answer refused = status == Status::ResourceExhausted ? refusal(413, "invalidRequest", "The body is too large.")
                     : status == Status::DeadlineExceeded
                         ? refusal(408, "invalidRequest", "The body did not arrive in time.")
                     : status == Status::Unavailable ? refusal(error(status, ""))
                                                     : refusal(400, "invalidRequest", "The body did not arrive whole.");
    refused.retry_after_ms = body.retry_after_ms();
    send(request_again, again, std::move(refused));
  });
}

Answer ApiAccount::answer(const Call &call, const Request &request, std::string_view body) const {
  const auto decoded = base::percent_decode(request.path());
  const auto names = base::split_path(decoded ? std::string_view(*decoded) : std::string_view("/"));
  if (!decoded || !names || names->size() < 2) return no_endpoint();
  const auto &path = *names;
  if (path[0] == ".well-known") return path.size() == 2 ? well_known(request, path[1]) : no_endpoint();
  if (path[0] == "auth-app") return path.size() == 2 ? tokens(accounts_, call, request) : no_endpoint();
  if (path.size() != 4) return no_endpoint();
  return settings_.answer(call, request.method(), path[3], body);
}

Answer ApiAccount::well_known(const Request &request, std::string_view name) const {
  if (request.method() != "GET" && request.method() != "HEAD") return wrong_method("GET");
  const auto url = host_.public_url();
  if (!url) return refusal(error(Status::Unavailable, "the host does not tell where it is"));
  Answer out;
  out.for_all = true;
  if (name == "host-meta") {
    out.type = "application/xrd+xml; charset=utf-8";
    out.body = host_meta_xml(*url);
    return out;
  }
  out.type = "application/jrd+json";
  if (name == "host-meta.json") {
    out.body = host_meta_json(*url);
    return out;
  }
  const auto query = read_finger_query(request.query());
  if (!query) return refusal(query.error());
  if (!is_ours(query->resource, *url, request.authority()))
    return refusal(404, "itemNotFound", "This server knows nothing about that resource.");
  // The clients that ask look for exactly this type.
  out.type = "application/json";
  out.body = finger_answer(*query, *url);
  return out;
}

void ApiAccount::send(const Request &request, const Exchange &exchange, Answer answer) {
  Response response;
  response.status = answer.status;
  response.header("X-Content-Type-Options", "nosniff");
  response.header("Cache-Control", answer.for_all && answer.status == 200 ? "public, max-age=600" : "no-store");
  if (answer.for_all) response.header("Access-Control-Allow-Origin", "*");
  if (!answer.body.empty()) response.header("Content-Type", answer.type);
  if (!answer.allow.empty()) response.header("Allow", answer.allow);
  if (answer.status == 503 || answer.status == 429)
    response.header("Retry-After", std::to_string(std::max<std::uint32_t>(1, (answer.retry_after_ms + 999) / 1000)));
  if (request.method() == "HEAD")
    response.body = HeadBody{answer.body.size()};
  else if (!answer.body.empty())
    response.body = std::move(answer.body);
  exchange.respond(std::move(response));
}

}  // namespace Atoll::account
