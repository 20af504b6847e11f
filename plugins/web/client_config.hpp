// SPDX-License-Identifier: Apache-2.0
// /config.json and the theme: what web clients of the ownCloud family read before anything else.
#pragma once

#include <atoll/sdk/host.hpp>
#include <atoll/sdk/result.hpp>

#include <string>
#include <string_view>

namespace Atoll::web {

struct ClientConfig {
  std::string server;          ///< public URL, without a slash at its end
  std::string theme;           ///< path of the theme below it, with a slash in front
  std::string apps;            ///< ids of the client's own apps, with blanks between
  std::string options = "{}";  ///< a JSON object
  std::string oidc_issuer;     ///< empty: no OpenID Connect
  std::string oidc_client_id;
  std::string oidc_scope;

  /// From the keys of the instance. InvalidArgument names the key. [start-up]
  static Result<ClientConfig> read(const Host &host);
  /// The document.
  std::string json() const;
};

/// A theme for bundles that bring none: the product's name, and colours that the client may take or leave.
std::string plain_theme();

/// "https://login.example:8443" of a URL; nothing when it is no http or https URL. [any thread]
std::optional<std::string> origin_of(std::string_view url);

}  // namespace Atoll::web
