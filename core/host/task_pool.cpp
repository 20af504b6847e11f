// SPDX-License-Identifier: Apache-2.0
#include "core/host/task_pool.hpp"

namespace Atoll::host {

TaskPool::~TaskPool() {
  {
    const std::lock_guard lock(mutex_);
    leaving_ = true;
    queue_.clear();
  }
  changed_.notify_all();
  for (auto &thread : threads_) thread.join();
}

void TaskPool::admit(const void *owner) {
  const std::lock_guard lock(mutex_);
  admitted_.insert(owner);
}

bool TaskPool::run(const void *owner, std::chrono::milliseconds delay, std::function<void()> task) {
  constexpr std::chrono::milliseconds kLongest = std::chrono::hours(24 * 365);
  const std::lock_guard lock(mutex_);
  if (leaving_ || admitted_.count(owner) == 0) return false;
  queue_.emplace(Clock::now() + std::min(delay, kLongest), Task{owner, std::move(task)});
  if (idle_ == 0 && threads_.size() < most_threads_) threads_.emplace_back([this] { work(); });
  changed_.notify_all();
  return true;
}

void TaskPool::dismiss(const void *owner) {
  std::unique_lock lock(mutex_);
  admitted_.erase(owner);
  for (auto at = queue_.begin(); at != queue_.end();) at = at->second.owner == owner ? queue_.erase(at) : std::next(at);
  changed_.wait(lock, [&] { return running_.count(owner) == 0; });
}

void TaskPool::work() {
  std::unique_lock lock(mutex_);
  while (!leaving_) {
    if (queue_.empty() || queue_.begin()->first > Clock::now()) {
      ++idle_;
      if (queue_.empty())
        changed_.wait(lock);
      else
        changed_.wait_until(lock, Clock::time_point(queue_.begin()->first));
      --idle_;
      continue;
    }
    Task task = std::move(queue_.begin()->second);
    queue_.erase(queue_.begin());
    ++running_[task.owner];
    // Others that are due must not wait for this one.
    if (!queue_.empty() && idle_ == 0 && threads_.size() < most_threads_) threads_.emplace_back([this] { work(); });
    lock.unlock();
    task.run();
    task.run = nullptr;
    lock.lock();
    if (--running_[task.owner] == 0) running_.erase(task.owner);
    changed_.notify_all();
  }
}

}  // namespace Atoll::host
