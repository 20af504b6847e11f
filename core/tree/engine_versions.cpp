// SPDX-License-Identifier: Apache-2.0
// The versions of a file as callers see them: list, read, restore, delete.
#include "core/tree/change.hpp"
#include "core/tree/fault_point.hpp"
#include "core/tree/put_file.hpp"
#include "core/tree/try.hpp"
#include "core/tree/version_move.hpp"

#include <algorithm>
#include <cerrno>
#include <map>

namespace Atoll::tree {
namespace {

Error no_such_version() { return error(Status::NotFound, "there is no such version of the file"); }

bool not_there(const Error &failure) { return failure.sys_errno == ENOENT; }

/// The file itself.
Result<Node> file_at(TreeEngine &engine, const Ref &ref) {
  TRY_ASSIGN(Node node, engine.stat(ref));
  if (node.folder()) return error(Status::FailedPrecondition, node.name + " is a folder: folders have no versions");
  return node;
}

}  // namespace

Result<void> TreeEngine::versions(const Ref &ref, FunctionRef<bool(const Version &)> sink) {
  TRY_ASSIGN(const Node node, file_at(*this, ref));
  TRY_ASSIGN(const auto all, meta_->versions(node.id));
  if (all.empty()) return {};
  auto folder = names_->kept(ref.space, versions_path(node.id), false);
  if (!folder && !not_there(folder.error())) return error(Status::Unavailable, folder.error().message);
  for (const VersionRecord &record : all) {
    std::optional<Entry> entry;
    if (folder) {
      TRY_ASSIGN(entry, (*folder)->look(version_name(record.sequence)));
    }
    if (!entry) {
      TRY(names_->prove(true));  // a crash during its removal, or another program
      continue;
    }
    if (record.sequence != node.sequence && !sink(record)) return {};
  }
  return {};
}

Result<OpenFile> TreeEngine::version_open(const Ref &ref, std::uint64_t sequence) {
  TRY_ASSIGN(Node node, file_at(*this, ref));
  TRY_ASSIGN(const auto record, meta_->version(node.id, sequence));
  if (!record || record->space != ref.space || sequence == node.sequence) return no_such_version();
  auto folder = names_->kept(ref.space, versions_path(node.id), false);
  auto fd = folder ? (*folder)->open_file(version_name(sequence)) : Result<base::Fd>(std::move(folder).error());
  if (!fd) {
    if (!not_there(fd.error())) return error(Status::Unavailable, fd.error().message);
    TRY(names_->prove(true));
    return no_such_version();
  }
  TRY_ASSIGN(const auto entry, (*folder)->look(version_name(sequence)));
  if (!entry || entry->inode != record->inode || entry->size != record->size)
    return error(Status::DataLoss, "the version was changed by another program");
  node.size = record->size;
  node.mtime_ns = record->mtime_ns;
  node.sequence = record->sequence;
  node.sums = record->sums;
  return OpenFile{std::move(node), std::move(*fd)};
}

Result<Node> TreeEngine::version_restore(const Ref &ref, std::uint64_t sequence, const Conditions &conditions) {
  TRY_ASSIGN(const OpenFile version, version_open(ref, sequence));
  TRY_ASSIGN(Room room, store_->reserve(version.node.size));
  TRY_ASSIGN(const auto staged, store_->stage_file(ref.space, 0));
  TRY(store_->copy(version.fd.get(), *staged));
  room.release();
  TRY_ASSIGN(const std::uint64_t size, staged->size());
  if (size != version.node.size) return error(Status::DataLoss, "the version was changed by another program");
  FilePut put;
  // By its parent, since a put names a file in a folder; whoever has come to the name meanwhile has another id.
  put.target = Ref{ref.space, version.node.parent, version.node.name};
  put.only = version.node.id;
  put.mtime_ns = version.node.mtime_ns;
  put.sums = version.node.sums;
  TRY_ASSIGN(const Node node, put_file(*this, *staged, put, conditions));
  VersionRecord record;
  record.space = ref.space;
  record.node = version.node.id;
  record.sequence = sequence;
  // Its content is that of the file now.
  if (auto gone = drop_versions({&record, 1}); !gone) log(true, gone.error().message);
  return node;
}

Result<void> TreeEngine::version_remove(const Ref &ref, std::uint64_t sequence) {
  TRY_ASSIGN(const Node node, file_at(*this, ref));
  TRY_ASSIGN(const auto record, meta_->version(node.id, sequence));
  if (!record || record->space != ref.space || sequence == node.sequence) return no_such_version();
  TRY_ASSIGN(const SpacePtr space, serving(ref.space));
  TRY(changeable(*space));
  TRY(state_.room(Need::Less));
  return drop_versions({&*record, 1});
}

Result<void> TreeEngine::drop_versions(std::span<const VersionRecord> records) {
  if (records.empty()) return {};
  TRY(meta_->dismiss_versions(records));  // a record without its content would be one that cannot be read
  ATOLL_FAULT_POINT("version.dismissed");
  std::map<NodeId, std::unique_ptr<Folder>> folders;
  for (const VersionRecord &record : records) {
    auto found = folders.find(record.node);
    if (found == folders.end()) {
      auto opened = names_->kept(record.space, versions_path(record.node), false);
      if (!opened && !not_there(opened.error())) return error(Status::Unavailable, opened.error().message);
      found = folders.emplace(record.node, opened ? std::move(*opened) : nullptr).first;
    }
    if (!found->second) continue;
    auto aside = found->second->set_aside(record.space, version_name(record.sequence));
    if (!aside && !not_there(aside.error())) return aside;
    ATOLL_FAULT_POINT("version.set_aside");
  }
  if (durable())
    for (const auto &[node, folder] : folders)
      if (folder) TRY(folder->sync());
  TRY_ASSIGN(const auto freed, meta_->remove_versions(records));
  ATOLL_FAULT_POINT("version.removed");
  for (const SpaceBytes &one : freed)
    if (const SpacePtr space = known(one.space)) space->version_bytes -= one.bytes;
  wake();
  return {};
}

Result<void> TreeEngine::forget(std::span<const NodeId> nodes, std::span<const NodeId> with_attributes) {
  TRY(locks_->forget_nodes(nodes));  // taken on what vanished beside the server
  TRY(meta_->remove_attributes(with_attributes));
  TRY(names_->forget_identities(nodes));
  TRY_ASSIGN(const auto records, meta_->versions_of(nodes));
  if (records.empty()) return {};
  std::map<std::pair<SpaceId, NodeId>, bool> seen;
  for (const VersionRecord &record : records) {
    if (!seen.emplace(std::pair(record.space, record.node), true).second) continue;
    auto folder = names_->kept(record.space, "versions", false);
    if (!folder && not_there(folder.error())) continue;
    if (!folder) return std::move(folder).error();
    auto aside = (*folder)->set_aside(record.space, record.node.text());
    if (!aside && !not_there(aside.error())) return aside;
    if (durable()) TRY((*folder)->sync());
  }
  TRY_ASSIGN(const auto freed, meta_->remove_versions(records));
  for (const SpaceBytes &one : freed)
    if (const SpacePtr space = known(one.space)) space->version_bytes -= one.bytes;
  wake();  // what was set aside is to be deleted
  return {};
}

}  // namespace Atoll::tree
