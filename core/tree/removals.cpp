// SPDX-License-Identifier: Apache-2.0
#include "core/tree/removals.hpp"

#include "core/base/text.hpp"
#include "core/base/time.hpp"
#include "core/tree/fault_point.hpp"
#include "core/tree/try.hpp"

namespace Atoll::tree {
namespace {

std::string held_note(const SpaceId &space) { return "held." + space.text(); }
std::string census_note(const SpaceId &space) { return "files." + space.text(); }

}  // namespace

std::string HeldBack::reason(const SpaceId &space, const std::string &space_name) const {
  return "at least " + std::to_string(gone) + " files of the space " + space_name +
         " are gone from the disk. Is a part of it not mounted? Nothing is removed and nothing served until they are "
         "back, or until the admin confirms that they are meant to be gone: atoll space confirm " +
         space.text();
}

Result<void> Removals::load(const SpaceId &space) {
  TRY_ASSIGN(const std::string text, meta_.note(held_note(space)));
  const auto words = base::split(text, ' ');
  if (words.size() != 2) return {};
  HeldBack what;
  what.gone = base::parse_u64(words[0]).value_or(0);
  what.whole_index = words[1] == "1";
  const std::lock_guard guard(mutex_);
  held_[space] = what;
  return {};
}

std::optional<HeldBack> Removals::held(const SpaceId &space) const {
  const std::lock_guard guard(mutex_);
  const auto found = held_.find(space);
  return found == held_.end() ? std::nullopt : std::optional(found->second);
}

std::vector<SpaceId> Removals::all() const {
  const std::lock_guard guard(mutex_);
  std::vector<SpaceId> all;
  for (const auto &[space, what] : held_) all.push_back(space);
  return all;
}

Result<bool> Removals::hold(const SpaceId &space, const HeldBack &what) {
  {
    const std::lock_guard guard(mutex_);
    if (!held_.emplace(space, what).second) return false;
  }
  auto noted = meta_.set_note(held_note(space), std::to_string(what.gone) + (what.whole_index ? " 1" : " 0"));
  if (!noted) {  // found again by the next look
    const std::lock_guard guard(mutex_);
    held_.erase(space);
    return std::move(noted).error();
  }
  ATOLL_FAULT_POINT("removals.held");
  return true;
}

Result<void> Removals::release(const SpaceId &space) {
  TRY(meta_.set_note(held_note(space), ""));
  const std::lock_guard guard(mutex_);
  held_.erase(space);
  return {};
}

void Removals::came(const SpaceId &space, std::uint64_t files) {
  const std::lock_guard guard(mutex_);
  drawdown_.try_emplace(space, kMassWindowNs).first->second.came(base::monotonic_ns(), files);
}

void Removals::went(const SpaceId &space, std::uint64_t files) {
  const std::lock_guard guard(mutex_);
  drawdown_.try_emplace(space, kMassWindowNs).first->second.went(base::monotonic_ns(), files);
}

void Removals::forgive(const SpaceId &space) {
  const std::lock_guard guard(mutex_);
  drawdown_.erase(space);
}

Result<void> Removals::forget(const SpaceId &space) {
  forgive(space);
  TRY(meta_.set_note(census_note(space), ""));
  return release(space);
}

Result<std::optional<std::uint64_t>> Removals::too_many(IndexView &view, const SpaceId &space,
                                                        std::span<const NodeId> gone,
                                                        std::vector<std::uint64_t> &files) const {
  const std::optional<std::uint64_t> fine;
  files.clear();
  if (share_ == 0) {
    files.resize(gone.size());
    return fine;
  }
  std::uint64_t lost = 0;
  for (const NodeId &node : gone) {
    TRY_ASSIGN(const std::uint64_t count, view.files_at(node, kNoQuota));
    files.push_back(count);
    lost += count;
  }
  // Of the last run the index tells, of this one what was counted.
  TRY_ASSIGN(const std::vector<NodeId> missing,
             view.missing_between(space, base::now_unix_ns() - kMassWindowNs, started_ns_));
  std::uint64_t before = 0;
  for (const NodeId &node : missing) {
    TRY_ASSIGN(const std::uint64_t count, view.files_at(node, kNoQuota));
    before += count;
  }
  {
    const std::lock_guard guard(mutex_);
    const auto known = drawdown_.find(space);
    if (known != drawdown_.end()) before += known->second.now(base::monotonic_ns());
  }
  // What counts is the space as it was before the first of them was gone.
  const std::uint64_t all_lost = lost + before;
  if (lost == 0 || all_lost <= share_ * kMassFrom / 100) return fine;
  const std::uint64_t enough = all_lost * 100 / share_ + 1;
  TRY_ASSIGN(const std::uint64_t live, view.files_at(root_of(space), enough));
  const std::uint64_t total = live + before;
  if (total <= kMassFrom || all_lost * 100 <= share_ * total) return fine;
  return std::optional(all_lost);
}

Result<void> Removals::note_census(const SpaceId &space, std::uint64_t files) {
  TRY_ASSIGN(const std::string before, meta_.note(census_note(space)));
  std::string now = std::to_string(files);
  return before == now ? Result<void>() : meta_.set_note(census_note(space), now);
}

Result<std::optional<std::uint64_t>> Removals::lost_since_census(const SpaceId &space, std::uint64_t files) const {
  TRY_ASSIGN(const std::string text, meta_.note(census_note(space)));
  const std::uint64_t before = base::parse_u64(text).value_or(0);
  if (share_ == 0 || before <= kMassFrom || files >= before) return std::optional<std::uint64_t>();
  const std::uint64_t lost = before - files;
  return lost * 100 > share_ * before ? std::optional(lost) : std::nullopt;
}

}  // namespace Atoll::tree
