// SPDX-License-Identifier: Apache-2.0
// Reads a certificate chain and its key from PEM files and checks that they fit.
#pragma once

#include <atoll/sdk/result.hpp>

#include <string>
#include <vector>

#include "core/net/tls_context.hpp"
#include "core/net/tls_openssl.hpp"

namespace Atoll::net {

struct Credentials {
  CertificatePtr certificate;
  std::vector<CertificatePtr> chain;  ///< what follows in the file
  KeyPtr key;
  std::vector<std::string> warnings;  ///< sentences: expired, not yet valid, a chain in the wrong order
};

/// [any thread] Errors: InvalidArgument with a sentence that names the file and what to do.
Result<Credentials> read_credentials(const TlsFiles &files);

/// [any thread] A private key alone; errors as above.
Result<KeyPtr> read_private_key(const std::string &path);

/// [any thread] Seconds since 1970.
std::int64_t seconds_of(const ASN1_TIME *time);

}  // namespace Atoll::net
