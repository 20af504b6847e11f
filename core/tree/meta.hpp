// SPDX-License-Identifier: Apache-2.0
// meta.db: what cannot be found out again from the tree. Every commit survives a power cut.
#pragma once

#include "core/sql/database.hpp"
#include "core/tree/function_ref.hpp"
#include "core/tree/types.hpp"

#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace Atoll::tree {

/// A space's row.
struct SpaceRecord {
  SpaceInfo info;       ///< without used and sequence
  bool making = false;  ///< its folder may not be there yet
};

/// What a crash may have left half done. A Folder intent says: the index may differ from the truth in this folder. A
/// Drop intent says: the entry of this inode at path/name was replaced and is to be set aside.
struct Intent {
  enum class Kind : std::uint8_t { Folder = 1, Drop = 2 };
  std::int64_t id = 0;
  Kind kind = Kind::Folder;
  SpaceId space;
  NodeId folder;
  std::string path, name;
  std::uint64_t inode = 0;
};

/// [any thread]; writers wait for each other and for the disk.
class Meta {
 public:
  /// Opens or makes. FailedPrecondition: made by a newer server, or for another provider.
  static Result<std::unique_ptr<Meta>> open(const std::string &path, const Uuid &provider);

  // ---- run state
  struct Start {
    bool clean = false;  ///< the last run ended cleanly
    std::string stamp;   ///< what the index must carry after a clean end
  };
  /// Notes that a run has begun. Gives how the last one ended.
  Result<Start> begin_run();
  Result<void> end_run(std::string_view stamp);
  /// Reserves `count` sequences for good and gives the first.
  Result<std::uint64_t> reserve_sequences(std::uint64_t count);

  // ---- spaces
  Result<std::vector<SpaceRecord>> spaces();
  Result<void> put_space(const SpaceRecord &space);
  Result<void> set_quota(const SpaceId &space, std::uint64_t quota);
  /// Also drops its attributes, locks and intents.
  Result<void> remove_space(const SpaceId &space);

  // ---- intents
  Result<std::vector<Intent>> intents();
  Result<void> add_intents(std::span<const Intent> intents);
  Result<void> close_folder_intents(std::span<const NodeId> folders);
  Result<void> close_drop_intents(const SpaceId &space, const NodeId &folder);

  // ---- attributes
  Result<void> attributes(const NodeId &node,
                          FunctionRef<bool(std::string_view, std::string_view, std::string_view)> sink);
  /// All or none; gives whether the node has attributes afterwards.
  Result<bool> patch_attributes(const SpaceId &space, const NodeId &node, std::span<const AttributeChange> changes);
  Result<void> copy_attributes(const SpaceId &space, std::span<const std::pair<NodeId, NodeId>> from_to);
  Result<void> remove_attributes(std::span<const NodeId> nodes);
  /// Every node that has attributes.
  Result<std::vector<NodeId>> nodes_with_attributes();

  // ---- locks
  Result<std::vector<Lock>> locks();
  Result<void> put_lock(const Lock &lock);
  Result<void> remove_locks(std::span<const std::string> tokens);

 private:
  Meta(sql::Database database, sql::Database reader) : database_(std::move(database)), reader_(std::move(reader)) {}
  Result<std::string> setting(std::string_view name);
  Result<void> set_setting(std::string_view name, std::string_view value);

  std::mutex mutex_;
  sql::Database database_;  // guarded by mutex_
  std::mutex reader_mutex_;
  sql::Database reader_;  // guarded by reader_mutex_; does not wait for commits
};

}  // namespace Atoll::tree
