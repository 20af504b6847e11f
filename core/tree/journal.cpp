// SPDX-License-Identifier: Apache-2.0
#include "core/tree/journal.hpp"

#include "core/tree/fault_point.hpp"
#include "core/tree/try.hpp"

namespace Atoll::tree {

bool Journal::open(std::span<const NodeId> folders) {
  const std::lock_guard guard(mutex_);
  for (const NodeId &folder : folders)
    if (open_.find(folder) == open_.end()) return false;
  for (const NodeId &folder : folders) open_[folder] = round_;
  return true;
}

Result<void> Journal::intend(const SpaceId &space, std::span<const NodeId> folders) {
  {
    const std::lock_guard guard(mutex_);
    bool all = true;
    for (const NodeId &folder : folders) {
      if (const auto found = open_.find(folder); found != open_.end()) {
        found->second = round_;
      } else {
        waiting_[folder] = space;
        all = false;
      }
    }
    if (all) return {};
  }
  return noting_.wait(0, [&]() -> Result<void> {
    std::vector<Intent> intents;
    {
      const std::lock_guard guard(mutex_);
      for (const auto &[folder, its_space] : waiting_) {
        if (open_.find(folder) != open_.end()) continue;
        Intent intent;
        intent.space = its_space;
        intent.folder = folder;
        intents.push_back(std::move(intent));
      }
    }
    if (!intents.empty()) TRY(meta_.add_intents(intents));
    const std::lock_guard guard(mutex_);
    for (const Intent &intent : intents) open_[intent.folder] = round_;
    std::erase_if(waiting_, [&](const auto &one) { return open_.find(one.first) != open_.end(); });
    return {};
  });
}

void Journal::adopt(std::span<const NodeId> folders) {
  const std::lock_guard guard(mutex_);
  for (const NodeId &folder : folders) open_[folder] = round_;
}

Result<void> Journal::close_round(const std::function<Result<bool>()> &make_durable) {
  std::uint64_t round = 0;
  {
    const std::lock_guard guard(mutex_);
    if (open_.empty()) return {};
    round = ++round_;
  }
  TRY_ASSIGN(const bool durable, make_durable());
  ATOLL_FAULT_POINT("journal.durable");
  if (!durable) return {};
  const std::lock_guard guard(mutex_);
  std::vector<NodeId> done;
  for (const auto &[folder, used] : open_)
    if (used < round) done.push_back(folder);
  if (done.empty()) return {};
  TRY(meta_.close_folder_intents(done));
  ATOLL_FAULT_POINT("journal.closed");
  for (const NodeId &folder : done) open_.erase(folder);
  return {};
}

std::size_t Journal::open_count() const {
  const std::lock_guard guard(mutex_);
  return open_.size();
}

}  // namespace Atoll::tree
