// SPDX-License-Identifier: Apache-2.0
#include "core/tree/removals.hpp"

#include "core/base/text.hpp"
#include "core/base/time.hpp"
#include "core/tree/try.hpp"

#include <algorithm>

namespace Atoll::tree {
namespace {

std::string held_note(const SpaceId &space) { return "held." + space.text(); }
std::string census_note(const SpaceId &space) { return "files." + space.text(); }

}  // namespace

std::string HeldBack::reason(const std::string &space_name) const {
  return "more than " + std::to_string(gone) + " files of the space " + space_name +
         " are gone from the disk. Is a part of it not mounted? Nothing is removed and nothing served until they are "
         "back, or until the admin confirms that they are meant to be gone (atoll space confirm)";
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
  TRY(meta_.set_note(held_note(space), std::to_string(what.gone) + (what.whole_index ? " 1" : " 0")));
  return true;
}

Result<void> Removals::release(const SpaceId &space) {
  TRY(meta_.set_note(held_note(space), ""));
  const std::lock_guard guard(mutex_);
  held_.erase(space);
  peaks_.erase(space);
  return {};
}

Result<void> Removals::forget(const SpaceId &space) {
  TRY(meta_.set_note(census_note(space), ""));
  return release(space);
}

std::optional<Removals::Peak> Removals::peak_of(const SpaceId &space, std::int64_t since_ns) const {
  const std::lock_guard guard(mutex_);
  const auto found = peaks_.find(space);
  if (found == peaks_.end() || found->second.since_ns < since_ns) return std::nullopt;
  return found->second;
}

std::uint64_t Removals::raise_peak(const SpaceId &space, std::int64_t now_ns, std::uint64_t files) {
  const std::lock_guard guard(mutex_);
  Peak &peak = peaks_[space];
  if (peak.since_ns < now_ns - kMassWindowNs) peak = {files, now_ns};
  peak.files = std::max(peak.files, files);
  return peak.files;
}

Result<std::optional<std::uint64_t>> Removals::too_many(IndexView &view, const SpaceId &space,
                                                        std::span<const NodeId> gone) {
  const std::optional<std::uint64_t> fine;
  if (share_ == 0) return fine;
  const std::int64_t now = base::now_unix_ns();
  const auto count = [&](const std::vector<NodeId> &nodes) -> Result<std::uint64_t> {
    std::uint64_t sum = 0;
    for (const NodeId &node : nodes) {
      TRY_ASSIGN(const std::uint64_t files, view.files_at(node, kNoQuota));
      sum += files;
    }
    return sum;
  };
  TRY_ASSIGN(const std::uint64_t lost, count({gone.begin(), gone.end()}));
  TRY_ASSIGN(const std::vector<NodeId> missing, view.missing_since(space, now - kMassWindowNs));
  TRY_ASSIGN(const std::uint64_t before, count(missing));
  const std::uint64_t all_lost = lost + before;
  const std::uint64_t few = share_ * kMassFrom / 100;
  if (lost == 0 || all_lost <= few) return fine;
  if (!peak_of(space, now - kMassWindowNs)) {
    // The first time that it is more than a few: they and what is there now are what there was.
    TRY_ASSIGN(const std::uint64_t live, view.files_at(root_of(space), kNoQuota));
    TRY_ASSIGN(const std::string text, meta_.note(census_note(space)));
    raise_peak(space, now, std::max(live + std::min(before, few), base::parse_u64(text).value_or(0)));
  }
  // No more was there than what is there and what is missing.
  TRY_ASSIGN(const std::uint64_t live, view.files_at(root_of(space), all_lost * 100 / share_ + 1));
  const std::uint64_t most = std::min(raise_peak(space, now, live), live + before);
  const std::uint64_t fewer = most - std::min(most, live - std::min(live, lost));
  if (most <= kMassFrom || fewer * 100 <= share_ * most) return fine;
  return std::optional(fewer);
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
