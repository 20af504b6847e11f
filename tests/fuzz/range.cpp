// SPDX-License-Identifier: Apache-2.0
// Both readers of Range fields: ranges lie inside, their number is bounded, and the two agree.
#include <algorithm>

#include "core/net/range.hpp"
#include "core/base/byte_ranges.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace Atoll;

namespace {

template <class Range>
bool disjoint(std::vector<Range> ranges) {
  std::sort(ranges.begin(), ranges.end(), [](const Range &a, const Range &b) { return a.first < b.first; });
  for (std::size_t index = 1; index < ranges.size(); ++index)
    if (ranges[index - 1].first + ranges[index - 1].length > ranges[index].first) return false;
  return true;
}

template <class Range>
void check_inside(const std::vector<Range> &ranges, std::uint64_t size) {
  FUZZ_CHECK(ranges.size() <= 64);
  for (const auto &range : ranges)
    FUZZ_CHECK(range.length > 0 && range.first < size && range.length <= size - range.first);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
  fuzz::Input input(data, size);
  const auto shape = input.byte();
  auto total = input.number(shape % 9);
  if (shape >= 128) total = ~total;  // near the largest size
  const auto value = input.rest();

  const auto net = net::parse_range(value, total);
  const auto dav = base::parse_range(value, total);
  check_inside(net.ranges, total);
  check_inside(dav.parts, total);
  using Net = net::RangeRequest::Kind;
  using Dav = base::RangeWish::Kind;
  FUZZ_CHECK((net.kind == Net::Satisfiable) == !net.ranges.empty());
  FUZZ_CHECK(disjoint(dav.parts));
  FUZZ_CHECK((net.kind == Net::Unsatisfiable) == (dav.kind == Dav::Unsatisfiable));
  if (dav.kind == Dav::Parts) {
    FUZZ_CHECK(net.kind == Net::Satisfiable && net.ranges.size() == dav.parts.size());
    for (std::size_t index = 0; index < dav.parts.size(); ++index)
      FUZZ_CHECK(net.ranges[index].first == dav.parts[index].first &&
                 net.ranges[index].length == dav.parts[index].length);
  } else if (net.kind == Net::Satisfiable) {
    FUZZ_CHECK(!disjoint(net.ranges));  // the only thing that one of them takes and the other does not
  }

  // What was understood, written plainly, is understood the same.
  std::string again = "bytes=";
  for (const auto &range : net.ranges) {
    again += std::to_string(range.first) + "-" + std::to_string(range.first + range.length - 1) + ",";
    const auto text = net::content_range(range, total);
    FUZZ_CHECK(text == base::content_range({range.first, range.length}, total));
    FUZZ_CHECK(text.find('-') != std::string::npos && text.ends_with("/" + std::to_string(total)));
  }
  if (net.kind == Net::Satisfiable) FUZZ_CHECK(net::parse_range(again, total).ranges == net.ranges);
  return 0;
}
