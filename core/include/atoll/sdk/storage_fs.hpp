// SPDX-License-Identifier: Apache-2.0
// StorageFs<D>: the driver's side of atoll.storage.fs/1. The driver D overrides the functions that it has; what it
// leaves out answers UNIMPLEMENTED. Reads and uploads are objects with virtual functions, owned by the host through
// handles.
#ifndef ATOLL_SDK_STORAGE_FS_HPP
#define ATOLL_SDK_STORAGE_FS_HPP

#include <atoll/abi/storage_fs.h>
#include <atoll/sdk/call.hpp>

#include <functional>
#include <memory>

namespace Atoll {
inline namespace sdk0 {

using StatEmitter = Emitter<atoll_stat_sink>;
using SpaceEmitter = Emitter<atoll_space_sink>;
using ExtentEmitter = Emitter<atoll_extent_sink>;
using AttributeEmitter = Emitter<atoll_attribute_sink>;
using LockEmitter = Emitter<atoll_lock_sink>;

/// A node named by an id and a path below it. Borrowed: valid for the call.
struct RefView {
  SpaceId space;
  NodeId node;
  std::string_view path;  ///< empty: the node itself

  RefView() = default;
  explicit RefView(const atoll_ref *raw)
      : space(from_abi<SpaceId>(raw->space)), node(from_abi<NodeId>(raw->node)), path(view(raw->path)) {}
};

inline Error unimplemented(const char *what) {
  return error(Status::Unimplemented, std::string("this storage driver does not offer ") + what);
}

/// An open file. One call at a time.
class ReadHandle {
 public:
  virtual ~ReadHandle() = default;
  /// Fills the buffer from `offset`; fewer bytes only at the end. Gives the number of bytes.
  virtual Result<std::uint64_t> read(const Call &, std::uint64_t offset, void *buffer, std::uint64_t length) = 0;
  virtual Result<void> extents(const Call &, std::uint64_t, std::uint64_t, const ExtentEmitter &) {
    return unimplemented("extents");
  }
};

/// A listing that was begun: the children of one moment. One call at a time.
class ListingHandle {
 public:
  virtual ~ListingHandle() = default;
  /// The next children, until the emitter wants no more; true when there are none after them.
  virtual Result<bool> next(const Call &, const StatEmitter &) = 0;
};

/// An upload that was begun. Destroyed after commit, abort or suspend; one call at a time.
class UploadHandle {
 public:
  virtual ~UploadHandle() = default;
  virtual Result<void> write(const Call &, std::uint64_t offset, const void *data, std::uint64_t length) = 0;
  /// A descriptor that the host may write to at any offset until commit; stays the driver's.
  virtual Result<int> fd(const Call &) { return unimplemented("a descriptor for uploads"); }
  /// The one atomic, durable point.
  virtual Result<void> commit(const Call &, const atoll_upload_commit &, const StatEmitter &) = 0;
  virtual void abort() noexcept {}
  virtual Result<void> info(const Call &, const std::function<void(const atoll_upload_info &)> &) {
    return unimplemented("resumable uploads");
  }
  virtual Result<void> suspend(const Call &) { return unimplemented("resumable uploads"); }
};

template <class D>
class StorageFs {
 public:
  static constexpr const char *interface_id = ATOLL_STORAGE_FS;

  // What a driver may leave out.
  Result<void> health(const Call &) { return {}; }
  Result<void> space_set_quota(const Call &, const SpaceId &, std::uint64_t) { return unimplemented("quota"); }
  Result<void> space_remove(const Call &, const SpaceId &) { return unimplemented("removing spaces"); }
  Result<void> copy(const Call &, const RefView &, const RefView &, std::uint32_t, const StatEmitter &) {
    return unimplemented("copying");
  }
  Result<void> set_mtime(const Call &, const RefView &, std::int64_t, const StatEmitter &) {
    return unimplemented("setting times");
  }
  Result<std::unique_ptr<UploadHandle>> upload_reopen(const Call &, const Uuid &) {
    return unimplemented("resumable uploads");
  }

  // What it must have:
  //   Result<void> capabilities(const Call &, atoll_storage_caps &);
  //   Result<void> space_create(const Call &, const atoll_space &);
  //   Result<void> space_get(const Call &, const SpaceId &, const SpaceEmitter &);
  //   Result<void> space_list(const Call &, const SpaceEmitter &);
  //   Result<void> stat(const Call &, const RefView &, const StatEmitter &);
  //   Result<void> list(const Call &, const RefView &, std::string_view after, uint64_t limit, const StatEmitter &);
  //   Result<void> path_of(const Call &, const SpaceId &, const NodeId &, const StatEmitter &);
  //   Result<void> mkdir(const Call &, const RefView &, const StatEmitter &);
  //   Result<void> rename(const Call &, const RefView &from, const RefView &to, uint32_t flags, const StatEmitter &);
  //   Result<void> remove(const Call &, const RefView &, uint32_t flags);
  //   Result<std::unique_ptr<ReadHandle>> open_read(const Call &, const RefView &, const StatEmitter &);
  //   Result<std::unique_ptr<UploadHandle>> upload_begin(const Call &, const RefView &target, uint64_t size,
  //                                                      std::string_view metadata);

  static const atoll_storage_fs *table() noexcept {
    static const atoll_storage_fs t = make();
    return &t;
  }

 private:
  static D &driver(void *self) noexcept { return *static_cast<D *>(self); }
  static ReadHandle &reader(void *handle) noexcept { return *static_cast<ReadHandle *>(handle); }
  static UploadHandle &uploader(void *handle) noexcept { return *static_cast<UploadHandle *>(handle); }

  static atoll_storage_fs make() noexcept {
    using C = const atoll_call *;
    using R = const atoll_ref *;
    using S = const atoll_stat_sink *;
    atoll_storage_fs t = sized<atoll_storage_fs>();
    t.capabilities = [](C c, void *self, atoll_storage_caps *caps) noexcept {
      return guarded(c, [&]() -> Result<void> {
        auto mine = sized<atoll_storage_caps>();
        if (auto done = driver(self).capabilities(Call(c), mine); !done) return done;
        const std::uint32_t size = caps->struct_size < sizeof mine ? caps->struct_size : std::uint32_t{sizeof mine};
        std::memcpy(caps, &mine, size);
        caps->struct_size = size;
        return {};
      });
    };
    t.health = [](C c, void *self) noexcept { return guarded(c, [&] { return driver(self).health(Call(c)); }); };
    t.space_create = [](C c, void *self, const atoll_space *space) noexcept {
      return guarded(c, [&] { return driver(self).space_create(Call(c), copied(space)); });
    };
    t.space_get = [](C c, void *self, const atoll_uuid *space, const atoll_space_sink *sink) noexcept {
      return guarded(c, [&] { return driver(self).space_get(Call(c), from_abi<SpaceId>(*space), SpaceEmitter(sink)); });
    };
    t.space_list = [](C c, void *self, const atoll_space_sink *sink) noexcept {
      return guarded(c, [&] { return driver(self).space_list(Call(c), SpaceEmitter(sink)); });
    };
    t.space_set_quota = [](C c, void *self, const atoll_uuid *space, std::uint64_t quota) noexcept {
      return guarded(c, [&] { return driver(self).space_set_quota(Call(c), from_abi<SpaceId>(*space), quota); });
    };
    t.space_remove = [](C c, void *self, const atoll_uuid *space) noexcept {
      return guarded(c, [&] { return driver(self).space_remove(Call(c), from_abi<SpaceId>(*space)); });
    };
    t.stat = [](C c, void *self, R ref, S sink) noexcept {
      return guarded(c, [&] { return driver(self).stat(Call(c), RefView(ref), StatEmitter(sink)); });
    };
    t.list = [](C c, void *self, R ref, atoll_str after, std::uint64_t limit, S sink) noexcept {
      return guarded(c,
                     [&] { return driver(self).list(Call(c), RefView(ref), view(after), limit, StatEmitter(sink)); });
    };
    t.path_of = [](C c, void *self, const atoll_uuid *space, const atoll_uuid *node, S sink) noexcept {
      return guarded(c, [&] {
        return driver(self).path_of(Call(c), from_abi<SpaceId>(*space), from_abi<NodeId>(*node), StatEmitter(sink));
      });
    };
    t.mkdir = [](C c, void *self, R ref, S sink) noexcept {
      return guarded(c, [&] { return driver(self).mkdir(Call(c), RefView(ref), StatEmitter(sink)); });
    };
    t.rename = [](C c, void *self, R from, R to, std::uint32_t flags, S sink) noexcept {
      return guarded(
          c, [&] { return driver(self).rename(Call(c), RefView(from), RefView(to), flags, StatEmitter(sink)); });
    };
    t.copy = [](C c, void *self, R from, R to, std::uint32_t flags, S sink) noexcept {
      return guarded(c,
                     [&] { return driver(self).copy(Call(c), RefView(from), RefView(to), flags, StatEmitter(sink)); });
    };
    t.remove = [](C c, void *self, R ref, std::uint32_t flags) noexcept {
      return guarded(c, [&] { return driver(self).remove(Call(c), RefView(ref), flags); });
    };
    t.set_mtime = [](C c, void *self, R ref, std::int64_t mtime_ns, S sink) noexcept {
      return guarded(c, [&] { return driver(self).set_mtime(Call(c), RefView(ref), mtime_ns, StatEmitter(sink)); });
    };
    make_reads(t);
    make_uploads(t);
    return t;
  }

  static void make_reads(atoll_storage_fs &t) noexcept {
    using C = const atoll_call *;
    t.open_read = [](C c, void *self, const atoll_ref *ref, const atoll_stat_sink *sink, void **handle) noexcept {
      return guarded(c, [&]() -> Result<void> {
        auto opened = driver(self).open_read(Call(c), RefView(ref), StatEmitter(sink));
        if (!opened) return std::move(opened).error();
        *handle = static_cast<ReadHandle *>((*std::move(opened)).release());
        return {};
      });
    };
    t.read_extents = [](C c, void *, void *handle, std::uint64_t offset, std::uint64_t length,
                        const atoll_extent_sink *sink) noexcept {
      return guarded(c, [&] { return reader(handle).extents(Call(c), offset, length, ExtentEmitter(sink)); });
    };
    t.read = [](C c, void *, void *handle, std::uint64_t offset, void *buffer, std::uint64_t length,
                std::uint64_t *got) noexcept {
      return guarded(c, [&]() -> Result<void> {
        auto done = reader(handle).read(Call(c), offset, buffer, length);
        if (!done) return std::move(done).error();
        *got = *done;
        return {};
      });
    };
    t.read_close = [](void *, void *handle) noexcept { std::unique_ptr<ReadHandle>(&reader(handle)).reset(); };
  }

  static void make_uploads(atoll_storage_fs &t) noexcept {
    using C = const atoll_call *;
    t.upload_begin = [](C c, void *self, const atoll_upload_spec *spec, void **upload) noexcept {
      return guarded(c, [&]() -> Result<void> {
        const std::string_view metadata(static_cast<const char *>(spec->metadata.ptr),
                                        spec->metadata.ptr ? static_cast<std::size_t>(spec->metadata.len) : 0);
        auto begun = driver(self).upload_begin(Call(c), RefView(spec->target), spec->size, metadata);
        if (!begun) return std::move(begun).error();
        *upload = static_cast<UploadHandle *>((*std::move(begun)).release());
        return {};
      });
    };
    t.upload_write = [](C c, void *, void *upload, std::uint64_t offset, const void *data,
                        std::uint64_t length) noexcept {
      return guarded(c, [&] { return uploader(upload).write(Call(c), offset, data, length); });
    };
    t.upload_fd = [](C c, void *, void *upload, std::int32_t *fd) noexcept {
      return guarded(c, [&]() -> Result<void> {
        auto got = uploader(upload).fd(Call(c));
        if (!got) return std::move(got).error();
        *fd = *got;
        return {};
      });
    };
    t.upload_commit = [](C c, void *, void *upload, const atoll_upload_commit *commit,
                         const atoll_stat_sink *sink) noexcept {
      const std::unique_ptr<UploadHandle> owned(&uploader(upload));
      return guarded(c, [&] { return owned->commit(Call(c), copied(commit), StatEmitter(sink)); });
    };
    t.upload_abort = [](void *, void *upload) noexcept {
      const std::unique_ptr<UploadHandle> owned(&uploader(upload));
      owned->abort();
    };
    t.upload_info = [](C c, void *, void *upload, void *context,
                       std::int32_t (*emit)(void *, const atoll_upload_info *)) noexcept {
      return guarded(c, [&] {
        return uploader(upload).info(Call(c), [&](const atoll_upload_info &info) { emit(context, &info); });
      });
    };
    t.upload_suspend = [](C c, void *, void *upload) noexcept {
      const std::unique_ptr<UploadHandle> owned(&uploader(upload));
      return guarded(c, [&] { return owned->suspend(Call(c)); });
    };
    t.upload_reopen = [](C c, void *self, const atoll_uuid *id, void **upload) noexcept {
      return guarded(c, [&]() -> Result<void> {
        auto opened = driver(self).upload_reopen(Call(c), from_abi<Uuid>(*id));
        if (!opened) return std::move(opened).error();
        *upload = static_cast<UploadHandle *>((*std::move(opened)).release());
        return {};
      });
    };
  }
};

/// Listings in steps. D has list_open(call, ref), which gives a Result<std::unique_ptr<ListingHandle>>.
template <class D>
class StorageFsListing {
 public:
  static constexpr const char *interface_id = ATOLL_STORAGE_FS_LISTING;
  static const atoll_storage_fs_listing *table() noexcept {
    static const atoll_storage_fs_listing t = [] {
      auto made = sized<atoll_storage_fs_listing>();
      made.open = [](const atoll_call *c, void *self, const atoll_ref *ref, void **handle) noexcept {
        return guarded(c, [&]() -> Result<void> {
          auto opened = static_cast<D *>(self)->list_open(Call(c), RefView(ref));
          if (!opened) return std::move(opened).error();
          *handle = static_cast<ListingHandle *>((*std::move(opened)).release());
          return {};
        });
      };
      made.next = [](const atoll_call *c, void *, void *handle, const atoll_stat_sink *sink,
                     std::int32_t *end) noexcept {
        return guarded(c, [&]() -> Result<void> {
          auto done = static_cast<ListingHandle *>(handle)->next(Call(c), StatEmitter(sink));
          if (!done) return std::move(done).error();
          *end = *done ? 1 : 0;
          return {};
        });
      };
      made.close = [](void *, void *handle) noexcept {
        std::unique_ptr<ListingHandle>(static_cast<ListingHandle *>(handle)).reset();
      };
      return made;
    }();
    return &t;
  }
};

/// Dead properties. D has attributes_get(call, ref, emitter) and attributes_patch(call, ref, vector<atoll_attribute>).
template <class D>
class StorageFsAttributes {
 public:
  static constexpr const char *interface_id = ATOLL_STORAGE_FS_ATTRIBUTES;
  static const atoll_storage_fs_attributes *table() noexcept {
    static const atoll_storage_fs_attributes t = [] {
      auto made = sized<atoll_storage_fs_attributes>();
      made.get = [](const atoll_call *c, void *self, const atoll_ref *ref, const atoll_attribute_sink *sink) noexcept {
        return guarded(
            c, [&] { return static_cast<D *>(self)->attributes_get(Call(c), RefView(ref), AttributeEmitter(sink)); });
      };
      made.patch = [](const atoll_call *c, void *self, const atoll_ref *ref, const atoll_attribute *attributes,
                      std::uint64_t count, std::uint64_t stride) noexcept {
        return guarded(c, [&] {
          std::vector<atoll_attribute> list;
          const auto *at = reinterpret_cast<const char *>(attributes);
          for (std::uint64_t i = 0; i < count; ++i)
            list.push_back(copied(reinterpret_cast<const atoll_attribute *>(at + i * stride)));
          return static_cast<D *>(self)->attributes_patch(Call(c), RefView(ref), list);
        });
      };
      return made;
    }();
    return &t;
  }
};

/// Locks. D has lock(call, ref, atoll_lock, emitter), lock_refresh(call, ref, token, timeout_s, emitter),
/// unlock(call, ref, token) and locks(call, ref, emitter).
template <class D>
class StorageFsLocks {
 public:
  static constexpr const char *interface_id = ATOLL_STORAGE_FS_LOCKS;
  static const atoll_storage_fs_locks *table() noexcept {
    static const atoll_storage_fs_locks t = [] {
      using C = const atoll_call *;
      using R = const atoll_ref *;
      auto made = sized<atoll_storage_fs_locks>();
      made.lock = [](C c, void *self, R ref, const atoll_lock *lock, const atoll_lock_sink *sink) noexcept {
        return guarded(
            c, [&] { return static_cast<D *>(self)->lock(Call(c), RefView(ref), copied(lock), LockEmitter(sink)); });
      };
      made.refresh = [](C c, void *self, R ref, atoll_str token, std::uint64_t timeout_s,
                        const atoll_lock_sink *sink) noexcept {
        return guarded(c, [&] {
          return static_cast<D *>(self)->lock_refresh(Call(c), RefView(ref), view(token), timeout_s, LockEmitter(sink));
        });
      };
      made.unlock = [](C c, void *self, R ref, atoll_str token) noexcept {
        return guarded(c, [&] { return static_cast<D *>(self)->unlock(Call(c), RefView(ref), view(token)); });
      };
      made.list = [](C c, void *self, R ref, const atoll_lock_sink *sink) noexcept {
        return guarded(c, [&] { return static_cast<D *>(self)->locks(Call(c), RefView(ref), LockEmitter(sink)); });
      };
      return made;
    }();
    return &t;
  }
};

}  // namespace sdk0
}  // namespace Atoll

#endif
