// SPDX-License-Identifier: Apache-2.0
// Files, Attributes and Locks: the caller's side of the storage tables, be they a driver's or the gateway's.
#ifndef ATOLL_SDK_FILES_HPP
#define ATOLL_SDK_FILES_HPP

#include <atoll/abi/storage_fs.h>
#include <atoll/sdk/call.hpp>

#include <array>
#include <memory>
#include <optional>

namespace Atoll {
inline namespace sdk0 {

/// A node named by an id and a path below it.
struct Ref {
  SpaceId space;
  NodeId node;
  std::string path;  ///< empty: the node itself

  /// Borrows path.
  atoll_ref abi() const {
    auto raw = sized<atoll_ref>();
    raw.space = to_abi(space);
    raw.node = to_abi(node);
    raw.path = str(path);
    return raw;
  }
};

/// An atoll_stat that owns its texts.
struct Stat {
  SpaceId space;
  NodeId node, parent;
  std::uint32_t type = 0, flags = 0, permissions = 0;
  std::string name, etag;
  std::uint64_t size = 0;
  std::int64_t mtime_ns = 0, created_ns = 0;
  std::uint64_t fingerprint = 0;  ///< of a root: another one after each restore; 0: none
  std::array<std::uint8_t, 20> sha1{};
  std::array<std::uint8_t, 16> md5{};
  std::uint32_t adler32 = 0;

  bool folder() const { return type == ATOLL_NODE_FOLDER; }
  bool created() const { return (flags & ATOLL_STAT_CREATED) != 0; }

  static Stat from(const atoll_stat *raw) {
    const atoll_stat s = copied(raw);
    Stat out;
    out.space = from_abi<SpaceId>(s.space);
    out.node = from_abi<NodeId>(s.node);
    out.parent = from_abi<NodeId>(s.parent);
    out.type = s.type;
    out.flags = s.flags;
    out.permissions = s.permissions;
    out.name = view(s.name);
    out.etag = view(s.etag);
    out.size = s.size;
    out.mtime_ns = s.mtime_ns;
    out.fingerprint = s.fingerprint;
    out.created_ns = s.created_ns;
    std::memcpy(out.sha1.data(), s.sha1, 20);
    std::memcpy(out.md5.data(), s.md5, 16);
    out.adler32 = s.adler32;
    return out;
  }
  /// Borrows name and etag.
  atoll_stat abi() const {
    auto raw = sized<atoll_stat>();
    raw.type = type;
    raw.flags = flags;
    raw.permissions = permissions;
    raw.space = to_abi(space);
    raw.node = to_abi(node);
    raw.parent = to_abi(parent);
    raw.name = str(name);
    raw.etag = str(etag);
    raw.size = size;
    raw.mtime_ns = mtime_ns;
    raw.fingerprint = fingerprint;
    raw.created_ns = created_ns;
    std::memcpy(raw.sha1, sha1.data(), 20);
    std::memcpy(raw.md5, md5.data(), 16);
    raw.adler32 = adler32;
    return raw;
  }
};

/// An open file; closes itself. One thread at a time.
class FileReader {
 public:
  FileReader(const atoll_storage_fs *table, void *self, void *handle, Stat stat)
      : table_(table), self_(self), handle_(handle), stat_(std::move(stat)) {}
  FileReader(const FileReader &) = delete;
  FileReader &operator=(const FileReader &) = delete;
  ~FileReader() { table_->read_close(self_, handle_); }

  const Stat &stat() const { return stat_; }

  Result<std::uint64_t> read(OutgoingCall &call, std::uint64_t offset, void *buffer, std::uint64_t length) {
    std::uint64_t got = 0;
    const auto status = table_->read(call.get(), self_, handle_, offset, buffer, length, &got);
    if (status != ATOLL_OK) return call.error(status);
    return got;
  }
  /// The extents of a range, or UNIMPLEMENTED: then read. Borrowed until this object goes away.
  Result<std::vector<atoll_extent>> extents(OutgoingCall &call, std::uint64_t offset, std::uint64_t length) {
    if (!table_->read_extents) return Atoll::error(Status::Unimplemented, "this driver has no extents");
    std::vector<atoll_extent> out;
    auto sink = make_sink<atoll_extent_sink>([&](const atoll_extent *extent) { out.push_back(copied(extent)); });
    const auto status = table_->read_extents(call.get(), self_, handle_, offset, length, sink.get());
    sink.rethrow();
    if (status != ATOLL_OK) return call.error(status);
    return out;
  }

 private:
  const atoll_storage_fs *table_;
  void *self_;
  void *handle_;
  Stat stat_;
};

/// An upload that was begun; aborts itself unless it was committed or suspended. One thread at a time.
class Upload {
 public:
  Upload(const atoll_storage_fs *table, void *self, void *handle) : table_(table), self_(self), handle_(handle) {}
  Upload(const Upload &) = delete;
  Upload &operator=(const Upload &) = delete;
  ~Upload() { abort(); }

  Result<void> write(OutgoingCall &call, std::uint64_t offset, const void *data, std::uint64_t length) {
    return call.result(table_->upload_write(call.get(), self_, handle_, offset, data, length));
  }
  /// The driver's descriptor to write to, or -1: then write(). Stays the driver's.
  int fd(OutgoingCall &call) {
    std::int32_t fd = -1;
    if (!table_->upload_fd || table_->upload_fd(call.get(), self_, handle_, &fd) != ATOLL_OK) return -1;
    return fd;
  }
  Result<Stat> commit(OutgoingCall &call, const atoll_upload_commit &commit) {
    std::optional<Stat> stat;
    auto sink = make_sink<atoll_stat_sink>([&](const atoll_stat *raw) { stat = Stat::from(raw); });
    const auto status = table_->upload_commit(call.get(), self_, std::exchange(handle_, nullptr), &commit, sink.get());
    sink.rethrow();
    if (status != ATOLL_OK) return call.error(status);
    if (!stat) return Atoll::error(Status::Internal, "the driver committed an upload and gave no record of it");
    return *std::move(stat);
  }
  void abort() noexcept {
    if (handle_) table_->upload_abort(self_, std::exchange(handle_, nullptr));
  }
  /// Keeps what was written and closes; see atoll.storage.fs.uploads/1.
  Result<void> suspend(OutgoingCall &call) {
    if (!table_->upload_suspend) return Atoll::error(Status::Unimplemented, "this driver does not keep uploads");
    return call.result(table_->upload_suspend(call.get(), self_, std::exchange(handle_, nullptr)));
  }
  void *handle() const noexcept { return handle_; }

 private:
  const atoll_storage_fs *table_;
  void *self_;
  void *handle_;
};

/// Calls atoll.storage.fs/1. Copy it freely; borrowed table and self.
class Files {
 public:
  Files() = default;
  Files(const atoll_storage_fs *table, void *self) : table_(table), self_(self) {}
  explicit operator bool() const { return table_ != nullptr; }
  const atoll_storage_fs *table() const { return table_; }
  void *self() const { return self_; }

  Result<Stat> stat(OutgoingCall &call, const Ref &ref) const {
    const auto raw = ref.abi();
    return one(call, [&](const atoll_stat_sink *sink) { return table_->stat(call.get(), self_, &raw, sink); });
  }
  /// f(const atoll_stat *) for each child, sorted by name; false stops.
  template <class F>
  Result<void> list(OutgoingCall &call, const Ref &ref, F f, std::string_view after = {},
                    std::uint64_t limit = 0) const {
    const auto raw = ref.abi();
    auto sink = make_sink<atoll_stat_sink>(std::move(f));
    const auto status = table_->list(call.get(), self_, &raw, str(after), limit, sink.get());
    sink.rethrow();
    return call.result(status);
  }
  /// The node and its ancestors, the root last.
  Result<std::vector<Stat>> path_of(OutgoingCall &call, const SpaceId &space, const NodeId &node) const {
    std::vector<Stat> out;
    auto sink = make_sink<atoll_stat_sink>([&](const atoll_stat *raw) { out.push_back(Stat::from(raw)); });
    const auto space_raw = to_abi(space), node_raw = to_abi(node);
    const auto status = table_->path_of(call.get(), self_, &space_raw, &node_raw, sink.get());
    sink.rethrow();
    if (status != ATOLL_OK) return call.error(status);
    return out;
  }
  Result<Stat> mkdir(OutgoingCall &call, const Ref &ref) const {
    const auto raw = ref.abi();
    return one(call, [&](const atoll_stat_sink *sink) { return table_->mkdir(call.get(), self_, &raw, sink); });
  }
  Result<Stat> rename(OutgoingCall &call, const Ref &from, const Ref &to, std::uint32_t flags) const {
    const auto a = from.abi(), b = to.abi();
    return one(call,
               [&](const atoll_stat_sink *sink) { return table_->rename(call.get(), self_, &a, &b, flags, sink); });
  }
  Result<Stat> copy(OutgoingCall &call, const Ref &from, const Ref &to, std::uint32_t flags) const {
    if (!table_->copy) return Atoll::error(Status::Unimplemented, "this driver does not copy");
    const auto a = from.abi(), b = to.abi();
    return one(call, [&](const atoll_stat_sink *sink) { return table_->copy(call.get(), self_, &a, &b, flags, sink); });
  }
  Result<void> remove(OutgoingCall &call, const Ref &ref, std::uint32_t flags = 0) const {
    const auto raw = ref.abi();
    return call.result(table_->remove(call.get(), self_, &raw, flags));
  }
  Result<Stat> set_mtime(OutgoingCall &call, const Ref &ref, std::int64_t mtime_ns) const {
    const auto raw = ref.abi();
    return one(call,
               [&](const atoll_stat_sink *sink) { return table_->set_mtime(call.get(), self_, &raw, mtime_ns, sink); });
  }
  Result<std::shared_ptr<FileReader>> open_read(OutgoingCall &call, const Ref &ref) const {
    const auto raw = ref.abi();
    void *handle = nullptr;
    auto stat = one(
        call, [&](const atoll_stat_sink *sink) { return table_->open_read(call.get(), self_, &raw, sink, &handle); });
    if (!stat) {
      if (handle) table_->read_close(self_, handle);
      return std::move(stat).error();
    }
    return std::make_shared<FileReader>(table_, self_, handle, *std::move(stat));
  }
  Result<std::shared_ptr<Upload>> upload_begin(OutgoingCall &call, const Ref &target, std::uint64_t size,
                                               std::string_view metadata = {}) const {
    const auto raw = target.abi();
    auto spec = sized<atoll_upload_spec>();
    spec.target = &raw;
    spec.size = size;
    spec.metadata = atoll_bytes{metadata.data(), metadata.size()};
    void *handle = nullptr;
    const auto status = table_->upload_begin(call.get(), self_, &spec, &handle);
    if (status != ATOLL_OK) return call.error(status);
    return std::make_shared<Upload>(table_, self_, handle);
  }
  /// f(const atoll_space *), once.
  template <class F>
  Result<void> space_get(OutgoingCall &call, const SpaceId &space, F f) const {
    auto sink = make_sink<atoll_space_sink>(std::move(f));
    const auto raw = to_abi(space);
    const auto status = table_->space_get(call.get(), self_, &raw, sink.get());
    sink.rethrow();
    return call.result(status);
  }

 private:
  template <class F>
  static Result<Stat> one(OutgoingCall &call, F f) {
    std::optional<Stat> stat;
    auto sink = make_sink<atoll_stat_sink>([&](const atoll_stat *raw) { stat = Stat::from(raw); });
    const std::int32_t status = f(sink.get());
    sink.rethrow();
    if (status != ATOLL_OK) return call.error(status);
    if (!stat) return Atoll::error(Status::Internal, "the driver answered OK and gave no record");
    return *std::move(stat);
  }

  const atoll_storage_fs *table_ = nullptr;
  void *self_ = nullptr;
};

/// A listing that was begun; closes itself. One thread at a time.
class Listing {
 public:
  Listing(const atoll_storage_fs_listing *table, void *self, void *handle)
      : table_(table), self_(self), handle_(handle) {}
  Listing(const Listing &) = delete;
  Listing &operator=(const Listing &) = delete;
  ~Listing() { table_->close(self_, handle_); }

  /// f(const atoll_stat *) for the next children; false stops after that one. True: there are no more.
  template <class F>
  Result<bool> next(OutgoingCall &call, F f) {
    auto sink = make_sink<atoll_stat_sink>(std::move(f));
    std::int32_t end = 0;
    const auto status = table_->next(call.get(), self_, handle_, sink.get(), &end);
    sink.rethrow();
    if (status != ATOLL_OK) return call.error(status);
    return end != 0;
  }

 private:
  const atoll_storage_fs_listing *table_;
  void *self_;
  void *handle_;
};

/// Calls atoll.storage.fs.listing/1.
class Listings {
 public:
  Listings() = default;
  Listings(const atoll_storage_fs_listing *table, void *self) : table_(table), self_(self) {}

  /// Unimplemented, or ResourceExhausted: then Files::list.
  Result<std::unique_ptr<Listing>> open(OutgoingCall &call, const Ref &ref) const {
    if (!table_) return Atoll::error(Status::Unimplemented, "there are no listings in steps");
    const auto raw = ref.abi();
    void *handle = nullptr;
    const auto status = table_->open(call.get(), self_, &raw, &handle);
    if (status != ATOLL_OK) return call.error(status);
    return std::make_unique<Listing>(table_, self_, handle);
  }

 private:
  const atoll_storage_fs_listing *table_ = nullptr;
  void *self_ = nullptr;
};

/// A dead property; `remove` in a patch removes it.
struct Attribute {
  std::string ns, name, value;
  bool remove = false;
};

/// Calls atoll.storage.fs.attributes/1.
class Attributes {
 public:
  Attributes() = default;
  Attributes(const atoll_storage_fs_attributes *table, void *self) : table_(table), self_(self) {}
  explicit operator bool() const { return table_ != nullptr; }

  Result<std::vector<Attribute>> get(OutgoingCall &call, const Ref &ref) const {
    std::vector<Attribute> out;
    auto sink = make_sink<atoll_attribute_sink>([&](const atoll_attribute *a) {
      out.push_back(Attribute{
          std::string(view(a->namespace_)), std::string(view(a->name)),
          std::string(static_cast<const char *>(a->value.ptr), static_cast<std::size_t>(a->value.len)), false});
    });
    const auto raw = ref.abi();
    const auto status = table_->get(call.get(), self_, &raw, sink.get());
    sink.rethrow();
    if (status != ATOLL_OK) return call.error(status);
    return out;
  }
  Result<void> patch(OutgoingCall &call, const Ref &ref, const std::vector<Attribute> &changes) const {
    std::vector<atoll_attribute> list;
    for (const auto &change : changes) {
      auto raw = sized<atoll_attribute>();
      raw.remove = change.remove ? 1 : 0;
      raw.namespace_ = str(change.ns);
      raw.name = str(change.name);
      raw.value = atoll_bytes{change.value.data(), change.value.size()};
      list.push_back(raw);
    }
    const auto raw = ref.abi();
    return call.result(table_->patch(call.get(), self_, &raw, list.data(), list.size(), sizeof(atoll_attribute)));
  }

 private:
  const atoll_storage_fs_attributes *table_ = nullptr;
  void *self_ = nullptr;
};

/// A lock that owns its texts.
struct Lock {
  std::uint32_t kind = ATOLL_LOCK_EXCLUSIVE;
  bool deep = false;
  std::string token, owner, account_name;
  AccountId account;
  NodeId node;
  std::uint64_t timeout_s = 0;

  static Lock from(const atoll_lock *raw) {
    const atoll_lock l = copied(raw);
    Lock out;
    out.kind = l.kind;
    out.deep = l.deep != 0;
    out.token = view(l.token);
    out.owner = view(l.owner);
    out.account_name = view(l.account_name);
    out.account = from_abi<AccountId>(l.account);
    out.node = from_abi<NodeId>(l.node);
    out.timeout_s = l.timeout_s;
    return out;
  }
};

/// Calls atoll.storage.fs.locks/1.
class Locks {
 public:
  Locks() = default;
  Locks(const atoll_storage_fs_locks *table, void *self) : table_(table), self_(self) {}
  explicit operator bool() const { return table_ != nullptr; }

  Result<Lock> lock(OutgoingCall &call, const Ref &ref, const Lock &wanted) const {
    auto asked = sized<atoll_lock>();
    asked.kind = wanted.kind;
    asked.deep = wanted.deep ? 1 : 0;
    asked.owner = str(wanted.owner);
    asked.account = to_abi(wanted.account);
    asked.account_name = str(wanted.account_name);
    asked.timeout_s = wanted.timeout_s;
    const auto raw = ref.abi();
    return one(call, [&](const atoll_lock_sink *sink) { return table_->lock(call.get(), self_, &raw, &asked, sink); });
  }
  Result<Lock> refresh(OutgoingCall &call, const Ref &ref, std::string_view token, std::uint64_t timeout_s) const {
    const auto raw = ref.abi();
    return one(call, [&](const atoll_lock_sink *sink) {
      return table_->refresh(call.get(), self_, &raw, str(token), timeout_s, sink);
    });
  }
  Result<void> unlock(OutgoingCall &call, const Ref &ref, std::string_view token) const {
    const auto raw = ref.abi();
    return call.result(table_->unlock(call.get(), self_, &raw, str(token)));
  }
  Result<std::vector<Lock>> list(OutgoingCall &call, const Ref &ref) const {
    std::vector<Lock> out;
    auto sink = make_sink<atoll_lock_sink>([&](const atoll_lock *raw) { out.push_back(Lock::from(raw)); });
    const auto raw = ref.abi();
    const auto status = table_->list(call.get(), self_, &raw, sink.get());
    sink.rethrow();
    if (status != ATOLL_OK) return call.error(status);
    return out;
  }

 private:
  template <class F>
  static Result<Lock> one(OutgoingCall &call, F f) {
    std::optional<Lock> out;
    auto sink = make_sink<atoll_lock_sink>([&](const atoll_lock *raw) { out = Lock::from(raw); });
    const std::int32_t status = f(sink.get());
    sink.rethrow();
    if (status != ATOLL_OK) return call.error(status);
    if (!out) return Atoll::error(Status::Internal, "the driver answered OK and gave no lock");
    return *std::move(out);
  }

  const atoll_storage_fs_locks *table_ = nullptr;
  void *self_ = nullptr;
};

}  // namespace sdk0
}  // namespace Atoll

#endif
