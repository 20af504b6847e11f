// SPDX-License-Identifier: Apache-2.0
// A tree of names in a SQLite table, and the bytes of its files in a folder of immutable objects named after their
// content. The table is the truth of names; a file's bytes are never changed, only referred to.
#pragma once

#include "core/sql/database.hpp"
#include "core/tree/namespace.hpp"
#include "core/tree/state_dir.hpp"

#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace Atoll::proof {

using EntryId = std::int64_t;

/// One row.
struct BlobEntry {
  EntryId id = 0, parent = 0;
  std::string name;
  tree::Entry entry;  ///< the inode is the id of the row, which is never given twice
  std::string object;
  std::optional<tree::Identity> identity;
};

/// Every change is one transaction that survives a power cut. [any thread]
class BlobTable {
 public:
  /// Makes it when it is missing. FailedPrecondition: it belongs to another provider.
  static Result<std::shared_ptr<BlobTable>> open(const std::string &path, const tree::StateDir &state);

  /// Unavailable unless table and objects are where they were.
  Result<void> prove() const;

  Result<std::optional<BlobEntry>> by_id(EntryId id);
  Result<std::optional<BlobEntry>> child(EntryId parent, std::string_view name);
  Result<std::vector<BlobEntry>> children(EntryId parent);
  /// The folder at a path from the top. ENOENT, ENOTDIR. `make`: what is missing is made.
  Result<EntryId> folder(std::string_view path, bool make);

  Result<BlobEntry> make_folder(EntryId parent, std::string_view name, const std::optional<NodeId> &id);
  Result<void> move(EntryId from, std::string_view name, EntryId to, std::string_view to_name, tree::Onto onto);
  Result<void> set_aside(EntryId parent, std::string_view name);
  Result<void> identify(EntryId parent, std::string_view name, const NodeId &id, std::uint64_t sequence);
  /// kMtimeNow: the current time. Also renews the identity.
  Result<BlobEntry> set_mtime(EntryId parent, std::string_view name, std::int64_t mtime_ns, const NodeId &id,
                              std::uint64_t sequence);
  /// Makes the bytes of a staged file an object, unless there is one, and gives it a row; the file is gone then.
  Result<BlobEntry> put_file(EntryId parent, std::string_view name, const std::string &staged,
                             const std::string &object, std::uint64_t size, std::int64_t mtime_ns, const NodeId &id,
                             std::uint64_t sequence);
  Result<base::Fd> open_object(const std::string &object) const;
  /// Deletes up to `limit` rows of what was set aside, and objects that nothing refers to. True: there is more.
  Result<bool> purge(std::size_t limit);
  /// What earlier runs left in staging, and objects without a row.
  Result<void> sweep();

  std::string staging() const { return path_ + "/staging/"; }

 private:
  BlobTable(std::string path, sql::Database database) : path_(std::move(path)), database_(std::move(database)) {}
  std::string object_path(const std::string &object) const;
  Result<std::optional<BlobEntry>> child_of(EntryId parent, std::string_view name);
  /// The time of a folder always rises.
  Result<void> touch(EntryId folder);
  Result<EntryId> insert(const BlobEntry &entry);
  Result<EntryId> walk(std::string_view path, bool make);
  Result<void> relink(EntryId id, EntryId parent, std::string_view name);
  Result<bool> referred(const std::string &object);

  const std::string path_;
  std::mutex mutex_;
  sql::Database database_;  // guarded by mutex_
};

}  // namespace Atoll::proof
