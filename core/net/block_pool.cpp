// SPDX-License-Identifier: Apache-2.0
#include "core/net/block_pool.hpp"

#include <new>
#include <utility>

namespace Atoll::net {

std::shared_ptr<char> BlockPool::take() try {
  Reservation held(budget_);
  if (!held.grow(kBlock)) return nullptr;
  Memory memory;
  {
    const std::lock_guard lock(mutex_);
    kept_.reserve(kKept);  // so that giving back cannot fail
    if (!kept_.empty()) {
      memory = std::move(kept_.back());
      kept_.pop_back();
    }
  }
  if (!memory) memory.reset(new char[kBlock]);  // not to be zeroed
  struct Return {
    BlockPool *pool;
    Memory memory;
    Reservation held;
    ~Return() {
      if (memory) pool->give(std::move(memory));
    }
    Return(BlockPool *to, Memory what, Reservation counted)
        : pool(to), memory(std::move(what)), held(std::move(counted)) {}
    Return(const Return &) = delete;
    Return &operator=(const Return &) = delete;
  };
  const auto owner = std::make_shared<Return>(this, std::move(memory), std::move(held));
  return {owner, owner->memory.get()};
} catch (const std::bad_alloc &) {
  return nullptr;
}

void BlockPool::give(Memory memory) {
  const std::lock_guard lock(mutex_);
  if (kept_.size() < kKept) kept_.push_back(std::move(memory));
}

}  // namespace Atoll::net
