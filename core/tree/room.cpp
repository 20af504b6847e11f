// SPDX-License-Identifier: Apache-2.0
#include "core/tree/room.hpp"

#include "core/tree/try.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <utility>

namespace Atoll::tree {
namespace {

constexpr std::uint64_t kDiskBlock = 4096;  // what a byte takes on most disks

std::uint64_t in_blocks(std::uint64_t bytes) {
  return bytes > UINT64_MAX - kDiskBlock ? bytes : (bytes + kDiskBlock - 1) / kDiskBlock * kDiskBlock;
}

}  // namespace

Error disk_is_full() {
  return error(Status::InsufficientStorage, "the disk of this storage is full; delete something or ask the admin");
}

Room::Room(Room &&other) noexcept
    : ledger_(std::exchange(other.ledger_, nullptr)), bytes_(std::exchange(other.bytes_, 0)), file_(other.file_) {
  other.file_.reset();
}

Room &Room::operator=(Room &&other) noexcept {
  if (this == &other) return *this;
  release();
  ledger_ = std::exchange(other.ledger_, nullptr);
  bytes_ = std::exchange(other.bytes_, 0);
  file_ = std::exchange(other.file_, std::nullopt);
  return *this;
}

void Room::used(std::uint64_t bytes) noexcept {
  if (!ledger_) return;
  const std::lock_guard guard(ledger_->mutex_);
  const std::uint64_t gone = std::min(bytes, bytes_);
  bytes_ -= gone;
  if (file_)
    (*file_)->bytes = bytes_;
  else
    ledger_->plain_ -= gone;
}

void Room::belongs_to(int fd) {
  if (!ledger_ || file_) return;
  const std::lock_guard guard(ledger_->mutex_);
  ledger_->files_.push_front({fd, bytes_});
  file_ = ledger_->files_.begin();
  ledger_->plain_ -= bytes_;
}

Result<void> Room::grow(std::uint64_t bytes) {
  if (!ledger_) return {};
  bytes = in_blocks(bytes);
  if (bytes <= bytes_) return {};
  const std::lock_guard guard(ledger_->mutex_);
  std::uint64_t &promise = file_ ? (*file_)->bytes : ledger_->plain_;
  promise += bytes - bytes_;
  if (auto fits = ledger_->fits(); !fits) {
    promise -= bytes - bytes_;
    return fits;
  }
  bytes_ = bytes;
  return {};
}

void Room::release() noexcept {
  if (!ledger_) return;
  const std::lock_guard guard(ledger_->mutex_);
  if (file_)
    ledger_->files_.erase(*file_);
  else
    ledger_->plain_ -= bytes_;
  file_.reset();
  bytes_ = 0;
  ledger_ = nullptr;
}

Result<Room> RoomLedger::take(std::uint64_t bytes) {
  bytes = in_blocks(bytes);
  const std::lock_guard guard(mutex_);
  plain_ += bytes;
  if (auto enough = fits(); !enough) {
    plain_ -= bytes;
    return std::move(enough).error();
  }
  Room room;
  room.ledger_ = this;
  room.bytes_ = bytes;
  return room;
}

std::uint64_t RoomLedger::promised() const {
  const std::lock_guard guard(mutex_);
  return promised_now();
}

Result<void> RoomLedger::fits() const {
  TRY_ASSIGN(const std::uint64_t left, left_());
  return left >= promised_now() ? Result<void>() : disk_is_full();
}

std::uint64_t RoomLedger::promised_now() const {
  std::uint64_t sum = plain_;
  for (const Room::OfFile &file : files_) {
    struct stat facts {};
    const bool seen = ::fstat(file.fd, &facts) == 0;
    const std::uint64_t there = seen ? static_cast<std::uint64_t>(facts.st_blocks) * 512 : 0;
    sum += file.bytes - std::min(file.bytes, there);
  }
  return sum;
}

}  // namespace Atoll::tree
