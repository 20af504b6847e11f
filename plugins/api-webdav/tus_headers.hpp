// SPDX-License-Identifier: Apache-2.0
// The header fields of TUS 1.0.0. Each function takes what the client sent. [any thread]
#pragma once

#include <atoll/sdk/result.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/api-webdav/headers.hpp"

namespace Atoll::webdav {

/// Bytes of one upload, at most.
inline constexpr std::uint64_t kMostUploadBytes = std::uint64_t{1} << 44;

/// What Upload-Metadata says, as the sync clients use it; keys that nobody here knows are looked over.
struct UploadMetadata {
  std::string path;                      ///< `filename`: names separated by single slashes, never empty
  std::optional<std::int64_t> mtime_ns;  ///< `mtime`: seconds since 1970
  std::vector<ExpectedDigest> digests;   ///< `checksum`, `checksums`: of the whole file
};

/// Upload-Metadata: pairs of a key and a base64 value, separated by commas. InvalidArgument, with a sentence for the
/// client: broken base64, a key twice or without letters, more than 64 of them, no `filename`, or one that leads
/// outside of the folder, names a folder or nothing, or is no name that a file can have; an mtime or a checksum that
/// cannot be read.
Result<UploadMetadata> parse_upload_metadata(std::string_view value);

/// Upload-Checksum: an algorithm, a blank, and the digest in base64. InvalidArgument for an algorithm that is not known
/// as well.
Result<ExpectedDigest> parse_upload_checksum(std::string_view value);

/// Upload-Offset and Upload-Length: decimal digits alone, at most 19 of them.
std::optional<std::uint64_t> parse_upload_number(std::string_view value);

/// Whether this is the media type that bytes of uploads must have.
bool is_offset_octets(std::string_view content_type);

}  // namespace Atoll::webdav
