// SPDX-License-Identifier: Apache-2.0
// The identity record as it is kept in the extended attribute user.atoll.id.
#pragma once

#include "core/tree/namespace.hpp"

#include <array>

namespace Atoll::tree {

inline constexpr const char *kIdentityName = "user.atoll.id";

/// Version, id, sequence, size, mtime, inode: little-endian. Small enough for the spare room of an ext4 inode of 256
/// bytes, so that an identity costs no block of its own.
inline constexpr std::size_t kIdentityBytes = 49;

std::array<char, kIdentityBytes> encode_identity(const Identity &identity) noexcept;

/// Nothing for a record of another version or length: users can write extended attributes.
std::optional<Identity> decode_identity(std::string_view bytes) noexcept;

/// By an open descriptor. Nothing when there is none, or the file system has no extended attributes; an error when that
/// cannot be told.
Result<std::optional<Identity>> read_identity(int fd);

/// Unimplemented where the file system has no extended attributes.
Result<void> write_identity(int fd, const Identity &identity);

}  // namespace Atoll::tree
