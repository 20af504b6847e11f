// SPDX-License-Identifier: Apache-2.0
// Identities by inode number, for file systems without extended attributes.
#pragma once

#include "core/sql/database.hpp"
#include "core/tree/namespace.hpp"

#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>

namespace Atoll::tree {

/// A table in the provider's state folder. What is put survives the end of the server at any moment; after a power cut
/// the rows of the last seconds may be missing. [any thread]
class IdentityTable {
 public:
  static Result<std::unique_ptr<IdentityTable>> open(const std::string &path);

  /// The identity that the inode was given, if it is still what it was then: inode numbers are used again, so a file
  /// must have the size and the time that belong to it. `birth_ns`: 0 where the file system does not tell.
  Result<std::optional<Identity>> find(const Entry &entry, std::int64_t birth_ns);
  Result<void> put(const Identity &identity, bool folder, std::int64_t birth_ns);
  /// The nodes are gone for good.
  Result<void> forget(std::span<const NodeId> nodes);

 private:
  explicit IdentityTable(sql::Database database) : database_(std::move(database)) {}

  std::mutex mutex_;
  sql::Database database_;  // guarded by mutex_
};

}  // namespace Atoll::tree
