// SPDX-License-Identifier: Apache-2.0
#include "core/tree/writer_lock.hpp"

#include "core/tree/fault_point.hpp"
#include "core/tree/try.hpp"

#include <chrono>

namespace Atoll::tree {
namespace {

constexpr unsigned kMostLeft = 16;  ///< changes in one commit; also bounds what the log of the index needs at once
constexpr auto kPatience = std::chrono::milliseconds(2);  ///< then who waits commits himself

}  // namespace

void WriterLock::lock() {
  mutex_.lock();
  if (round_) end_round();
}

WriterLock::Coming::~Coming() {
  if (!lock_) return;
  --lock_->coming_;
  if (!lock_->complete()) return;
  lock_->lock();  // those who wait for this change would wait in vain
  lock_->unlock();
}

void WriterLock::end_round() noexcept { finish(index_->commit_shared()); }

void WriterLock::finish(const Result<void> &done) noexcept {
  left_ = 0;
  const std::shared_ptr<Round> round = std::move(round_);
  if (!round) return;
  const std::lock_guard guard(round->mutex);
  round->done = done;
  round->ended.store(true, std::memory_order_release);
  round->changed.notify_all();
}

Result<void> WriterLock::Part::begin(const SpaceId &space) {
  begun_ = true;
  return lock_.index_->join(space);
}

Result<void> WriterLock::Part::commit() {
  begun_ = false;
  auto done = lock_.index_->commit_shared();
  lock_.finish(done);
  unlock();
  return done;
}

Result<void> WriterLock::Part::leave(Coming &coming) {
  if (coming.lock_) --std::exchange(coming.lock_, nullptr)->coming_;
  TRY(lock_.index_->keep());
  begun_ = false;
  ++lock_.left_;  // before it is compared: see Coming::~Coming()
  if (lock_.complete() || lock_.left_ >= kMostLeft) return commit();
  if (!lock_.round_) lock_.round_ = std::make_shared<Round>();
  round_ = lock_.round_;
  unlock();
  return {};
}

Result<void> WriterLock::Part::ended() {
  if (!round_) return {};
  if (!round_->ended.load(std::memory_order_acquire)) {
    std::unique_lock guard(round_->mutex);
    if (!round_->changed.wait_for(guard, kPatience, [&] { return round_->ended.load(); })) {
      guard.unlock();
      lock_.lock();
      lock_.unlock();
    }
  }
  return round_->done;
}

void WriterLock::Part::undo() noexcept {
  if (!held_) return;
  // A failure of the index may have taken the others' rows with it.
  if (begun_)
    if (const auto others = lock_.index_->undo(); !others) lock_.finish(others);
  begun_ = false;
  unlock();
}

void WriterLock::Part::unlock() noexcept {
  held_ = false;
  lock_.mutex_.unlock();
}

}  // namespace Atoll::tree
