// SPDX-License-Identifier: Apache-2.0
// The plugin: routes, dispatch, and the instance's services.
#include <atoll/sdk/host.hpp>
#include <atoll/sdk/http.hpp>
#include <atoll/sdk/plugin.hpp>

#include <algorithm>
#include <array>

#include "core/base/text.hpp"
#include "plugins/api-webdav/about.hpp"
#include "plugins/api-webdav/methods.hpp"
#include "plugins/api-webdav/request_bodies.hpp"
#include "plugins/api-webdav/tus.hpp"

namespace Atoll::webdav {

namespace {

using Handler = Response (*)(const Context &, std::string_view body);

/// Reads the body, then answers with what the handler makes of it.
void with_body(const std::shared_ptr<Context> &context, Handler handler) {
  if (!context->request.has_body()) {
    context->exchange.respond(handler(*context, {}));
    return;
  }
  context->exchange.buffer_body(
      kMostBodyBytes, [context, handler](const Call &, Exchange exchange, const BodyResult &result) {
        if (result.ok()) {
          exchange.respond(handler(*context, result.bytes()));
        } else if (result.status() == Status::ResourceExhausted) {
          exchange.respond(context->fail(413, "The request body is longer than 256 KiB."));
        } else if (result.status() == Status::Unavailable) {
          Fault busy = fault(503, "The server holds too many request bodies in memory now; try again in a moment.");
          busy.retry_after_s = std::max(1u, (result.retry_after_ms() + 999) / 1000);
          exchange.respond(to_response(busy));
        } else {
          const bool slow = result.status() == Status::DeadlineExceeded;
          exchange.respond(context->fail(slow ? 408 : 400, "The request body did not arrive whole."));
        }
      });
}

Response status_page(const Request &request) {
  Response response;
  if (request.method() != "GET" && request.method() != "HEAD") {
    response = to_response(fault(405, "status.php is read with GET."));
    response.header("Allow", "GET, HEAD");
    return response;
  }
  std::string body = status_json();
  response.header("Content-Type", "application/json");
  response.header("X-Content-Type-Options", "nosniff");
  if (request.method() == "HEAD") {
    response.body = HeadBody{body.size()};
  } else {
    response.body = std::move(body);
  }
  return response;
}

Response refused_credentials(const Request &request) {
  Error failure{request.auth_status(), std::string(request.auth_message()), 0, request.raw()->retry_after_ms};
  if (failure.message.empty()) failure.message = "Log in to see this.";
  return to_response(fault_of(failure));
}

}  // namespace

class ApiWebdav : public Plugin<ApiWebdav>, public Http<ApiWebdav>, public HttpCapabilities<ApiWebdav> {
 public:
  static constexpr PluginInfo info{"dev.atoll.api-webdav", "0.1.0", "Apache-2.0",
                                   "WebDAV as the sync clients of the ownCloud family speak it, and status.php"};
  static constexpr std::array<atoll_config_key, 2> config{
      config_key("depth_infinity", ATOLL_CONFIG_BOOLEAN, "no",
                 "Whether PROPFIND with Depth: infinity is answered. One such request may list a whole space.",
                 ATOLL_CONFIG_RELOADABLE),
      config_key("checksums", ATOLL_CONFIG_TEXT, "sha1 md5 adler32",
                 "Checksums that are computed of every upload, offered to clients and kept: sha1, and with it md5 and "
                 "adler32 if wanted. What a client sends along is verified in any case.",
                 ATOLL_CONFIG_RELOADABLE)};
  using Offers = Interfaces<Http<ApiWebdav>, HttpCapabilities<ApiWebdav>>;
  static constexpr std::array<Route, 5> routes{
      {{"/remote.php/webdav"}, {"/webdav"}, {"/remote.php/dav"}, {"/dav"}, {"/status.php", ATOLL_ROUTE_ANONYMOUS}}};

