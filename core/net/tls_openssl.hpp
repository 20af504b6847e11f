// SPDX-License-Identifier: Apache-2.0
// Owners of OpenSSL's objects, for the tls_*.cpp files only.
#pragma once

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <array>
#include <memory>
#include <string>

namespace Atoll::net {

template <auto Free>
struct OpensslFree {
  template <class T>
  void operator()(T *object) const {
    Free(object);
  }
};

using BioPtr = std::unique_ptr<BIO, OpensslFree<&BIO_free>>;
using CertificatePtr = std::unique_ptr<X509, OpensslFree<&X509_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, OpensslFree<&EVP_PKEY_free>>;
using SslContextPtr = std::shared_ptr<SSL_CTX>;

/// The newest entry of OpenSSL's error queue as text; empties the queue. [any thread]
inline std::string openssl_reason() {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  if (code == 0) return "unknown reason";
  const char *reason = ERR_reason_error_string(code);
  if (reason != nullptr) return reason;
  std::array<char, 128> text{};
  ERR_error_string_n(code, text.data(), text.size());
  return text.data();
}

}  // namespace Atoll::net
