// SPDX-License-Identifier: Apache-2.0
#include "core/tree/announcement.hpp"

#include "core/tree/fault_point.hpp"
#include "core/tree/try.hpp"

namespace Atoll::tree {
namespace {

bool same_thing(const TrashRecord &a, const TrashRecord &b) {
  return a.space == b.space && a.node == b.node && a.parent == b.parent && a.path == b.path && a.name == b.name &&
         a.size == b.size && a.mtime_ns == b.mtime_ns && a.inode == b.inode && a.account == b.account &&
         a.refuge.kind == b.refuge.kind && a.refuge.path == b.refuge.path && a.refuge.name == b.refuge.name;
}

bool same_thing(const VersionRecord &a, const VersionRecord &b) {
  return a.space == b.space && a.node == b.node && a.sequence == b.sequence && a.size == b.size &&
         a.mtime_ns == b.mtime_ns && a.inode == b.inode && a.token == b.token;
}

}  // namespace

Result<bool> Announcement::take(TrashRecord &record) {
  if (trash_ && !wanted_ && same_thing(*trash_, record)) {
    record.id = trash_->id;
    record.removed_ns = trash_->removed_ns;
    TRY_ASSIGN(const bool there, meta_.take(record));
    if (there) {
      trash_.reset();
      return true;
    }
  }
  withdraw();
  trash_ = record;
  wanted_ = true;
  return false;
}

Result<bool> Announcement::take(VersionRecord &record) {
  if (version_ && !wanted_ && same_thing(*version_, record)) {
    record.kept_ns = version_->kept_ns;
    TRY_ASSIGN(const bool there, meta_.take(record));
    if (there) {
      version_.reset();
      return true;
    }
  }
  withdraw();
  version_ = record;
  wanted_ = true;
  return false;
}

Result<void> Announcement::make() {
  ATOLL_FAULT_POINT("announce.begin");
  wanted_ = false;
  if (trash_) TRY(meta_.announce(*trash_));
  if (version_) TRY(meta_.announce(*version_));
  ATOLL_FAULT_POINT("announce.durable");
  return {};
}

void Announcement::withdraw() noexcept {
  auto gone = [&](const Result<void> &done) {
    if (!done && log_) log_(true, done.error().message);
  };
  if (trash_ && !wanted_) gone(meta_.withdraw(*trash_));
  if (version_ && !wanted_) gone(meta_.withdraw(*version_));
  trash_.reset();
  version_.reset();
  wanted_ = false;
}

}  // namespace Atoll::tree
