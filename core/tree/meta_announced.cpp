// SPDX-License-Identifier: Apache-2.0
// Records of trash and versions that are durable before the change that they belong to.
#include "core/base/file.hpp"
#include "core/tree/fault_point.hpp"
#include "core/tree/meta.hpp"
#include "core/tree/try.hpp"

#include <unistd.h>

#include <cstdlib>

namespace Atoll::tree {

/// Commits do not wait for the disk as long as it lives. Under mutex_.
class Meta::Lazily {
 public:
  static Result<Lazily> begin(sql::Database &database) {
    TRY(database.set_synchronous(sql::Synchronous::Normal));
    return Lazily(database);
  }
  Lazily(Lazily &&other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
  Lazily &operator=(Lazily &&) = delete;
  ~Lazily() {
    // Out of memory at worst. All other commits promise to wait: better none at all than such that do not.
    if (database_ && !database_->set_synchronous(sql::Synchronous::Full)) std::abort();
  }

 private:
  explicit Lazily(sql::Database &database) : database_(&database) {}
  sql::Database *database_;
};

Result<void> Meta::sync() {
  return syncs_.wait(0, [this]() -> Result<void> {
    ATOLL_FAULT_POINT("meta.sync");
    if (!doubtful_.load() && ::fdatasync(log_.get()) == 0) return {};
    if (!doubtful_.exchange(true)) return base::errno_error("fdatasync " + database_.path() + "-wal");
    // The kernel tells of lost writes once only. What is in the database itself, durably, needs no log.
    const std::lock_guard guard(mutex_);
    TRY_ASSIGN(sql::Statement *const checkpoint, database_.cached("PRAGMA wal_checkpoint(RESTART)"));
    auto rows = checkpoint->query();
    TRY_ASSIGN(const bool there, rows.next());
    if (!there || rows.integer(0) != 0)
      return error(Status::Unavailable, database_.path() + " could not be made durable; see the log of the system");
    doubtful_ = false;
    return {};
  });
}

Result<void> Meta::announce(const TrashRecord &record) {
  {
    const std::lock_guard guard(mutex_);
    TRY_ASSIGN(const Lazily lazily, Lazily::begin(database_));
    TrashRecord coming = record;
    coming.state = TrashState::Coming;
    TRY(insert(coming));
  }
  return sync();
}

Result<void> Meta::announce(const VersionRecord &record) {
  {
    const std::lock_guard guard(mutex_);
    TRY_ASSIGN(const Lazily lazily, Lazily::begin(database_));
    VersionRecord coming = record;
    coming.round = kComing;
    TRY(insert(coming, true));
  }
  return sync();
}

Result<bool> Meta::take(const TrashRecord &record) {
  const std::lock_guard guard(mutex_);
  TRY_ASSIGN(const Lazily lazily, Lazily::begin(database_));
  TRY_ASSIGN(sql::Statement *const take,
             database_.cached("UPDATE trash SET state=?2,round=?3 WHERE id=?1 AND state=?4"));
  TRY(take->run_with(record.id, static_cast<int>(TrashState::Kept), record.round,
                     static_cast<int>(TrashState::Coming)));
  return database_.changes() == 1;
}

Result<bool> Meta::take(const VersionRecord &record) {
  const std::lock_guard guard(mutex_);
  TRY_ASSIGN(const Lazily lazily, Lazily::begin(database_));
  TRY_ASSIGN(sql::Statement *const take,
             database_.cached("UPDATE version SET round=?4 WHERE node=?1 AND sequence=?2 AND token=?3 AND round=?5"));
  TRY(take->run_with(record.node, record.sequence, record.token, record.round, kComing));
  return database_.changes() == 1;
}

Result<void> Meta::put_lazily(const TrashRecord &record) {
  const std::lock_guard guard(mutex_);
  TRY_ASSIGN(const Lazily lazily, Lazily::begin(database_));
  return insert(record);
}

Result<void> Meta::put_lazily(const VersionRecord &record) {
  const std::lock_guard guard(mutex_);
  TRY_ASSIGN(const Lazily lazily, Lazily::begin(database_));
  return insert(record);
}

Result<void> Meta::withdraw(const TrashRecord &record) {
  const std::lock_guard guard(mutex_);
  TRY_ASSIGN(const Lazily lazily, Lazily::begin(database_));
  TRY_ASSIGN(sql::Statement *const drop, database_.cached("DELETE FROM trash WHERE id=?1 AND state=?2"));
  return drop->run_with(record.id, static_cast<int>(TrashState::Coming));
}

Result<void> Meta::withdraw(const VersionRecord &record) {
  const std::lock_guard guard(mutex_);
  TRY_ASSIGN(const Lazily lazily, Lazily::begin(database_));
  TRY_ASSIGN(sql::Statement *const drop,
             database_.cached("DELETE FROM version WHERE node=?1 AND sequence=?2 AND token=?3 AND round=?4"));
  return drop->run_with(record.node, record.sequence, record.token, kComing);
}

}  // namespace Atoll::tree
