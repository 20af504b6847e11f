// SPDX-License-Identifier: Apache-2.0
// The writer lock, and how small changes of several requests come into the index in one commit.
#pragma once

#include "core/tree/index.hpp"

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>

namespace Atoll::tree {

/// Every change of the tree of any space holds it. A commit of the index costs more than the rows of a small change, so
/// a change may leave its rows to the next one that holds the lock, and wait for that one's commit: how long is
/// bounded, because it is only done while others are known to come, and everybody who locks it as a mutex commits
/// first. So who has locked it sees a state of the index in which no change is under way. [any thread]
class WriterLock {
 public:
  /// `index`: what is guarded; may be null until it is locked for the first time.
  explicit WriterLock(const std::unique_ptr<Index> &index) noexcept : index_(index) {}

  void lock();
  void unlock() { mutex_.unlock(); }

  /// A small change that will soon be made, or given up. While there are more of them than changes that wait for a
  /// commit, that commit is left to them. [one thread]
  class Coming {
   public:
    explicit Coming(WriterLock &lock) noexcept : lock_(&lock) { ++lock.coming_; }
    Coming(const Coming &) = delete;
    Coming &operator=(const Coming &) = delete;
    ~Coming();

   private:
    friend class WriterLock;
    WriterLock *lock_;  // null: it is here
  };

 private:
  /// The changes of one commit.
  struct Round {
    std::mutex mutex;
    std::condition_variable changed;
    std::atomic<bool> ended{false};
    Result<void> done;  // when it has ended
  };

 public:
  /// One change: holds the lock until it is committed, left to others, or undone by the destructor. [one thread]
  class Part {
   public:
    explicit Part(WriterLock &lock) : lock_(lock) { lock_.mutex_.lock(); }
    Part(const Part &) = delete;
    Part &operator=(const Part &) = delete;
    ~Part() { undo(); }

    /// In a transaction from now on.
    Result<void> begin(const SpaceId &space);
    /// Makes the change visible, with all that were left to it, and gives the lock back.
    Result<void> commit();
    /// Gives the lock back. The change is visible when ended() says so.
    Result<void> leave(Coming &coming);
    /// Waits for the commit of a change that was left to others.
    Result<void> ended();
    /// Unless it was committed or left: it has not happened. Gives the lock back.
    void undo() noexcept;

   private:
    void unlock() noexcept;

    WriterLock &lock_;
    bool held_ = true, begun_ = false;
    std::shared_ptr<Round> round_;  // it was left to
  };

 private:
  /// Under the lock: commits what was left.
  void end_round() noexcept;
  void finish(const Result<void> &done) noexcept;
  bool complete() const noexcept { return left_ != 0 && left_ >= coming_; }

  const std::unique_ptr<Index> &index_;
  std::mutex mutex_;
  std::shared_ptr<Round> round_;   // guarded by mutex_; null: nothing was left
  std::atomic<unsigned> left_{0};  // changes in it; written under mutex_
  std::atomic<unsigned> coming_{0};
};

}  // namespace Atoll::tree
