// SPDX-License-Identifier: Apache-2.0
#include "core/net/range.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <utility>

#include "core/base/text.hpp"
#include "core/base/uuid.hpp"

namespace Atoll::net {
namespace {

constexpr std::size_t kMaxRanges = 64;
constexpr std::size_t kMaxOverlaps = 2;

struct Spec {
  bool valid = false;
  std::optional<ByteRange> range;  ///< absent: valid, but outside of the representation
};

// int-range or suffix-range of RFC 9110 14.1.1.
Spec parse_spec(std::string_view text, std::uint64_t size) {
  const auto dash = text.find('-');
  if (dash == std::string_view::npos) return {};
  const auto left = text.substr(0, dash), right = text.substr(dash + 1);
  if (left.empty()) {
    const auto suffix = base::parse_u64(right);
    if (!suffix) return {};
    const auto length = std::min(*suffix, size);
    if (length == 0) return {true, std::nullopt};
    return {true, ByteRange{size - length, length}};
  }
  const auto first = base::parse_u64(left);
  if (!first) return {};
  std::uint64_t last = ~std::uint64_t{0};
  if (!right.empty()) {
    const auto number = base::parse_u64(right);
    if (!number || *number < *first) return {};
    last = *number;
  }
  if (*first >= size) return {true, std::nullopt};
  return {true, ByteRange{*first, std::min(last, size - 1) - *first + 1}};
}

bool hostile(std::vector<ByteRange> ranges) {
  std::sort(ranges.begin(), ranges.end(), [](const auto &a, const auto &b) { return a.first < b.first; });
  std::size_t overlaps = 0;
  std::uint64_t end = 0;
  for (const auto &range : ranges) {
    if (range.first < end) ++overlaps;
    end = std::max(end, range.first + range.length);
  }
  return overlaps > kMaxOverlaps;
}

}  // namespace

RangeRequest parse_range(std::string_view value, std::uint64_t size) {
  const auto equals = value.find('=');
  if (equals == std::string_view::npos || !base::iequals(base::trim(value.substr(0, equals)), "bytes")) return {};
  RangeRequest request;
  std::size_t specs = 0;
  for (auto item : base::split(value.substr(equals + 1), ',')) {
    item = base::trim(item);
    if (item.empty()) continue;  // RFC 9110 5.6.1: empty list items are skipped
    if (++specs > kMaxRanges) return {};
    const auto spec = parse_spec(item, size);
    if (!spec.valid) return {};
    if (spec.range) request.ranges.push_back(*spec.range);
  }
  if (specs == 0 || hostile(request.ranges)) return {};
  request.kind = request.ranges.empty() ? RangeRequest::Kind::Unsatisfiable : RangeRequest::Kind::Satisfiable;
  return request;
}

std::string content_range(const ByteRange &range, std::uint64_t size) {
  return "bytes " + std::to_string(range.first) + "-" + std::to_string(range.first + range.length - 1) + "/" +
         std::to_string(size);
}

std::string unsatisfied_range(std::uint64_t size) { return "bytes */" + std::to_string(size); }

Extents slice(const Extents &whole, const ByteRange &range) {
  Extents out;
  out.owner = whole.owner;
  out.may_change = whole.may_change;
  std::uint64_t left = range.length;
  std::uint64_t skip = range.first;
  for (const auto &part : whole.parts) {
    if (left == 0) break;
    if (skip >= part.length) {
      skip -= part.length;
      continue;
    }
    const auto count = std::min(part.length - skip, left);
    switch (part.kind) {
      case Extent::Kind::File:
        out.parts.push_back(Extent::file(part.fd, part.offset + skip, count));
        break;
      case Extent::Kind::Memory:
        out.parts.push_back(Extent::memory(part.bytes.substr(skip, count)));
        break;
      case Extent::Kind::Hole:
        out.parts.push_back(Extent::hole(count));
        break;
    }
    left -= count;
    skip = 0;
  }
  return out;
}

Multipart multipart_ranges(const Extents &whole, const std::vector<ByteRange> &ranges, std::uint64_t size,
                           std::string_view part_content_type) {
  std::array<std::uint8_t, 15> random{};
  base::random_bytes(random);
  const std::string boundary = base::hex_encode(random);
  Multipart out;
  out.content_type = "multipart/byteranges; boundary=" + boundary;
  out.body.owner = whole.owner;
  out.body.may_change = whole.may_change;
  for (const auto &range : ranges) {
    std::string head = "\r\n--" + boundary + "\r\n";
    if (!part_content_type.empty()) head.append("Content-Type: ").append(part_content_type).append("\r\n");
    head.append("Content-Range: ").append(content_range(range, size)).append("\r\n\r\n");
    out.body.parts.push_back(Extent::memory(std::move(head)));
    auto piece = slice(whole, range);
    std::move(piece.parts.begin(), piece.parts.end(), std::back_inserter(out.body.parts));
  }
  out.body.parts.push_back(Extent::memory("\r\n--" + boundary + "--\r\n"));
  return out;
}

}  // namespace Atoll::net
