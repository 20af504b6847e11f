// SPDX-License-Identifier: Apache-2.0
// TLS on one connected, non-blocking socket, the server's side.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "core/net/io_result.hpp"
#include "core/net/tls_context.hpp"

using SSL = struct ssl_st;
using BIO = struct bio_st;
using BIO_METHOD = struct bio_method_st;

namespace Atoll::net {

/// [worker] one at a time.
///
/// What OpenSSL wants to send goes to the socket, and what the socket does not take is held here. So OpenSSL never
/// waits in the middle of a record, a write never has to be repeated with the same bytes, and reading never waits for
/// writing but in one case: when a peer makes us owe it a lot (key updates, a long chain) and doesn't read.
class TlsStream {
 public:
  /// Nothing if memory is short. `socket` is borrowed.
  static std::unique_ptr<TlsStream> open(TlsContext &context, int socket);
  TlsStream(const TlsStream &) = delete;
  TlsStream &operator=(const TlsStream &) = delete;
  ~TlsStream();

  /// Goes on with the handshake. Moved: it is done.
  IoResult handshake();
  bool established() const { return established_; }
  bool resumed() const;

  IoResult receive(std::span<char> into);
  /// True after a receive() that was Blocked because something must be sent first.
  bool waits_for_room() const { return waits_for_room_; }

  IoResult send(std::span<iovec> pieces, bool more);
  /// Whether send_file works: the kernel encrypts (kernel TLS).
  bool sends_files() const { return kernel_sends_; }
  IoResult send_file(int file, std::uint64_t offset, std::size_t count);

  /// Sends what is held. Blocked may have moved bytes, too.
  IoResult flush();
  bool holds_output() const { return !held_.empty(); }
  std::size_t held_bytes() const { return held_.size() - held_at_; }

  /// Adds close_notify (RFC 8446 6.1) to what is to be sent, once; not after a failure or before the handshake's end.
  void close_notify();

 private:
  TlsStream() = default;
  static const BIO_METHOD *method();
  static int on_read(BIO *bio, char *into, int size);
  static int on_write(BIO *bio, const char *data, int size);
  static long on_control(BIO *bio, int command, long number, void *pointer);

  bool write_record(const char *data, std::size_t size);
  IoResult failed();
  long put(const char *data, std::size_t size);

  struct Free {
    void operator()(SSL *ssl) const;
  };
  std::unique_ptr<SSL, Free> ssl_;
  int socket_ = -1;
  bool established_ = false;
  bool failed_ = false;
  bool closing_ = false;  ///< close_notify was made
  bool drained_ = false;  ///< the last read of the socket emptied it
  bool waits_for_room_ = false;
  bool kernel_sends_ = false;
  bool control_message_ = false;  ///< kernel TLS: the next write is not application data
  bool more_ = false;             ///< what is being written is followed by something at once
  std::string held_;              ///< made, but not yet taken by the socket
  std::size_t held_at_ = 0;
};

}  // namespace Atoll::net
