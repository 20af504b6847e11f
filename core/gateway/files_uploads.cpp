// SPDX-License-Identifier: Apache-2.0
// Uploads that are gone on with, through the gateway: only by the account that began them, and only as long as it may.
#include "core/gateway/files_drive.hpp"
#include "core/gateway/routed_handles.hpp"

namespace Atoll::gateway {
namespace {

Error no_such_upload() { return error(Status::NotFound, "There is no such upload; begin a new one."); }

}  // namespace

Result<void> GatewayFiles::may_still_upload(const Call &call, const SpaceId &space, const NodeId &node,
                                            std::string_view path) {
  auto found = road(call, space, 0);
  if (!found) return std::move(found).error();
  RefView ref;
  ref.space = space;
  ref.node = node;
  ref.path = path;
  return may_upload(call, *found, ref);
}

Result<std::unique_ptr<KeptUploadHandle>> GatewayFiles::uploads_reopen(const Call &call, const SpaceId &space,
                                                                       const Uuid &id) {
  auto found = road(call, space, 0);
  if (!found) return std::move(found).error();
  const auto raw_space = to_abi(space), raw_id = to_abi(id);
  void *handle = nullptr;
  auto opened = drive_optional<atoll_storage_fs_uploads>(
      call, *found, ATOLL_STORAGE_FS_UPLOADS, "resumable uploads",
      [&](const auto *t, const atoll_call *c, void *self) { return t->reopen(c, self, &raw_space, &raw_id, &handle); });
  if (!opened) return std::move(opened).error();
  auto upload = std::make_unique<RoutedUpload>(
      Opened{found->provider, found->fs, admission_, admission_.provider(found->provider->name()), leftovers_}, handle,
      found->record->permissions);
  KeptUpload record;
  const auto sink =
      make_sink<atoll_kept_upload_sink>([&](const atoll_kept_upload *raw) { record = KeptUpload::from(raw); });
  if (auto known = upload->kept(call, KeptUploadEmitter(sink.get())); !known) return std::move(known).error();
  if (record.account.none() || record.account != from_abi<AccountId>(call.principal()->account))
    return no_such_upload();
  RefView ref;
  ref.space = space;
  ref.node = record.node;
  ref.path = record.path;
  if (auto may = may_upload(call, *found, ref); !may) return std::move(may).error();
  upload->look_again([this, space, node = record.node, path = record.path](const Call &at) {
    return may_still_upload(at, space, node, path);
  });
  return std::unique_ptr<KeptUploadHandle>(std::move(upload));
}

Result<void> GatewayFiles::uploads_remove(const Call &call, const SpaceId &space, const Uuid &id) {
  auto found = road(call, space, 0);
  if (!found) return std::move(found).error();
  {
    auto mine = uploads_reopen(call, space, id);
    // Who may not write any more may still give up what he began.
    if (!mine && mine.status() != Status::PermissionDenied) return std::move(mine).error();
  }
  const auto raw_space = to_abi(space), raw_id = to_abi(id);
  return drive_optional<atoll_storage_fs_uploads>(
      call, *found, ATOLL_STORAGE_FS_UPLOADS, "resumable uploads",
      [&](const auto *t, const atoll_call *c, void *self) { return t->remove(c, self, &raw_space, &raw_id); });
}

}  // namespace Atoll::gateway
