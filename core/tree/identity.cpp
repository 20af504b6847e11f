// SPDX-License-Identifier: Apache-2.0
#include "core/tree/identity.hpp"

#include <sys/xattr.h>

#include <cerrno>

namespace Atoll::tree {
namespace {

constexpr char kVersion = 1;

void put(char *to, std::uint64_t value) noexcept {
  for (int i = 0; i < 8; ++i) to[i] = static_cast<char>((value >> (8 * i)) & 255);
}

std::uint64_t get(const char *from) noexcept {
  std::uint64_t value = 0;
  for (int i = 7; i >= 0; --i) value = value << 8 | static_cast<unsigned char>(from[i]);
  return value;
}

}  // namespace

std::array<char, kIdentityBytes> encode_identity(const Identity &identity) noexcept {
  std::array<char, kIdentityBytes> bytes{};
  bytes[0] = kVersion;
  for (std::size_t i = 0; i < 16; ++i) bytes[1 + i] = static_cast<char>(identity.id.bytes()[i]);
  put(&bytes[17], identity.sequence);
  put(&bytes[25], identity.size);
  put(&bytes[33], static_cast<std::uint64_t>(identity.mtime_ns));
  put(&bytes[41], identity.inode);
  return bytes;
}

std::optional<Identity> decode_identity(std::string_view bytes) noexcept {
  if (bytes.size() != kIdentityBytes || bytes[0] != kVersion) return std::nullopt;
  Identity identity;
  std::array<std::uint8_t, 16> id;
  for (std::size_t i = 0; i < 16; ++i) id[i] = static_cast<std::uint8_t>(bytes[1 + i]);
  identity.id = NodeId(id);
  identity.sequence = get(&bytes[17]);
  identity.size = get(&bytes[25]);
  identity.mtime_ns = static_cast<std::int64_t>(get(&bytes[33]));
  identity.inode = get(&bytes[41]);
  if (identity.id.none()) return std::nullopt;
  return identity;
}

Result<std::optional<Identity>> read_identity(int fd) {
  char buffer[kIdentityBytes + 1];
  const ssize_t got = ::fgetxattr(fd, kIdentityName, buffer, sizeof buffer);
  if (got >= 0) return decode_identity({buffer, static_cast<std::size_t>(got)});
  // Longer than ours, or not to be read by anybody: it is somebody else's.
  if (errno == ENODATA || errno == ENOTSUP || errno == ERANGE || errno == EACCES || errno == EPERM)
    return std::optional<Identity>();
  return base::errno_error("read the identity of a file");
}

Result<void> write_identity(int fd, const Identity &identity) {
  const auto bytes = encode_identity(identity);
  if (::fsetxattr(fd, kIdentityName, bytes.data(), bytes.size(), 0) == 0) return {};
  if (errno == ENOTSUP) return error(Status::Unimplemented, "the file system has no extended attributes");
  return base::errno_error("write the identity of a file");
}

}  // namespace Atoll::tree
