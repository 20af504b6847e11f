// SPDX-License-Identifier: Apache-2.0
#include "core/host/side_work.hpp"

#include <algorithm>
#include <utility>

namespace Atoll::host {

void SideWork::Job::run() noexcept {
  try {
    work_();
  } catch (...) {
    failure_ = std::current_exception();
  }
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

void SideWork::offer(Job &job) {
  {
    const std::lock_guard lock(mutex_);
    if (job.state_ != Job::State::Mine || queue_.size() >= idle_) return;  // it stays its owner's
    job.state_ = Job::State::Queued;
    queue_.push_back(&job);
  }
  offered_.notify_one();
}

void SideWork::finish(Job &job) {
  {
    std::unique_lock lock(mutex_);
    if (job.state_ == Job::State::Queued) {
      queue_.erase(std::find(queue_.begin(), queue_.end(), &job));
      job.state_ = Job::State::Mine;
    }
    if (job.state_ != Job::State::Mine) done_.wait(lock, [&] { return job.state_ == Job::State::Done; });
  }
  if (job.state_ == Job::State::Mine) {
    job.run();
    job.state_ = Job::State::Done;
  }
  if (job.failure_) std::rethrow_exception(std::exchange(job.failure_, nullptr));
}

void SideWork::help() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    offered_.wait(lock, [this] { return leaving_ || !queue_.empty(); });
    --idle_;
    if (queue_.empty()) return;
    Job &job = *queue_.front();
    queue_.pop_front();
    job.state_ = Job::State::Running;
    lock.unlock();
    job.run();
    lock.lock();
    job.state_ = Job::State::Done;
    done_.notify_all();  // under the lock: the job is gone as soon as its owner sees it
  }
}

}  // namespace Atoll::host
