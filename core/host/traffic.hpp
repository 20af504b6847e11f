// SPDX-License-Identifier: Apache-2.0
// How many requests each route answered, how long that took, and how many bytes went each way.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/net/engine.hpp"

namespace Atoll::host {

class Traffic {
 public:
  /// The values of Response::route that are known; whatever else comes is counted as "other". [start-up]
  explicit Traffic(std::vector<std::string> routes);
  ~Traffic();
  Traffic(const Traffic &) = delete;
  Traffic &operator=(const Traffic &) = delete;

  /// [any thread] Lock-free: a few relaxed additions on counters that few threads share.
  void record(const net::Finished &done);
  void record(std::string_view route, std::string_view method, int status, std::uint64_t bytes_in,
              std::uint64_t bytes_out, std::int64_t duration_ns);

  /// Prometheus' text format. What never happened has no line. [any thread]
  void append_text(std::string &out) const;

  /// Upper ends of the histograms' buckets, in nanoseconds; one more is open.
  static constexpr std::array<std::int64_t, 15> kBuckets{1'000'000,      2'500'000,      5'000'000,     10'000'000,
                                                         25'000'000,     50'000'000,     100'000'000,   250'000'000,
                                                         500'000'000,    1'000'000'000,  2'500'000'000, 5'000'000'000,
                                                         10'000'000'000, 30'000'000'000, 60'000'000'000};

 private:
  struct Shard;
  struct Sum;
  std::size_t find(std::string_view route) const;
  Sum sum(std::size_t route) const;

  const std::vector<std::string> routes_;  // the last one is "other"
  std::vector<std::unique_ptr<Shard[]>> shards_;
};

}  // namespace Atoll::host
