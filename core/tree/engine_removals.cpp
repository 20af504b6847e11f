// SPDX-License-Identifier: Apache-2.0
// What the engine does about a mass disappearance.
#include "core/tree/beside.hpp"
#include "core/tree/fault_point.hpp"
#include "core/tree/try.hpp"

#include <algorithm>

namespace Atoll::tree {
namespace {

Error held_back(const HeldBack &what, const Space &space) {
  Error failure = error(Status::Unavailable, what.reason(space.info.id, space.info.name));
  failure.retry_after_ms = 60000;
  failure.reason = ATOLL_REASON_HELD_BACK;
  return failure;
}

}  // namespace

Result<void> TreeEngine::not_held(const Space &space) const {
  const auto held = removals_->held(space.info.id);
  if (held) return held_back(*held, space);
  return {};
}

Result<std::vector<std::uint64_t>> TreeEngine::admit_removals(const Space &space, std::span<const NodeId> gone) {
  std::vector<std::uint64_t> files;
  std::optional<std::uint64_t> lost;
  {
    TRY_ASSIGN(auto view, views_->lease());
    TRY_ASSIGN(auto snapshot, view->begin());
    TRY_ASSIGN(lost, removals_->too_many(*view, space.info.id, gone, files));
  }
  if (!lost) return files;
  const HeldBack what{*lost, false};
  TRY_ASSIGN(const bool news, removals_->hold(space.info.id, what));
  if (news) log(true, what.reason(space.info.id, space.info.name));
  return held_back(what, space);
}

Result<void> TreeEngine::hold_after_rebuild(const Space &space) {
  TRY_ASSIGN(auto view, views_->lease());
  TRY_ASSIGN(const std::uint64_t files, view->files_at(root_of(space.info.id), kNoQuota));
  TRY_ASSIGN(const auto lost, removals_->lost_since_census(space.info.id, files));
  if (!lost) return {};
  const HeldBack what{*lost, true};
  TRY_ASSIGN(const bool news, removals_->hold(space.info.id, what));
  if (news) log(true, what.reason(space.info.id, space.info.name));
  return {};
}

Result<void> TreeEngine::census(const SpaceId &space) {
  std::uint64_t files = 0;
  {
    TRY_ASSIGN(auto view, views_->lease());
    TRY_ASSIGN(files, view->files_at(root_of(space), kNoQuota));
  }
  return removals_->note_census(space, files);
}

/// Takes over the space as it is on the disk now, and serves it again if that is not too great a loss.
Result<void> TreeEngine::look_again(const SpacePtr &space, bool confirmed) {
  const auto held = removals_->held(space->info.id);
  Reconciler run(*this, space, true, false);
  if (confirmed) run.confirm();
  run.add(root_of(space->info.id));
  TRY(run.run());
  if (confirmed) ATOLL_FAULT_POINT("confirm.taken_over");
  if (!held) return {};
  if (held->whole_index && !confirmed) {
    TRY_ASSIGN(auto view, views_->lease());
    TRY_ASSIGN(const std::uint64_t files, view->files_at(root_of(space->info.id), kNoQuota));
    TRY_ASSIGN(const auto lost, removals_->lost_since_census(space->info.id, files));
    if (lost) return held_back(*held, *space);
  }
  if (confirmed) TRY(census(space->info.id));
  if (confirmed) ATOLL_FAULT_POINT("confirm.counted");
  if (confirmed) removals_->forgive(space->info.id);
  TRY(removals_->release(space->info.id));
  ATOLL_FAULT_POINT("confirm.released");
  if (beside_) beside_->doubt();  // nothing was taken over of what was heard meanwhile
  log(false, "the space " + space->info.name + " is served again");
  return {};
}

Result<void> TreeEngine::confirm_removals(const SpaceId &id) {
  TRY(names_->prove(true));
  const SpacePtr space = known(id);
  if (!space) return error(Status::NotFound, "there is no such space");
  if (!removals_->held(id)) return error(Status::FailedPrecondition, "nothing is held back in the space");
  return look_again(space, true);
}

void TreeEngine::look_again_at_held() {
  const auto now = std::chrono::steady_clock::now();
  for (const SpaceId &id : removals_->all()) {
    const SpacePtr space = known(id);
    auto &next = next_look_[id];
    if (!space || !space->ready || now < next) continue;
    // Not confirmed: as long as they are gone this ends with the same refusal, and changes nothing.
    if (auto looked = look_again(space, false); !looked && !removals_->held(id)) log(true, looked.error().message);
    const auto took = std::chrono::steady_clock::now() - now;
    next = std::chrono::steady_clock::now() + 10 * took;
  }
}

Result<void> TreeEngine::health() {
  TRY(names_->prove(true));  // whoever asks wants to know how it is now
  for (const SpaceId &id : removals_->all())
    if (const SpacePtr space = known(id)) TRY(not_held(*space));
  return {};
}

}  // namespace Atoll::tree
