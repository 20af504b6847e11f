// SPDX-License-Identifier: Apache-2.0
// Who the client is when proxies stand in front: Forwarded (RFC 7239) and X-Forwarded-For, -Proto, -Host.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/host/networks.hpp"
#include "core/net/request.hpp"

namespace Atoll::host {

/// What one proxy says about the one that asked it.
struct Hop {
  std::optional<Address> address;  ///< none: not said, "unknown", or an obfuscated name
  std::optional<bool> secure;      ///< whether it was asked over https
  std::string authority;           ///< the Host that it was asked for; empty: not said
};
/// In the order of the header: the last one was written by the proxy that is nearest.
using Hops = std::vector<Hop>;

/// At most this many proxies; more are malformed.
inline constexpr std::size_t kMostHops = 100;

/// A Forwarded header (all of its fields joined). Nothing if any part is malformed. [any thread]
std::optional<Hops> parse_forwarded(std::string_view value);

/// The same of the older headers; an empty text is a header that is not there. A list of protocols or of hosts belongs
/// to the addresses from the right; a list that is too short goes on with its first entry. [any thread]
std::optional<Hops> parse_x_forwarded(std::string_view addresses, std::string_view protocols, std::string_view hosts);

/// What differs from the connection; empty where nothing does.
struct Client {
  std::string address;    ///< numeric; empty: the peer of the connection
  std::string authority;  ///< empty: that of the request's head
  bool secure = false;
};

/// Headers count only when the connection comes from a trusted proxy. Then the hops are walked from the right as long
/// as they are trusted too; the first that is not is the client. When a header is malformed, or Forwarded and the older
/// headers are both there and contradict each other (a client sent one, its proxy the other), none counts.
/// [any thread]
Client find_client(const net::RequestHead &head, const Networks &trusted);

}  // namespace Atoll::host
