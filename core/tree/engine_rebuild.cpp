// SPDX-License-Identifier: Apache-2.0
// The index rows of one space made anew, and the fingerprint that tells clients of a restore.
#include "core/tree/fault_point.hpp"
#include "core/tree/tree_engine.hpp"
#include "core/tree/try.hpp"

#include <algorithm>

namespace Atoll::tree {
namespace {

constexpr std::size_t kFolders = 64;  // emptied under one hold of the writer lock
constexpr auto kLook = std::chrono::milliseconds(100);

}  // namespace

/// Where the file system keeps no ids, the index is the only place that has them.
Result<void> TreeEngine::ids_are_kept(const Space &space) {
  TRY_ASSIGN(const auto folder, names_->open(space.info.folder, {}));
  const std::lock_guard guard(writer_);
  std::optional<Row> first;
  TRY(index_->children(root_of(space.info.id), {}, 1, [&](const NodeView &child, std::uint64_t) {
    first.emplace();
    static_cast<NodeFacts &>(*first) = child;
    first->name = child.name;
    return true;
  }));
  if (!first) return {};
  const auto identity = folder->identity(first->name);
  if (!identity && identity.error().sys_errno != ENOENT) return identity.error();
  if (!identity || *identity) return {};
  const auto done = folder->identify(first->name, first->id, first->folder() ? 0 : first->sequence);
  if (done || done.status() != Status::Unimplemented) return {};
  return error(Status::FailedPrecondition,
               "the file system keeps no ids with the files, so all of them would get new ones; a check with repair "
               "brings the index in step without that");
}

Result<void> TreeEngine::erase_rows(const Space &space, std::uint64_t remade) {
  const SpaceId id = space.info.id;
  auto still = [&]() -> Result<void> {
    if (space.remade == remade) return {};
    return error(Status::Unavailable, "index.db is being made anew, and this space with it");
  };
  // Folders in an order in which each comes before what is in it; emptied backwards, so that what is left at a crash
  // hangs together.
  std::vector<NodeId> folders{root_of(id)};
  {
    TRY_ASSIGN(auto view, views_->lease());
    TRY_ASSIGN(auto snapshot, view->begin());
    for (std::size_t at = 0; at < folders.size(); ++at) {
      const NodeId folder = folders[at];
      TRY(view->children(folder, {}, 0, [&](const NodeView &child, std::uint64_t) {
        if (child.folder()) folders.push_back(child.id);
        return true;
      }));
    }
  }
  std::reverse(folders.begin(), folders.end());
  for (std::span<const NodeId> left(folders); !left.empty();) {
    const auto some = left.first(std::min(left.size(), kFolders));
    left = left.subspan(some.size());
    const std::lock_guard guard(writer_);
    TRY(still());
    TRY_ASSIGN(auto transaction, index_->begin_write(id));
    for (const NodeId &folder : some) {
      TRY_ASSIGN(const auto row, index_->by_id(folder));
      if (!row) continue;
      TRY(index_->erase_children(folder));
      TRY_ASSIGN(const std::uint64_t sequence, sequences_->next());
      TRY(index_->bump(folder, sequence, -static_cast<std::int64_t>(row->size)));
    }
    TRY(transaction.commit());
    ATOLL_FAULT_POINT("rebuild.erased");
  }
  const std::lock_guard guard(writer_);
  TRY(still());
  TRY_ASSIGN(auto transaction, index_->begin_write(id));
  TRY_ASSIGN(auto root, index_->by_id(root_of(id)));
  if (!root) return error(Status::Unavailable, "the index lacks the root of the space");
  TRY_ASSIGN(root->sequence, sequences_->next());
  root->size = 0;
  root->mtime_ns = 0;
  TRY(index_->update(*root));
  TRY(index_->begin_log(id, root->sequence));
  return transaction.commit();
}

Result<void> TreeEngine::rebuild_space(const SpaceId &id, CareSink sink) {
  SpacePtr space;
  std::uint64_t remade = 0;
  {
    const std::lock_guard making(making_);  // it is not removed meanwhile; later it is not served and cannot be
    TRY_ASSIGN(space, serving(id));
    TRY(names_->prove(true));
    TRY(ids_are_kept(*space));
    // What clients know of, to be compared with what is found: a disk that is half gone is not taken for the truth.
    TRY(census(id));
    const std::lock_guard guard(writer_);  // no change is under way, and none begins
    TRY(meta_->set_rebuilding({&id, 1}));
    const std::lock_guard recovering(background_mutex_);
    space->erasing = true;
    space->ready = false;
    remade = ++space->remade;
    ATOLL_FAULT_POINT("rebuild.noted");
  }
  const auto erased = erase_rows(*space, remade);
  ATOLL_FAULT_POINT("rebuild.empty");
  CareLine line;
  line.kind = CareLine::Kind::Progress;
  bool wanted = sink(line);
  // The rest is what follows on an unclean end; the background does it, whether the caller waits or not.
  std::unique_lock guard(background_mutex_);
  recoveries_.push_back({id, {}});
  space->erasing = false;
  background_wake_.notify_one();
  if (!erased) return erased;
  auto said = std::chrono::steady_clock::now();
  while (!space->ready) {
    if (stop_) return error(Status::Unavailable, "the server ends; its next start goes on with the rebuild");
    if (!wanted) return error(Status::Cancelled, "the rebuild goes on in the background");
    background_idle_.wait_for(guard, kLook, [&] { return stop_ || space->ready; });
    if (std::chrono::steady_clock::now() - said < std::chrono::seconds(1)) continue;
    said = std::chrono::steady_clock::now();
    guard.unlock();
    wanted = sink(line);
    guard.lock();
  }
  return not_held(*space);
}

/// Spaces that were made anew are done with when the index is durable.
Result<void> TreeEngine::close_rebuilt() {
  std::vector<SpaceId> rebuilt;
  {
    const std::lock_guard guard(background_mutex_);
    rebuilt.swap(rebuilt_);
  }
  if (rebuilt.empty()) return {};
  auto close = [&]() -> Result<bool> {
    TRY(names_->sync_all());
    TRY_ASSIGN(const bool durable_index, checkpointer_->checkpoint());
    if (!durable_index) return false;
    // One that is being made anew once more comes here again.
    const std::lock_guard guard(writer_);
    std::erase_if(rebuilt, [&](const SpaceId &id) {
      const SpacePtr space = known(id);
      return !space || !space->ready;
    });
    TRY(meta_->close_rebuilding(rebuilt));
    return true;
  };
  auto closed = close();
  if (closed && *closed) return {};
  const std::lock_guard guard(background_mutex_);
  rebuilt_.insert(rebuilt_.end(), rebuilt.begin(), rebuilt.end());
  return closed ? Result<void>() : Result<void>(std::move(closed).error());
}

Result<void> TreeEngine::renew_fingerprint(const SpaceId &id) {
  TRY_ASSIGN(const SpacePtr space, serving(id));
  TRY_ASSIGN(const std::uint64_t fingerprint, sequences_->next());
  TRY(meta_->set_fingerprint(id, fingerprint));
  ATOLL_FAULT_POINT("space-restore.marked");
  space->fingerprint = fingerprint;
  const std::lock_guard guard(writer_);
  TRY_ASSIGN(auto transaction, index_->begin_write(id));
  TRY_ASSIGN(const std::uint64_t sequence, sequences_->next());
  TRY(index_->bump(root_of(id), sequence, 0));  // clients ask for it when the root's etag changes
  return transaction.commit();
}

}  // namespace Atoll::tree
