// SPDX-License-Identifier: Apache-2.0
// How files and folders below a storage root are made durable.
#pragma once

#include "core/tree/sync_rounds.hpp"

#include <atomic>

namespace Atoll::tree {

/// Whether, on the file system of `fd`, a name that survives a power cut leads to all data that was written out and
/// waited for before the name was given, and whether making a folder durable makes everything durable that was changed
/// before: one journal commits all changes in their order. Only said of what is known to do so (ext4 with a journal);
/// false is always safe.
bool keeps_order(int fd);

/// [any thread]; all functions wait for the disk.
class PosixSync {
 public:
  void set_keeps_order(bool keeps) noexcept { keeps_order_.store(keeps, std::memory_order_relaxed); }
  bool keeps_order() const noexcept { return keeps_order_.load(std::memory_order_relaxed); }

  /// A name that is given to the file from now on, and that survives a power cut, leads to the file as it is now. Where
  /// the file system keeps the order that costs no flush.
  Result<void> before_naming(int file);
  /// The file as it is now survives a power cut.
  Result<void> file(int file);
  /// The names in the folder survive a power cut. Shared by all that wait for the same folder.
  Result<void> folder(int folder);

 private:
  std::atomic<bool> keeps_order_{false};
  SyncRounds rounds_;
};

}  // namespace Atoll::tree
