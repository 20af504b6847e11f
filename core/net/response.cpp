// SPDX-License-Identifier: Apache-2.0
#include "core/net/response.hpp"

namespace Atoll::net {

std::uint64_t Extents::length() const {
  std::uint64_t sum = 0;
  for (const auto &part : parts) sum += part.length;
  return sum;
}

void Waker::wake() {
  std::function<void()> action;
  {
    const std::lock_guard lock(mutex_);
    if (!action_) {
      pending_ = true;
      return;
    }
    action = action_;
  }
  action();
}

void Waker::bind(std::function<void()> action) {
  {
    const std::lock_guard lock(mutex_);
    action_ = action;
    if (!pending_ || !action) return;
    pending_ = false;
  }
  action();
}

}  // namespace Atoll::net
