// SPDX-License-Identifier: Apache-2.0
// Whether a client keeps up a minimum rate.
#pragma once

#include <chrono>
#include <cstdint>

namespace Atoll::net {

/// The mean rate of a body or an answer over the time in which the server waited for the client. What the server does
/// meanwhile (a handler, a slow disk, no worker free, a generator with nothing to give) does not run the clock. Bytes
/// above the minimum buy time, ten minutes at most, so that a fast start does not pay for days of trickle.
/// Times are CLOCK_MONOTONIC nanoseconds. [worker] one at a time.
class RateWatch {
 public:
  struct Limit {
    std::uint64_t bytes_per_second = 0;  ///< 0: no limit
    std::chrono::nanoseconds grace{0};   ///< waiting time that is free
  };

  void start() { *this = {}; }
  void wait(std::int64_t now);  ///< from here on the server waits for the client
  void go(std::int64_t now);    ///< it does not any more
  /// How many bytes moved so far.
  void reached(std::uint64_t bytes, const Limit &limit);
  /// When the client will be too slow if nothing moves; the end of time while the server does not wait.
  std::int64_t deadline(const Limit &limit) const;

 private:
  std::int64_t waiting_since_ = 0;  ///< 0: not waiting
  std::int64_t waited_ = 0;
  std::uint64_t bytes_ = 0;
  std::int64_t earned_ = 0;  ///< waiting time that the bytes have paid for
};

}  // namespace Atoll::net
