// SPDX-License-Identifier: Apache-2.0
// The plugin: routes and endpoints of OCS.
#include <atoll/sdk/host.hpp>
#include <atoll/sdk/http.hpp>
#include <atoll/sdk/plugin.hpp>

#include <Poco/JSON/Object.h>

#include <algorithm>

#include "core/base/json.hpp"
#include "core/base/path.hpp"
#include "core/base/uri.hpp"
#include "plugins/share-ocs/envelope.hpp"
#include "plugins/share-ocs/merge.hpp"

namespace Atoll::ocs {

namespace {

using Object = Poco::JSON::Object;

Object::Ptr version_object() {
  Object::Ptr version = new Object;
  version->set("major", 10);
  version->set("minor", 11);
  version->set("micro", 0);
  version->set("string", "10.11.0");
  version->set("edition", "Community");
  version->set("product", "Atoll");
  version->set("productversion", "0.1.0");
  return version;
}

}  // namespace

class ShareOcs : public Plugin<ShareOcs>, public Http<ShareOcs> {
 public:
  static constexpr PluginInfo info{"dev.atoll.share-ocs", "0.1.0", "Apache-2.0",
                                   "OCS: capabilities and the account that is logged in"};
  using Offers = Interfaces<Http<ShareOcs>>;
  static constexpr std::array<Route, 2> routes{{{"/ocs/v1.php"}, {"/ocs/v2.php"}}};

  static Result<std::unique_ptr<ShareOcs>> create(const Call &, Host host) {
    auto made = std::make_unique<ShareOcs>();
    made->host_ = host;
    return made;
  }

  void handle(const Call &call, const Request &request, Exchange exchange) {
    Outcome outcome;
    Object::Ptr data;
    Version version = Version::V1;
    const auto decoded = base::percent_decode(request.path());
    auto names = base::split_path(decoded ? *decoded : std::string_view("/"));
    std::string endpoint;  // "cloud/user"
    if (decoded && names && names->size() >= 2) {
      version = (*names)[1] == "v2.php" ? Version::V2 : Version::V1;
      for (std::size_t i = 2; i < names->size(); ++i) {
        if (i > 2) endpoint.push_back('/');
        endpoint.append((*names)[i]);
      }
    }
    if (request.auth_status() != Status::Ok && endpoint != "cloud/capabilities") {
      std::string why(request.auth_message());
      outcome = outcome_of(error(request.auth_status(), why.empty() ? "Log in to see this." : std::move(why)));
    } else if (request.auth_status() != Status::Ok && request.header("Authorization")) {
      outcome = outcome_of(error(request.auth_status(), std::string(request.auth_message())));
    } else if (endpoint != "cloud/capabilities" && endpoint != "cloud/user") {
      outcome = {998, "There is no such endpoint."};
    } else if (request.method() != "GET" && request.method() != "HEAD") {
      outcome = {405, "This endpoint is read with GET."};
    } else {
      auto made = endpoint == "cloud/user" ? user(call) : capabilities(call);
      if (made) {
        data = *made;
      } else {
        host_.log(ATOLL_LOG_WARNING, made.error().message, {{"endpoint", endpoint}}, call.raw());
        outcome = outcome_of(made.error());
      }
    }
    answer(request, exchange, outcome, wrap(version, format_of(request.query()), outcome, data));
  }

 private:
  static void answer(const Request &request, Exchange exchange, const Outcome &outcome, Answer made) {
    Response response;
    response.status = made.http;
    response.header("Content-Type", made.content_type);
    response.header("X-Content-Type-Options", "nosniff");
    response.header("Cache-Control", "no-store");
    if (made.http == 405) response.header("Allow", "GET, HEAD");
    if (made.http == 503 || made.http == 429) {
      const std::uint32_t seconds = (std::max(request.raw()->retry_after_ms, outcome.retry_after_ms) + 999) / 1000;
      response.header("Retry-After", std::to_string(seconds > 0 ? seconds : 5));
    }
    if (request.method() == "HEAD") {
      response.body = HeadBody{made.body.size()};
    } else {
      response.body = std::move(made.body);
    }
    exchange.respond(std::move(response));
  }

  /// What every instance contributes; complete, or it fails: a client that does not see a capability acts on that.
  Result<Object::Ptr> capabilities(const Call &call) const {
    Object::Ptr all = new Object;
    std::optional<Error> failure;
    auto asked = host_.each<atoll_http_capabilities>(
        ATOLL_HTTP_CAPABILITIES, [&](std::string_view name, const atoll_http_capabilities *table, void *self) {
          OutgoingCall out(call.raw());
          std::string json;
          auto sink = make_sink<atoll_text_sink>([&](atoll_str text) { json = view(text); });
          const std::int32_t status = table->capabilities(out.get(), self, sink.get());
          sink.rethrow();
          if (status != ATOLL_OK) {
            failure = out.error(status);
            return false;
          }
          auto parsed = base::parse_json_object(json);
          if (!parsed) {
            failure = error(Status::Internal, std::string(name) + " gave capabilities that are no JSON object");
            return false;
          }
          merge(all, *parsed);
          return true;
        });
    if (failure) return *failure;
    if (!asked && asked.status() != Status::NotFound) return std::move(asked).error();
    Object::Ptr data = new Object;
    data->set("version", version_object());
    data->set("capabilities", all);
    return data;
  }

  static Result<Object::Ptr> user(const Call &call) {
    const atoll_principal *principal = call.principal();
    if (principal == nullptr) return error(Status::Unauthenticated, "Log in to see this.");
    Object::Ptr data = new Object;
    const std::string display_name(view(principal->display_name));
    data->set("id", std::string(view(principal->name)));
    data->set("display-name", display_name.empty() ? std::string(view(principal->name)) : display_name);
    data->set("email", std::string(view(principal->mail)));
    return data;
  }

  Host host_;
};

}  // namespace Atoll::ocs

ATOLL_PLUGIN(Atoll::ocs::ShareOcs)
