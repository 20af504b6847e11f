// SPDX-License-Identifier: Apache-2.0
#include "core/tree/version_move.hpp"

#include "core/base/time.hpp"
#include "core/tree/fault_point.hpp"
#include "core/tree/try.hpp"

#include <cerrno>

namespace Atoll::tree {

std::string versions_path(const NodeId &node) { return "versions/" + node.text(); }

std::string version_name(std::uint64_t sequence) { return std::to_string(sequence); }

bool cannot_exchange(const Error &failure) noexcept {
  return failure.sys_errno == EINVAL || failure.sys_errno == ENOSYS || failure.sys_errno == EOPNOTSUPP;
}

Result<VersionCopy> copy_version(TreeEngine &engine, const SpaceId &space, Folder &folder, std::string_view name,
                                 const Entry &entry, const NodeId &node, std::uint64_t sequence) {
  TRY_ASSIGN(const Room room, engine.store_->reserve(entry.size));
  TRY_ASSIGN(const base::Fd fd, folder.open_file(name));
  VersionCopy copy;
  TRY_ASSIGN(copy.staged, engine.store_->stage_file(space, 0));
  TRY(engine.store_->copy(fd.get(), *copy.staged));
  Seal seal;
  seal.id = node;
  seal.sequence = sequence;
  seal.mtime_ns = entry.mtime_ns;
  seal.durable = engine.durable();
  TRY_ASSIGN(copy.entry, copy.staged->seal(seal));
  return copy;
}

VersionMove::VersionMove(TreeEngine &engine, Change &change, const Target &target)
    : engine_(engine), change_(change), target_(target) {}

VersionMove::~VersionMove() {
  if (!noted_ || kept_) return;
  if (placed_)
    if (auto gone = versions_->set_aside(record_.space, name_); !gone) engine_.log(true, gone.error().message);
  if (auto gone = engine_.meta_->remove_versions({&record_, 1}); !gone) engine_.log(true, gone.error().message);
}

Result<void> VersionMove::note(Folder &folder, Staged &staged, const VersionCopy *copy,
                               const std::optional<Entry> &copied) {
  const Row &row = *target_.row;
  record_.space = change_.space().info.id;
  record_.node = row.id;
  record_.sequence = row.sequence;
  record_.size = row.size;
  record_.mtime_ns = row.mtime_ns;
  record_.kept_ns = engine_.now_ns();
  record_.sums = row.sums;
  record_.inode = row.inode;
  record_.round = engine_.kept_round();
  name_ = version_name(row.sequence);
  TRY_ASSIGN(auto opened, engine_.names_->kept(record_.space, versions_path(row.id), true));
  versions_ = &change_.keep(std::move(opened));
  ATOLL_FAULT_POINT("version.folder");
  // What two crashes in a row left: a copy whose original was not replaced.
  TRY_ASSIGN(const auto left, versions_->look(name_));
  if (left) TRY(engine_.drop_versions({&record_, 1}));
  const bool copy_fits =
      copy && copied && copied->inode == row.inode && copied->size == row.size && copied->mtime_ns == row.mtime_ns;
  if (copy_fits) return put_copy(*copy);
  if (!engine_.exchanges_ || !folder.quiet(target_.name)) return copy_instead(folder);
  moves_ = true;
  record_.token = staged.token();
  TRY(change_.record(record_));
  noted_ = true;
  ATOLL_FAULT_POINT("version.noted");
  return {};
}

Result<void> VersionMove::copy_instead(Folder &folder) {
  moves_ = false;
  Entry entry;
  entry.size = record_.size;
  entry.mtime_ns = record_.mtime_ns;
  TRY_ASSIGN(const auto copy,
             copy_version(engine_, record_.space, folder, target_.name, entry, record_.node, record_.sequence));
  return put_copy(copy);
}

Result<void> VersionMove::put_copy(const VersionCopy &copy) {
  TRY_ASSIGN(const std::uint64_t size, copy.staged->size());
  if (size != record_.size)
    return error(Status::Unavailable, "the file is being changed by another program; try again");
  // First the record: no bytes stay where nobody counts them.
  record_.inode = copy.entry.inode;
  record_.token.clear();
  TRY(engine_.meta_->put_version(record_));
  noted_ = true;
  ATOLL_FAULT_POINT("version.noted");
  TRY(versions_->place(*copy.staged, name_, Onto::Nothing));
  placed_ = true;
  ATOLL_FAULT_POINT("version.copied");
  return {};
}

Result<void> VersionMove::finish(Staged &staged, Folder &folder) {
  change_.sync_later(*versions_);
  if (!moves_) {
    kept_ = true;
    return {};
  }
  ATOLL_FAULT_POINT("version.exchanged");
  auto moved = versions_->place(staged, name_, Onto::Nothing);
  if (moved) {
    kept_ = true;
    ATOLL_FAULT_POINT("version.moved");
    return {};
  }
  if (folder.place(staged, target_.name, Onto::Exchange)) return moved;
  kept_ = true;  // the record says where the next start finds it
  change_.space().version_bytes += record_.size;
  staged.leave();
  change_.touched();
  return moved;
}

void VersionMove::done() {
  change_.space().version_bytes += record_.size;
  engine_.thin_later(record_.node);
}

}  // namespace Atoll::tree
