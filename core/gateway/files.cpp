// SPDX-License-Identifier: Apache-2.0
#include "core/gateway/files.hpp"

#include <atoll/sdk/favorites.hpp>

#include <algorithm>

#include "core/gateway/copy.hpp"
#include "core/gateway/files_drive.hpp"
#include "core/gateway/routed_handles.hpp"

namespace Atoll::gateway {
namespace {

bool is_favorite(const atoll_attribute &attribute) { return view(attribute.namespace_) == kFavoriteNamespace; }

bool names_root(const RefView &ref) { return ref.path.empty() && ref.node == root_of(ref.space); }

Error root_stays(const char *what) {
  return error(Status::PermissionDenied, std::string("The root of a space cannot be ") + what + ".");
}

}  // namespace

Result<GatewayFiles::Road> GatewayFiles::road(const Call &call, const SpaceId &space, std::uint32_t needed) {
  auto record = spaces_.find(call, space);
  if (!record) return std::move(record).error();
  const std::uint32_t granted = (*record)->permissions;
  if ((granted & ATOLL_MAY_STAT) == 0)
    return error(Status::NotFound, "There is no such space, or you have no access to it.");
  if ((granted & needed) != needed)
    return error(Status::PermissionDenied, "You may see this, but your role in the space does not allow this change.");
  if ((*record)->provider.empty())
    return error(Status::Unavailable, "This space lives on another server and cannot be reached through this one.");
  auto provider = lookup_.lease((*record)->provider);
  if (!provider)
    return Error{Status::Unavailable,
                 "The storage provider " + (*record)->provider + " is not serving now: " + provider.error().message, 0,
                 2000};
  const auto *fs = static_cast<const atoll_storage_fs *>((*provider)->query(ATOLL_STORAGE_FS));
  if (!fs) return error(Status::Unavailable, "The instance " + (*record)->provider + " is no storage provider.");
  return Road{*std::move(record), *std::move(provider), fs};
}

Result<void> GatewayFiles::capabilities(const Call &, atoll_storage_caps &caps) {
  caps.durability = ATOLL_DURABILITY_NONE;  // differs by space: ask the provider
  caps.copy = ATOLL_CAPABILITY_EMULATED;
  caps.fd_read = caps.fd_write = ATOLL_CAPABILITY_EMULATED;
  caps.max_name_bytes = 255;
  return {};
}

Result<void> GatewayFiles::space_get(const Call &call, const SpaceId &space, const SpaceEmitter &emit) {
  auto found = road(call, space, 0);
  if (!found) return std::move(found).error();
  const auto raw = to_abi(space);
  return drive(call, *found,
               [&](const atoll_call *c, void *self) { return found->fs->space_get(c, self, &raw, emit.sink()); });
}

Result<void> GatewayFiles::stat(const Call &call, const RefView &ref, const StatEmitter &emit) {
  auto found = road(call, ref.space, 0);
  if (!found) return std::move(found).error();
  const auto raw = raw_ref(ref);
  return drive_stats(call, *found, emit, [&](const atoll_call *c, void *self, const atoll_stat_sink *sink) {
    return found->fs->stat(c, self, &raw, sink);
  });
}

Result<void> GatewayFiles::list(const Call &call, const RefView &ref, std::string_view after, std::uint64_t limit,
                                const StatEmitter &emit) {
  auto found = road(call, ref.space, 0);
  if (!found) return std::move(found).error();
  const auto raw = raw_ref(ref);
  return drive_stats(call, *found, emit, [&](const atoll_call *c, void *self, const atoll_stat_sink *sink) {
    return found->fs->list(c, self, &raw, str(after), limit, sink);
  });
}

Result<void> GatewayFiles::path_of(const Call &call, const SpaceId &space, const NodeId &node,
                                   const StatEmitter &emit) {
  auto found = road(call, space, 0);
  if (!found) return std::move(found).error();
  const auto raw_space = to_abi(space), raw_node = to_abi(node);
  return drive_stats(call, *found, emit, [&](const atoll_call *c, void *self, const atoll_stat_sink *sink) {
    return found->fs->path_of(c, self, &raw_space, &raw_node, sink);
  });
}

Result<void> GatewayFiles::mkdir(const Call &call, const RefView &ref, const StatEmitter &emit) {
  auto found = road(call, ref.space, ATOLL_MAY_CREATE);
  if (!found) return std::move(found).error();
  const auto raw = raw_ref(ref);
  return drive_stats(call, *found, emit, [&](const atoll_call *c, void *self, const atoll_stat_sink *sink) {
    return found->fs->mkdir(c, self, &raw, sink);
  });
}

Result<void> GatewayFiles::rename(const Call &call, const RefView &from, const RefView &to, std::uint32_t flags,
                                  const StatEmitter &emit) {
  if (names_root(from)) return root_stays("moved");
  if (names_root(to)) return root_stays("replaced");
  auto found = road(call, from.space, ATOLL_MAY_MOVE | ATOLL_MAY_READ);
  if (!found) return std::move(found).error();
  const std::uint32_t at_target = ATOLL_MAY_CREATE | ((flags & ATOLL_REPLACE) != 0 ? ATOLL_MAY_WRITE : 0);
  auto target = road(call, to.space, at_target);
  if (!target) return std::move(target).error();
  if (from.space == to.space) {
    const auto a = raw_ref(from), b = raw_ref(to);
    return drive_stats(call, *found, emit, [&](const atoll_call *c, void *self, const atoll_stat_sink *sink) {
      return found->fs->rename(c, self, &a, &b, flags, sink);
    });
  }
  if ((found->record->permissions & ATOLL_MAY_DELETE) == 0)
    return error(Status::PermissionDenied, "You may not take files out of this space.");
  return move_between(call, from, to, flags, emit);
}

Result<void> GatewayFiles::copy(const Call &call, const RefView &from, const RefView &to, std::uint32_t flags,
                                const StatEmitter &emit) {
  if (names_root(to)) return root_stays("replaced");
  auto source = road(call, from.space, ATOLL_MAY_READ);
  if (!source) return std::move(source).error();
  const std::uint32_t at_target = ATOLL_MAY_CREATE | ((flags & ATOLL_REPLACE) != 0 ? ATOLL_MAY_WRITE : 0);
  auto target = road(call, to.space, at_target);
  if (!target) return std::move(target).error();
  if (source->provider->name() == target->provider->name() && source->fs->copy) {
    const auto a = raw_ref(from), b = raw_ref(to);
    auto done = drive_stats(call, *target, emit, [&](const atoll_call *c, void *self, const atoll_stat_sink *sink) {
      return source->fs->copy(c, self, &a, &b, flags, sink);
    });
    if (done.status() != Status::Unimplemented) return done;
  }
  return copy_between(call, from, to, flags, emit);
}

Result<void> GatewayFiles::copy_between(const Call &call, const RefView &from, const RefView &to, std::uint32_t flags,
                                        const StatEmitter &emit) {
  const Files files(StorageFs<GatewayFiles>::table(), this);
  const Ref source{from.space, from.node, std::string(from.path)}, target{to.space, to.node, std::string(to.path)};
  const Attributes attributes(StorageFsAttributes<GatewayFiles>::table(), this);
  auto made = copy_node(call, files, attributes, source, target, flags);
  if (!made) return std::move(made).error();
  emit(made->abi());
  return {};
}

Result<void> GatewayFiles::remove(const Call &call, const RefView &ref, std::uint32_t flags) {
  if (names_root(ref)) return root_stays("deleted");
  // Past the trash is what emptying it comes to.
  const std::uint32_t purge = (flags & ATOLL_PERMANENT) != 0 ? ATOLL_MAY_PURGE : 0;
  auto found = road(call, ref.space, ATOLL_MAY_DELETE | purge);
  if (!found) return std::move(found).error();
  const auto raw = raw_ref(ref);
  return drive(call, *found, [&](const atoll_call *c, void *self) { return found->fs->remove(c, self, &raw, flags); });
}

Result<void> GatewayFiles::set_mtime(const Call &call, const RefView &ref, std::int64_t mtime_ns,
                                     const StatEmitter &emit) {
  auto found = road(call, ref.space, ATOLL_MAY_WRITE);
  if (!found) return std::move(found).error();
  const auto raw = raw_ref(ref);
  return drive_stats(call, *found, emit, [&](const atoll_call *c, void *self, const atoll_stat_sink *sink) {
    return found->fs->set_mtime(c, self, &raw, mtime_ns, sink);
  });
}

Result<std::unique_ptr<ReadHandle>> GatewayFiles::open_read(const Call &call, const RefView &ref,
                                                            const StatEmitter &emit) {
  auto found = road(call, ref.space, ATOLL_MAY_READ);
  if (!found) return std::move(found).error();
  const auto raw = raw_ref(ref);
  void *handle = nullptr;
  auto opened = drive_stats(call, *found, emit, [&](const atoll_call *c, void *self, const atoll_stat_sink *sink) {
    return found->fs->open_read(c, self, &raw, sink, &handle);
  });
  if (!opened) return std::move(opened).error();
  return routed(*found, handle);
}

std::unique_ptr<ReadHandle> GatewayFiles::routed(const Road &road, void *handle) {
  return std::make_unique<RoutedRead>(
      Opened{road.provider, road.fs, admission_, admission_.provider(road.provider->name()), leftovers_}, handle);
}

Result<void> GatewayFiles::may_upload(const Call &call, const Road &road, const RefView &ref) {
  const std::uint32_t may = road.record->permissions & (ATOLL_MAY_WRITE | ATOLL_MAY_CREATE);
  if (may == 0) return error(Status::PermissionDenied, "You may read here, but not write.");
  if (may != (ATOLL_MAY_WRITE | ATOLL_MAY_CREATE)) {  // one of the two: what counts is whether the file is there
    auto there = stat(call, ref, StatEmitter(nullptr));
    if (!there && there.status() != Status::NotFound) return std::move(there).error();
    if (there.ok() != (may == ATOLL_MAY_WRITE))
      return error(Status::PermissionDenied, there.ok() ? "You may add files here, but not change them."
                                                        : "You may change files here, but not add any.");
  }
  return {};
}

Result<std::unique_ptr<UploadHandle>> GatewayFiles::upload_begin(const Call &call, const RefView &ref,
                                                                 std::uint64_t size, std::string_view metadata) {
  if (names_root(ref)) return root_stays("replaced by a file");
  auto found = road(call, ref.space, 0);
  if (!found) return std::move(found).error();
  if (auto may = may_upload(call, *found, ref); !may) return std::move(may).error();
  const auto raw = raw_ref(ref);
  auto spec = sized<atoll_upload_spec>();
  spec.target = &raw;
  spec.size = size;
  spec.metadata = atoll_bytes{metadata.data(), metadata.size()};
  void *handle = nullptr;
  auto begun = drive(call, *found,
                     [&](const atoll_call *c, void *self) { return found->fs->upload_begin(c, self, &spec, &handle); });
  if (!begun) return std::move(begun).error();
  auto upload = std::make_unique<RoutedUpload>(
      Opened{found->provider, found->fs, admission_, admission_.provider(found->provider->name()), leftovers_}, handle,
      found->record->permissions);
  if (!metadata.empty()) {  // it may take long
    upload->look_again([this, space = ref.space, node = ref.node, path = std::string(ref.path)](const Call &at) {
      return may_still_upload(at, space, node, path);
    });
  }
  return std::unique_ptr<UploadHandle>(std::move(upload));
}

Result<std::unique_ptr<ListingHandle>> GatewayFiles::list_open(const Call &call, const RefView &ref) {
  auto found = road(call, ref.space, 0);
  if (!found) return std::move(found).error();
  const auto raw = raw_ref(ref);
  void *handle = nullptr;
  const atoll_storage_fs_listing *table = nullptr;
  auto opened = drive_optional<atoll_storage_fs_listing>(call, *found, ATOLL_STORAGE_FS_LISTING, "listings in steps",
                                                         [&](const auto *t, const atoll_call *c, void *self) {
                                                           table = t;
                                                           return t->open(c, self, &raw, &handle);
                                                         });
  if (!opened) return std::move(opened).error();
  return std::unique_ptr<ListingHandle>(std::make_unique<RoutedListing>(
      Opened{found->provider, found->fs, admission_, admission_.provider(found->provider->name()), leftovers_}, table,
      handle, found->record->permissions));
}

Result<void> GatewayFiles::attributes_get(const Call &call, const RefView &ref, const AttributeEmitter &emit) {
  auto found = road(call, ref.space, 0);
  if (!found) return std::move(found).error();
  const auto raw = raw_ref(ref);
  return drive_optional<atoll_storage_fs_attributes>(
      call, *found, ATOLL_STORAGE_FS_ATTRIBUTES, "attributes",
      [&](const auto *t, const atoll_call *c, void *self) { return t->get(c, self, &raw, emit.sink()); });
}

Result<void> GatewayFiles::attributes_patch(const Call &call, const RefView &ref,
                                            const std::vector<atoll_attribute> &changes) {
  const bool favorites = std::all_of(changes.begin(), changes.end(), is_favorite);
  auto found = road(call, ref.space, favorites && !changes.empty() ? ATOLL_MAY_READ : ATOLL_MAY_WRITE);
  if (!found) return std::move(found).error();
  const std::string own = from_abi<AccountId>(call.principal()->account).text();
  for (const atoll_attribute &change : changes)
    if (is_favorite(change) && view(change.name) != own)
      return error(Status::PermissionDenied, "Favourites of other people are not yours to change.");
  const auto raw = raw_ref(ref);
  return drive_optional<atoll_storage_fs_attributes>(
      call, *found, ATOLL_STORAGE_FS_ATTRIBUTES, "attributes", [&](const auto *t, const atoll_call *c, void *self) {
        return t->patch(c, self, &raw, changes.data(), changes.size(), sizeof(atoll_attribute));
      });
}

Result<void> GatewayFiles::lock(const Call &call, const RefView &ref, const atoll_lock &lock, const LockEmitter &emit) {
  auto found = road(call, ref.space, ATOLL_MAY_WRITE);
  if (!found) return std::move(found).error();
  const auto raw = raw_ref(ref);
  return drive_optional<atoll_storage_fs_locks>(
      call, *found, ATOLL_STORAGE_FS_LOCKS, "locks",
      [&](const auto *t, const atoll_call *c, void *self) { return t->lock(c, self, &raw, &lock, emit.sink()); });
}

Result<void> GatewayFiles::lock_refresh(const Call &call, const RefView &ref, std::string_view token,
                                        std::uint64_t timeout_s, const LockEmitter &emit) {
  auto found = road(call, ref.space, ATOLL_MAY_WRITE);
  if (!found) return std::move(found).error();
  const auto raw = raw_ref(ref);
  return drive_optional<atoll_storage_fs_locks>(call, *found, ATOLL_STORAGE_FS_LOCKS, "locks",
                                                [&](const auto *t, const atoll_call *c, void *self) {
                                                  return t->refresh(c, self, &raw, str(token), timeout_s, emit.sink());
                                                });
}

Result<void> GatewayFiles::unlock(const Call &call, const RefView &ref, std::string_view token) {
  auto found = road(call, ref.space, ATOLL_MAY_WRITE);
  if (!found) return std::move(found).error();
  const auto raw = raw_ref(ref);
  return drive_optional<atoll_storage_fs_locks>(
      call, *found, ATOLL_STORAGE_FS_LOCKS, "locks",
      [&](const auto *t, const atoll_call *c, void *self) { return t->unlock(c, self, &raw, str(token)); });
}

Result<void> GatewayFiles::locks(const Call &call, const RefView &ref, const LockEmitter &emit) {
  auto found = road(call, ref.space, 0);
  if (!found) return std::move(found).error();
  const auto raw = raw_ref(ref);
  return drive_optional<atoll_storage_fs_locks>(
      call, *found, ATOLL_STORAGE_FS_LOCKS, "locks",
      [&](const auto *t, const atoll_call *c, void *self) { return t->list(c, self, &raw, emit.sink()); });
}

}  // namespace Atoll::gateway
