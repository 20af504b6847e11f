// SPDX-License-Identifier: Apache-2.0
#include "core/sql/pool.hpp"

#include <utility>

namespace Atoll::sql {

Result<std::unique_ptr<Pool>> Pool::open(const std::string &path, std::size_t readers,
                                         std::span<const char *const> migrations, const Options &options) {
  if (readers == 0) return error(Status::InvalidArgument, "a pool without readers was asked for");
  auto writer = Database::open(path, options);
  if (!writer) return writer.error();
  if (auto migrated = writer->migrate(migrations); !migrated) return migrated.error();
  auto pool = std::make_unique<Pool>(Private{}, path, readers, options, std::move(*writer));
  pool->readers_.reserve(readers);
  pool->idle_.reserve(readers);  // so that giving back never allocates
  return pool;
}

Result<Pool::Lease> Pool::read(std::chrono::milliseconds wait) {
  std::unique_lock lock(mutex_);
  const auto ready = [this] { return !idle_.empty() || readers_.size() + opening_ < limit_; };
  if (!changed_.wait_for(lock, wait, ready)) {
    return Error{Status::Unavailable, "all connections to " + path_ + " are in use", 0, 1000};
  }
  if (!idle_.empty()) {
    Database *database = idle_.back();
    idle_.pop_back();
    return Lease(this, database, false);
  }
  ++opening_;
  lock.unlock();
  Options options = options_;
  options.read_only = true;
  auto opened = Database::open(path_, options);
  lock.lock();
  --opening_;
  if (!opened) {
    changed_.notify_all();
    return opened.error();
  }
  readers_.push_back(std::make_unique<Database>(std::move(*opened)));
  return Lease(this, readers_.back().get(), false);
}

Result<Pool::Lease> Pool::write(std::chrono::milliseconds wait) {
  std::unique_lock lock(mutex_);
  if (!changed_.wait_for(lock, wait, [this] { return !writing_; })) {
    return Error{Status::Unavailable, "the writer of " + path_ + " is busy", 0, 1000};
  }
  writing_ = true;
  return Lease(this, &writer_, true);
}

void Pool::give_back(Database *database, bool writer) noexcept {
  {
    const std::lock_guard lock(mutex_);
    if (writer) {
      writing_ = false;
    } else {
      idle_.push_back(database);
    }
  }
  changed_.notify_all();
}

}  // namespace Atoll::sql
