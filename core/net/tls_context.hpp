// SPDX-License-Identifier: Apache-2.0
// Certificate, key and settings of TLS, shared by all connections of an engine.
#pragma once

#include <atoll/sdk/result.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace Atoll::net {

struct TlsFiles {
  std::string certificate;    ///< path: PEM, the server's certificate first, then the chain
  std::string key;            ///< path: PEM, unencrypted; refused when others than the owner's group can read it
  bool only_tls_1_3 = false;  ///< else TLS 1.2 and 1.3
  bool kernel = true;         ///< kernel TLS where the kernel offers it
};

class TlsContext {
 public:
  /// Reads and checks the files: readable, key belongs to certificate, not expired (a warning only, in warnings()).
  /// Errors: InvalidArgument with a sentence that names the file and what to do.
  static Result<std::shared_ptr<TlsContext>> load(TlsFiles files);
  ~TlsContext();

  /// [any thread] Reads the files again; new connections use them, those that are open go on. On an error everything
  /// stays as it was.
  Result<void> reload();
  /// [any thread] When the certificate ends, seconds since 1970.
  std::int64_t not_after() const;
  /// [any thread] Sentences about what was loaded last: expired, not yet valid, a chain in the wrong order.
  std::vector<std::string> warnings() const;

  struct Insides;
  Insides &insides() { return *insides_; }  ///< for core/net

 private:
  explicit TlsContext(std::unique_ptr<Insides> insides);
  std::unique_ptr<Insides> insides_;
};

/// [start-up only] Makes an EC P-256 key (mode 0600) and a self-signed certificate for `names` (DNS names and
/// addresses), valid for ten years, durably, key first. Nothing happens when both are there; a key alone, as an
/// interrupted run leaves it, is used. Errors: InvalidArgument (a name), FailedPrecondition (a certificate without its
/// key), PermissionDenied, Unavailable, ...
Result<void> make_self_signed(const std::string &certificate, const std::string &key,
                              const std::vector<std::string> &names);

}  // namespace Atoll::net
