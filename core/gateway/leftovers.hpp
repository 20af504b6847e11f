// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace Atoll::gateway {

/// Calls that must be made one day, whose result nobody waits for, and which may hang: closing what was opened at a
/// provider that lets nobody in now. One thread per provider, only while there is something to do. [any thread]
class Leftovers {
 public:
  Leftovers() = default;
  Leftovers(const Leftovers &) = delete;
  Leftovers &operator=(const Leftovers &) = delete;
  /// Waits until all is done.
  ~Leftovers() {
    for (auto &[name, lane] : lanes_)
      if (lane.thread.joinable()) lane.thread.join();
  }

  /// Has `job` run after those of the same provider. May throw std::bad_alloc or std::system_error: then it was not
  /// taken.
  void add(std::string_view provider, std::function<void()> job) {
    const std::lock_guard lock(mutex_);
    Lane &lane = lanes_[std::string(provider)];
    lane.jobs.push_back(std::move(job));
    if (lane.running) return;
    try {
      if (lane.thread.joinable()) lane.thread.join();  // it has found nothing more to do
      lane.thread = std::thread([this, &lane] { run(lane); });
    } catch (...) {
      lane.jobs.pop_back();
      throw;
    }
    lane.running = true;
  }

 private:
  struct Lane {
    std::deque<std::function<void()>> jobs;
    std::thread thread;
    bool running = false;
  };

  void run(Lane &lane) {
    std::unique_lock lock(mutex_);
    while (!lane.jobs.empty()) {
      auto job = std::move(lane.jobs.front());
      lane.jobs.pop_front();
      lock.unlock();
      job();
      job = nullptr;  // lets the instance go, which may take its time
      lock.lock();
    }
    lane.running = false;
  }

  std::mutex mutex_;
  std::map<std::string, Lane> lanes_;  // never taken out: there are few
};

}  // namespace Atoll::gateway
