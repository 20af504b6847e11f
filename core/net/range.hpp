// SPDX-License-Identifier: Apache-2.0
// Byte ranges (RFC 9110 section 14) and the bodies that answer them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/net/response.hpp"

namespace Atoll::net {

/// Bytes first..first+length-1 of a representation; length is never 0.
struct ByteRange {
  std::uint64_t first = 0;
  std::uint64_t length = 0;
  friend bool operator==(const ByteRange &, const ByteRange &) = default;
};

struct RangeRequest {
  enum class Kind {
    Ignore,         ///< no Range, another unit, malformed or hostile: answer 200 with everything
    Satisfiable,    ///< answer 206 with `ranges`, in the order asked for
    Unsatisfiable,  ///< answer 416 with "Content-Range: bytes */SIZE"
  };
  Kind kind = Kind::Ignore;
  std::vector<ByteRange> ranges;
};

/// Reads the value of a Range field for a representation of `size` bytes. More than 64 ranges, or more than two that
/// overlap, are ignored (RFC 9110 14.2, 17.15). [any thread]
RangeRequest parse_range(std::string_view value, std::uint64_t size);

/// "bytes 0-9/100".
std::string content_range(const ByteRange &range, std::uint64_t size);
/// "bytes */100", for 416.
std::string unsatisfied_range(std::uint64_t size);

/// A piece of an extents body. `whole` describes the complete representation. [any thread]
Extents slice(const Extents &whole, const ByteRange &range);

/// multipart/byteranges (RFC 9110 14.6): the body and the value of its Content-Type.
struct Multipart {
  std::string content_type;
  Extents body;
};
Multipart multipart_ranges(const Extents &whole, const std::vector<ByteRange> &ranges, std::uint64_t size,
                           std::string_view part_content_type);

}  // namespace Atoll::net
