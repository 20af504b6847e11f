// SPDX-License-Identifier: Apache-2.0
// Listening sockets that the service manager opened and passed on (sd_listen_fds(3)).
#pragma once

#include <atoll/sdk/result.hpp>

#include <string>
#include <vector>

#include "core/base/file.hpp"

namespace Atoll::host {

class Activation {
 public:
  /// Nothing was passed.
  Activation() = default;

  /// Takes what LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES announce for this process and removes the variables, so that
  /// no child takes the sockets for its own. InvalidArgument when they make no sense. [start-up, before any thread]
  static Result<Activation> take();

  struct Socket {
    base::Fd fd;
    std::string name;      ///< FileDescriptorName= of the .socket unit
    std::string address;   ///< "0.0.0.0:443", "[::]:443", "unix:/path"
    bool exposed = false;  ///< neither loopback nor a unix socket
  };

  /// The sockets of this name, which leave the set. InvalidArgument when there are none or one is no listening stream
  /// socket: the sentence says what to put into the .socket unit.
  Result<std::vector<Socket>> claim(const std::string &name);
  /// All that are left.
  Result<std::vector<Socket>> claim_rest();

  /// Names of what nobody claimed.
  std::vector<std::string> left() const;

 private:
  Result<std::vector<Socket>> claim_if(const std::string *name);
  std::vector<Socket> sockets_;
};

}  // namespace Atoll::host
