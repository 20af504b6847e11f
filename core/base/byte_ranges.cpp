// SPDX-License-Identifier: Apache-2.0
#include "core/base/byte_ranges.hpp"

#include <algorithm>

#include "core/base/text.hpp"

namespace Atoll::base {

namespace {

constexpr std::size_t kMostRanges = 64;

bool overlap(std::vector<ByteRange> parts) {
  std::sort(parts.begin(), parts.end(), [](const ByteRange &a, const ByteRange &b) { return a.first < b.first; });
  for (std::size_t i = 1; i < parts.size(); ++i) {
    if (parts[i - 1].first + parts[i - 1].length > parts[i].first) return true;
  }
  return false;
}

}  // namespace

RangeWish parse_range(std::string_view value, std::uint64_t size) {
  const RangeWish whole;
  const std::size_t equals = value.find('=');
  if (equals == std::string_view::npos || !base::iequals(base::trim(value.substr(0, equals)), "bytes")) return whole;
  RangeWish wish;
  std::size_t count = 0;
  for (const std::string_view part : base::split(value.substr(equals + 1), ',')) {
    const std::string_view item = base::trim(part);
    if (item.empty()) continue;
    if (++count > kMostRanges) return whole;
    const std::size_t dash = item.find('-');
    if (dash == std::string_view::npos) return whole;
    const auto first = base::parse_u64(item.substr(0, dash));
    const auto last = base::parse_u64(item.substr(dash + 1));
    if (dash == 0) {  // the last N bytes
      if (!last) return whole;
      const std::uint64_t length = std::min(*last, size);
      if (length > 0) wish.parts.push_back({size - length, length});
      continue;
    }
    if (!first || (!last && dash + 1 != item.size()) || (last && *last < *first)) return whole;
    if (*first >= size) continue;
    const std::uint64_t end = last ? std::min(*last, size - 1) : size - 1;
    wish.parts.push_back({*first, end - *first + 1});
  }
  if (count == 0) return whole;
  if (wish.parts.empty()) {
    wish.kind = RangeWish::Kind::Unsatisfiable;
  } else if (overlap(wish.parts)) {
    return whole;
  } else {
    wish.kind = RangeWish::Kind::Parts;
  }
  return wish;
}

std::string content_range(const ByteRange &range, std::uint64_t size) {
  return "bytes " + std::to_string(range.first) + '-' + std::to_string(range.first + range.length - 1) + '/' +
         std::to_string(size);
}

}  // namespace Atoll::base
