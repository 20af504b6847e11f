// SPDX-License-Identifier: Apache-2.0
// Room on a disk that is promised to what is not written yet.
#pragma once

#include <atoll/sdk/result.hpp>

#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <optional>

namespace Atoll::tree {

class RoomLedger;

/// InsufficientStorage.
Error disk_is_full();

/// So many bytes of a disk that nobody else is promised. Given back in the destructor; the ledger outlives it. One by
/// default is of no disk. [one thread at a time]
class Room {
 public:
  Room() = default;
  Room(Room &&other) noexcept;
  Room &operator=(Room &&other) noexcept;
  Room(const Room &) = delete;
  Room &operator=(const Room &) = delete;
  ~Room() { release(); }

  /// So many of the bytes are on the disk now, where everybody sees them.
  void used(std::uint64_t bytes) noexcept;
  /// All of it is for this file: what it has on the disk is not counted again. Open until release().
  void belongs_to(int fd);
  /// So many bytes in all; InsufficientStorage when there is no room for what comes on top.
  Result<void> grow(std::uint64_t bytes);
  void release() noexcept;
  /// Whether anything is promised, if only nothing.
  bool held() const noexcept { return ledger_ != nullptr; }
  std::uint64_t bytes() const noexcept { return bytes_; }

 private:
  friend class RoomLedger;
  struct OfFile {
    int fd;
    std::uint64_t bytes;
  };
  RoomLedger *ledger_ = nullptr;
  std::uint64_t bytes_ = 0;
  std::optional<std::list<OfFile>::iterator> file_;
};

/// What a disk has left, and how much of that is promised. Promises cost nothing on the disk, so no crash leaves any.
/// [any thread]
class RoomLedger {
 public:
  /// `left`: how many bytes may be written to the disk now, or InsufficientStorage; asked one at a time.
  explicit RoomLedger(std::function<Result<std::uint64_t>()> left) : left_(std::move(left)) {}

  /// InsufficientStorage when the disk has not so many bytes left beside what others were promised.
  Result<Room> take(std::uint64_t bytes);
  /// Bytes that are promised and not on the disk yet.
  std::uint64_t promised() const;

 private:
  friend class Room;
  Result<void> fits() const;
  std::uint64_t promised_now() const;

  const std::function<Result<std::uint64_t>()> left_;
  mutable std::mutex mutex_;
  std::uint64_t plain_ = 0;        // guarded by mutex_; promised to nothing in particular
  std::list<Room::OfFile> files_;  // guarded by mutex_
};

}  // namespace Atoll::tree
