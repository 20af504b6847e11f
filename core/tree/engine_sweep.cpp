// SPDX-License-Identifier: Apache-2.0
// What is left in meta.db of nodes that only a lost index knew.
#include "core/tree/fault_point.hpp"
#include "core/tree/tree_engine.hpp"
#include "core/tree/try.hpp"

namespace Atoll::tree {
namespace {

constexpr std::string_view kNote = "unswept";
constexpr std::size_t kAtOnce = 256;

}  // namespace

Result<void> TreeEngine::note_unswept() { return meta_->set_note(kNote, "yes"); }

Result<void> TreeEngine::load_unswept() {
  TRY_ASSIGN(const std::string noted, meta_->note(kNote));
  if (noted.empty()) return {};
  for (const SpacePtr &space : all_spaces()) unswept_.insert(space->info.id);
  return {};
}

Result<void> TreeEngine::sweep() {
  if (unswept_.empty()) return {};
  for (auto at = unswept_.begin(); at != unswept_.end();) {
    const SpacePtr space = known(*at);
    TRY_ASSIGN(const bool swept, space ? sweep(*space) : Result<bool>(true));
    at = swept ? unswept_.erase(at) : std::next(at);
  }
  return unswept_.empty() ? meta_->set_note(kNote, "") : Result<void>();
}

Result<bool> TreeEngine::sweep(const Space &space) {
  const SpaceId &id = space.info.id;
  if (!space.ready || removals_->held(id)) return false;
  TRY_ASSIGN(const bool hidden, any_in_trash(id));
  if (hidden) return false;
  TRY_ASSIGN(const auto nodes, meta_->nodes_with_records(id));
  for (std::size_t done = 0; done < nodes.size(); done += kAtOnce) {
    const std::lock_guard guard(writer_);
    if (!space.ready) return false;  // its rows are being made anew
    std::vector<NodeId> gone;
    for (const NodeId &node : std::span(nodes).subspan(done, std::min(kAtOnce, nodes.size() - done))) {
      TRY_ASSIGN(const auto row, index_->by_id(node));
      if (!row) gone.push_back(node);
    }
    if (gone.empty()) continue;
    TRY(forget(gone, gone));
    ATOLL_FAULT_POINT("sweep.forgotten");
  }
  return true;
}

Result<bool> TreeEngine::any_in_trash(const SpaceId &space) {
  TRY_ASSIGN(const auto kept, meta_->list_trash(space, {}, 1));
  if (!kept.empty()) return true;
  for (const TrashState state : {TrashState::Purging, TrashState::Restoring, TrashState::Coming}) {
    TRY_ASSIGN(const auto some, meta_->unsettled_trash(state, INT64_MAX));
    for (const TrashRecord &record : some)
      if (record.space == space) return true;
  }
  return false;
}

}  // namespace Atoll::tree
