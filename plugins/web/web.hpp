// SPDX-License-Identifier: Apache-2.0
// The plugin: all paths that no other protocol answers.
#pragma once

#include <atoll/sdk/http.hpp>
#include <atoll/sdk/plugin.hpp>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/web/client_config.hpp"
#include "plugins/web/policy.hpp"
#include "plugins/web/site.hpp"

namespace Atoll::web {

class Web : public Plugin<Web>, public Http<Web> {
 public:
  static constexpr PluginInfo info{"dev.atoll.web", "0.1.0", "Apache-2.0",
                                   "A web client from a folder, or a small page of its own"};
  using Offers = Interfaces<Http<Web>>;
  static constexpr std::array<Route, 1> routes{{{"", ATOLL_ROUTE_ANONYMOUS}}};
  static constexpr auto config = std::to_array<atoll_config_key>({
      config_key(
          "root", ATOLL_CONFIG_PATH, nullptr,
          "The folder of a web client: it holds index.html. Without it a small page of the server's own is shown."),
      config_key("config_file", ATOLL_CONFIG_PATH, nullptr,
                 "A file that is served as /config.json. Without it the document is made from the keys below and from "
                 "[server] public_url; the one of the bundle is not used."),
      config_key("theme", ATOLL_CONFIG_TEXT, "/themes/owncloud/theme.json",
                 "Where in the bundle the theme is that config.json names. A bundle without it gets a plain one."),
      config_key("apps", ATOLL_CONFIG_TEXT, "files text-editor pdf-viewer preview search",
                 "Apps of the client that config.json names, with blanks between."),
      config_key("options", ATOLL_CONFIG_TEXT, "{}", "The options of config.json, a JSON object in one line."),
      config_key("oidc_issuer", ATOLL_CONFIG_TEXT, "",
                 "URL of the OpenID Connect provider that the client logs in with. Empty: config.json names none."),
      config_key("oidc_client_id", ATOLL_CONFIG_TEXT, "web", "The client's id at that provider."),
      config_key("oidc_scope", ATOLL_CONFIG_TEXT, "openid profile email", "What the client asks that provider for."),
      config_key("csp", ATOLL_CONFIG_TEXT, "",
                 "Directives of the Content-Security-Policy for a bundle that needs more than usual, with semicolons "
                 "between: each takes the place of the one with that name."),
      config_key("api_paths", ATOLL_CONFIG_TEXT, "",
                 "First parts of paths that belong to APIs besides the usual ones, with blanks between: unknown paths "
                 "below them are 404, never the client's page."),
  });

  /// FailedPrecondition when the folder holds no index.html, InvalidArgument for a key that cannot be read. [start-up]
  static Result<std::unique_ptr<Web>> create(const Call &call, Host host);
  void handle(const Call &call, const Request &request, Exchange exchange);

 private:
  explicit Web(Host host) : host_(host) {}
  Response answer(const Call &call, const Request &request) const;
  Response bundle(const Call &call, const Request &request, const std::vector<std::string_view> &names) const;
  Response page(const Request &request, const std::vector<std::string_view> &names) const;
  Response config_json(const Call &call, const Request &request) const;
  std::optional<Response> file(const Call &call, const Request &request, const std::string &path) const;
  Response html(const Call &call, const Request &request, const SiteFile &file) const;
  Response unavailable(const Call &call, const Request &request, const Error &why) const;
  Response nothing(const Request &request) const;

  Host host_;
  std::optional<Site> site_;  ///< nothing: the built-in page
  std::optional<std::string> config_file_;
  std::string config_json_, theme_path_, theme_, api_paths_;
  Policy policy_;
  std::string plain_policy_;  ///< the policy without any inline scripts
};

}  // namespace Atoll::web
