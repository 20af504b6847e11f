// SPDX-License-Identifier: Apache-2.0
// atoll.storage.fs.uploads/1.
#include "plugins/storage-posix/convert.hpp"
#include "plugins/storage-posix/handles.hpp"
#include "plugins/storage-posix/storage_posix.hpp"

namespace Atoll::storage_posix {

bool emit(const KeptUploadEmitter &sink, const tree::KeptUpload &upload) {
  auto record = sized<atoll_kept_upload>();
  record.flags = upload.open ? ATOLL_UPLOAD_OPEN : 0;
  record.id = to_abi(upload.id);
  record.space = to_abi(upload.space);
  record.node = to_abi(upload.node);
  record.account = to_abi(upload.account);
  record.path = str(upload.path);
  record.size = upload.size == tree::kSizeUnknown ? ATOLL_SIZE_UNKNOWN : upload.size;
  record.offset = upload.offset;
  record.begun_ns = upload.begun_ns;
  record.expires_ns = upload.expires_ns;
  record.metadata = atoll_bytes{upload.metadata.data(), upload.metadata.size()};
  return sink(record);
}

Result<void> TreeUploadHandle::info(const Call &, const std::function<void(const atoll_upload_info &)> &emit) {
  auto kept = upload_->kept();
  if (!kept) return std::move(kept).error();
  auto info = sized<atoll_upload_info>();
  info.id = to_abi(kept->id);
  info.offset = kept->offset;
  info.metadata = atoll_bytes{kept->metadata.data(), kept->metadata.size()};
  emit(info);
  return {};
}

Result<void> TreeUploadHandle::suspend(const Call &) { return upload_->suspend(); }

Result<void> TreeUploadHandle::kept(const Call &, const KeptUploadEmitter &sink) {
  auto kept = upload_->kept();
  if (!kept) return std::move(kept).error();
  emit(sink, *kept);
  return {};
}

Result<std::uint64_t> TreeUploadHandle::read(const Call &, std::uint64_t offset, void *buffer, std::uint64_t length) {
  return upload_->read(offset, {static_cast<char *>(buffer), static_cast<std::size_t>(length)});
}

Result<void> TreeUploadHandle::cut(const Call &, std::uint64_t length) { return upload_->cut(length); }

Result<std::unique_ptr<KeptUploadHandle>> StoragePosix::uploads_reopen(const Call &, const SpaceId &space,
                                                                       const Uuid &id) {
  auto upload = engine_->upload_reopen(space, id);
  if (!upload) return std::move(upload).error();
  return std::unique_ptr<KeptUploadHandle>(std::make_unique<TreeUploadHandle>(std::move(*upload), settings_.verify));
}

Result<void> StoragePosix::uploads_list(const Call &, const SpaceId &space, const KeptUploadEmitter &sink) {
  return engine_->uploads(space, [&](const tree::KeptUpload &upload) { return emit(sink, upload); });
}

Result<void> StoragePosix::uploads_remove(const Call &, const SpaceId &space, const Uuid &id) {
  return engine_->upload_remove(space, id);
}

}  // namespace Atoll::storage_posix
