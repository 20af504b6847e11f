// SPDX-License-Identifier: Apache-2.0
#include "core/tree/change_bell.hpp"

#include <chrono>
#include <utility>
#include <vector>

namespace Atoll::tree {
namespace {

constexpr auto kPause = std::chrono::milliseconds(10);  // between two calls of the listeners

}  // namespace

std::uint64_t ChangeBell::listen(Listener listener) {
  const std::lock_guard guard(mutex_);
  const std::uint64_t number = next_++;
  listeners_.emplace(number, std::move(listener));
  if (!thread_.joinable() && !stop_) thread_ = std::thread([this] { work(); });
  return number;
}

void ChangeBell::forget(std::uint64_t number) {
  std::unique_lock guard(mutex_);
  listeners_.erase(number);
  calm_.wait(guard, [this] { return !calling_; });
}

void ChangeBell::ring(const SpaceId &space) {
  const std::lock_guard guard(mutex_);
  if (listeners_.empty() || !changed_.insert(space).second) return;
  if (changed_.size() == 1) rung_.notify_one();
}

void ChangeBell::stop() {
  {
    const std::lock_guard guard(mutex_);
    stop_ = true;
    rung_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void ChangeBell::work() {
  std::unique_lock guard(mutex_);
  for (;;) {
    rung_.wait(guard, [this] { return stop_ || !changed_.empty(); });
    if (stop_) return;
    const auto changed = std::exchange(changed_, {});
    std::vector<std::uint64_t> numbers;
    for (const auto &[number, listener] : listeners_) numbers.push_back(number);
    for (const std::uint64_t number : numbers) {
      const auto found = listeners_.find(number);
      if (found == listeners_.end()) continue;
      const Listener listener = found->second;
      calling_ = true;
      guard.unlock();
      for (const SpaceId &space : changed) listener(space);
      guard.lock();
      calling_ = false;
      calm_.notify_all();
      if (stop_) return;
    }
    rung_.wait_for(guard, kPause, [this] { return stop_; });
  }
}

}  // namespace Atoll::tree
