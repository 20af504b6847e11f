// SPDX-License-Identifier: Apache-2.0
// How far a number that rises and falls is below its peak of the last time.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>

namespace Atoll::tree {

/// Temporary files come and go all day, and each that goes is made good by one that came: what counts is the fall since
/// the highest point within the window. Times never fall. At most kSlices records are kept. [one thread at a time]
class Drawdown {
 public:
  explicit Drawdown(std::int64_t window_ns) : window_ns_(window_ns) {}

  void came(std::int64_t now_ns, std::uint64_t count) { move(now_ns, static_cast<std::int64_t>(count)); }
  void went(std::int64_t now_ns, std::uint64_t count) { move(now_ns, -static_cast<std::int64_t>(count)); }
  std::uint64_t now(std::int64_t now_ns) const {
    std::int64_t peak = now_;
    for (const Slice &slice : slices_)
      if (slice.ended_ns >= now_ns - window_ns_) peak = std::max(peak, slice.peak);
    return static_cast<std::uint64_t>(peak - now_);
  }

 private:
  static constexpr std::int64_t kSlices = 64;
  struct Slice {
    std::int64_t began_ns, ended_ns, peak;  // the peak from the moment before its first change on
  };

  void move(std::int64_t now_ns, std::int64_t by) {
    while (!slices_.empty() && slices_.front().ended_ns < now_ns - window_ns_) slices_.pop_front();
    if (slices_.empty() || now_ns - slices_.back().began_ns > window_ns_ / (kSlices - 2))
      slices_.push_back({now_ns, now_ns, now_});
    now_ += by;
    slices_.back().ended_ns = now_ns;
    slices_.back().peak = std::max(slices_.back().peak, now_);
  }

  const std::int64_t window_ns_;
  std::int64_t now_ = 0;
  std::deque<Slice> slices_;
};

}  // namespace Atoll::tree
