// SPDX-License-Identifier: Apache-2.0
// Numbers that are never given twice, not even after a crash.
#pragma once

#include "core/tree/meta.hpp"

#include <mutex>

namespace Atoll::tree {

/// [any thread]
class Sequences {
 public:
  explicit Sequences(Meta &meta) : meta_(meta) {}

  /// Reserves the first block; what an earlier run did not use of its own is skipped.
  Result<void> open() {
    const std::lock_guard guard(mutex_);
    return reserve();
  }

  Result<std::uint64_t> next() {
    const std::lock_guard guard(mutex_);
    if (next_ == end_) {
      if (auto reserved = reserve(); !reserved) return std::move(reserved).error();
    }
    return next_++;
  }

  /// From now on all that are given are greater.
  Result<void> raise(std::uint64_t above) {
    const std::lock_guard guard(mutex_);
    if (next_ > above) return {};
    if (auto raised = meta_.raise_sequences(above + 1); !raised) return raised;
    return reserve();
  }

  /// Whether it was given, or could have been by an earlier run.
  bool past(std::uint64_t sequence) const {
    const std::lock_guard guard(mutex_);
    return sequence > 0 && sequence < next_;
  }

 private:
  static constexpr std::uint64_t kBlock = 1u << 16;

  Result<void> reserve() {
    auto first = meta_.reserve_sequences(kBlock);
    if (!first) return std::move(first).error();
    next_ = *first;
    end_ = next_ + kBlock;
    return {};
  }

  Meta &meta_;
  mutable std::mutex mutex_;
  std::uint64_t next_ = 0, end_ = 0;  // guarded by mutex_
};

}  // namespace Atoll::tree
