// SPDX-License-Identifier: Apache-2.0
// The Range field of RFC 9110, section 14. [any thread]
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace Atoll::base {

/// Bytes first .. first + length - 1; length is never 0.
struct ByteRange {
  std::uint64_t first = 0;
  std::uint64_t length = 0;
  friend bool operator==(const ByteRange &, const ByteRange &) = default;
};

struct RangeWish {
  enum class Kind : std::uint8_t {
    Whole,          ///< not a range that we follow: answer 200
    Parts,          ///< answer 206
    Unsatisfiable,  ///< answer 416
  };
  Kind kind = Kind::Whole;
  std::vector<ByteRange> parts;
};

/// More than 64 ranges, ranges that overlap, malformed ones and other units are ignored, as the RFC allows
/// (14.2, 17.15).
RangeWish parse_range(std::string_view value, std::uint64_t size);

/// "bytes 0-9/100"
std::string content_range(const ByteRange &range, std::uint64_t size);

}  // namespace Atoll::base
