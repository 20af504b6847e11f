// SPDX-License-Identifier: Apache-2.0
// What goes from trash and versions by itself: what is too old, too much or too many.
#include "core/base/time.hpp"
#include "core/tree/retention.hpp"
#include "core/tree/trash_move.hpp"
#include "core/tree/tree_engine.hpp"
#include "core/tree/try.hpp"

namespace Atoll::tree {
namespace {

constexpr std::uint64_t kOldVersions = 500;   // deleted under one rule in one round
constexpr std::uint64_t kThinnedNodes = 200;  // looked at in one round besides those that have a new version
constexpr std::int64_t kSecond = 1'000'000'000;

}  // namespace

std::vector<SpacePtr> TreeEngine::too_full(const Retention &rule, std::atomic<std::uint64_t> Space::*bytes) const {
  std::vector<SpacePtr> spaces;
  const std::shared_lock guard(spaces_mutex_);
  for (const auto &[id, space] : spaces_)
    if ((*space).*bytes > rule.bytes.value_or(space->quota)) spaces.push_back(space);
  return spaces;
}

Result<void> TreeEngine::retain_trash() {
  const Retention &rule = options_.trash;
  bool any = false;
  auto purge = [&](const SpaceId &space, const Uuid &up_to) -> Result<void> {
    const std::lock_guard guard(writer_);
    TRY_ASSIGN(const auto freed, meta_->purge_trash(space, up_to));
    charge_trash(freed);
    any |= !freed.empty();
    return {};
  };
  if (rule.seconds != 0) TRY(purge({}, trash_id(now_ns() - static_cast<std::int64_t>(rule.seconds) * kSecond, true)));
  for (const SpacePtr &space : too_full(rule, &Space::trash_bytes)) {
    const std::uint64_t most = rule.bytes.value_or(space->quota), held = space->trash_bytes;
    if (held <= most) continue;
    TRY_ASSIGN(const Uuid up_to, meta_->oldest_trash(space->info.id, held - most));
    if (!up_to.none()) TRY(purge(space->info.id, up_to));
  }
  if (any) wake();
  return {};
}

void TreeEngine::thin_later(const NodeId &node) {
  const std::lock_guard guard(thin_mutex_);
  thin_.insert(node);
}

Result<void> TreeEngine::thin(const NodeId &node) {
  TRY_ASSIGN(const auto all, meta_->versions(node));
  return drop_versions(superfluous(all, options_.versions, now_ns()));
}

Result<void> TreeEngine::retain_versions() {
  const Retention &rule = options_.versions;
  std::set<NodeId> nodes;
  {
    const std::lock_guard guard(thin_mutex_);
    nodes.swap(thin_);
  }
  for (const NodeId &node : nodes) TRY(thin(node));
  // And a few of all others: what is thinned depends on the time.
  TRY_ASSIGN(const auto some, meta_->nodes_with_versions(thin_at_, kThinnedNodes));
  for (const NodeId &node : some) TRY(thin(node));
  thin_at_ = some.size() < kThinnedNodes ? NodeId() : some.back();
  if (rule.seconds != 0) {
    const std::int64_t before = now_ns() - static_cast<std::int64_t>(rule.seconds) * kSecond;
    TRY_ASSIGN(const auto old, meta_->old_versions({}, before, kOldVersions));
    TRY(drop_versions(old));
  }
  for (const SpacePtr &space : too_full(rule, &Space::version_bytes)) {
    TRY_ASSIGN(auto oldest, meta_->old_versions(space->info.id, INT64_MAX, kOldVersions));
    const std::uint64_t most = rule.bytes.value_or(space->quota);
    std::uint64_t held = space->version_bytes;
    std::size_t drop = 0;
    while (drop < oldest.size() && held > most) held -= std::min(held, oldest[drop++].size);
    TRY(drop_versions(std::span(oldest).first(drop)));
  }
  return {};
}

}  // namespace Atoll::tree
