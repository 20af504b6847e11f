// SPDX-License-Identifier: Apache-2.0
// Blocks of memory for bodies whose bytes are looked at by other threads while more are received.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "core/net/byte_budget.hpp"

namespace Atoll::net {

/// A block in use counts in the budget; a few that are not are kept for the next. [any thread]
class BlockPool {
 public:
  static constexpr std::size_t kBlock = 256 * 1024;  ///< bytes of each block

  /// `budget` outlives the pool and all its blocks.
  explicit BlockPool(ByteBudget &budget) : budget_(budget) {}
  BlockPool(const BlockPool &) = delete;
  BlockPool &operator=(const BlockPool &) = delete;

  /// One block, which goes back when the last that holds it lets it go; nothing when the budget or memory has none.
  /// The pool must be there until then.
  std::shared_ptr<char> take();

 private:
  static constexpr std::size_t kKept = 8;  ///< blocks that nobody uses
  using Memory = std::unique_ptr<char[]>;

  void give(Memory memory);

  ByteBudget &budget_;
  std::mutex mutex_;
  std::vector<Memory> kept_;
};

}  // namespace Atoll::net
