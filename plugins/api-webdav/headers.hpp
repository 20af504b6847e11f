// SPDX-License-Identifier: Apache-2.0
// The small header fields of WebDAV and of the sync clients. Each function takes the value without surrounding blanks.
// [any thread]
#pragma once

#include <atoll/abi/storage_fs.h>
#include <atoll/sdk/result.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace Atoll::webdav {

enum class Depth : std::uint8_t { Zero, One, Infinity };

/// RFC 4918, 10.2. An empty value counts as 1, as sync clients expect. Nothing for anything else.
std::optional<Depth> parse_depth(std::string_view value);

/// RFC 4918, 10.6: T or F. Nothing for anything else.
std::optional<bool> parse_overwrite(std::string_view value);

/// RFC 4918, 10.7: the first of the wishes that is understood, in seconds. `Infinite` is UINT64_MAX, nothing understood
/// is 0.
std::uint64_t parse_timeout(std::string_view value);

/// RFC 4918, 10.5: the token between the angle brackets. Nothing for anything else.
std::optional<std::string_view> parse_lock_token(std::string_view value);

/// X-OC-Mtime: seconds since 1970, with an optional fraction and sign. Gives nanoseconds; nothing for anything else and
/// for what nanoseconds cannot hold.
std::optional<std::int64_t> parse_mtime(std::string_view value);

/// Whether Prefer (RFC 7240) asks for return=minimal.
bool prefers_minimal(std::string_view value);

/// A digest that the client expects of the body.
struct ExpectedDigest {
  enum class Kind : std::uint8_t { Sha1, Md5, Adler32 };
  Kind kind;
  std::string bytes;  ///< raw: 20, 16 or 4 bytes
};

/// What a server can compute: the bits ATOLL_STAT_SHA1, ATOLL_STAT_MD5 and ATOLL_STAT_ADLER32.
inline constexpr std::uint32_t kAllChecksums = ATOLL_STAT_SHA1 | ATOLL_STAT_MD5 | ATOLL_STAT_ADLER32;
std::uint32_t bit_of(ExpectedDigest::Kind kind);
/// The key `checksums`: `sha1`, and beside it `md5` and `adler32`. InvalidArgument for anything else and without sha1,
/// which all clients know.
Result<std::uint32_t> parse_checksum_kinds(std::string_view text);

/// OC-Checksum: `SHA1:hex`, `MD5:hex` or `ADLER32:hex`, several of them separated by blanks. An algorithm that is not
/// known is skipped. False when one that is known is malformed.
bool parse_oc_checksum(std::string_view value, std::vector<ExpectedDigest> &out);
/// Content-MD5 (RFC 1864).
bool parse_content_md5(std::string_view value, std::vector<ExpectedDigest> &out);
/// Digest (RFC 3230): `sha=base64, md5=base64, adler32=hex`.
bool parse_digest(std::string_view value, std::vector<ExpectedDigest> &out);

}  // namespace Atoll::webdav
