// SPDX-License-Identifier: Apache-2.0
// storage-posix: spaces as plain readable trees of a local file system, by the tree engine.
#pragma once

#include "core/tree/engine.hpp"

#include <atoll/abi/events.h>
#include <atoll/sdk/plugin.hpp>
#include <atoll/sdk/storage_care.hpp>
#include <atoll/sdk/storage_changes.hpp>
#include <atoll/sdk/storage_fs.hpp>
#include <atoll/sdk/storage_move.hpp>
#include <atoll/sdk/storage_roots.hpp>
#include <atoll/sdk/storage_trash.hpp>
#include <atoll/sdk/storage_uploads.hpp>
#include <atoll/sdk/storage_versions.hpp>

namespace Atoll::storage_posix {

class StoragePosix : public Plugin<StoragePosix>,
                     public StorageFs<StoragePosix>,
                     public StorageFsListing<StoragePosix>,
                     public StorageFsRoots<StoragePosix>,
                     public StorageFsAttributes<StoragePosix>,
                     public StorageFsLocks<StoragePosix>,
                     public StorageFsTrash<StoragePosix>,
                     public StorageFsVersions<StoragePosix>,
                     public StorageFsUploads<StoragePosix>,
                     public StorageFsChanges<StoragePosix>,
                     public StorageFsCare<StoragePosix>,
                     public StorageFsMove<StoragePosix> {
 public:
  static constexpr PluginInfo info{"org.atoll.storage-posix", "0.1.0", "Apache-2.0",
                                   "Spaces as plain readable trees of a local file system"};
  using Offers =
      Interfaces<StorageFs<StoragePosix>, StorageFsListing<StoragePosix>, StorageFsRoots<StoragePosix>,
                 StorageFsAttributes<StoragePosix>, StorageFsLocks<StoragePosix>, StorageFsTrash<StoragePosix>,
                 StorageFsVersions<StoragePosix>, StorageFsUploads<StoragePosix>, StorageFsChanges<StoragePosix>,
                 StorageFsCare<StoragePosix>, StorageFsMove<StoragePosix>>;
  static constexpr std::array config{
      config_key("root", ATOLL_CONFIG_PATH, "storage",
                 "The folder with the files. It is made at the first start; after that a root without its marker "
                 ".atoll/marker is taken for a file system that is not mounted, and nothing is served."),
      config_key("state_dir", ATOLL_CONFIG_PATH, "storage-state",
                 "The folder with the databases of this storage, on a local disk. meta.db belongs into the backup."),
      config_key(
          "durability", ATOLL_CONFIG_CHOICE, "power-cut",
          "What an acknowledged change survives. power-cut: everything, also the end of the machine. crash: the "
          "end of the server; after a power cut the changes of the last seconds may be missing, but each file is "
          "whole. none: the end of the server; after a power cut files of the last seconds may be broken, too.",
          0, "power-cut crash none"),
      config_key("file_mode", ATOLL_CONFIG_MODE, "0640", "Mode of new files. A replaced file keeps the mode it had."),
      config_key("dir_mode", ATOLL_CONFIG_MODE, "0750", "Mode of new folders."),
      config_key("quota_default", ATOLL_CONFIG_SIZE, "0",
                 "Quota of a new space that asks for none itself; 0: no limit."),
      config_key(
          "reserve", ATOLL_CONFIG_SIZE, "64M",
          "Room that uploads, copies and whatever else stores more leave free on the disk of root, and at most 64M of "
          "it on that of state_dir, so that deleting always works. When other programs have filled a disk to the "
          "last byte, deleting is given a file named reserve (8M at most, in .atoll and in state_dir), which is made "
          "again as soon as there is room."),
      config_key(
          "external_writers", ATOLL_CONFIG_BOOLEAN, "yes",
          "Whether other programs (Samba, rsync, a shell) may change the files. no saves a look at the disk with "
          "each listing, the watching and the crawl."),
      config_key(
          "watch_folders", ATOLL_CONFIG_INTEGER, "50000",
          "How many folders are watched (inotify) so that changes made by other programs appear within seconds; at "
          "most half of fs.inotify.max_user_watches. The kernel needs about 1 KiB for each. 0: none."),
      config_key(
          "crawl_rate", ATOLL_CONFIG_INTEGER, "2000",
          "How many files and folders the crawl looks at in a second. It compares everything with the disk, again "
          "and again, and finds what the watching missed."),
      config_key(
          "crawl_interval", ATOLL_CONFIG_DURATION, "1h",
          "The time between the beginnings of two rounds of the crawl; a round that takes longer is not cut short."),
      config_key(
          "names", ATOLL_CONFIG_CHOICE, "exact",
          "What new spaces do about names in one folder that differ only in case or in the normal form of Unicode. "
          "exact: they are different names. unique: a second one is refused. A space keeps the rule that it was made "
          "with; where the file system itself takes them for one name it is always unique. What other programs made "
          "is shown as it is.",
          0, "exact unique"),
      config_key("poll_interval", ATOLL_CONFIG_DURATION, "30s",
                 "Where folders cannot be watched (network file systems, more folders than watch_folders): the time "
                 "between two looks at the times of all folders."),
      config_key(
          "trash", ATOLL_CONFIG_BOOLEAN, "yes",
          "Whether what is deleted or replaced is kept in a trash. With no it is deleted at once; what is in the "
          "trash already stays until it is too old."),
      config_key("trash_age", ATOLL_CONFIG_DURATION, "30d",
                 "What is in the trash for longer is deleted. 0s: it stays until somebody empties the trash."),
      config_key("trash_size", ATOLL_CONFIG_SIZE, "0",
                 "When the trash of a space holds more, the oldest is deleted. 0: as much as the quota of the space."),
      config_key("versions", ATOLL_CONFIG_BOOLEAN, "yes",
                 "Whether the content of a file that is overwritten is kept as a version."),
      config_key("versions_count", ATOLL_CONFIG_INTEGER, "100", "Versions kept of a file; 0: any number."),
      config_key("versions_age", ATOLL_CONFIG_DURATION, "0s", "Older versions are deleted; 0s: none for its age."),
      config_key("versions_size", ATOLL_CONFIG_SIZE, "0",
                 "When the versions of a space hold more, the oldest are deleted. 0: as much as the quota of the "
                 "space."),
      config_key(
          "versions_thin", ATOLL_CONFIG_BOOLEAN, "yes",
          "Of versions older than an hour only the last of each hour stays, than a day of each day, than 30 days "
          "of each week."),
      config_key(
          "mass_delete_share", ATOLL_CONFIG_INTEGER, "50",
          "When more than so many percent of the files of a space (of more than 100 files) are gone at once beside "
          "the server, nothing is removed and the space answers 503, until the files are back or the admin says "
          "atoll space confirm. 0: never; a start with 0 also removes what was held back before."),
      config_key("verify_checksums", ATOLL_CONFIG_BOOLEAN, "no",
                 "Reads each upload again and compares its checksums before it is acknowledged."),
      config_key(
          "checksum_rate", ATOLL_CONFIG_SIZE, "32M",
          "How much is read in a second to compute checksums that are missing: of files that other programs made "
          "or changed, and of all files after index.db was lost. Small files count as 16K. 0: none are "
          "computed."),
      config_key("upload_expiry", ATOLL_CONFIG_DURATION, "7d",
                 "An unfinished upload that nobody goes on with for so long is deleted. Until then its announced size "
                 "counts against the quota. 0s: it stays until somebody removes it."),
      config_key("lock_timeout", ATOLL_CONFIG_DURATION, "24h", "The longest time that a lock is given for at once."),
      config_key("readers", ATOLL_CONFIG_INTEGER, "16", "Read connections to the index that are kept open."),
      config_key("changes_age", ATOLL_CONFIG_DURATION, "30d",
                 "How long the change log of a space reaches back. A reader that was away for longer lists the space "
                 "again."),
      config_key("changes_rows", ATOLL_CONFIG_INTEGER, "100000",
                 "How many changes the log of a space keeps, whatever their age."),
  };

  static Result<std::unique_ptr<StoragePosix>> create(const Call &call, const Host &host);
  void stop();

  // ---- atoll.storage.fs/1
  Result<void> capabilities(const Call &call, atoll_storage_caps &caps);
  Result<void> health(const Call &call);
  Result<void> space_create(const Call &call, const atoll_space &space);
  Result<void> space_get(const Call &call, const SpaceId &space, const SpaceEmitter &sink);
  Result<void> space_list(const Call &call, const SpaceEmitter &sink);
  Result<void> space_roots(const Call &call, const std::vector<SpaceId> &spaces, const SpaceEmitter &sink);
  Result<void> space_set_quota(const Call &call, const SpaceId &space, std::uint64_t quota);
  Result<void> space_remove(const Call &call, const SpaceId &space);
  Result<void> stat(const Call &call, const RefView &ref, const StatEmitter &sink);
  Result<void> list(const Call &call, const RefView &ref, std::string_view after, std::uint64_t limit,
                    const StatEmitter &sink);
  Result<void> path_of(const Call &call, const SpaceId &space, const NodeId &node, const StatEmitter &sink);
  Result<void> mkdir(const Call &call, const RefView &ref, const StatEmitter &sink);
  Result<void> rename(const Call &call, const RefView &from, const RefView &to, std::uint32_t flags,
                      const StatEmitter &sink);
  Result<void> copy(const Call &call, const RefView &from, const RefView &to, std::uint32_t flags,
                    const StatEmitter &sink);
  Result<void> remove(const Call &call, const RefView &ref, std::uint32_t flags);
  Result<void> set_mtime(const Call &call, const RefView &ref, std::int64_t mtime_ns, const StatEmitter &sink);
  Result<std::unique_ptr<ReadHandle>> open_read(const Call &call, const RefView &ref, const StatEmitter &sink);
  Result<std::unique_ptr<UploadHandle>> upload_begin(const Call &call, const RefView &target, std::uint64_t size,
                                                     std::string_view metadata);

  // ---- atoll.storage.fs.listing/1
  Result<std::unique_ptr<ListingHandle>> list_open(const Call &call, const RefView &ref);

  // ---- atoll.storage.fs.attributes/1
  Result<void> attributes_get(const Call &call, const RefView &ref, const AttributeEmitter &sink);
  Result<void> attributes_patch(const Call &call, const RefView &ref, const std::vector<atoll_attribute> &changes);

  // ---- atoll.storage.fs.locks/1
  Result<void> lock(const Call &call, const RefView &ref, const atoll_lock &wanted, const LockEmitter &sink);
  Result<void> lock_refresh(const Call &call, const RefView &ref, std::string_view token, std::uint64_t timeout_s,
                            const LockEmitter &sink);
  Result<void> unlock(const Call &call, const RefView &ref, std::string_view token);
  Result<void> locks(const Call &call, const RefView &ref, const LockEmitter &sink);

  // ---- atoll.storage.fs.trash/1
  Result<void> trash_list(const Call &call, const SpaceId &space, const Uuid &before, std::uint64_t limit,
                          const TrashEmitter &sink);
  Result<void> trash_restore(const Call &call, const SpaceId &space, const Uuid &item, const RefView *to,
                             std::uint32_t flags, const StatEmitter &sink);
  Result<void> trash_purge(const Call &call, const SpaceId &space, const Uuid &item);
  Result<void> trash_purge_all(const Call &call, const SpaceId &space);
  Result<std::uint64_t> trash_usage(const Call &call, const SpaceId &space);

  // ---- atoll.storage.fs.versions/1
  Result<void> versions(const Call &call, const RefView &ref, const VersionEmitter &sink);
  Result<std::unique_ptr<ReadHandle>> version_open(const Call &call, const RefView &ref, std::string_view id,
                                                   const StatEmitter &sink);
  Result<void> version_restore(const Call &call, const RefView &ref, std::string_view id, const StatEmitter &sink);
  Result<void> version_remove(const Call &call, const RefView &ref, std::string_view id);
  Result<std::uint64_t> versions_usage(const Call &call, const SpaceId &space);

  // ---- atoll.storage.fs.uploads/1
  Result<std::unique_ptr<KeptUploadHandle>> uploads_reopen(const Call &call, const SpaceId &space, const Uuid &id);
  Result<void> uploads_list(const Call &call, const SpaceId &space, const KeptUploadEmitter &sink);
  Result<void> uploads_remove(const Call &call, const SpaceId &space, const Uuid &id);

  // ---- atoll.storage.fs.changes/1
  Result<std::string> changes_now(const Call &call, const SpaceId &space);
  Result<std::string> changes_since(const Call &call, const SpaceId &space, std::string_view token, std::uint64_t limit,
                                    const ChangeEmitter &sink, bool &more);
  Result<std::string> changes_cursor(const Call &call, const SpaceId &space, std::string_view consumer);
  Result<void> changes_keep(const Call &call, const SpaceId &space, std::string_view consumer, std::string_view token);
  Result<void> changes_forget(const Call &call, std::string_view consumer);

  // ---- atoll.storage.fs.care/1
  Result<void> care_check(const Call &call, const SpaceId &space, std::uint32_t flags, std::uint64_t entries_per_second,
                          const CareEmitter &sink);
  Result<void> care_rebuild(const Call &call, const SpaceId &space, const CareEmitter &sink);
  Result<void> care_snapshot(const Call &call, const SpaceId &space, std::string_view folder, const CareEmitter &sink);
  Result<void> care_restore(const Call &call, const SpaceId &space, std::string_view folder, std::string_view path,
                            const CareEmitter &sink);
  Result<void> care_confirm(const Call &call, const SpaceId &space);
  Result<void> care_names(const Call &call, const SpaceId &space, std::string_view rule, const CareEmitter &sink);

  // ---- atoll.storage.fs.move/1
  Result<void> move_receive(const Call &call, const SpaceId &space, StoragePosix &from, const CareEmitter &sink);
  Result<void> move_settle(const Call &call, const SpaceId &space, bool here);
  Result<void> move_unsettled(const Call &call, const CareEmitter &sink);

 private:
  struct Settings {
    tree::Durability durability = tree::Durability::PowerCut;
    bool external_writers = true;
    bool verify = false;
  };
  StoragePosix(std::unique_ptr<tree::Engine> engine, const Settings &settings, std::string root)
      : engine_(std::move(engine)), settings_(settings), root_(std::move(root)) {}
  /// Publishes "space.changed" when the log of a space has new rows.
  void wake_readers(const Host &host);

  std::unique_ptr<tree::Engine> engine_;
  const Settings settings_;
  const std::string root_;
};

}  // namespace Atoll::storage_posix
