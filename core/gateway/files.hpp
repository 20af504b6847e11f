// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/gateway/admission.hpp"
#include "core/gateway/leftovers.hpp"
#include "core/gateway/lookup.hpp"
#include "core/gateway/spaces.hpp"

#include <atoll/sdk/files.hpp>
#include <atoll/sdk/storage_fs.hpp>
#include <atoll/sdk/storage_trash.hpp>
#include <atoll/sdk/storage_uploads.hpp>
#include <atoll/sdk/storage_versions.hpp>

namespace Atoll::gateway {

/// The storage interfaces as protocols see them: each call is checked against the principal's permissions on the space,
/// sent to the provider that holds it, and its records come back with `permissions` filled in. [worker]
///
/// A provider's NOT_FOUND is passed on only while the provider knows the space itself: a space that its registry lists
/// and its provider does not know is UNAVAILABLE.
class GatewayFiles : public StorageFs<GatewayFiles>,
                     public StorageFsListing<GatewayFiles>,
                     public StorageFsAttributes<GatewayFiles>,
                     public StorageFsLocks<GatewayFiles>,
                     public StorageFsTrash<GatewayFiles>,
                     public StorageFsVersions<GatewayFiles>,
                     public StorageFsUploads<GatewayFiles> {
 public:
  GatewayFiles(InstanceLookup &lookup, Spaces &spaces, Admission &admission)
      : lookup_(lookup), spaces_(spaces), admission_(admission) {}

  Result<void> capabilities(const Call &, atoll_storage_caps &);
  Result<void> space_create(const Call &, const atoll_space &) { return unimplemented("making spaces here"); }
  Result<void> space_get(const Call &, const SpaceId &, const SpaceEmitter &);
  Result<void> space_list(const Call &, const SpaceEmitter &) { return unimplemented("listing spaces here"); }

  Result<void> stat(const Call &, const RefView &, const StatEmitter &);
  Result<void> list(const Call &, const RefView &, std::string_view after, std::uint64_t limit, const StatEmitter &);
  Result<void> path_of(const Call &, const SpaceId &, const NodeId &, const StatEmitter &);
  Result<void> mkdir(const Call &, const RefView &, const StatEmitter &);
  Result<void> rename(const Call &, const RefView &, const RefView &, std::uint32_t flags, const StatEmitter &);
  Result<void> copy(const Call &, const RefView &, const RefView &, std::uint32_t flags, const StatEmitter &);
  Result<void> remove(const Call &, const RefView &, std::uint32_t flags);
  Result<void> set_mtime(const Call &, const RefView &, std::int64_t mtime_ns, const StatEmitter &);
  Result<std::unique_ptr<ReadHandle>> open_read(const Call &, const RefView &, const StatEmitter &);
  Result<std::unique_ptr<UploadHandle>> upload_begin(const Call &, const RefView &, std::uint64_t, std::string_view);

  Result<std::unique_ptr<ListingHandle>> list_open(const Call &, const RefView &);

  Result<void> attributes_get(const Call &, const RefView &, const AttributeEmitter &);
  Result<void> attributes_patch(const Call &, const RefView &, const std::vector<atoll_attribute> &);
  Result<void> lock(const Call &, const RefView &, const atoll_lock &, const LockEmitter &);
  Result<void> lock_refresh(const Call &, const RefView &, std::string_view, std::uint64_t, const LockEmitter &);
  Result<void> unlock(const Call &, const RefView &, std::string_view);
  Result<void> locks(const Call &, const RefView &, const LockEmitter &);

  Result<void> trash_list(const Call &, const SpaceId &, const Uuid &before, std::uint64_t limit, const TrashEmitter &);
  Result<void> trash_restore(const Call &, const SpaceId &, const Uuid &item, const RefView *to, std::uint32_t flags,
                             const StatEmitter &);
  Result<void> trash_purge(const Call &, const SpaceId &, const Uuid &item);
  Result<void> trash_purge_all(const Call &, const SpaceId &);
  Result<std::uint64_t> trash_usage(const Call &, const SpaceId &);
  Result<void> versions(const Call &, const RefView &, const VersionEmitter &);
  Result<std::unique_ptr<ReadHandle>> version_open(const Call &, const RefView &, std::string_view id,
                                                   const StatEmitter &);
  Result<void> version_restore(const Call &, const RefView &, std::string_view id, const StatEmitter &);
  Result<void> version_remove(const Call &, const RefView &, std::string_view id);
  Result<std::uint64_t> versions_usage(const Call &, const SpaceId &);
  Result<std::unique_ptr<KeptUploadHandle>> uploads_reopen(const Call &, const SpaceId &, const Uuid &id);
  Result<void> uploads_list(const Call &, const SpaceId &, const KeptUploadEmitter &) {
    return unimplemented("listing uploads here");
  }
  Result<void> uploads_remove(const Call &, const SpaceId &, const Uuid &id);

 private:
  /// Where a space lives, and what the principal may do there.
  struct Road {
    std::shared_ptr<const SpaceRecord> record;
    Lease provider;
    const atoll_storage_fs *fs = nullptr;
  };

  /// Finds the provider and checks that the principal has all of `needed`.
  Result<Road> road(const Call &, const SpaceId &, std::uint32_t needed);
  /// One admitted, locked call of the driver: f(table, self) gives its status.
  template <class F>
  Result<void> drive(const Call &, const Road &, F f);
  /// The same for a function that emits records of nodes.
  template <class F>
  Result<void> drive_stats(const Call &, const Road &, const StatEmitter &, F f);
  /// The same for an optional table of the driver.
  template <class Table, class F>
  Result<void> drive_optional(const Call &, const Road &, const char *interface_id, const char *what, F f);
  /// Whether the principal may write to this name: one of write and create counts for what is there, or not.
  Result<void> may_upload(const Call &, const Road &, const RefView &);
  /// The same at the end of a long upload, for who asks then.
  Result<void> may_still_upload(const Call &, const SpaceId &, const NodeId &, std::string_view path);
  /// A handle that the driver gave for reading.
  std::unique_ptr<ReadHandle> routed(const Road &, void *handle);
  Result<void> copy_between(const Call &, const RefView &, const RefView &, std::uint32_t flags, const StatEmitter &);
  /// A move to another space; the permissions have been checked.
  Result<void> move_between(const Call &, const RefView &, const RefView &, std::uint32_t flags, const StatEmitter &);
  /// Locked unless the call has the tokens of all locks on the node and below it.
  Result<void> may_leave(const Call &, const Ref &, const Stat &, int depth);

  InstanceLookup &lookup_;
  Spaces &spaces_;
  Admission &admission_;
  Leftovers leftovers_;
};

}  // namespace Atoll::gateway
