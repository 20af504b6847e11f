// SPDX-License-Identifier: Apache-2.0
// Versions and Trash: the caller's side of atoll.storage.fs.versions/1 and atoll.storage.fs.trash/1, be they a driver's
// or the gateway's.
#ifndef ATOLL_SDK_KEPT_HPP
#define ATOLL_SDK_KEPT_HPP

#include <atoll/abi/storage_trash.h>
#include <atoll/abi/storage_versions.h>
#include <atoll/sdk/files.hpp>

namespace Atoll {
inline namespace sdk0 {

/// An atoll_version that owns its texts.
struct Version {
  std::string id, etag;
  std::uint32_t flags = 0;  ///< ATOLL_STAT_SHA1 ...: which checksums are known
  std::uint64_t size = 0;
  std::int64_t mtime_ns = 0, kept_ns = 0;
  std::array<std::uint8_t, 20> sha1{};
  std::array<std::uint8_t, 16> md5{};
  std::uint32_t adler32 = 0;

  static Version from(const atoll_version *raw) {
    const atoll_version v = copied(raw);
    Version out;
    out.id = view(v.id);
    out.etag = view(v.etag);
    out.flags = v.flags;
    out.size = v.size;
    out.mtime_ns = v.mtime_ns;
    out.kept_ns = v.kept_ns;
    std::memcpy(out.sha1.data(), v.sha1, 20);
    std::memcpy(out.md5.data(), v.md5, 16);
    out.adler32 = v.adler32;
    return out;
  }
};

/// Calls atoll.storage.fs.versions/1; `files` is the table beside it. UNIMPLEMENTED where there is none.
class Versions {
 public:
  Versions() = default;
  Versions(const atoll_storage_fs_versions *table, const Files &files) : table_(table), files_(files) {}

  /// The newest first.
  Result<std::vector<Version>> list(OutgoingCall &call, const Ref &ref) const {
    if (!table_) return none();
    std::vector<Version> out;
    auto sink = make_sink<atoll_version_sink>([&](const atoll_version *raw) { out.push_back(Version::from(raw)); });
    const auto raw = ref.abi();
    const auto status = table_->list(call.get(), files_.self(), &raw, sink.get());
    sink.rethrow();
    if (status != ATOLL_OK) return call.error(status);
    return out;
  }
  /// Its stat is that of the file, with etag, size, time and checksums of the version.
  Result<std::shared_ptr<FileReader>> open_read(OutgoingCall &call, const Ref &ref, std::string_view version) const {
    if (!table_) return none();
    const auto raw = ref.abi();
    void *handle = nullptr;
    std::optional<Stat> stat;
    auto sink = make_sink<atoll_stat_sink>([&](const atoll_stat *record) { stat = Stat::from(record); });
    const auto status = table_->open_read(call.get(), files_.self(), &raw, str(version), sink.get(), &handle);
    if (handle && (status != ATOLL_OK || !stat)) files_.table()->read_close(files_.self(), handle);
    sink.rethrow();
    if (status != ATOLL_OK) return call.error(status);
    if (!stat) return Atoll::error(Status::Internal, "the driver opened a version and gave no record of it");
    return std::make_shared<FileReader>(files_.table(), files_.self(), handle, *std::move(stat));
  }
  Result<Stat> restore(OutgoingCall &call, const Ref &ref, std::string_view version) const {
    if (!table_) return none();
    const auto raw = ref.abi();
    std::optional<Stat> stat;
    auto sink = make_sink<atoll_stat_sink>([&](const atoll_stat *record) { stat = Stat::from(record); });
    const auto status = table_->restore(call.get(), files_.self(), &raw, str(version), sink.get());
    sink.rethrow();
    if (status != ATOLL_OK) return call.error(status);
    if (!stat) return Atoll::error(Status::Internal, "the driver restored a version and gave no record of the file");
    return *std::move(stat);
  }
  Result<void> remove(OutgoingCall &call, const Ref &ref, std::string_view version) const {
    if (!table_) return none();
    const auto raw = ref.abi();
    return call.result(table_->remove(call.get(), files_.self(), &raw, str(version)));
  }

 private:
  static Error none() { return Atoll::error(Status::Unimplemented, "there are no versions"); }

  const atoll_storage_fs_versions *table_ = nullptr;
  Files files_;
};

/// An atoll_trash_item that owns its texts.
struct TrashItem {
  Uuid id;
  SpaceId space;
  NodeId node, parent;
  AccountId account;
  std::uint32_t type = 0;  ///< ATOLL_NODE_*
  std::string name, path;
  std::uint64_t size = 0;
  std::int64_t mtime_ns = 0, removed_ns = 0;

  static TrashItem from(const atoll_trash_item *raw) {
    const atoll_trash_item i = copied(raw);
    TrashItem out;
    out.id = from_abi<Uuid>(i.id);
    out.space = from_abi<SpaceId>(i.space);
    out.node = from_abi<NodeId>(i.node);
    out.parent = from_abi<NodeId>(i.parent);
    out.account = from_abi<AccountId>(i.account);
    out.type = i.type;
    out.name = view(i.name);
    out.path = view(i.path);
    out.size = i.size;
    out.mtime_ns = i.mtime_ns;
    out.removed_ns = i.removed_ns;
    return out;
  }
};

/// Calls atoll.storage.fs.trash/1. UNIMPLEMENTED where there is none.
class Trash {
 public:
  Trash() = default;
  Trash(const atoll_storage_fs_trash *table, void *self) : table_(table), self_(self) {}

  /// f(const atoll_trash_item *), the newest first, those older than `before` (none: from the newest), at most `limit`
  /// (0: all); false stops.
  template <class F>
  Result<void> list(OutgoingCall &call, const SpaceId &space, const Uuid &before, std::uint64_t limit, F f) const {
    if (!table_) return none();
    auto sink = make_sink<atoll_trash_sink>(std::move(f));
    const auto raw = to_abi(space), from = to_abi(before);
    const auto status = table_->list(call.get(), self_, &raw, before.none() ? nullptr : &from, limit, sink.get());
    sink.rethrow();
    return call.result(status);
  }
  /// `to` may be null: its old place.
  Result<Stat> restore(OutgoingCall &call, const SpaceId &space, const Uuid &item, const Ref *to,
                       std::uint32_t flags) const {
    if (!table_) return none();
    const auto raw = to_abi(space), id = to_abi(item);
    const auto goal = to ? to->abi() : sized<atoll_ref>();
    std::optional<Stat> stat;
    auto sink = make_sink<atoll_stat_sink>([&](const atoll_stat *record) { stat = Stat::from(record); });
    const auto status = table_->restore(call.get(), self_, &raw, &id, to ? &goal : nullptr, flags, sink.get());
    sink.rethrow();
    if (status != ATOLL_OK) return call.error(status);
    if (!stat) return Atoll::error(Status::Internal, "the driver restored an item and gave no record of it");
    return *std::move(stat);
  }
  Result<void> purge(OutgoingCall &call, const SpaceId &space, const Uuid &item) const {
    if (!table_) return none();
    const auto raw = to_abi(space), id = to_abi(item);
    return call.result(table_->purge(call.get(), self_, &raw, &id));
  }
  Result<void> purge_all(OutgoingCall &call, const SpaceId &space) const {
    if (!table_) return none();
    const auto raw = to_abi(space);
    return call.result(table_->purge_all(call.get(), self_, &raw));
  }

 private:
  static Error none() { return Atoll::error(Status::Unimplemented, "there is no trash"); }

  const atoll_storage_fs_trash *table_ = nullptr;
  void *self_ = nullptr;
};

}  // namespace sdk0
}  // namespace Atoll

#endif
