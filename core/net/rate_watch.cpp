// SPDX-License-Identifier: Apache-2.0
#include "core/net/rate_watch.hpp"

#include <algorithm>
#include <limits>

namespace Atoll::net {
namespace {

using std::chrono::nanoseconds;
constexpr std::int64_t kMostAhead = nanoseconds(std::chrono::minutes(10)).count();
constexpr std::uint64_t kSecond = 1'000'000'000;

std::int64_t time_for(std::uint64_t bytes, std::uint64_t rate) {
  const auto seconds = std::min<std::uint64_t>(bytes / rate, 1'000'000'000);
  const auto rest = static_cast<double>(bytes % rate) / static_cast<double>(rate);
  return static_cast<std::int64_t>(seconds * kSecond + static_cast<std::uint64_t>(rest * static_cast<double>(kSecond)));
}

}  // namespace

void RateWatch::wait(std::int64_t now) {
  if (waiting_since_ == 0) waiting_since_ = now;
}

void RateWatch::go(std::int64_t now) {
  if (waiting_since_ == 0) return;
  waited_ += std::max<std::int64_t>(0, now - waiting_since_);
  waiting_since_ = 0;
}

void RateWatch::reached(std::uint64_t bytes, const Limit &limit) {
  if (limit.bytes_per_second == 0 || bytes <= bytes_) return;
  earned_ = std::min(earned_ + time_for(bytes - bytes_, limit.bytes_per_second), waited_ + kMostAhead);
  bytes_ = bytes;
}

std::int64_t RateWatch::deadline(const Limit &limit) const {
  constexpr auto kNever = std::numeric_limits<std::int64_t>::max();
  if (limit.bytes_per_second == 0 || waiting_since_ == 0) return kNever;
  return waiting_since_ + std::max<std::int64_t>(limit.grace.count(), earned_) - waited_;
}

}  // namespace Atoll::net
