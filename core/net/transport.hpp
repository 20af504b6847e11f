// SPDX-License-Identifier: Apache-2.0
// Non-blocking input and output on one connected socket, plain or through TLS.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "core/base/file.hpp"
#include "core/net/io_result.hpp"
#include "core/net/tls_stream.hpp"

namespace Atoll::net {

/// [worker] one at a time. A connection that is to speak TLS is plain until start_tls().
class Transport {
 public:
  explicit Transport(base::Fd fd) : fd_(std::move(fd)) {}

  int fd() const { return fd_.get(); }
  bool open() const { return static_cast<bool>(fd_); }

  IoResult receive(std::span<char> into);
  /// The next byte, which stays where it is. Only before start_tls().
  IoResult peek(char &byte);
  /// `more`: something follows at once, so a short packet may wait for it.
  IoResult send(std::span<iovec> pieces, bool more);
  IoResult send_file(int file, std::uint64_t offset, std::size_t count);
  /// Whether send_file may work at all.
  bool sends_files() const { return !tls_ || tls_->sends_files(); }

  /// Bytes that were Moved and that the peer's kernel has not yet taken. 0 when that cannot be told.
  std::size_t unacknowledged() const;

  /// False if memory is short.
  bool start_tls(TlsContext &context);
  TlsStream *tls() { return tls_.get(); }
  /// Lets a failed TLS go, to end the connection as a plain one.
  void drop_tls() { tls_.reset(); }

  /// Whether something that was Moved is still held here. flush() sends it: Moved when nothing is left, Blocked with
  /// the bytes that went. To be called when the socket is writable; nothing else is sent before.
  bool holds_output() const { return tls_ && tls_->holds_output(); }
  IoResult flush();
  /// Whether a Blocked receive() waits for the socket to be writable.
  bool receive_waits_for_room() const { return tls_ && tls_->waits_for_room(); }

  /// Says that no more comes (close_notify, FIN). Call it again, when the socket is writable, until ended().
  void end();
  bool ended() const { return ended_; }
  /// Closes so that the peer sees an error (RST) and never a clean end.
  void reset();
  /// A clean end as far as the socket takes it at once, then close.
  void close();

 private:
  base::Fd fd_;
  bool ended_ = false;
  std::unique_ptr<TlsStream> tls_;
};

}  // namespace Atoll::net
