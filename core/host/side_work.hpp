// SPDX-License-Identifier: Apache-2.0
// Threads that take over a sequence of computations while the thread that has them to do goes on with others.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace Atoll::host {

/// Only for what computes and never waits. Whoever offers something is never held up by the work of others: what no
/// thread has begun when its owner needs it is done by its owner.
class SideWork {
 public:
  using Work = std::function<void()>;

  /// Pieces of work of one owner, done one at a time and in order. One thread at a time calls its functions.
  class Strand {
   public:
    explicit Strand(SideWork &helpers);
    ~Strand();  ///< drop()
    Strand(const Strand &) = delete;
    Strand &operator=(const Strand &) = delete;

    /// Behind what is there already. Done by a thread after offer(), or by settle().
    void add(Work work);
    /// Has a thread begin, if one has nothing to do.
    void offer();
    /// Pieces that are not done.
    std::size_t left() const;
    /// Whether a thread does them now.
    bool helped() const;
    /// Returns when no more than `most` are left; throws what a piece threw, once.
    void settle(std::size_t most = 0);
    /// Forgets what has not begun and waits for what has.
    void drop() noexcept;

   private:
    friend class SideWork;
    struct State;
    const std::shared_ptr<State> state_;
    SideWork &helpers_;
  };

  /// `threads`: 0 means that owners do everything themselves.
  explicit SideWork(unsigned threads);
  ~SideWork();  ///< no strand may be there any more
  SideWork(const SideWork &) = delete;
  SideWork &operator=(const SideWork &) = delete;

  /// As many as help: one fewer than there are processors, and no more than four.
  static unsigned useful_threads();

 private:
  bool accept(const std::shared_ptr<Strand::State> &state);
  void help();

  std::mutex mutex_;
  std::condition_variable offered_;
  std::deque<std::shared_ptr<Strand::State>> queue_;
  unsigned idle_ = 0;
  bool leaving_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace Atoll::host
