// SPDX-License-Identifier: Apache-2.0
#include "core/tree/sync_rounds.hpp"

#include <algorithm>

namespace Atoll::tree {

Result<void> SyncRounds::wait(std::uint64_t key, FunctionRef<Result<void>()> sync) {
  std::unique_lock lock(mutex_);
  auto &slot = groups_[key];
  if (!slot) slot = std::make_unique<Group>();
  Group &group = *slot;
  ++group.inside;
  ++inside_;
  const std::uint64_t mine = group.begun + 1;
  Result<void> done;
  while (group.ended < mine) {
    if (group.running) {
      // A round that runs now and covers this thread is one after a failure.
      group.changed[std::max(mine, group.begun) % 2].wait(lock);
      continue;
    }
    group.running = true;
    const std::uint64_t round = ++group.begun;
    lock.unlock();
    done = sync();
    lock.lock();
    group.running = false;
    if (done) group.ended = round;
    group.changed[round % 2].notify_all();
    group.changed[(round + 1) % 2].notify_one();
    break;
  }
  --inside_;
  if (--group.inside == 0) groups_.erase(key);
  return done;
}

unsigned SyncRounds::inside() const {
  const std::lock_guard lock(mutex_);
  return inside_;
}

}  // namespace Atoll::tree
