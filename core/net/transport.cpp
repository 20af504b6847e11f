// SPDX-License-Identifier: Apache-2.0
#include "core/net/transport.hpp"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

namespace Atoll::net {
namespace {

IoResult moved(ssize_t count) { return {IoResult::Kind::Moved, static_cast<std::size_t>(count)}; }

IoResult from_errno() {
  if (errno == EAGAIN || errno == EWOULDBLOCK) return {IoResult::Kind::Blocked, 0};
  return {IoResult::Kind::Failed, 0};
}

}  // namespace

IoResult Transport::receive(std::span<char> into) {
  if (tls_) return tls_->receive(into);
  for (;;) {
    const ssize_t count = ::recv(fd_.get(), into.data(), into.size(), 0);
    if (count > 0) return {IoResult::Kind::Moved, static_cast<std::size_t>(count), std::cmp_less(count, into.size())};
    if (count == 0) return {IoResult::Kind::End, 0};
    if (errno != EINTR) return from_errno();
  }
}

IoResult Transport::peek(char &byte) {
  for (;;) {
    const ssize_t count = ::recv(fd_.get(), &byte, 1, MSG_PEEK);
    if (count > 0) return moved(count);
    if (count == 0) return {IoResult::Kind::End, 0};
    if (errno != EINTR) return from_errno();
  }
}

IoResult Transport::send(std::span<iovec> pieces, bool more) {
  if (tls_) return tls_->send(pieces, more);
  msghdr message{};
  message.msg_iov = pieces.data();
  message.msg_iovlen = pieces.size();
  for (;;) {
    const ssize_t count = ::sendmsg(fd_.get(), &message, MSG_NOSIGNAL | (more ? MSG_MORE : 0));
    if (count > 0) return moved(count);
    if (count == 0) return {IoResult::Kind::Blocked, 0};
    if (errno != EINTR) return from_errno();
  }
}

IoResult Transport::send_file(int file, std::uint64_t offset, std::size_t count) {
  if (tls_) return tls_->send_file(file, offset, count);
  auto at = static_cast<off_t>(offset);
  for (;;) {
    const ssize_t sent = ::sendfile(fd_.get(), file, &at, count);
    if (sent > 0) return moved(sent);
    if (sent == 0) return {IoResult::Kind::End, 0};
    if (errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP) return {IoResult::Kind::Unsupported, 0};
    if (errno != EINTR) return from_errno();
  }
}

std::size_t Transport::unacknowledged() const {
  int bytes = 0;
  const std::size_t held = tls_ ? tls_->held_bytes() : 0;
  return held + (::ioctl(fd_.get(), SIOCOUTQ, &bytes) == 0 && bytes > 0 ? static_cast<std::size_t>(bytes) : 0);
}

bool Transport::start_tls(TlsContext &context) {
  tls_ = TlsStream::open(context, fd_.get());
  return tls_ != nullptr;
}

IoResult Transport::flush() { return tls_ ? tls_->flush() : IoResult{IoResult::Kind::Moved, 0}; }

void Transport::end() {
  if (ended_) return;
  if (tls_) {
    tls_->close_notify();
    if (tls_->flush().kind == IoResult::Kind::Blocked) return;
  }
  ::shutdown(fd_.get(), SHUT_WR);
  ended_ = true;
}

void Transport::reset() {
  const linger now{1, 0};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
  fd_.reset();
  tls_.reset();
}

void Transport::close() {
  if (tls_) {
    tls_->close_notify();
    tls_->flush();
  }
  fd_.reset();
  tls_.reset();
}

}  // namespace Atoll::net
