// SPDX-License-Identifier: Apache-2.0
// What the engine does for spaces that come from another provider, or go to one.
//
// A note says which half of a move a space is: "out" where it goes from, "in FOLDER" where it goes to. It is taken away
// when it is decided where the space lives, which is not known here: whoever keeps the list of spaces says it.
#include "core/tree/beside.hpp"
#include "core/tree/fault_point.hpp"
#include "core/tree/try.hpp"

#include <algorithm>
#include <cerrno>

namespace Atoll::tree {
namespace {

constexpr std::string_view kMoves = "move.", kIn = "in ";

std::string move_note(const SpaceId &id) { return std::string(kMoves) + id.text(); }

}  // namespace

Result<void> TreeEngine::freeze(const SpacePtr &space) {
  TRY(meta_->set_note(move_note(space->info.id), "out"));
  ATOLL_FAULT_POINT("move.out_noted");
  const std::lock_guard guard(writer_);  // no change is under way, and none begins
  space->moving = true;
  return {};
}

Result<void> TreeEngine::thaw(const SpacePtr &space) {
  space->moving = false;
  return meta_->set_note(move_note(space->info.id), "");
}

Result<std::string> TreeEngine::choose_folder(const SpaceInfo &info) {
  SpaceSpec spec;
  spec.id = info.id;
  spec.type = info.type;
  spec.name = info.name;
  auto taken = [&](std::string_view base) {
    const std::shared_lock guard(spaces_mutex_);
    return std::any_of(spaces_.begin(), spaces_.end(),
                       [&](const auto &one) { return one.second->info.folder == base; });
  };
  TRY_ASSIGN(std::string folder, names_->choose_space_folder(spec, taken));
  auto there = names_->open(folder, {});
  if (there)
    return error(Status::AlreadyExists, "the folder " + folder + " has the id of this space; what is it? Move it away");
  if (there.error().sys_errno != ENOENT) return std::move(there).error();
  TRY(meta_->set_note(move_note(info.id), std::string(kIn) + folder));
  ATOLL_FAULT_POINT("move.in_noted");
  return folder;
}

Result<void> TreeEngine::take_in(const ArrivingSpace &arriving, Meta &from,
                                 std::span<const std::pair<NodeId, Uuid>> items) {
  const SpaceInfo &info = arriving.record.info;
  const NodeId root = root_of(info.id);
  TRY_ASSIGN(const auto folder, names_->open(info.folder, {}));
  TRY_ASSIGN(const Entry self, folder->self());
  {
    const std::lock_guard guard(writer_);
    TRY(index_->commit_for_good(true));
    auto attach = [&]() -> Result<void> {
      TRY_ASSIGN(auto transaction, index_->begin_write_any());
      TRY(index_->attach(root, {}, info.id.text()));
      TRY(index_->set_disk_state(root, self.mtime_ns, self.inode));
      for (const auto &[node, item] : items) TRY(index_->attach(node, parent_key(Place::Trash), item.text()));
      TRY_ASSIGN(const std::uint64_t epoch, sequences_->next());
      TRY(index_->begin_log(info.id, epoch));
      return transaction.commit();
    };
    auto attached = attach();
    TRY(index_->commit_for_good(false));
    TRY(std::move(attached));
  }
  ATOLL_FAULT_POINT("move.attached");
  TRY(meta_->receive_space(arriving, from, "names." + info.id.text()));
  ATOLL_FAULT_POINT("move.received");
  auto space = std::make_shared<Space>();
  space->info = info;
  space->quota = info.quota;
  space->fingerprint = info.fingerprint;
  space->names = names_->folds_names() ? NameRule::Unique : arriving.names;
  for (const TrashRecord &record : arriving.trash) space->trash_bytes += record.size;
  for (const VersionRecord &record : arriving.versions) space->version_bytes += record.size;
  locks_->adopt(info.id, arriving.locks);
  {
    const std::unique_lock guard(spaces_mutex_);
    spaces_[info.id] = std::move(space);
    departed_.erase(info.id);
  }
  const std::lock_guard guard(writer_);
  if (beside_) beside_->arrived(root);
  return {};
}

Result<void> TreeEngine::remove_arrived(const SpaceId &id, const std::string &folder) {
  TRY_ASSIGN(const auto records, meta_->spaces());
  const bool taken = std::any_of(records.begin(), records.end(),
                                 [&](const SpaceRecord &record) { return record.info.folder == folder; });
  const std::size_t slash = folder.rfind('/');
  auto above = names_->open(std::string_view(folder).substr(0, slash), {});
  if (!above && above.error().sys_errno != ENOENT) return std::move(above).error();
  bool ours = !taken;
  if (above && ours) {
    const std::string_view name = std::string_view(folder).substr(slash + 1);
    TRY_ASSIGN(const auto entry, (*above)->look(name));
    if (entry) {
      TRY_ASSIGN(const auto identity, (*above)->identity(name));
      if (identity) {
        ours = identity->id == root_of(id);
      } else if (entry->kind == EntryKind::Folder) {  // it stopped before it was marked: then it is empty
        TRY_ASSIGN(const auto inside, (*above)->open(name));
        TRY(inside->scan([&](std::string_view, const Entry &) { ours = false; }));
      } else {
        ours = false;
      }
    }
  }
  if (ours) return names_->remove_space(id, folder);
  log(false, "the folder " + folder + " is another space's by now");
  return {};
}

void TreeEngine::turn_away(const SpaceId &id, const std::string &folder, std::span<const NodeId> rows) {
  auto give_up = [&]() -> Result<void> {
    TRY(remove_arrived(id, folder));
    {
      const std::lock_guard guard(writer_);
      TRY_ASSIGN(auto transaction, index_->begin_write_any());
      for (const NodeId &row : rows) TRY(index_->detach(row, Place::Limbo));
      TRY(transaction.commit());
    }
    return meta_->set_note(move_note(id), "");
  };
  if (auto done = give_up(); !done) log(true, "what came of a space is still there: " + done.error().message);
  wake();
}

Result<void> TreeEngine::turn_away_all(std::span<const SpaceRecord> records) {
  TRY_ASSIGN(const auto notes, meta_->notes(kMoves));
  bool any = false;
  for (const auto &[name, text] : notes) {
    const auto id = SpaceId::parse(name);
    const bool exists = id && std::any_of(records.begin(), records.end(),
                                          [&](const SpaceRecord &record) { return record.info.id == *id; });
    if (!id || exists) continue;
    if (text.starts_with(kIn)) {
      any = true;
      TRY(remove_arrived(*id, text.substr(kIn.size())));
      TRY_ASSIGN(auto transaction, index_->begin_write_any());
      TRY_ASSIGN(const auto root, index_->by_id(root_of(*id)));
      if (root) TRY(index_->detach(root_of(*id), Place::Limbo));
      TRY(transaction.commit());
    }
    ATOLL_FAULT_POINT("start.turned_away");
    if (!text.starts_with(kIn)) TRY(meta_->set_note(move_note(*id), ""));
  }
  if (!any) return {};
  // What came of their trash has no records.
  TRY_ASSIGN(const auto hanging, index_->in_trash());
  {
    TRY_ASSIGN(auto transaction, index_->begin_write_any());
    for (const auto &[node, name] : hanging) {
      if (const auto item = Uuid::parse(name)) {
        TRY_ASSIGN(const auto record, meta_->trash(*item));
        if (record) continue;
      }
      TRY(index_->detach(node, Place::Limbo));
    }
    TRY(transaction.commit());
  }
  for (const auto &[name, text] : notes) {
    const auto id = SpaceId::parse(name);
    const bool exists = id && std::any_of(records.begin(), records.end(),
                                          [&](const SpaceRecord &record) { return record.info.id == *id; });
    if (id && !exists) TRY(meta_->set_note(move_note(*id), ""));
  }
  return {};
}

Result<void> TreeEngine::settle_move(const SpaceId &id, bool here) {
  const std::lock_guard making(making_);
  TRY_ASSIGN(const std::string note, meta_->note(move_note(id)));
  if (note.empty()) return {};
  const SpacePtr space = known(id);
  if (here) {
    if (space) return thaw(space);
    return error(Status::NotFound, "there is no such space");
  }
  if (space) {
    TRY(names_->prove(true));
    TRY_ASSIGN(const Strays strays, names_->strays(id, space->info.folder, true));
    if (strays.count != 0)
      log(false, "space " + id.text() + " lives elsewhere now; " + std::to_string(strays.count) +
                     " things that are neither files nor folders, or have no valid name, are kept in " + strays.place);
    TRY(drop_space(space, true));
  }
  ATOLL_FAULT_POINT("move.dropped");
  return meta_->set_note(move_note(id), "");
}

Result<void> TreeEngine::forget_move(const SpaceId &id) {
  TRY_ASSIGN(const std::string note, meta_->note(move_note(id)));
  return note.empty() ? Result<void>() : meta_->set_note(move_note(id), "");
}

Result<std::vector<SpaceId>> TreeEngine::unsettled_moves() {
  TRY_ASSIGN(const auto notes, meta_->notes(kMoves));
  std::vector<SpaceId> spaces;
  for (const auto &[name, text] : notes)
    if (const auto id = SpaceId::parse(name)) spaces.push_back(*id);
  return spaces;
}

}  // namespace Atoll::tree
