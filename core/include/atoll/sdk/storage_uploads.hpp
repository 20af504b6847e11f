// SPDX-License-Identifier: Apache-2.0
// StorageFsUploads<D>: the driver's side of atoll.storage.fs.uploads/1. Uploads: the caller's side.
#ifndef ATOLL_SDK_STORAGE_UPLOADS_HPP
#define ATOLL_SDK_STORAGE_UPLOADS_HPP

#include <atoll/abi/storage_uploads.h>
#include <atoll/sdk/files.hpp>
#include <atoll/sdk/storage_fs.hpp>

namespace Atoll {
inline namespace sdk0 {

using KeptUploadEmitter = Emitter<atoll_kept_upload_sink>;

/// An upload that can be kept. A driver that offers the table gives only such ones from upload_begin.
class KeptUploadHandle : public UploadHandle {
 public:
  virtual Result<void> kept(const Call &, const KeptUploadEmitter &) = 0;
  virtual Result<std::uint64_t> read(const Call &, std::uint64_t offset, void *buffer, std::uint64_t length) = 0;
  virtual Result<void> cut(const Call &, std::uint64_t length) = 0;
};

/// D has uploads_reopen(call, SpaceId, id) -> unique_ptr<KeptUploadHandle>, uploads_list(call, SpaceId, emitter), where
/// a space that is none means all of them, and uploads_remove(call, SpaceId, id).
template <class D>
class StorageFsUploads {
 public:
  static constexpr const char *interface_id = ATOLL_STORAGE_FS_UPLOADS;
  static const atoll_storage_fs_uploads *table() noexcept {
    static const atoll_storage_fs_uploads t = [] {
      using C = const atoll_call *;
      using Id = const atoll_uuid *;
      auto made = sized<atoll_storage_fs_uploads>();
      made.reopen = [](C c, void *self, Id space, Id id, void **upload) noexcept {
        return guarded(c, [&]() -> Result<void> {
          auto opened = d(self).uploads_reopen(Call(c), from_abi<SpaceId>(*space), from_abi<Uuid>(*id));
          if (!opened) return std::move(opened).error();
          *upload = static_cast<UploadHandle *>((*std::move(opened)).release());
          return {};
        });
      };
      made.info = [](C c, void *, void *upload, const atoll_kept_upload_sink *sink) noexcept {
        return guarded(c, [&] { return handle(upload).kept(Call(c), KeptUploadEmitter(sink)); });
      };
      made.read = [](C c, void *, void *upload, std::uint64_t offset, void *buffer, std::uint64_t length,
                     std::uint64_t *got) noexcept {
        return guarded(c, [&]() -> Result<void> {
          auto done = handle(upload).read(Call(c), offset, buffer, length);
          if (!done) return std::move(done).error();
          *got = *done;
          return {};
        });
      };
      made.cut = [](C c, void *, void *upload, std::uint64_t length) noexcept {
        return guarded(c, [&] { return handle(upload).cut(Call(c), length); });
      };
      made.list = [](C c, void *self, Id space, const atoll_kept_upload_sink *sink) noexcept {
        return guarded(c, [&] {
          return d(self).uploads_list(Call(c), space ? from_abi<SpaceId>(*space) : SpaceId(), KeptUploadEmitter(sink));
        });
      };
      made.remove = [](C c, void *self, Id space, Id id) noexcept {
        return guarded(c,
                       [&] { return d(self).uploads_remove(Call(c), from_abi<SpaceId>(*space), from_abi<Uuid>(*id)); });
      };
      return made;
    }();
    return &t;
  }

 private:
  static D &d(void *self) noexcept { return *static_cast<D *>(self); }
  static KeptUploadHandle &handle(void *upload) noexcept {
    return *static_cast<KeptUploadHandle *>(static_cast<UploadHandle *>(upload));
  }
};

/// An atoll_kept_upload that owns its texts.
struct KeptUpload {
  Uuid id;
  SpaceId space;
  NodeId node;
  AccountId account;
  std::string path, metadata;
  std::uint64_t size = ATOLL_SIZE_UNKNOWN, offset = 0;
  std::int64_t begun_ns = 0, expires_ns = 0;
  bool open = false;

  static KeptUpload from(const atoll_kept_upload *raw) {
    const atoll_kept_upload u = copied(raw);
    KeptUpload out;
    out.id = from_abi<Uuid>(u.id);
    out.space = from_abi<SpaceId>(u.space);
    out.node = from_abi<NodeId>(u.node);
    out.account = from_abi<AccountId>(u.account);
    out.path = view(u.path);
    if (u.metadata.ptr)
      out.metadata.assign(static_cast<const char *>(u.metadata.ptr), static_cast<std::size_t>(u.metadata.len));
    out.size = u.size;
    out.offset = u.offset;
    out.begun_ns = u.begun_ns;
    out.expires_ns = u.expires_ns;
    out.open = (u.flags & ATOLL_UPLOAD_OPEN) != 0;
    return out;
  }
  /// Borrows path and metadata.
  atoll_kept_upload abi() const {
    auto raw = sized<atoll_kept_upload>();
    raw.flags = open ? ATOLL_UPLOAD_OPEN : 0;
    raw.id = to_abi(id);
    raw.space = to_abi(space);
    raw.node = to_abi(node);
    raw.account = to_abi(account);
    raw.path = str(path);
    raw.size = size;
    raw.offset = offset;
    raw.begun_ns = begun_ns;
    raw.expires_ns = expires_ns;
    raw.metadata = atoll_bytes{metadata.data(), metadata.size()};
    return raw;
  }
};

/// Calls atoll.storage.fs.uploads/1; `files` is the table of atoll.storage.fs/1 of the same driver. Copy it freely.
class Uploads {
 public:
  Uploads() = default;
  Uploads(const atoll_storage_fs_uploads *table, const Files &files) : table_(table), files_(files) {}
  explicit operator bool() const { return table_ != nullptr; }

  Result<std::shared_ptr<Upload>> reopen(OutgoingCall &call, const SpaceId &space, const Uuid &id) const {
    const auto raw_space = to_abi(space), raw_id = to_abi(id);
    void *handle = nullptr;
    const auto status = table_->reopen(call.get(), files_.self(), &raw_space, &raw_id, &handle);
    if (status != ATOLL_OK) return call.error(status);
    return std::make_shared<Upload>(files_.table(), files_.self(), handle);
  }
  Result<KeptUpload> info(OutgoingCall &call, const Upload &upload) const {
    std::optional<KeptUpload> found;
    auto sink = make_sink<atoll_kept_upload_sink>([&](const atoll_kept_upload *raw) { found = KeptUpload::from(raw); });
    const auto status = table_->info(call.get(), files_.self(), upload.handle(), sink.get());
    sink.rethrow();
    if (status != ATOLL_OK) return call.error(status);
    if (!found) return error(Status::Internal, "the driver gave no record of an upload");
    return *std::move(found);
  }
  Result<std::uint64_t> read(OutgoingCall &call, const Upload &upload, std::uint64_t offset, void *buffer,
                             std::uint64_t length) const {
    std::uint64_t got = 0;
    const auto status = table_->read(call.get(), files_.self(), upload.handle(), offset, buffer, length, &got);
    if (status != ATOLL_OK) return call.error(status);
    return got;
  }
  Result<void> cut(OutgoingCall &call, const Upload &upload, std::uint64_t length) const {
    return call.result(table_->cut(call.get(), files_.self(), upload.handle(), length));
  }
  Result<void> remove(OutgoingCall &call, const SpaceId &space, const Uuid &id) const {
    const auto raw_space = to_abi(space), raw_id = to_abi(id);
    return call.result(table_->remove(call.get(), files_.self(), &raw_space, &raw_id));
  }

 private:
  const atoll_storage_fs_uploads *table_ = nullptr;
  Files files_;
};

}  // namespace sdk0
}  // namespace Atoll

#endif
