// SPDX-License-Identifier: Apache-2.0
// atoll.storage.fs.trash/1 and atoll.storage.fs.versions/1.
#include "plugins/storage-posix/convert.hpp"
#include "plugins/storage-posix/handles.hpp"
#include "plugins/storage-posix/storage_posix.hpp"

#include <algorithm>
#include <charconv>

namespace Atoll::storage_posix {
namespace {

/// Versions are named by their sequence in hex.
Result<std::uint64_t> sequence_of(std::string_view id) {
  std::uint64_t sequence = 0;
  const auto [end, failure] = std::from_chars(id.data(), id.data() + id.size(), sequence, 16);
  if (failure != std::errc() || end != id.data() + id.size() || id.size() > 16 || id.front() == '0')
    return error(Status::NotFound, "there is no such version of the file");
  return sequence;
}

Result<void> answer_kept(Result<tree::Node> node, const StatEmitter &sink) {
  if (!node) return std::move(node).error();
  emit(sink, *node, node->name);
  return {};
}

}  // namespace

Result<void> StoragePosix::trash_list(const Call &, const SpaceId &space, const Uuid &before, std::uint64_t limit,
                                      const TrashEmitter &sink) {
  return engine_->trash_list(space, before, limit, [&](const tree::TrashItem &item) {
    auto record = sized<atoll_trash_item>();
    record.type = item.type == tree::NodeType::Folder ? ATOLL_NODE_FOLDER : ATOLL_NODE_FILE;
    record.id = to_abi(item.id);
    record.space = to_abi(item.space);
    record.node = to_abi(item.node);
    record.parent = to_abi(item.parent);
    record.account = to_abi(item.account);
    record.name = str(item.name);
    record.path = str(item.path);
    record.size = item.size;
    record.mtime_ns = item.mtime_ns;
    record.removed_ns = item.removed_ns;
    return sink(record);
  });
}

Result<void> StoragePosix::trash_restore(const Call &call, const SpaceId &space, const Uuid &item, const RefView *to,
                                         std::uint32_t flags, const StatEmitter &sink) {
  const CallConditions conditions(call);
  const std::optional<tree::Ref> goal = to ? std::optional<tree::Ref>(to_ref(*to)) : std::nullopt;
  return answer_kept(engine_->trash_restore(space, item, goal, (flags & ATOLL_REPLACE) != 0, conditions.get()), sink);
}

Result<void> StoragePosix::trash_purge(const Call &, const SpaceId &space, const Uuid &item) {
  return engine_->trash_purge(space, item);
}

Result<void> StoragePosix::trash_purge_all(const Call &, const SpaceId &space) {
  return engine_->trash_purge_all(space);
}

Result<std::uint64_t> StoragePosix::trash_usage(const Call &, const SpaceId &space) {
  auto found = engine_->space_get(space);
  if (!found) return std::move(found).error();
  return found->trash_used;
}

Result<void> StoragePosix::versions(const Call &, const RefView &ref, const VersionEmitter &sink) {
  return engine_->versions(to_ref(ref), [&](const tree::Version &version) {
    char id[17];
    const auto end = std::to_chars(id, id + sizeof id, version.sequence, 16).ptr;
    const tree::Etag etag = version.etag();
    auto record = sized<atoll_version>();
    record.flags = version.sums.mask;
    record.id = str(std::string_view(id, static_cast<std::size_t>(end - id)));
    record.etag = str(etag.view());
    record.size = version.size;
    record.mtime_ns = version.mtime_ns;
    record.kept_ns = version.kept_ns;
    std::copy(version.sums.sha1.begin(), version.sums.sha1.end(), record.sha1);
    std::copy(version.sums.md5.begin(), version.sums.md5.end(), record.md5);
    record.adler32 = version.sums.adler32;
    return sink(record);
  });
}

Result<std::unique_ptr<ReadHandle>> StoragePosix::version_open(const Call &, const RefView &ref, std::string_view id,
                                                               const StatEmitter &sink) {
  const auto sequence = sequence_of(id);
  if (!sequence) return sequence.error();
  auto file = engine_->version_open(to_ref(ref), *sequence);
  if (!file) return std::move(file).error();
  emit(sink, file->node, file->node.name);
  return std::unique_ptr<ReadHandle>(std::make_unique<OpenFileHandle>(std::move(*file), false));
}

Result<void> StoragePosix::version_restore(const Call &call, const RefView &ref, std::string_view id,
                                           const StatEmitter &sink) {
  const auto sequence = sequence_of(id);
  if (!sequence) return sequence.error();
  const CallConditions conditions(call);
  return answer_kept(engine_->version_restore(to_ref(ref), *sequence, conditions.get()), sink);
}

Result<void> StoragePosix::version_remove(const Call &, const RefView &ref, std::string_view id) {
  const auto sequence = sequence_of(id);
  if (!sequence) return sequence.error();
  return engine_->version_remove(to_ref(ref), *sequence);
}

Result<std::uint64_t> StoragePosix::versions_usage(const Call &, const SpaceId &space) {
  auto found = engine_->space_get(space);
  if (!found) return std::move(found).error();
  return found->versions_used;
}

}  // namespace Atoll::storage_posix
