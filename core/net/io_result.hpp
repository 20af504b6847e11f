// SPDX-License-Identifier: Apache-2.0
// What one attempt at non-blocking input or output came to.
#pragma once

#include <cstddef>

namespace Atoll::net {

struct IoResult {
  enum class Kind {
    Moved,        ///< `bytes` > 0
    Blocked,      ///< try again when the socket says so
    End,          ///< the peer sends no more; or the file ended
    Unsupported,  ///< send_file: this file or connection has no sendfile
    Failed        ///< the connection is of no use any more
  };
  Kind kind = Kind::Failed;
  std::size_t bytes = 0;
  bool drained = false;  ///< receive: nothing is left, neither in the socket nor in front of it; news will be an event
};

}  // namespace Atoll::net
