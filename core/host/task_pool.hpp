// SPDX-License-Identifier: Apache-2.0
// Threads of the host that run what instances hand in, now or later.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

namespace Atoll::host {

/// Tasks belong to an owner, so that one instance's can be ended without the others'. Threads are made when needed.
class TaskPool {
 public:
  using Clock = std::chrono::steady_clock;

  explicit TaskPool(unsigned most_threads = 8) : most_threads_(most_threads) {}
  ~TaskPool();  ///< drops what has not begun and waits for the rest
  TaskPool(const TaskPool &) = delete;
  TaskPool &operator=(const TaskPool &) = delete;

  /// From now on tasks of this owner are taken.
  void admit(const void *owner);
  /// False when the owner is not admitted: then the task was not taken. [any thread]
  bool run(const void *owner, std::chrono::milliseconds delay, std::function<void()> task);
  /// Takes no more of this owner, drops those that have not begun, waits for those that run. Not from a task.
  void dismiss(const void *owner);

 private:
  struct Task {
    const void *owner;
    std::function<void()> run;
  };
  void work();

  const unsigned most_threads_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::multimap<Clock::time_point, Task> queue_;
  std::set<const void *> admitted_;
  std::map<const void *, unsigned> running_;
  std::vector<std::thread> threads_;
  unsigned idle_ = 0;
  bool leaving_ = false;
};

}  // namespace Atoll::host
