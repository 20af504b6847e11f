// SPDX-License-Identifier: Apache-2.0
#include "core/net/tls_stream.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "core/net/tls_insides.hpp"
#include "core/net/tls_openssl.hpp"

namespace Atoll::net {
namespace {

constexpr std::size_t kRecord = SSL3_RT_MAX_PLAIN_LENGTH;  ///< 16 KiB, the most that one record carries
constexpr std::size_t kSendTurn = 16 * kRecord;            ///< one send() takes no more
constexpr std::size_t kMaxHeld = 96 * 1024;                ///< bytes; far more than our own records leave

// Commands for a BIO that OpenSSL's bio.h names in a comment only: BIO_CTRL_SET_KTLS_SEND, ..._SEND_CTRL_MSG and
// BIO_CTRL_CLEAR_KTLS_CTRL_MSG.
constexpr int kKernelTakesOver = 72;
constexpr int kControlMessageFollows = 74;
constexpr int kNoControlMessage = 75;

TlsStream &stream_of(BIO *bio) { return *reinterpret_cast<TlsStream *>(BIO_get_callback_arg(bio)); }

}  // namespace

void TlsStream::Free::operator()(SSL *ssl) const { SSL_free(ssl); }

TlsStream::~TlsStream() { ssl_.reset(); }  // before what its BIO uses

// OpenSSL's own socket BIO, which knows about kernel TLS, with other ways to read and write.
const BIO_METHOD *TlsStream::method() {
  static const BIO_METHOD *const made = [] {
    BIO_METHOD *out = BIO_meth_new(BIO_TYPE_SOCKET, "atoll socket");
    if (out == nullptr) return out;
    const BIO_METHOD *base = BIO_s_socket();
    BIO_meth_set_create(out, BIO_meth_get_create(base));
    BIO_meth_set_destroy(out, BIO_meth_get_destroy(base));
    BIO_meth_set_read(out, &TlsStream::on_read);
    BIO_meth_set_write(out, &TlsStream::on_write);
    BIO_meth_set_ctrl(out, &TlsStream::on_control);
    return out;
  }();
  return made;
}

std::unique_ptr<TlsStream> TlsStream::open(TlsContext &context, int socket) {
  std::unique_ptr<TlsStream> out(new TlsStream());
  ERR_clear_error();
  out->socket_ = socket;
  out->ssl_.reset(SSL_new(context.insides().current().get()));
  BIO *bio = method() == nullptr ? nullptr : BIO_new(method());
  if (!out->ssl_ || bio == nullptr) {
    BIO_free(bio);
    return nullptr;
  }
  BIO_set_callback_arg(bio, reinterpret_cast<char *>(out.get()));
  BIO_set_fd(bio, socket, BIO_NOCLOSE);
  SSL_set_bio(out->ssl_.get(), bio, bio);
  SSL_set_accept_state(out->ssl_.get());
  return out;
}

int TlsStream::on_read(BIO *bio, char *into, int size) {
  static const auto read = BIO_meth_get_read(BIO_s_socket());
  const int count = read(bio, into, size);
  stream_of(bio).drained_ = count < size;
  return count;
}

int TlsStream::on_write(BIO *bio, const char *data, int size) {
  static const auto write = BIO_meth_get_write(BIO_s_socket());
  auto &self = stream_of(bio);
  BIO_clear_retry_flags(bio);
  if (self.control_message_) {  // kernel TLS: goes as a message of its own, so it cannot be held
    if (self.holds_output() && self.flush().kind != IoResult::Kind::Moved) {
      BIO_set_retry_write(bio);
      return -1;
    }
    const int count = write(bio, data, size);
    if (count > 0) self.control_message_ = false;
    return count;
  }
  if (self.holds_output()) {
    if (self.held_bytes() > kMaxHeld) {
      BIO_set_retry_write(bio);
      return -1;
    }
    self.held_.append(data, static_cast<std::size_t>(size));
    return size;
  }
  const auto count = self.put(data, static_cast<std::size_t>(size));
  if (count < 0) return -1;
  if (count < size) self.held_.assign(data + count, static_cast<std::size_t>(size - count));
  return size;
}

long TlsStream::on_control(BIO *bio, int command, long number, void *pointer) {
  static const auto control = BIO_meth_get_ctrl(BIO_s_socket());
  auto &self = stream_of(bio);
  if (command == BIO_CTRL_FLUSH) return 1;                                          // what is held is on its way
  if (command == kKernelTakesOver && number != 0 && self.holds_output()) return 0;  // not before all is out
  const long result = control(bio, command, number, pointer);
  if (command == kControlMessageFollows) self.control_message_ = true;
  if (command == kNoControlMessage) self.control_message_ = false;
  return result;
}

// What the socket takes now, 0 if nothing, -1 on a failure.
long TlsStream::put(const char *data, std::size_t size) {
  for (;;) {
    const ssize_t count = ::send(socket_, data, size, MSG_NOSIGNAL | (more_ ? MSG_MORE : 0));
    if (count >= 0) return static_cast<long>(count);
    if (errno == EAGAIN || errno == EWOULDBLOCK) return 0;
    if (errno != EINTR) return -1;
  }
}

IoResult TlsStream::flush() {
  if (failed_) return failed();
  IoResult out{IoResult::Kind::Moved, 0};
  while (held_at_ < held_.size()) {
    const auto count = put(held_.data() + held_at_, held_bytes());
    if (count < 0) return failed();
    if (count == 0) {
      out.kind = IoResult::Kind::Blocked;
      return out;
    }
    held_at_ += static_cast<std::size_t>(count);
    out.bytes += static_cast<std::size_t>(count);
  }
  if (held_at_ > 0) std::string().swap(held_);
  held_at_ = 0;
  return out;
}

IoResult TlsStream::failed() {
  failed_ = true;
  ERR_clear_error();
  return {IoResult::Kind::Failed, 0};
}

IoResult TlsStream::handshake() {
  if (failed_) return failed();
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  if (result == 1) {
    established_ = true;
    kernel_sends_ = BIO_get_ktls_send(SSL_get_wbio(ssl_.get()));
    return {IoResult::Kind::Moved, 0};
  }
  const int problem = SSL_get_error(ssl_.get(), result);
  if (problem == SSL_ERROR_WANT_READ || problem == SSL_ERROR_WANT_WRITE) return {IoResult::Kind::Blocked, 0};
  return failed();
}

bool TlsStream::resumed() const { return SSL_session_reused(ssl_.get()) == 1; }

IoResult TlsStream::receive(std::span<char> into) {
  if (failed_) return failed();
  IoResult out{IoResult::Kind::Moved, 0};
  drained_ = waits_for_room_ = false;
  while (out.bytes < into.size()) {
    ERR_clear_error();
    std::size_t count = 0;
    if (SSL_read_ex(ssl_.get(), into.data() + out.bytes, into.size() - out.bytes, &count) == 1) {
      out.bytes += count;
      out.drained = drained_ && SSL_has_pending(ssl_.get()) == 0;
      if (out.drained) return out;
      continue;
    }
    switch (SSL_get_error(ssl_.get(), 0)) {
      case SSL_ERROR_WANT_READ:
        out.drained = true;
        if (out.bytes == 0) out.kind = IoResult::Kind::Blocked;
        return out;
      case SSL_ERROR_WANT_WRITE:
        waits_for_room_ = true;
        if (out.bytes == 0) out.kind = IoResult::Kind::Blocked;
        return out;
      case SSL_ERROR_ZERO_RETURN:  // close_notify; said again by the next call
        if (out.bytes == 0) out.kind = IoResult::Kind::End;
        return out;
      default:
        if (out.bytes == 0) return failed();
        failed();
        return out;
    }
  }
  return out;
}

// Has OpenSSL make a record of at most 16 KiB. False: the connection has failed.
bool TlsStream::write_record(const char *data, std::size_t size) {
  ERR_clear_error();
  std::size_t written = 0;
  if (SSL_write_ex(ssl_.get(), data, size, &written) == 1 && written == size) return true;
  failed();
  return false;
}

IoResult TlsStream::send(std::span<iovec> pieces, bool more) {
  if (failed_) return failed();
  IoResult out = flush();
  if (out.kind != IoResult::Kind::Moved) return out;
  out.bytes = 0;
  std::size_t all = 0;
  for (const auto &piece : pieces) all += piece.iov_len;
  all = std::min(all, kSendTurn);
  std::array<char, kRecord> small;  // collects what is less than a record; not initialised, as it is large
  std::size_t used = 0;
  // One record; the kernel is told when another follows, so that it makes large segments of them.
  const auto write = [&](const char *data, std::size_t size) {
    more_ = more || out.bytes + size < all;
    const bool written = write_record(data, size);
    more_ = false;
    if (written) out.bytes += size;
    return written && !holds_output() && out.bytes < kSendTurn;
  };
  bool go_on = true;
  for (const auto &piece : pieces) {
    const auto *data = static_cast<const char *>(piece.iov_base);
    std::size_t left = piece.iov_len;
    while (go_on && left > 0) {
      std::size_t step = 0;
      if (used == 0 && left >= kRecord) {
        step = kRecord;
        go_on = write(data, step);
      } else {
        step = std::min(left, kRecord - used);
        std::memcpy(small.data() + used, data, step);
        used += step;
        if (used == kRecord) {
          go_on = write(small.data(), used);
          used = 0;
        }
      }
      data += step;
      left -= step;
    }
  }
  if (go_on && used > 0) write(small.data(), used);
  if (out.bytes == 0) return failed();
  return out;
}

IoResult TlsStream::send_file(int file, std::uint64_t offset, std::size_t count) {
  if (failed_) return failed();
  if (!kernel_sends_) return {IoResult::Kind::Unsupported, 0};
  IoResult out = flush();
  if (out.kind != IoResult::Kind::Moved) return out;
  for (;;) {
    ERR_clear_error();
    errno = 0;
    const auto sent = SSL_sendfile(ssl_.get(), file, static_cast<off_t>(offset), count, 0);
    if (sent > 0) return {IoResult::Kind::Moved, static_cast<std::size_t>(sent)};
    if (sent == 0) return {IoResult::Kind::End, 0};
    const int reason = errno;
    if (reason == EINTR) continue;
    if (SSL_get_error(ssl_.get(), -1) == SSL_ERROR_WANT_WRITE || reason == EAGAIN || reason == EBUSY)
      return {IoResult::Kind::Blocked, 0};
    if (reason == EINVAL || reason == ENOSYS || reason == EOPNOTSUPP) {
      ERR_clear_error();
      return {IoResult::Kind::Unsupported, 0};
    }
    return failed();
  }
}

void TlsStream::close_notify() {
  if (closing_ || failed_ || !established_) return;
  closing_ = true;
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

}  // namespace Atoll::net
