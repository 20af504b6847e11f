// SPDX-License-Identifier: Apache-2.0
#include "core/host/side_work.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace Atoll::host {

struct SideWork::Strand::State {
  enum class Helper { None, Asked, Running };

  mutable std::mutex mutex;
  std::condition_variable fewer;  ///< a thread has done as much as the owner waits for
  std::deque<Work> queue;
  std::size_t undone = 0;  ///< in the queue, and the one that runs
  std::size_t awaited = 0;
  bool waiting = false;
  Helper helper = Helper::None;
  std::exception_ptr failure;

  /// Does the first of the queue, without the lock in between.
  void run_one(std::unique_lock<std::mutex> &lock) noexcept {
    Work work = std::move(queue.front());
    queue.pop_front();
    lock.unlock();
    std::exception_ptr thrown;
    try {
      work();
    } catch (...) {
      thrown = std::current_exception();
    }
    work = nullptr;  // what it holds goes before anybody learns that it is done
    lock.lock();
    --undone;
    if (thrown && !failure) failure = std::move(thrown);
  }

  /// A thread's part.
  void help() noexcept {
    std::unique_lock lock(mutex);
    if (helper != Helper::Asked) return;  // its owner was faster
    helper = Helper::Running;
    while (!queue.empty()) {
      run_one(lock);
      if (waiting && undone <= awaited) fewer.notify_one();
    }
    helper = Helper::None;
    if (waiting) fewer.notify_one();
  }
};

SideWork::Strand::Strand(SideWork &helpers) : state_(std::make_shared<State>()), helpers_(helpers) {}

SideWork::Strand::~Strand() { drop(); }

void SideWork::Strand::add(Work work) {
  const std::lock_guard lock(state_->mutex);
  state_->queue.push_back(std::move(work));
  ++state_->undone;
}

void SideWork::Strand::offer() {
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->queue.empty() || state_->helper != State::Helper::None) return;
    state_->helper = State::Helper::Asked;
  }
  if (helpers_.accept(state_)) return;
  // A thread may have come by an earlier offer meanwhile: then it runs, and stays the one that does.
  const std::lock_guard lock(state_->mutex);
  if (state_->helper == State::Helper::Asked) state_->helper = State::Helper::None;
}

std::size_t SideWork::Strand::left() const {
  const std::lock_guard lock(state_->mutex);
  return state_->undone;
}

bool SideWork::Strand::helped() const {
  const std::lock_guard lock(state_->mutex);
  return state_->helper != State::Helper::None;
}

void SideWork::Strand::settle(std::size_t most) {
  std::unique_lock lock(state_->mutex);
  while (state_->undone > most) {
    if (state_->helper == State::Helper::Running) {
      state_->awaited = most;
      state_->waiting = true;
      state_->fewer.wait(lock, [&] { return state_->undone <= most || state_->helper != State::Helper::Running; });
      state_->waiting = false;
      continue;
    }
    state_->helper = State::Helper::None;  // a thread that was asked and has not begun finds nothing to do
    state_->run_one(lock);
  }
  if (state_->failure) std::rethrow_exception(std::exchange(state_->failure, nullptr));
}

void SideWork::Strand::drop() noexcept {
  std::deque<Work> forgotten;
  std::unique_lock lock(state_->mutex);
  state_->undone -= state_->queue.size();
  forgotten.swap(state_->queue);
  if (state_->helper == State::Helper::Asked) state_->helper = State::Helper::None;
  state_->awaited = 0;
  state_->waiting = true;
  state_->fewer.wait(lock, [&] { return state_->helper != State::Helper::Running; });
  state_->waiting = false;
}

unsigned SideWork::useful_threads() { return std::clamp(std::thread::hardware_concurrency(), 1u, 5u) - 1; }

SideWork::SideWork(unsigned threads) {
  for (unsigned i = 0; i < threads; ++i) threads_.emplace_back([this] { help(); });
}

SideWork::~SideWork() {
  {
    const std::lock_guard lock(mutex_);
    leaving_ = true;
  }
  offered_.notify_all();
  for (auto &thread : threads_) thread.join();
}

bool SideWork::accept(const std::shared_ptr<Strand::State> &state) {
  {
    const std::lock_guard lock(mutex_);
    if (queue_.size() >= idle_) return false;
    queue_.push_back(state);
  }
  offered_.notify_one();
  return true;
}

void SideWork::help() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    offered_.wait(lock, [this] { return leaving_ || !queue_.empty(); });
    --idle_;
    if (queue_.empty()) return;
    const auto state = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    state->help();
    lock.lock();
  }
}

}  // namespace Atoll::host