  static Result<std::unique_ptr<ApiWebdav>> create(const Call &, Host host) {
    auto made = std::make_unique<ApiWebdav>();
    Services &services = made->services_;
    services.host = host;
    services.gateway = host.gateway();
    if (services.gateway == nullptr) return error(Status::Unavailable, "this host offers no atoll.gateway/1");
    services.files = Files(services.gateway->files, services.gateway->files_self);
    services.listings = Listings(services.gateway->listing, services.gateway->files_self);
    services.attributes = Attributes(services.gateway->attributes, services.gateway->files_self);
    services.locks = Locks(services.gateway->locks, services.gateway->files_self);
    services.versions = Versions(services.gateway->versions, services.files);
    services.trash = Trash(services.gateway->trash, services.gateway->files_self);
    if (ATOLL_HAS(services.gateway, atoll_gateway_service, uploads) && services.gateway->uploads != nullptr)
      services.uploads = Uploads(services.gateway->uploads, services.files);
    if (auto read = made->read_config(); !read) return std::move(read).error();
    return made;
  }
  Result<void> reload(const Call &) { return read_config(); }

  Result<std::string> capabilities(const Call &) {
    return capabilities_json(services_.checksums, static_cast<bool>(services_.uploads));
  }

  void handle(const Call &call, const Request &request, Exchange exchange) {
    auto location = parse_location(request.path());
    if (location && location->root == Root::Status) return exchange.respond(status_page(request));
    if (request.auth_status() != Status::Ok) return exchange.respond(refused_credentials(request));
    if (!location) return exchange.respond(to_response(fault_of(location.error())));
    dispatch(std::make_shared<Context>(services_, call, request, exchange, *std::move(location)));
  }

 private:
  Result<void> read_config() {
    const auto checksums = parse_checksum_kinds(services_.host.text("checksums", "sha1 md5 adler32"));
    if (!checksums) return checksums.error();
    services_.checksums = *checksums;
    services_.depth_infinity = services_.host.integer("depth_infinity", 0) != 0;
    return {};
  }

  static void dispatch(const std::shared_ptr<Context> &context) {
    const auto answer = [&](Response response) { context->exchange.respond(std::move(response)); };
    const std::string_view method = context->request.method();
    if (method == "OPTIONS") return answer(options(*context));
    const auto below = [&](Handler handler) {
      if (method == "PROPFIND") return with_body(context, handler);
      answer(handler(*context, {}));
    };
    switch (context->location.root) {
      case Root::Foreign:
        return answer(context->fail(404, "There is nothing under this path."));
      case Root::Later:
        return answer(context->fail(501, "This part of the server is not there yet."));
      case Root::Uploads:
        return tus_upload(context);
      case Root::Status:
      case Root::Top:
        return answer(context->fail(405, "Files are in /dav/files/{user} and /dav/spaces/{id}."));
      case Root::Meta:
        return below(meta);
      case Root::Trash:
        return below(trash_bin);
      case Root::Personal:
      case Root::Files:
      case Root::Spaces:
        break;
    }
    if (method == "PROPFIND") return with_body(context, propfind);
    if (method == "GET") return answer(get(*context, false));
    if (method == "PUT") return put(context);
    if (method == "POST" && context->request.header("Tus-Resumable")) return tus_create(context);
    if (method == "HEAD") return answer(get(*context, true));
    if (method == "MKCOL") return answer(mkcol(*context));
    if (method == "DELETE") return answer(remove(*context));
    if (method == "MOVE") return answer(copy_or_move(*context, true));
    if (method == "COPY") return answer(copy_or_move(*context, false));
    if (method == "PROPPATCH") return with_body(context, proppatch);
    if (method == "LOCK") return with_body(context, lock);
    if (method == "UNLOCK") return answer(unlock(*context));
    const bool known = method == "POST" || method == "PATCH" || method == "TRACE";
    Response refused = context->fail(known ? 405 : 501, "The method " + std::string(method) + " is not served here.");
    refused.header("Allow", std::string(kAllow));
    answer(std::move(refused));
  }

  Services services_;
};

}  // namespace Atoll::webdav

ATOLL_PLUGIN(Atoll::webdav::ApiWebdav)
