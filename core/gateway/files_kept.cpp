// SPDX-License-Identifier: Apache-2.0
// Trash and versions through the gateway.
#include "core/gateway/files_drive.hpp"

namespace Atoll::gateway {
namespace {

constexpr const char *kTrash = "a trash", *kVersions = "versions";

}  // namespace

Result<void> GatewayFiles::trash_list(const Call &call, const SpaceId &space, const Uuid &before, std::uint64_t limit,
                                      const TrashEmitter &emit) {
  auto found = road(call, space, ATOLL_MAY_READ);
  if (!found) return std::move(found).error();
  const auto raw = to_abi(space), from = to_abi(before);
  return drive_optional<atoll_storage_fs_trash>(
      call, *found, ATOLL_STORAGE_FS_TRASH, kTrash, [&](const auto *t, const atoll_call *c, void *self) {
        return t->list(c, self, &raw, before.none() ? nullptr : &from, limit, emit.sink());
      });
}

Result<void> GatewayFiles::trash_restore(const Call &call, const SpaceId &space, const Uuid &item, const RefView *to,
                                         std::uint32_t flags, const StatEmitter &emit) {
  if (to && to->space != space) return unimplemented("restoring to another space");
  const std::uint32_t replaces = (flags & ATOLL_REPLACE) != 0 ? ATOLL_MAY_WRITE : 0;
  auto found = road(call, space, ATOLL_MAY_DELETE | ATOLL_MAY_CREATE | replaces);
  if (!found) return std::move(found).error();
  const auto *table = static_cast<const atoll_storage_fs_trash *>(found->provider->query(ATOLL_STORAGE_FS_TRASH));
  if (!table) return unimplemented(kTrash);
  const auto raw = to_abi(space), id = to_abi(item);
  const auto goal = to ? raw_ref(*to) : sized<atoll_ref>();
  return drive_stats(call, *found, emit, [&](const atoll_call *c, void *self, const atoll_stat_sink *sink) {
    return table->restore(c, self, &raw, &id, to ? &goal : nullptr, flags, sink);
  });
}

Result<void> GatewayFiles::trash_purge(const Call &call, const SpaceId &space, const Uuid &item) {
  auto found = road(call, space, ATOLL_MAY_PURGE);
  if (!found) return std::move(found).error();
  const auto raw = to_abi(space), id = to_abi(item);
  return drive_optional<atoll_storage_fs_trash>(
      call, *found, ATOLL_STORAGE_FS_TRASH, kTrash,
      [&](const auto *t, const atoll_call *c, void *self) { return t->purge(c, self, &raw, &id); });
}

Result<void> GatewayFiles::trash_purge_all(const Call &call, const SpaceId &space) {
  auto found = road(call, space, ATOLL_MAY_PURGE);
  if (!found) return std::move(found).error();
  const auto raw = to_abi(space);
  return drive_optional<atoll_storage_fs_trash>(
      call, *found, ATOLL_STORAGE_FS_TRASH, kTrash,
      [&](const auto *t, const atoll_call *c, void *self) { return t->purge_all(c, self, &raw); });
}

Result<std::uint64_t> GatewayFiles::trash_usage(const Call &call, const SpaceId &space) {
  auto found = road(call, space, 0);
  if (!found) return std::move(found).error();
  const auto raw = to_abi(space);
  std::uint64_t bytes = 0;
  auto done = drive_optional<atoll_storage_fs_trash>(
      call, *found, ATOLL_STORAGE_FS_TRASH, kTrash,
      [&](const auto *t, const atoll_call *c, void *self) { return t->usage(c, self, &raw, &bytes); });
  if (!done) return std::move(done).error();
  return bytes;
}

Result<void> GatewayFiles::versions(const Call &call, const RefView &ref, const VersionEmitter &emit) {
  auto found = road(call, ref.space, ATOLL_MAY_VERSIONS);
  if (!found) return std::move(found).error();
  const auto raw = raw_ref(ref);
  return drive_optional<atoll_storage_fs_versions>(
      call, *found, ATOLL_STORAGE_FS_VERSIONS, kVersions,
      [&](const auto *t, const atoll_call *c, void *self) { return t->list(c, self, &raw, emit.sink()); });
}

Result<std::unique_ptr<ReadHandle>> GatewayFiles::version_open(const Call &call, const RefView &ref,
                                                               std::string_view id, const StatEmitter &emit) {
  auto found = road(call, ref.space, ATOLL_MAY_VERSIONS | ATOLL_MAY_READ);
  if (!found) return std::move(found).error();
  const auto *table = static_cast<const atoll_storage_fs_versions *>(found->provider->query(ATOLL_STORAGE_FS_VERSIONS));
  if (!table) return unimplemented(kVersions);
  const auto raw = raw_ref(ref);
  void *handle = nullptr;
  auto opened = drive_stats(call, *found, emit, [&](const atoll_call *c, void *self, const atoll_stat_sink *sink) {
    return table->open_read(c, self, &raw, str(id), sink, &handle);
  });
  if (!opened) return std::move(opened).error();
  return routed(*found, handle);
}

Result<void> GatewayFiles::version_restore(const Call &call, const RefView &ref, std::string_view id,
                                           const StatEmitter &emit) {
  auto found = road(call, ref.space, ATOLL_MAY_VERSIONS | ATOLL_MAY_WRITE);
  if (!found) return std::move(found).error();
  const auto *table = static_cast<const atoll_storage_fs_versions *>(found->provider->query(ATOLL_STORAGE_FS_VERSIONS));
  if (!table) return unimplemented(kVersions);
  const auto raw = raw_ref(ref);
  return drive_stats(call, *found, emit, [&](const atoll_call *c, void *self, const atoll_stat_sink *sink) {
    return table->restore(c, self, &raw, str(id), sink);
  });
}

Result<void> GatewayFiles::version_remove(const Call &call, const RefView &ref, std::string_view id) {
  auto found = road(call, ref.space, ATOLL_MAY_VERSIONS | ATOLL_MAY_PURGE);
  if (!found) return std::move(found).error();
  const auto raw = raw_ref(ref);
  return drive_optional<atoll_storage_fs_versions>(
      call, *found, ATOLL_STORAGE_FS_VERSIONS, kVersions,
      [&](const auto *t, const atoll_call *c, void *self) { return t->remove(c, self, &raw, str(id)); });
}

Result<std::uint64_t> GatewayFiles::versions_usage(const Call &call, const SpaceId &space) {
  auto found = road(call, space, 0);
  if (!found) return std::move(found).error();
  const auto raw = to_abi(space);
  std::uint64_t bytes = 0;
  auto done = drive_optional<atoll_storage_fs_versions>(
      call, *found, ATOLL_STORAGE_FS_VERSIONS, kVersions,
      [&](const auto *t, const atoll_call *c, void *self) { return t->usage(c, self, &raw, &bytes); });
  if (!done) return std::move(done).error();
  return bytes;
}

}  // namespace Atoll::gateway
