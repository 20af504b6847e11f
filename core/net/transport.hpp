// SPDX-License-Identifier: Apache-2.0
// Non-blocking input and output on one connected socket. The one place that TLS will have to change.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/base/file.hpp"

namespace Atoll::net {

struct IoResult {
  enum class Kind {
    Moved,        ///< `bytes` > 0
    Blocked,      ///< try again when the socket says so
    End,          ///< the peer sends no more; or the file ended
    Unsupported,  ///< send_file: this file has no sendfile
    Failed        ///< the connection is of no use any more
  };
  Kind kind = Kind::Failed;
  std::size_t bytes = 0;
};

/// [worker] one at a time.
class Transport {
 public:
  explicit Transport(base::Fd fd) : fd_(std::move(fd)) {}

  int fd() const { return fd_.get(); }
  bool open() const { return static_cast<bool>(fd_); }

  IoResult receive(std::span<char> into);
  /// `more`: something follows at once, so a short packet may wait for it.
  IoResult send(std::span<iovec> pieces, bool more);
  IoResult send_file(int file, std::uint64_t offset, std::size_t count);

  /// Bytes that were sent and that the peer's kernel has not yet taken. 0 when that cannot be told.
  std::size_t unacknowledged() const;

  void shutdown_write();
  /// Closes so that the peer sees an error (RST) and never a clean end.
  void reset();
  void close() { fd_.reset(); }

 private:
  base::Fd fd_;
};

}  // namespace Atoll::net
