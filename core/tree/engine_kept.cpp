// SPDX-License-Identifier: Apache-2.0
// What the engine does for trash and versions at its start and in the background.
#include "core/base/time.hpp"
#include "core/tree/change.hpp"
#include "core/tree/fault_point.hpp"
#include "core/tree/trash_move.hpp"
#include "core/tree/try.hpp"
#include "core/tree/version_move.hpp"

#include <cerrno>
#include <map>

namespace Atoll::tree {
namespace {

constexpr std::uint64_t kPurgeItems = 200;  // in one turn of the background
constexpr std::uint64_t kNoLimit = INT64_MAX;

bool is_missing(const Error &failure) { return failure.sys_errno == ENOENT; }
bool is_gone(const Error &failure) {
  return failure.sys_errno == ENOENT || failure.sys_errno == ENOTDIR || failure.sys_errno == ELOOP;
}

}  // namespace

Result<void> TreeEngine::recover_kept(bool rebuilt) {
  TRY_ASSIGN(const auto returning, meta_->unsettled_trash(TrashState::Restoring, kNoLimit));
  for (const TrashRecord &record : returning) TRY(recover_restored(record));
  TRY_ASSIGN(const auto open, meta_->unsettled_trash(TrashState::Kept, kNoLimit));
  std::vector<Uuid> gone;
  for (const TrashRecord &record : open) TRY(recover_trash(record, gone));
  TRY_ASSIGN(auto coming, meta_->unsettled_trash(TrashState::Coming, kNoLimit));
  for (TrashRecord &record : coming) {
    const std::size_t lost = gone.size();
    TRY(recover_trash(record, gone));
    record.round = kept_round();
    if (gone.size() == lost) TRY(meta_->take(record));
  }
  TRY(meta_->remove_trash(gone));
  TRY_ASSIGN(const auto intents, meta_->intents());
  for (const Intent &intent : intents) {
    if (intent.kind != Intent::Kind::Swap) continue;
    if (const SpacePtr space = known(intent.space)) TRY(recover_swap(*space, intent));
    TRY(meta_->close_swap_intents(intent.space, intent.folder.as<AnyTag>()));
    ATOLL_FAULT_POINT("start.swap_closed");
  }
  TRY_ASSIGN(const auto purging, meta_->unsettled_trash(TrashState::Purging, kNoLimit));
  for (const TrashRecord &record : purging) own_removals_.add(record.node, 0);
  TRY_ASSIGN(auto open_versions, meta_->open_versions());
  std::vector<VersionRecord> gone_versions;
  for (VersionRecord &record : open_versions) {
    const std::size_t lost = gone_versions.size();
    TRY(recover_version(record, gone_versions));
    if (record.round != kComing || gone_versions.size() != lost) continue;
    record.round = kept_round();
    TRY(meta_->take(record));
  }
  TRY(meta_->remove_versions(gone_versions));
  TRY(load_kept_bytes());
  const std::lock_guard guard(writer_);
  return rebuilt ? index_trash() : Result<void>();
}

/// The rows of what is in the trash, for an index that holds nothing.
Result<void> TreeEngine::index_trash() {
  TRY_ASSIGN(const auto all, meta_->all_trash());
  TRY_ASSIGN(auto transaction, index_->begin_write_any());
  for (const TrashRecord &record : all) {
    auto trash = names_->kept(record.space, "trash", false);
    if (!trash && is_missing(trash.error())) continue;
    if (!trash) return std::move(trash).error();
    TRY_ASSIGN(const auto entry, (*trash)->look(record.id.text()));
    if (entry && entry->inode == record.inode) TRY(trash_row(record, **trash, *entry));
  }
  return transaction.commit();
}

/// An item that was on its way back: it is in the trash still, or at its name.
Result<void> TreeEngine::recover_restored(const TrashRecord &record) {
  auto trash = names_->kept(record.space, "trash", false);
  if (!trash && !is_missing(trash.error())) return std::move(trash).error();
  if (trash) {
    TRY_ASSIGN(const auto entry, (*trash)->look(record.id.text()));
    if (entry && entry->inode == record.inode) return meta_->set_trash_state(record.id, TrashState::Kept, kept_round());
  }
  ATOLL_FAULT_POINT("start.returned");
  return meta_->set_trash_state(record.id, TrashState::Restoring, kept_round());
}

/// An item that was on its way into the trash: it is there, or it is brought there from where it was replaced, or
/// nothing has happened yet. The rows follow when its folder is compared.
Result<void> TreeEngine::recover_trash(const TrashRecord &record, std::vector<Uuid> &gone) {
  const SpacePtr space = known(record.space);
  const std::string name = record.id.text();
  if (!space) {
    gone.push_back(record.id);
    return {};
  }
  TRY_ASSIGN(const auto trash, names_->kept(record.space, "trash", true));
  TRY_ASSIGN(const auto entry, trash->look(name));
  if (entry && entry->inode == record.inode) return {};
  // Anything else at this place can only be what was to replace it, moved by a disk that lost the step before.
  if (entry) TRY(trash->set_aside(record.space, name));
  const Refuge &refuge = record.refuge;
  auto from = [&](Folder &folder) -> Result<bool> {
    TRY_ASSIGN(const auto there, folder.look(refuge.name));
    if (!there || there->inode != record.inode) return false;
    TRY(folder.move(refuge.name, *trash, name, Onto::Nothing));
    ATOLL_FAULT_POINT("start.trash_moved");
    TRY(folder.sync());
    return true;
  };
  bool found = false;
  switch (refuge.kind) {
    case Refuge::Kind::None:
      break;
    case Refuge::Kind::Tree: {
      auto folder = names_->open(space->info.folder, refuge.path);
      if (!folder && !is_missing(folder.error())) return std::move(folder).error();
      if (folder) {
        TRY_ASSIGN(found, from(**folder));
      }
      break;
    }
    case Refuge::Kind::Trash: {
      TRY_ASSIGN(found, from(*trash));
      break;
    }
    case Refuge::Kind::Staging: {
      TRY_ASSIGN(auto left, store_->restage(record.space, refuge.name));
      if (!left.staged || left.entry.inode != record.inode) break;
      TRY(trash->place(*left.staged, name, Onto::Nothing));
      ATOLL_FAULT_POINT("start.trash_placed");
      found = true;
      break;
    }
  }
  if (!found) gone.push_back(record.id);
  return trash->sync();
}

/// An item that made room for something else: that has come to its place, or the item goes back there.
Result<void> TreeEngine::recover_swap(const Space &space, const Intent &intent) {
  const Uuid item = intent.folder.as<AnyTag>();
  const std::string name = item.text();
  auto trash = names_->kept(space.info.id, "trash", false);
  if (!trash && is_missing(trash.error())) return {};
  if (!trash) return std::move(trash).error();
  TRY_ASSIGN(const auto entry, (*trash)->look(name));
  if (!entry) return {};  // it has not left its place
  auto folder = names_->open(space.info.folder, intent.path);
  if (!folder && !is_gone(folder.error())) return std::move(folder).error();
  if (!folder) return {};  // another program took the folder away: it stays in the trash
  TRY_ASSIGN(const auto there, (*folder)->look(intent.name));
  if (there && there->inode == intent.inode && !options_.trash.keep)
    return meta_->set_trash_state(item, TrashState::Purging, kept_round());
  if (there) return {};
  TRY((*trash)->move(name, **folder, intent.name, Onto::Nothing));
  ATOLL_FAULT_POINT("start.swap_undone");
  TRY((*folder)->sync());
  TRY((*trash)->sync());
  return meta_->remove_trash({&item, 1});
}

/// A content that was on its way to the versions: it is there, or it is brought there from where it was exchanged to,
/// or it was not replaced.
Result<void> TreeEngine::recover_version(const VersionRecord &record, std::vector<VersionRecord> &gone) {
  if (!known(record.space)) {
    gone.push_back(record);
    return {};
  }
  const std::string name = version_name(record.sequence);
  TRY_ASSIGN(const auto versions, names_->kept(record.space, versions_path(record.node), true));
  TRY_ASSIGN(const auto entry, versions->look(name));
  if (record.round == kGoing) {
    if (entry) TRY(versions->set_aside(record.space, name));
    gone.push_back(record);
    return versions->sync();
  }
  if (entry && entry->inode == record.inode) return {};
  if (entry) TRY(versions->set_aside(record.space, name));
  TRY_ASSIGN(auto left, store_->restage(record.space, record.token));
  if (left.staged && left.entry.inode == record.inode) {
    TRY(versions->place(*left.staged, name, Onto::Nothing));
    ATOLL_FAULT_POINT("start.version_placed");
  } else {
    gone.push_back(record);
  }
  return versions->sync();
}

Result<void> TreeEngine::load_kept_bytes() {
  TRY_ASSIGN(const auto trash, meta_->trash_bytes());
  for (const SpaceBytes &one : trash)
    if (const SpacePtr space = known(one.space)) space->trash_bytes = one.bytes;
  TRY_ASSIGN(const auto versions, meta_->version_bytes());
  for (const SpaceBytes &one : versions)
    if (const SpacePtr space = known(one.space)) space->version_bytes = one.bytes;
  return {};
}

void TreeEngine::charge_trash(std::span<const SpaceBytes> freed) {
  for (const SpaceBytes &one : freed)
    if (const SpacePtr space = known(one.space)) space->trash_bytes -= one.bytes;
}

Result<void> TreeEngine::close_kept(std::uint64_t round) {
  TRY(meta_->close_versions(round));
  TRY_ASSIGN(const auto restored, meta_->close_trash(round));
  ATOLL_FAULT_POINT("close.trash_settled");
  if (restored.empty()) return {};
  // A row that a lost index left in the trash, of a node that was removed for good after it had come back.
  const std::lock_guard guard(writer_);
  TRY_ASSIGN(auto transaction, index_->begin_write_unseen());
  for (const TrashRecord &record : restored) {
    TRY_ASSIGN(const auto again, meta_->trash_of(record.node));
    if (again) continue;
    TRY_ASSIGN(const bool left, index_->hangs_in(record.node, Place::Trash));
    if (left) TRY(index_->detach(record.node, Place::Limbo));
  }
  TRY(transaction.commit());
  wake();
  return {};
}

Result<bool> TreeEngine::purge_kept() {
  TRY_ASSIGN(const auto items, meta_->unsettled_trash(TrashState::Purging, kPurgeItems));
  if (items.empty()) return false;
  TRY(names_->prove(false));
  std::map<SpaceId, std::unique_ptr<Folder>> folders;
  std::vector<Uuid> ids;
  for (const TrashRecord &record : items) {
    ids.push_back(record.id);
    if (!known(record.space)) continue;
    auto &folder = folders[record.space];
    if (!folder) {
      auto opened = names_->kept(record.space, "trash", false);
      if (!opened && !is_missing(opened.error())) return std::move(opened).error();
      if (!opened) continue;
      folder = std::move(*opened);
    }
    auto aside = folder->set_aside(record.space, record.id.text());
    if (!aside && !is_missing(aside.error())) return std::move(aside).error();
  }
  ATOLL_FAULT_POINT("purge.items_aside");
  if (durable())
    for (const auto &[space, folder] : folders)
      if (folder) TRY(folder->sync());
  std::map<SpaceId, std::vector<NodeId>> nodes;
  for (const TrashRecord &record : items) nodes[record.space].push_back(record.node);
  for (const auto &[space, gone] : nodes) TRY(note_gone(space, gone));
  {
    const std::lock_guard guard(writer_);
    TRY_ASSIGN(auto transaction, index_->begin_write_unseen());
    for (const TrashRecord &record : items) {
      TRY_ASSIGN(const bool there, index_->hangs_in(record.node, Place::Trash));
      if (there) TRY(index_->detach(record.node, Place::Limbo));
    }
    TRY(transaction.commit());
  }
  ATOLL_FAULT_POINT("purge.items_detached");
  TRY(meta_->remove_trash(ids));
  ATOLL_FAULT_POINT("purge.items_forgotten");
  return true;
}

}  // namespace Atoll::tree
