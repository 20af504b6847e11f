// SPDX-License-Identifier: Apache-2.0
#include "core/host/http_host.hpp"

#include <atoll/abi/auth.h>

#include <algorithm>

#include "core/base/text.hpp"
#include "core/host/authenticator.hpp"
#include "core/host/forwarded.hpp"
#include "core/host/http_exchange.hpp"
#include "core/host/supervisor.hpp"

namespace Atoll::host {
namespace {

/// Whether a browser says that a page of another site sent this (Fetch Metadata, W3C). A browser adds the Basic login
/// that somebody gave it once to whatever such a page sends, also to a form that would change something.
bool of_foreign_page(const net::RequestHead &head, const Credential &credential) {
  if (credential.kind != ATOLL_CREDENTIAL_BASIC || head.method == "GET" || head.method == "HEAD" ||
      head.method == "OPTIONS")
    return false;
  const auto site = head.header("Sec-Fetch-Site");
  return site && !base::iequals(*site, "same-origin") && !base::iequals(*site, "none");
}

}  // namespace

void HttpHost::refuse_instance(net::Exchange &exchange, const Route &route) const {
  std::chrono::milliseconds wait{1000};
  if (supervisor_) wait = std::max(wait, supervisor_->status(*route.instance).retry_in);
  net::Response response(503, "This part of the server is not running now; try again soon.\n");
  response.with("Retry-After", std::to_string((wait.count() + 999) / 1000));
  response.route = route.label();
  exchange.respond(std::move(response));
}

void HttpHost::handle(std::shared_ptr<net::Exchange> exchange) const {
  const net::RequestHead &head = exchange->head();
  if (head.path == kHealthPath && (head.method == "GET" || head.method == "HEAD")) {
    net::Response response(200, "ok\n");
    response.route = kHealthPath;
    return exchange->respond(std::move(response.with("Cache-Control", "no-store")));
  }
  if (head.path == "*") return exchange->respond(net::Response(204));
  const auto path = normalise_path(head.path);
  if (!path) return exchange->respond(net::Response(400, "The path of the request is not percent-encoded properly.\n"));
  const Route *route = router_.find(*path);
  if (!route) return exchange->respond(net::Response(404, "Nothing is served under this path.\n"));

  Lease lease = route->instance->lease();
  if (!lease) return refuse_instance(*exchange, *route);
  const auto adapter = std::make_shared<HttpExchange>(exchange, std::move(lease), realm_, route->label(),
                                                      find_client(head, trusted_proxies_), helpers_);
  if (!route->anonymous) {
    const auto header = head.header("Authorization");
    auto credential = header ? parse_authorization(*header)
                             : Result<Credential>(error(Status::Unauthenticated, "This needs a login."));
    if (credential) {
      if (of_foreign_page(head, *credential))
        return exchange->respond(net::Response(403, "A page of another site may not change anything here.\n"));
      auto principal = authenticate(instances_, *credential, adapter->peer(), adapter->call());
      if (principal)
        adapter->set_principal(std::move(*principal));
      else
        adapter->set_refusal(std::move(principal).error());
    } else {
      adapter->set_refusal(std::move(credential).error());
    }
  }
  adapter->handle();
}

}  // namespace Atoll::host
