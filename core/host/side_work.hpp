// SPDX-License-Identifier: Apache-2.0
// Threads that take over a piece of computation while the thread that has it to do goes on with another.
#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace Atoll::host {

/// Only for what computes and never waits. Whoever offers something is never held up by the work of others: what no
/// thread has begun when its result is needed is done by its owner.
class SideWork {
 public:
  /// One piece of work, on the stack of its owner. offer(), then finish(), by one thread.
  class Job {
   public:
    explicit Job(std::function<void()> work) : work_(std::move(work)) {}
    Job(const Job &) = delete;
    Job &operator=(const Job &) = delete;

   private:
    friend class SideWork;
    enum class State { Mine, Queued, Running, Done };
    void run() noexcept;

    std::function<void()> work_;
    State state_ = State::Mine;
    std::exception_ptr failure_;
  };

  /// `threads`: 0 means that owners do everything themselves.
  explicit SideWork(unsigned threads);
  ~SideWork();  ///< no job may be under way
  SideWork(const SideWork &) = delete;
  SideWork &operator=(const SideWork &) = delete;

  /// As many as help: one fewer than there are processors, and no more than four.
  static unsigned useful_threads();

  /// [any thread] Taken by a thread if one has nothing to do. May be repeated.
  void offer(Job &job);
  /// [any thread] Returns when the work is done, by whomever; throws what it threw.
  void finish(Job &job);

 private:
  void help();

  std::mutex mutex_;
  std::condition_variable offered_, done_;
  std::deque<Job *> queue_;
  unsigned idle_ = 0;
  bool leaving_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace Atoll::host
