// SPDX-License-Identifier: Apache-2.0
// The root folder of a storage-posix provider: the proof that it is mounted, and every open below it.
#pragma once

#include "core/base/file.hpp"
#include "core/tree/ballast.hpp"
#include "core/tree/file_system.hpp"
#include "core/tree/identity_table.hpp"
#include "core/tree/namespace.hpp"
#include "core/tree/posix_sync.hpp"
#include "core/tree/room.hpp"
#include "core/tree/state_dir.hpp"

#include <sys/stat.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace Atoll::tree {

struct PosixOptions {
  std::string root;  ///< absolute; must exist
  std::uint32_t file_mode = 0640;
  std::uint32_t dir_mode = 0750;
  std::uint64_t reserve = 0;  ///< bytes of the disk that stay free
};

/// Opens beneath the root, and watches that it stays the root. [any thread]
class PosixRoot {
 public:
  /// Takes the exclusive lock on the marker. A root without marker gets one only on the first start of `state`, and
  /// when it is empty; otherwise Unavailable: the file system is not mounted. FailedPrecondition: it belongs to another
  /// provider, or another server uses it.
  static Result<std::shared_ptr<PosixRoot>> open(PosixOptions options, const StateDir &state);

  const PosixOptions &options() const noexcept { return options_; }

  /// Unavailable unless the root is there and its marker is ours. A root that was mounted again is taken up.
  Result<void> prove(bool now);

  /// The current root folder. Never null.
  std::shared_ptr<const base::Fd> folder() const;

  /// A folder below the root, by path of any length; never through symbolic links, never onto another mount.
  Result<base::Fd> open_folder(std::string_view path) const;

  /// Makes the folders of `path` that are missing, with mode 0700.
  Result<base::Fd> make_private_folder(std::string_view path) const;

  PosixSync &sync() noexcept { return sync_; }
  /// What is left of the disk beside the reserve.
  RoomLedger &room() noexcept { return room_; }
  /// Gives up what is held for removals on a full disk. False: there was nothing.
  bool give_up_ballast();
  void restock_ballast();

  /// Tries out what the file system can do. [start-up only]
  Result<FileSystem> probe();
  /// Names that differ only in case or normal form are one name there, as far as probe() has found.
  bool folds_names() const noexcept { return folds_; }
  /// For tests of that where no such file system is at hand. [start-up only]
  void assume_folding() noexcept { folds_ = true; }

  // ---- identities: extended attributes, or where the file system has none a table in the state folder
  /// Nothing where there is none. An error when that cannot be told.
  Result<std::optional<Identity>> identity(int fd);
  Result<void> identify(int fd, const Identity &identity);
  /// Where they are kept in the table.
  Result<void> forget_identities(std::span<const NodeId> nodes);

  // ---- folders where something was set aside for deletion, by their path below the root
  /// `move` sets something aside in that folder.
  Result<void> set_aside(const std::string &path, FunctionRef<Result<void>()> move);
  void note_aside(const std::string &path);
  std::vector<std::string> noted_asides() const;
  void forget_aside(const std::string &path);
  /// What was set aside before is gone from its place for good: only then its bytes may go, or a power cut could leave
  /// the name without them. Costs nothing where the file system keeps the order, or when that is so already.
  Result<void> make_asides_durable();

 private:
  PosixRoot(PosixOptions options, const Uuid &id);
  Result<std::uint64_t> left() const;
  Result<void> adopt();
  Result<void> prove_now();

  const PosixOptions options_;
  const Uuid id_;
  mutable std::mutex mutex_;
  std::shared_ptr<const base::Fd> folder_;  // guarded by mutex_
  base::Fd marker_;                         // guarded by mutex_; holds the exclusive lock
  struct stat marker_stat_ {};              // guarded by mutex_
  mutable std::mutex asides_mutex_;
  std::set<std::string> asides_;      // guarded by asides_mutex_
  std::uint64_t asides_coming_ = 0;   // guarded by asides_mutex_; being set aside
  std::uint64_t asides_made_ = 1;     // guarded by asides_mutex_; one for those of earlier runs
  std::uint64_t asides_durable_ = 0;  // guarded by asides_mutex_
  RoomLedger room_;
  Ballast ballast_;
  PosixSync sync_;
  bool folds_ = false;
  std::unique_ptr<IdentityTable> identities_;  // null where there are extended attributes
  std::atomic<std::int64_t> proved_ns_{0};     // monotonic clock
};

/// openat2 beneath `at` with RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS and RESOLVE_NO_XDEV; -1 and errno.
int open_beneath(int at, const char *path, int flags) noexcept;

}  // namespace Atoll::tree
