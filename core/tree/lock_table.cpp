// SPDX-License-Identifier: Apache-2.0
#include "core/tree/lock_table.hpp"

#include "core/base/time.hpp"
#include "core/base/uuid.hpp"
#include "core/tree/fault_point.hpp"
#include "core/tree/try.hpp"

#include <algorithm>
#include <mutex>

namespace Atoll::tree {

Result<void> LockTable::load() {
  TRY_ASSIGN(auto locks, meta_.locks());
  const std::unique_lock guard(mutex_);
  for (Lock &lock : locks) locks_[lock.space].push_back(std::move(lock));
  return {};
}

void LockTable::adopt(const SpaceId &space, std::span<const Lock> locks) {
  if (locks.empty()) return;
  const std::unique_lock guard(mutex_);
  locks_[space].assign(locks.begin(), locks.end());
}

bool LockTable::any(const SpaceId &space) const {
  const std::shared_lock guard(mutex_);
  return !locks_.empty() && locks_.contains(space);
}

std::vector<Lock> LockTable::applying(const SpaceId &space, std::span<const NodeId> way) const {
  std::vector<Lock> found;
  const std::shared_lock guard(mutex_);
  const auto entry = locks_.find(space);
  if (entry == locks_.end()) return found;
  const std::int64_t now = base::now_unix_ns();
  for (const Lock &lock : entry->second) {
    if (lock.expires_ns <= now) continue;
    const bool own = !way.empty() && lock.node == way.back();
    if (own || (lock.deep && std::find(way.begin(), way.end(), lock.node) != way.end())) found.push_back(lock);
  }
  return found;
}

Result<void> LockTable::admit(const SpaceId &space, std::span<const NodeId> way, const LockCaller &caller) const {
  if (!any(space)) return {};
  return admits(applying(space, way), caller);
}

std::vector<SpaceId> LockTable::spaces() const {
  std::vector<SpaceId> found;
  const std::shared_lock guard(mutex_);
  for (const auto &[space, locks] : locks_) found.push_back(space);
  return found;
}

std::vector<Lock> LockTable::all(const SpaceId &space) const {
  std::vector<Lock> found;
  const std::shared_lock guard(mutex_);
  const auto entry = locks_.find(space);
  if (entry == locks_.end()) return found;
  const std::int64_t now = base::now_unix_ns();
  std::copy_if(entry->second.begin(), entry->second.end(), std::back_inserter(found),
               [&](const Lock &lock) { return lock.expires_ns > now; });
  return found;
}

std::int64_t LockTable::expiry(std::uint64_t timeout_s) const {
  const std::uint64_t seconds = timeout_s == 0 ? max_seconds_ : std::min(timeout_s, max_seconds_);
  return base::now_unix_ns() + static_cast<std::int64_t>(seconds) * 1'000'000'000;
}

Result<Lock> LockTable::add(Lock lock, std::uint64_t timeout_s) {
  lock.token = "urn:uuid:" + base::random_id<Uuid>().text();
  lock.expires_ns = expiry(timeout_s);
  TRY(meta_.put_lock(lock));
  ATOLL_FAULT_POINT("lock.noted");
  const std::unique_lock guard(mutex_);
  locks_[lock.space].push_back(lock);
  return lock;
}

Result<Lock> LockTable::refresh(const SpaceId &space, std::string_view token, std::uint64_t timeout_s) {
  Lock renewed;
  {
    const std::unique_lock guard(mutex_);
    const auto entry = locks_.find(space);
    if (entry == locks_.end()) return error(Status::Aborted, "there is no such lock");
    const auto lock = std::find_if(entry->second.begin(), entry->second.end(),
                                   [&](const Lock &candidate) { return candidate.token == token; });
    if (lock == entry->second.end()) return error(Status::Aborted, "there is no such lock");
    lock->expires_ns = expiry(timeout_s);
    renewed = *lock;
  }
  TRY(meta_.put_lock(renewed));
  ATOLL_FAULT_POINT("lock.refreshed");
  return renewed;
}

Result<void> LockTable::remove(const SpaceId &space, std::span<const std::string> tokens) {
  if (tokens.empty()) return {};
  TRY(meta_.remove_locks(tokens));
  ATOLL_FAULT_POINT("lock.removed");
  const std::unique_lock guard(mutex_);
  const auto entry = locks_.find(space);
  if (entry == locks_.end()) return {};
  std::erase_if(entry->second,
                [&](const Lock &lock) { return std::find(tokens.begin(), tokens.end(), lock.token) != tokens.end(); });
  if (entry->second.empty()) locks_.erase(entry);
  return {};
}

void LockTable::forget_space(const SpaceId &space) {
  const std::unique_lock guard(mutex_);
  locks_.erase(space);
}

Result<void> LockTable::forget_nodes(std::span<const NodeId> nodes) {
  return remove_where(
      [&](const Lock &lock) { return std::find(nodes.begin(), nodes.end(), lock.node) != nodes.end(); });
}

Result<void> LockTable::expire() {
  return remove_where([now = base::now_unix_ns()](const Lock &lock) { return lock.expires_ns <= now; });
}

Result<void> LockTable::remove_where(FunctionRef<bool(const Lock &)> which) {
  std::unordered_map<SpaceId, std::vector<std::string>> found;
  {
    const std::shared_lock guard(mutex_);
    for (const auto &[space, locks] : locks_)
      for (const Lock &lock : locks)
        if (which(lock)) found[space].push_back(lock.token);
  }
  for (const auto &[space, tokens] : found) TRY(remove(space, tokens));
  return {};
}

bool counts_for(const Lock &lock, const std::optional<AccountId> &account) {
  return lock.kind == LockKind::Write || !account || lock.account.none() || *account == lock.account;
}

Result<void> admits(std::span<const Lock> locks, const LockCaller &caller) {
  auto presented = [&](const Lock &lock) {
    return std::find(caller.tokens.begin(), caller.tokens.end(), lock.token) != caller.tokens.end() &&
           counts_for(lock, caller.account);
  };
  for (const Lock &lock : locks) {
    const bool held = std::any_of(locks.begin(), locks.end(),
                                  [&](const Lock &other) { return other.node == lock.node && presented(other); });
    if (!held)
      return error(Status::Locked, "it is locked by " + (lock.account_name.empty() ? "someone" : lock.account_name));
  }
  return {};
}

}  // namespace Atoll::tree
