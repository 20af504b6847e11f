// SPDX-License-Identifier: Apache-2.0
// What `listen` and `metrics_listen` say: where clients connect, and whether over TLS.
#pragma once

#include <atoll/sdk/result.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace Atoll::host {

/// One word of `listen`.
struct ListenSpec {
  enum class Kind {
    Tcp,     ///< "127.0.0.1:9200", "[::1]:9200"
    Unix,    ///< "unix:/path"
    Systemd  ///< sockets that the service manager passes
  };
  Kind kind = Kind::Tcp;
  std::string address;  ///< Systemd: the name of the sockets, empty for all that no other word names
  bool tls = false;

  /// Not a loopback address and no unix socket: others on the network may read along. A Systemd socket is only known
  /// once it was passed.
  bool exposed() const;
  std::string text() const;  ///< "https://0.0.0.0:443", "unix:/path", "http://systemd:web"
};

/// Whether "ADDRESS:PORT" is on loopback; host names other than localhost count as not.
bool on_loopback(std::string_view address);

/// Reads words separated by blanks. A word without a scheme has TLS if `tls` says so; unix sockets never have it.
/// InvalidArgument with a sentence for the admin. [any thread]
Result<std::vector<ListenSpec>> parse_listen(std::string_view words, bool tls);

/// Why a server must not speak plain HTTP at `where`, and what to do. `key`: "listen" or "metrics_listen".
std::string exposed_plainly(std::string_view key, std::string_view where);

}  // namespace Atoll::host
