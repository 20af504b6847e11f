// SPDX-License-Identifier: Apache-2.0
#include "plugins/web/client_config.hpp"

#include "core/base/json.hpp"
#include "core/base/text.hpp"

namespace Atoll::web {

Result<ClientConfig> ClientConfig::read(const Host &host) {
  ClientConfig out;
  const auto url = host.public_url();
  if (!url) return error(Status::FailedPrecondition, "this host does not tell where clients reach the server");
  out.server = *url;
  out.theme = host.text("theme", "");
  out.apps = host.text("apps", "");
  out.options = host.text("options", "{}");
  out.oidc_issuer = host.text("oidc_issuer", "");
  out.oidc_client_id = host.text("oidc_client_id", "");
  out.oidc_scope = host.text("oidc_scope", "");
  if (!out.theme.starts_with('/') || !out.theme.ends_with(".json"))
    return error(Status::InvalidArgument, "theme: write the path of a .json file in the bundle, with a slash in front");
  if (!base::parse_json_object(out.options))
    return error(Status::InvalidArgument, "options: write a JSON object, for example {\"displayResourcesLazy\": true}");
  if (!out.oidc_issuer.empty() && !origin_of(out.oidc_issuer))
    return error(Status::InvalidArgument, "oidc_issuer: write https://HOST, with a path behind it where needed");
  return out;
}

std::string ClientConfig::json() const {
  std::string out;
  base::JsonWriter json(out);
  json.begin_object();
  json.field("server", server).field("theme", server + theme);
  if (!oidc_issuer.empty()) {
    std::string_view issuer = oidc_issuer;
    while (issuer.ends_with('/')) issuer.remove_suffix(1);
    json.key("openIdConnect").begin_object();
    json.field("metadata_url", std::string(issuer) + "/.well-known/openid-configuration");
    json.field("authority", oidc_issuer).field("client_id", oidc_client_id);
    json.field("response_type", "code").field("scope", oidc_scope);
    json.end_object();
  }
  json.key("apps").begin_array();
  for (const std::string_view word : base::split(apps, ' '))
    if (!base::trim(word).empty()) json.string(base::trim(word));
  json.end_array();
  json.key("external_apps").begin_array().end_array();
  json.key("options").raw(options);
  json.end_object();
  return out;
}

std::string plain_theme() {
  std::string out;
  base::JsonWriter json(out);
  json.begin_object();
  json.key("common").begin_object();
  json.field("name", "Atoll").field("slogan", "").key("logo").string("");
  json.key("urls").begin_object().field("accessDeniedHelp", "").field("imprint", "").field("privacy", "").end_object();
  json.end_object();
  json.key("clients").begin_object().key("web").begin_object();
  json.key("defaults").begin_object();
  json.key("logo").begin_object().field("topbar", "").field("favicon", "").field("login", "").end_object();
  json.key("loginPage").begin_object().field("backgroundImg", "").end_object();
  json.end_object();
  json.key("themes").begin_array();
  for (const bool dark : {false, true}) {
    json.begin_object().field("isDark", dark).field("name", dark ? "Dark" : "Light");
    json.key("designTokens").begin_object();
    json.key("breakpoints").begin_object().end_object();
    json.key("colorPalette").begin_object();
    json.field("background-default", dark ? "#10181d" : "#ffffff");
    json.field("swatch-brand-default", dark ? "#4fb6b0" : "#0b6e75");
    json.field("swatch-primary-default", dark ? "#4fb6b0" : "#0b6e75");
    json.end_object();
    json.key("fontSizes").begin_object().end_object().key("sizes").begin_object().end_object();
    json.key("spacing").begin_object().end_object();
    json.end_object().end_object();
  }
  json.end_array();
  json.end_object().end_object();
  json.end_object();
  return out;
}

std::optional<std::string> origin_of(std::string_view url) {
  const std::size_t scheme = url.starts_with("https://") ? 8 : url.starts_with("http://") ? 7 : 0;
  if (scheme == 0) return std::nullopt;
  const std::size_t end = std::min(url.find_first_of("/?#", scheme), url.size());
  const std::string_view authority = url.substr(scheme, end - scheme);
  if (authority.empty() || authority.find_first_of(" \t;,'\"@\\") != std::string_view::npos ||
      base::has_control(authority))
    return std::nullopt;
  return std::string(url.substr(0, end));
}

}  // namespace Atoll::web
