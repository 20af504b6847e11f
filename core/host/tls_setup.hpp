// SPDX-License-Identifier: Apache-2.0
// The server's certificate: made at the first start if wanted, loaded, and looked after.
#pragma once

#include <atoll/sdk/result.hpp>

#include <memory>
#include <string>
#include <vector>

#include "core/host/listen.hpp"
#include "core/net/tls_context.hpp"

namespace Atoll::host {

/// What [server] says about TLS.
struct TlsConfig {
  bool enabled = false;
  bool automatic = false;  ///< a self-signed certificate is made when there is none
  net::TlsFiles files;     ///< absolute paths
};

/// The names that a self-signed certificate is made for: localhost, this machine's name, loopback, and the addresses
/// (of all network interfaces for 0.0.0.0 and [::]). Each once.
std::vector<std::string> certificate_names(const std::vector<std::string> &addresses);

/// Makes the certificate if that is wanted and there is none, and loads it. `addresses`: "ADDRESS:PORT". Logs which
/// file clients have to trust. Errors: those of the files, with sentences for the admin. [start-up]
Result<std::shared_ptr<net::TlsContext>> open_tls(const TlsConfig &config, const std::vector<std::string> &addresses);

/// Logs what is odd about the files that were loaded last, and warn_of_end(). [any thread]
void report_certificate(const TlsConfig &config, const net::TlsContext &context);

/// Logs a warning when the certificate ends within 14 days, an error when it has ended. [any thread]
void warn_of_end(const TlsConfig &config, std::int64_t not_after);

}  // namespace Atoll::host
