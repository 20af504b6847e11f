// SPDX-License-Identifier: Apache-2.0
// IP addresses and networks as they are written in configurations and headers.
#pragma once

#include <atoll/sdk/result.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace Atoll::host {

/// An IPv4 or IPv6 address. IPv4 inside of IPv6 (::ffff:a.b.c.d) is the IPv4 address.
struct Address {
  std::array<std::uint8_t, 16> bytes{};  ///< network order; of IPv4 the first four
  bool v6 = false;

  /// Without brackets, port and zone; nothing if it is no address.
  static std::optional<Address> parse(std::string_view text);
  std::string text() const;
  bool loopback() const;  ///< 127.0.0.0/8, ::1
  bool any() const;       ///< 0.0.0.0, ::
  bool operator==(const Address &) const = default;
};

/// A set of networks, and perhaps of the peers on unix sockets. [any thread] once it is made.
class Networks {
 public:
  /// Words with blanks or commas between: an address, a network ("10.0.0.0/8", "fd00::/8"), or "unix".
  /// InvalidArgument with a sentence for the admin.
  static Result<Networks> parse(std::string_view words);

  bool empty() const { return networks_.empty() && !unix_; }
  bool contains(const Address &address) const;
  /// `host` as in net::Endpoint: an address, or "unix".
  bool contains(std::string_view host) const;

 private:
  struct Network {
    Address address;
    unsigned bits;
  };
  std::vector<Network> networks_;
  bool unix_ = false;
};

}  // namespace Atoll::host
