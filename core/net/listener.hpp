// SPDX-License-Identifier: Apache-2.0
// A listening socket on a TCP or unix address.
#pragma once

#include <atoll/sdk/result.hpp>

#include <memory>
#include <optional>
#include <string>

#include "core/base/file.hpp"
#include "core/net/engine.hpp"
#include "core/net/request.hpp"

namespace Atoll::net {

class Listener {
 public:
  /// "127.0.0.1:9200", "[::1]:9200", "unix:/path", or a socket that listens already, which is owned from here on, also
  /// on failure. Errors: InvalidArgument, AlreadyExists (in use), PermissionDenied.
  static Result<Listener> open(const ListenAddress &where, unsigned unix_mode);
  Listener(Listener &&) = default;
  Listener &operator=(Listener &&) = default;
  ~Listener();

  struct Accepted {
    base::Fd fd;  ///< none: `error_number` says why, EAGAIN for nobody there
    int error_number = 0;
    std::shared_ptr<const ConnectionInfo> info;
  };
  Accepted accept() const;  ///< [worker] any number at a time

  int fd() const { return fd_.get(); }
  const std::string &address() const { return address_; }  ///< with the real port
  std::uint16_t port() const { return local_.port; }
  bool tls() const { return tls_; }
  /// [any thread] Refuses new connections; the descriptor stays, as a worker may be about to use it. An inherited
  /// socket is left as it is: others hold it, too, and who connects now waits for them.
  void shut();

 private:
  Listener() = default;
  Result<void> listen_tcp(const std::string &address);
  Result<void> listen_unix(const std::string &path, unsigned mode);
  Result<void> adopt(base::Fd socket);

  base::Fd fd_;
  std::string address_;
  std::string unix_path_;
  Endpoint local_;
  bool any_address_ = false;
  bool is_unix_ = false;
  bool inherited_ = false;
  bool tls_ = false;
};

}  // namespace Atoll::net
