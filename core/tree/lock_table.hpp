// SPDX-License-Identifier: Apache-2.0
// The locks of a provider: all in memory for the checks of every change, each kept in meta.db.
#pragma once

#include "core/tree/meta.hpp"

#include <shared_mutex>
#include <unordered_map>

namespace Atoll::tree {

/// Who asks, with which tokens.
struct LockCaller {
  std::span<const std::string_view> tokens;
  std::optional<AccountId> account;  ///< nothing: the server itself; then a token alone counts
};

/// Expired locks count nowhere. Ways are node ids from the root of the space to the node. [any thread]; what decides
/// about a change is asked under the writer lock, where no lock can come or go.
class LockTable {
 public:
  LockTable(Meta &meta, std::uint64_t max_seconds) : meta_(meta), max_seconds_(max_seconds) {}

  /// [start-up only]
  Result<void> load();

  /// Cheap: whether the space has any lock.
  bool any(const SpaceId &space) const;
  /// The locks that apply to the last node of the way: its own, and deep ones of the others.
  std::vector<Lock> applying(const SpaceId &space, std::span<const NodeId> way) const;
  /// Ok when the caller presented what the locks that apply ask for, else Locked.
  Result<void> admit(const SpaceId &space, std::span<const NodeId> way, const LockCaller &caller) const;
  /// The spaces that have locks.
  std::vector<SpaceId> spaces() const;
  /// All locks of a space.
  std::vector<Lock> all(const SpaceId &space) const;

  /// Adds a lock; the caller has checked conflicts.
  Result<Lock> add(Lock lock, std::uint64_t timeout_s);
  Result<Lock> refresh(const SpaceId &space, std::string_view token, std::uint64_t timeout_s);
  Result<void> remove(const SpaceId &space, std::span<const std::string> tokens);
  void forget_space(const SpaceId &space);
  /// Drops the locks of nodes that are gone for good, in whichever space. [background]
  Result<void> forget_nodes(std::span<const NodeId> nodes);
  /// Takes up what meta.db has been given of a space that came from elsewhere.
  void adopt(const SpaceId &space, std::span<const Lock> locks);
  /// Drops what has expired from memory and meta.db. [background]
  Result<void> expire();

 private:
  Result<void> remove_where(FunctionRef<bool(const Lock &)> which);
  std::int64_t expiry(std::uint64_t timeout_s) const;

  Meta &meta_;
  const std::uint64_t max_seconds_;
  mutable std::shared_mutex mutex_;
  std::unordered_map<SpaceId, std::vector<Lock>> locks_;  // guarded by mutex_
};

/// Whether the token of the lock counts when that account presents it; nothing: the server itself.
bool counts_for(const Lock &lock, const std::optional<AccountId> &account);

/// Ok when each node of these locks has one whose token the caller presented, else Locked. `locks`: as of applying().
Result<void> admits(std::span<const Lock> locks, const LockCaller &caller);

}  // namespace Atoll::tree
