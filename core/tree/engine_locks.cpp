// SPDX-License-Identifier: Apache-2.0
// Locks and attributes of the engine.
#include "core/tree/change.hpp"
#include "core/tree/fault_point.hpp"
#include "core/tree/try.hpp"

#include <algorithm>

namespace Atoll::tree {
namespace {

constexpr std::size_t kMaxOwnerBytes = 4096, kMaxNameBytes = 1024;

Error conflict(const Lock &other) {
  return error(Status::Locked, "it is locked by " + (other.account_name.empty() ? "someone" : other.account_name));
}

bool excludes(const Lock &a, const Lock &b) { return a.kind != LockKind::Shared || b.kind != LockKind::Shared; }

Result<void> belongs(const Lock &lock, const std::optional<AccountId> &account) {
  if (counts_for(lock, account)) return {};
  return error(Status::PermissionDenied, "the lock belongs to another account");
}

}  // namespace

Result<Lock> TreeEngine::lock(const Ref &ref, const Lock &wanted, std::uint64_t timeout_s,
                              const Conditions &conditions) {
  if (wanted.owner.size() > kMaxOwnerBytes)
    return error(Status::InvalidArgument, "the owner of a lock has 4096 bytes at most");
  return changing<Lock>(ref.space, conditions, [&](Change &change) -> Result<Lock> {
    TRY_ASSIGN(const Target target, change.existing(ref));
    TRY(change.conditions_hold(target.row));
    const NodeId node = target.row->id;
    for (const Lock &other : locks_->applying(ref.space, target.way()))
      if (excludes(other, wanted)) return conflict(other);
    if (wanted.deep && target.row->folder()) {
      for (const Lock &other : locks_->all(ref.space)) {
        if (!excludes(other, wanted)) continue;
        TRY_ASSIGN(const auto chain, change.index().chain(ref.space, other.node));
        if (chain && std::any_of(chain->begin(), chain->end(), [&](const Step &step) { return step.id == node; }))
          return conflict(other);
      }
    }
    TRY(state_.room(Need::Same));
    Lock lock = wanted;
    lock.space = ref.space;
    lock.node = node;
    return locks_->add(std::move(lock), timeout_s);
  });
}

Result<std::vector<Lock>> TreeEngine::locks(const Ref &ref) {
  std::vector<Lock> found;
  TRY(reading(ref, [&](IndexView &, Located &located) -> Result<void> {
    found = locks_->applying(ref.space, ids_of(located.chain));
    return {};
  }));
  return found;
}

Result<Lock> TreeEngine::lock_refresh(const Ref &ref, std::string_view token, std::uint64_t timeout_s,
                                      const std::optional<AccountId> &account) {
  TRY_ASSIGN(const auto held, locks(ref));
  for (const Lock &lock : held) {
    if (lock.token != token) continue;
    TRY(belongs(lock, account));
    const std::lock_guard guard(writer_);
    TRY_ASSIGN(const SpacePtr space, serving(ref.space));
    TRY(changeable(*space));
    return locks_->refresh(ref.space, token, timeout_s);
  }
  return error(Status::Aborted, "no lock with this token applies here");
}

Result<void> TreeEngine::unlock(const Ref &ref, std::string_view token, const std::optional<AccountId> &account) {
  TRY_ASSIGN(const auto held, locks(ref));
  for (const Lock &lock : held) {
    if (lock.token != token) continue;
    TRY(belongs(lock, account));
    const std::lock_guard guard(writer_);
    TRY_ASSIGN(const SpacePtr space, serving(ref.space));
    TRY(changeable(*space));
    return locks_->remove(ref.space, {&lock.token, 1});
  }
  return error(Status::FailedPrecondition, "no lock with this token applies here");
}

Result<void> TreeEngine::attributes(const Ref &ref,
                                    FunctionRef<bool(std::string_view, std::string_view, std::string_view)> sink) {
  std::optional<NodeId> node;
  TRY(reading(ref, [&](IndexView &, Located &located) -> Result<void> {
    if (located.row.has_attributes) node = located.row.id;
    return {};
  }));
  if (!node) return {};
  return meta_->attributes(*node, sink);
}

Result<void> TreeEngine::attributes_patch(const Ref &ref, std::span<const AttributeChange> changes,
                                          const Conditions &conditions) {
  for (const AttributeChange &change : changes) {
    if (change.name.empty() || change.name.size() > kMaxNameBytes || change.ns.size() > kMaxNameBytes)
      return error(Status::InvalidArgument, "the name of an attribute has 1 to 1024 bytes");
    if (change.value && change.value->size() > kMaxAttributeBytes)
      return error(Status::InvalidArgument, "the value of an attribute has 65,536 bytes at most");
  }
  return changing<void>(ref.space, conditions, [&](Change &change) -> Result<void> {
    TRY_ASSIGN(const Target target, change.existing(ref));
    TRY(change.conditions_hold(target.row));
    TRY(change.locks_admit(target.way()));
    // The log of changes is not as durable as the attributes: after a crash the folder counts as doubtful.
    const bool sets =
        std::any_of(changes.begin(), changes.end(), [](const auto &one) { return one.value.has_value(); });
    TRY(change.intend({target.is_root() ? target.row->id : target.parent.row.id}, sets ? Need::More : Need::Same));
    change.touched();  // what meta.db has and the index cannot take now is taken over
    TRY_ASSIGN(const bool has, meta_->patch_attributes(ref.space, target.row->id, changes));
    ATOLL_FAULT_POINT("attributes.patched");
    if (has != target.row->has_attributes) TRY(change.index().set_flag_attributes(target.row->id, has));
    TRY(change.note(ChangeKind::Attributes, *target.row));
    return change.commit();
  });
}

}  // namespace Atoll::tree
