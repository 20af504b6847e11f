// SPDX-License-Identifier: Apache-2.0
#include "core/tree/change.hpp"

#include "core/base/text.hpp"
#include "core/tree/beside.hpp"
#include "core/tree/fault_point.hpp"
#include "core/tree/try.hpp"

#include <algorithm>
#include <cerrno>

namespace Atoll::tree {

std::vector<NodeId> ids_of(std::span<const Step> chain) {
  std::vector<NodeId> ids;
  ids.reserve(chain.size() + 1);
  for (const Step &step : chain) ids.push_back(step.id);
  return ids;
}

std::vector<NodeId> Target::parent_way() const { return ids_of(parent.chain); }

std::vector<NodeId> Target::way() const {
  auto ids = parent_way();
  ids.push_back(row->id);
  return ids;
}

Change::Change(TreeEngine &engine, SpacePtr space, const Conditions &conditions, Announcement &announcement,
               bool insist)
    : engine_(engine),
      space_(std::move(space)),
      conditions_(conditions),
      announcement_(announcement),
      insist_(insist),
      part_(engine.writer_) {}

Change::~Change() {
  part_.undo();
  if (!touched_ || (committed_ && part_.ended())) return;
  // The truth was changed and the index could not follow: bring them together now, or as soon as it can be done.
  auto done = engine_.reconcile_recovering(space_, intended_, false);
  if (done) done = engine_.flag_attributes();
  if (!done) {
    engine_.log(true, done.error().message);
    engine_.recover_later(space_, intended_);
  }
  if (!gone_locks_.empty()) engine_.drop_locks_later();
}

Result<void> Change::begin() {
  // It may have been waiting for the lock while the space was made anew.
  if (!space_->ready) return Steady(*space_).holds();
  if (!space_->ready) return error(Status::Unavailable, "the space is being compared with its files");
  TRY(changeable(*space_));
  TRY(part_.begin(space_->info.id));
  ATOLL_FAULT_POINT("change.begun");
  return {};
}

Result<void> Change::note(ChangeKind kind, const Row &row, const NodeId &old_parent) {
  if (kind == ChangeKind::Created && row.folder() && engine_.beside_) engine_.beside_->arrived(row.id);
  return engine_.note_change(space_->info.id, kind, row, old_parent);
}

Result<Change::Walk> Change::walk(const Ref &ref, std::string_view path) {
  Walk walk;
  TRY(names_valid(ref.path));
  TRY_ASSIGN(auto row, index().by_id(ref.node));
  TRY_ASSIGN(auto chain, index().chain(space_->info.id, ref.node));
  if (!row || !chain) return error(Status::NotFound, "there is no such node");
  walk.located.row = std::move(*row);
  walk.located.chain = std::move(*chain);
  while (!path.empty()) {
    const std::size_t slash = std::min(path.find('/'), path.size());
    const std::string_view name = path.substr(0, slash);
    path.remove_prefix(std::min(slash + 1, path.size()));
    std::optional<Row> next;
    if (walk.located.row.folder()) {
      TRY_ASSIGN(next, index().child(walk.located.row.id, name));
    }
    if (!next) {
      walk.missing = name;
      walk.rest = path;
      return walk;
    }
    walk.located.chain.push_back({next->id, next->name});
    walk.located.row = std::move(*next);
  }
  return walk;
}

/// Ok: the truth does not have it either. Otherwise the folder is noted as stale.
Result<void> Change::prove_missing(const Located &folder, std::string_view name) {
  if (!folder.row.folder()) return {};
  TRY_ASSIGN(Folder *const open_folder, open(folder));
  TRY_ASSIGN(const auto entry, open_folder->look(name));
  if (!entry || entry->kind == EntryKind::Other) return {};
  stale_ = folder.row.id;
  return error(Status::Unavailable, "the folder was changed by another program");
}

Result<Target> Change::existing(const Ref &ref) {
  TRY_ASSIGN(Walk walk, this->walk(ref, ref.path));
  if (!walk.missing.empty()) {
    TRY(prove_missing(walk.located, walk.missing));
    return error(Status::NotFound, "there is no " + std::string(walk.missing));
  }
  Target target;
  target.name = walk.located.row.name;
  target.row = std::move(walk.located.row);
  walk.located.chain.pop_back();
  target.parent.chain = std::move(walk.located.chain);
  if (target.is_root()) return target;
  TRY_ASSIGN(auto parent, index().by_id(target.parent.chain.back().id));
  if (!parent) return index().damaged("the index lacks a folder");
  target.parent.row = std::move(*parent);
  return target;
}

Result<void> name_allowed(IndexView &view, const Space &space, const Target &target, const NodeId &leaving) {
  if (target.row || space.names == NameRule::Exact) return {};
  std::string like;
  TRY(view.alike(target.parent.row.id, target.name, [&](const Row &child) {
    if (child.id == leaving) return true;
    like = child.name;
    return false;
  }));
  if (like.empty()) return {};
  return error(Status::PermissionDenied, "the folder has " + like + " already, which differs from " + target.name +
                                             " only in case or normal form; this space allows only one of them");
}

Result<Target> Change::place(const Ref &ref, const NodeId &leaving) {
  if (ref.path.empty()) return existing(ref);
  const std::size_t slash = ref.path.rfind('/');
  const bool deep = slash != std::string_view::npos;
  TRY_ASSIGN(Walk walk, this->walk(ref, deep ? ref.path.substr(0, slash) : std::string_view()));
  if (!walk.missing.empty()) {
    TRY(prove_missing(walk.located, walk.missing));
    return error(Status::FailedPrecondition, "there is no folder " + std::string(walk.missing));
  }
  if (!walk.located.row.folder())
    return error(Status::FailedPrecondition, walk.located.row.name + " is a file, not a folder");
  Target target;
  target.parent = std::move(walk.located);
  target.name = deep ? ref.path.substr(slash + 1) : ref.path;
  TRY_ASSIGN(target.row, index().child(target.parent.row.id, target.name));
  TRY(name_allowed(index(), *space_, target, leaving));
  return target;
}

Error Change::failed(Error failure, const NodeId &folder) {
  switch (failure.sys_errno) {
    case EEXIST:
    case ENOENT:
    case ENOTDIR:
    case EISDIR:
    case ELOOP:
      if (!touched_) stale_ = folder;
      failure.status = Status::Unavailable;
      break;
    default:
      break;
  }
  return failure;
}

Result<Folder *> Change::open(const Located &folder) {
  for (const Opened &opened : folders_)
    if (opened.id == folder.row.id) return opened.folder.get();
  const bool root = folder.chain.size() == 1;
  const NodeId suspect = root ? folder.row.id : folder.chain[folder.chain.size() - 2].id;
  if (auto offered = std::move(offered_)) {
    const auto self = offered->self();
    if (self && self->inode == folder.row.inode) {
      folders_.push_back({folder.row.id, std::move(offered), self->mtime_ns == folder.row.mtime_ns});
      return folders_.back().folder.get();
    }
  }
  auto opened = engine_.names_->open(space_->info.folder, folder.path());
  if (!opened) return failed(std::move(opened).error(), suspect);
  TRY_ASSIGN(const Entry self, (*opened)->self());
  if (self.inode != folder.row.inode) {
    stale_ = suspect;
    return error(Status::Unavailable, "the folder was changed by another program");
  }
  folders_.push_back({folder.row.id, std::move(*opened), self.mtime_ns == folder.row.mtime_ns});
  return folders_.back().folder.get();
}

Folder &Change::keep(std::unique_ptr<Folder> folder) {
  folders_.push_back({NodeId(), std::move(folder), true});
  return *folders_.back().folder;
}

Result<std::optional<Entry>> Change::agree(Folder &folder, const Target &target) {
  TRY_ASSIGN(const auto entry, folder.look(target.name));
  if (!target.row && !entry) return entry;
  if (entry && entry->kind == EntryKind::Other && !target.row)
    return error(Status::PermissionDenied, target.name + " is taken by something that is neither file nor folder");
  bool same = target.row && entry && entry->inode == target.row->inode &&
              (entry->kind == EntryKind::Folder) == target.row->folder();
  if (same && !target.row->folder())
    same = entry->kind == EntryKind::File && entry->size == target.row->size && entry->mtime_ns == target.row->mtime_ns;
  if (same) return entry;
  stale_ = target.parent.row.id;
  return error(Status::Unavailable, "the folder was changed by another program");
}

Result<void> conditions_hold(const Conditions &wanted, const std::optional<Row> &row) {
  auto one_of = [&](std::span<const std::string_view> etags) {
    const Etag etag = row->etag();
    return std::find(etags.begin(), etags.end(), etag.view()) != etags.end();
  };
  if (wanted.match_any && !row) return error(Status::Aborted, "If-Match: there is nothing");
  if (!wanted.if_match.empty() && (!row || !one_of(wanted.if_match)))
    return error(Status::Aborted, "If-Match: it was changed meanwhile");
  if (wanted.none_match_any && row) return error(Status::Aborted, "If-None-Match: it exists");
  if (row && one_of(wanted.if_none_match)) return error(Status::Aborted, "If-None-Match: it is still the same");
  return {};
}

Result<void> Change::locks_admit(std::span<const NodeId> way) const {
  return engine_.locks_->admit(space_->info.id, way, LockCaller{conditions_.lock_tokens, conditions_.account});
}

Result<void> Change::locks_admit_removal(const Target &target) {
  const SpaceId &id = space_->info.id;
  if (!engine_.locks_->any(id)) return {};
  TRY(locks_admit(target.parent_way()));
  TRY(locks_admit(target.way()));
  const NodeId gone = target.row->id;
  std::vector<Lock> below;
  for (Lock &lock : engine_.locks_->all(id)) {
    bool inside = lock.node == gone;
    if (!inside && target.row->folder()) {
      TRY_ASSIGN(const auto chain, index().chain(id, lock.node));
      inside = chain && std::any_of(chain->begin(), chain->end(), [&](const Step &step) { return step.id == gone; });
    }
    if (inside) below.push_back(std::move(lock));
  }
  TRY(admits(below, LockCaller{conditions_.lock_tokens, conditions_.account}));
  for (const Lock &lock : below) gone_locks_.push_back(lock.token);
  return {};
}

Result<void> Change::room_for(std::int64_t delta) { return space_room(index(), *space_, delta); }

Result<void> space_room(IndexView &view, const Space &space, std::int64_t delta) {
  const std::uint64_t quota = space.quota;
  if (delta <= 0 || quota == kNoQuota) return {};
  TRY_ASSIGN(const auto root, view.by_id(root_of(space.info.id)));
  const auto more = static_cast<std::uint64_t>(delta);
  const std::uint64_t promised = space.promised;
  if (root && root->size <= quota && more <= quota - root->size && promised <= quota - root->size - more) return {};
  return error(Status::InsufficientStorage, "the quota of the space is used up");
}

Result<void> Change::intend(std::initializer_list<NodeId> folders, Need need) {
  // A change of the disk that the index cannot take could not be undone.
  TRY(engine_.state_.room(need));
  TRY(index().save_room(engine_.state_.short_of_room()));
  intended_.assign(folders.begin(), folders.end());
  if (!insist_ && !touched_ && !engine_.journal_->open(intended_)) {
    unannounced_ = std::move(intended_);
    intended_.clear();
    return error(Status::Unavailable, "the folder is not announced yet");
  }
  ATOLL_FAULT_POINT("change.intend");
  TRY(engine_.journal_->intend(space_->info.id, intended_));
  ATOLL_FAULT_POINT("change.intended");
  return {};
}

Result<void> Change::record(TrashRecord &record) {
  if (!engine_.durable()) return engine_.meta_->put_lazily(record);
  // After a crash another rename could have brought the node to where a name in the tree says that it waits.
  const bool sure = record.refuge.kind == Refuge::Kind::None || record.refuge.kind == Refuge::Kind::Staging;
  if (insist_ || touched_ || !sure) return engine_.meta_->put_trash(record);
  TRY_ASSIGN(const bool there, announcement_.take(record));
  return there ? Result<void>() : error(Status::Unavailable, "what goes into the trash is not announced yet");
}

Result<void> Change::record(VersionRecord &record) {
  if (!engine_.durable()) return engine_.meta_->put_lazily(record);
  if (insist_ || touched_) return engine_.meta_->put_version(record);
  TRY_ASSIGN(const bool there, announcement_.take(record));
  return there ? Result<void>() : error(Status::Unavailable, "the version is not announced yet");
}

Result<void> Change::changed(Folder &folder, const NodeId &id, std::int64_t size_delta) {
  TRY_ASSIGN(const std::uint64_t sequence, next_sequence());
  const bool in_step = std::none_of(folders_.begin(), folders_.end(),
                                    [&](const Opened &opened) { return opened.id == id && !opened.in_step; });
  if (in_step) {
    TRY_ASSIGN(const Entry self, folder.self());
    TRY(index().bump(id, sequence, size_delta, self.mtime_ns, self.inode));
  } else {
    TRY(index().bump(id, sequence, size_delta));
  }
  ATOLL_FAULT_POINT("change.bumped");
  return {};
}

Result<void> Change::commit() {
  ATOLL_FAULT_POINT("change.commit");
  TRY(part_.commit());
  committed_ = true;
  ATOLL_FAULT_POINT("change.committed");
  return {};
}

Result<void> Change::leave(WriterLock::Coming &coming) {
  if (engine_.state_.short_of_room()) return commit();
  ATOLL_FAULT_POINT("change.leave");
  TRY(part_.leave(coming));
  committed_ = true;
  ATOLL_FAULT_POINT("change.left");
  return {};
}

Result<void> Change::settle() {
  if (!committed_) return {};  // a look that changed nothing
  auto settled = engine_.durable() ? settle_for_good() : Result<void>();
  TRY(part_.ended());
  // Last: should a power cut bring the node back, then with its locks.
  if (!gone_locks_.empty()) {
    auto gone = engine_.locks_->remove(space_->info.id, gone_locks_);
    if (!gone) {
      engine_.drop_locks_later();
      return gone;
    }
  }
  ATOLL_FAULT_POINT("change.locks_gone");
  return settled;
}

Result<void> Change::settle_for_good() {
  for (const base::Fd &touched : touched_files_) TRY(engine_.names_->sync_touched(touched));
  touched_files_.clear();
  // In the order of sync_later(): where a name goes to before where it comes from.
  for (Folder *folder : std::exchange(sync_, {})) {
    TRY(folder->sync());
    ATOLL_FAULT_POINT("change.synced");
  }
  return {};
}

Node Change::node(const Row &row, std::span<const NodeId> way, bool created) const {
  Node node = row;
  node.space = space_->info.id;
  node.created = created;
  node.locked = engine_.locks_->any(node.space) && !engine_.locks_->applying(node.space, way).empty();
  return node;
}

}  // namespace Atoll::tree
