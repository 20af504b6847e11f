// SPDX-License-Identifier: Apache-2.0
// Bytes that many share: taken before memory grows, given back exactly once.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace Atoll::net {

/// Counts in a gauge of Metrics, so that what is shown is what is enforced. [any thread]
class ByteBudget {
 public:
  /// `gauge` outlives the budget.
  ByteBudget(std::atomic<std::uint64_t> &gauge, std::uint64_t limit) : gauge_(gauge), limit_(limit) {}
  ByteBudget(const ByteBudget &) = delete;
  ByteBudget &operator=(const ByteBudget &) = delete;

  std::uint64_t limit() const { return limit_; }
  /// Whether so many bytes could be taken now.
  bool has(std::uint64_t bytes) const {
    const auto used = gauge_.load(std::memory_order_relaxed);
    return used <= limit_ && bytes <= limit_ - used;
  }

 private:
  friend class Reservation;

  bool take(std::uint64_t bytes) {
    auto used = gauge_.load(std::memory_order_relaxed);
    do {
      if (used > limit_ || bytes > limit_ - used) return false;
    } while (!gauge_.compare_exchange_weak(used, used + bytes, std::memory_order_relaxed));
    return true;
  }
  void give(std::uint64_t bytes) { gauge_.fetch_sub(bytes, std::memory_order_relaxed); }

  std::atomic<std::uint64_t> &gauge_;
  const std::uint64_t limit_;
};

/// What one body or answer holds of a budget; given back by release() or at the end of its life. [one thread at a time]
class Reservation {
 public:
  Reservation() = default;
  explicit Reservation(ByteBudget &budget) : budget_(&budget) {}
  ~Reservation() { release(); }
  Reservation(Reservation &&other) noexcept
      : budget_(std::exchange(other.budget_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  Reservation &operator=(Reservation &&other) noexcept {
    if (this == &other) return *this;
    release();
    budget_ = std::exchange(other.budget_, nullptr);
    bytes_ = std::exchange(other.bytes_, 0);
    return *this;
  }

  /// Takes more. False, and nothing taken: the budget has not so much left.
  bool grow(std::uint64_t bytes) {
    if (budget_ == nullptr || !budget_->take(bytes)) return false;
    bytes_ += bytes;
    return true;
  }
  std::uint64_t bytes() const { return bytes_; }
  void release() {
    if (bytes_ > 0) budget_->give(bytes_);
    bytes_ = 0;
  }

 private:
  ByteBudget *budget_ = nullptr;
  std::uint64_t bytes_ = 0;
};

}  // namespace Atoll::net
