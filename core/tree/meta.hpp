// SPDX-License-Identifier: Apache-2.0
// meta.db: what cannot be found out again from the tree. Every commit survives a power cut.
#pragma once

#include "core/base/file.hpp"
#include "core/sql/database.hpp"
#include "core/tree/function_ref.hpp"
#include "core/tree/sync_rounds.hpp"
#include "core/tree/types.hpp"

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace Atoll::tree {

/// A space's row.
struct SpaceRecord {
  SpaceInfo info;         ///< without used and sequence
  bool making = false;    ///< its folder may not be there yet
  bool removing = false;  ///< its folder may still be there
};

/// What a crash may have left half done. A Folder intent says: the index may differ from the truth in this folder. A
/// Drop intent says: the entry of this inode at path/name was replaced and is to be set aside. An Attributes intent
/// says: when the entry at path/name is of this inode, it is a copy that gets the attributes of the node `folder`. A
/// Gone intent says: the node `folder` is removed for good by us; `inode` is the round, as of TrashRecord. A Swap
/// intent says: the trash item `folder` makes room at path/name for an entry of this inode, and goes back there if that
/// did not come. An Unclaimed intent says: the node `folder` was a copy that did not come to its name; its attributes
/// go when all spaces were compared and it is nowhere.
struct Intent {
  enum class Kind : std::uint8_t { Folder = 1, Drop = 2, Attributes = 3, Gone = 4, Swap = 5, Unclaimed = 6 };
  std::int64_t id = 0;
  Kind kind = Kind::Folder;
  SpaceId space;
  NodeId folder;
  std::string path, name;
  std::uint64_t inode = 0;
};

/// Where a crash can leave an entry that was replaced and is on its way into the trash.
struct Refuge {
  enum class Kind : std::uint8_t {
    None,     ///< it goes from its name into the trash in one step
    Tree,     ///< `name` in the folder `path` of the space
    Staging,  ///< staged under the token `name`
    Trash,    ///< `name` in the trash
  };
  Kind kind = Kind::None;
  std::string path, name;
};

enum class TrashState : std::uint8_t {
  Kept = 0,
  Purging = 1,    ///< purged for all that anyone sees; the background does the work
  Restoring = 2,  ///< it comes back, or has
  Coming = 3,     ///< announced; nobody sees it
};

struct TrashRecord : TrashItem {
  std::uint64_t inode = 0;
  TrashState state = TrashState::Kept;
  std::uint64_t round = 0;  ///< in which it was last changed; 0: truth and record agree for good
  Refuge refuge;
};

/// The round of a version that is announced only; nobody sees it.
constexpr std::uint64_t kComing = INT64_MAX;
/// The round of a version that is being deleted: a start finishes it.
constexpr std::uint64_t kGoing = kComing - 1;

struct VersionRecord : Version {
  std::uint64_t inode = 0;
  std::uint64_t round = 0;  ///< as of TrashRecord
  std::string token;        ///< staged under it when a crash came in between
};

struct UploadRecord : KeptUpload {
  std::uint64_t promised = 0;  ///< bytes of the quota that are spoken for
  std::uint64_t inode = 0;
  std::string boot;  ///< of the machine, when it was written last: until the next one all that was written is there
};

/// A space with all that meta.db holds of it but its attributes.
struct ArrivingSpace {
  SpaceRecord record;
  NameRule names = NameRule::Exact;
  std::vector<TrashRecord> trash;
  std::vector<VersionRecord> versions;
  std::vector<Lock> locks;
};

/// Bytes of one space.
struct SpaceBytes {
  SpaceId space;
  std::uint64_t bytes = 0;
};

/// [any thread]; writers wait for each other and for the disk.
class Meta {
 public:
  /// Opens or makes. FailedPrecondition: made by a newer server, or for another provider.
  static Result<std::unique_ptr<Meta>> open(const std::string &path, const Uuid &provider);

  // ---- run state
  struct Start {
    bool clean = false;  ///< the last run ended cleanly
    std::string stamp;   ///< of the last clean end: what the index must carry after that. Empty: not known
  };
  /// Notes that a run has begun. Gives how the last one ended.
  Result<Start> begin_run();
  Result<void> end_run(std::string_view stamp);
  /// Reserves `count` sequences for good and gives the first.
  Result<std::uint64_t> reserve_sequences(std::uint64_t count);

  /// A word that is kept over restarts; empty when there is none.
  Result<std::string> note(std::string_view name);
  Result<void> set_note(std::string_view name, std::string_view text);
  /// All that have a name of this beginning and are not empty: the rest of the name, and the text.
  Result<std::vector<std::pair<std::string, std::string>>> notes(std::string_view beginning);
  /// Sequences below this one are not reserved any more.
  Result<void> raise_sequences(std::uint64_t to);

  // ---- spaces
  Result<std::vector<SpaceRecord>> spaces();
  Result<std::optional<SpaceRecord>> space(const SpaceId &id);
  Result<void> put_space(const SpaceRecord &space);
  Result<void> set_quota(const SpaceId &space, std::uint64_t quota);
  /// Writes all of it at once, with the space's attributes from another meta.db. `rule_note`: where its rule of names
  /// is noted.
  Result<void> receive_space(const ArrivingSpace &arriving, Meta &from, const std::string &rule_note);
  /// Also drops its attributes, locks and intents.
  Result<void> remove_space(const SpaceId &space);

  /// From now on the index may lack rows of these spaces, until they are closed: a start looks at all of them.
  Result<void> set_rebuilding(std::span<const SpaceId> spaces);
  Result<void> close_rebuilding(std::span<const SpaceId> spaces);
  Result<std::vector<SpaceId>> rebuilding();
  Result<void> set_fingerprint(const SpaceId &space, std::uint64_t fingerprint);

  // ---- intents
  Result<std::vector<Intent>> intents();
  Result<void> add_intents(std::span<const Intent> intents);
  Result<void> close_folder_intents(std::span<const NodeId> folders);
  Result<void> close_drop_intents(const SpaceId &space, const NodeId &folder);
  Result<void> close_unclaimed_intents();
  Result<void> close_swap_intents(const SpaceId &space, const Uuid &item);
  Result<void> close_attributes_intents(const SpaceId &space, const NodeId &from, std::uint64_t inode);
  /// Those of rounds before this one.
  Result<void> close_gone_intents(std::uint64_t round);
  /// Those that an earlier run left belong to no round of this one. [start-up only]
  Result<void> adopt_gone_intents();

  // ---- attributes
  Result<void> attributes(const NodeId &node,
                          FunctionRef<bool(std::string_view, std::string_view, std::string_view)> sink);
  /// All or none; gives whether the node has attributes afterwards.
  Result<bool> patch_attributes(const SpaceId &space, const NodeId &node, std::span<const AttributeChange> changes);
  Result<void> copy_attributes(const SpaceId &space, std::span<const std::pair<NodeId, NodeId>> from_to);
  Result<void> remove_attributes(std::span<const NodeId> nodes);
  /// The nodes of a space that have attributes.
  Result<std::vector<NodeId>> nodes_with_attributes(const SpaceId &space);
  /// Those with attributes or versions.
  Result<std::vector<NodeId>> nodes_with_records(const SpaceId &space);
  /// Every node that has attributes.
  Result<std::vector<NodeId>> nodes_with_attributes();

  // ---- consumers of the change log
  /// The token that the consumer keeps for the space, if any.
  Result<std::optional<std::string>> cursor(std::string_view consumer, const SpaceId &space);
  Result<void> put_cursor(std::string_view consumer, const SpaceId &space, std::string_view token);
  Result<void> remove_cursors(std::string_view consumer);

  // ---- locks
  Result<std::vector<Lock>> locks();
  Result<void> put_lock(const Lock &lock);
  Result<void> remove_locks(std::span<const std::string> tokens);

  // ---- trash and versions to be; meta_announced.cpp
  /// Makes a record durable before the change that it belongs to, for which it becomes a real one in take(). Those who
  /// come together wait for the disk together, and nobody who wants to write waits for them. Of announcements of one
  /// version (node and sequence) the last holds, and none of them once it is a real one.
  Result<void> announce(const TrashRecord &record);
  Result<void> announce(const VersionRecord &record);
  /// From now on it is kept, in its round. A power cut may make it an announced one again. False: it is not there.
  Result<bool> take(const TrashRecord &record);
  Result<bool> take(const VersionRecord &record);
  /// Kept at once; a power cut may lose the record.
  Result<void> put_lazily(const TrashRecord &record);
  Result<void> put_lazily(const VersionRecord &record);
  /// Nothing came of it. What was taken stays.
  Result<void> withdraw(const TrashRecord &record);
  Result<void> withdraw(const VersionRecord &record);

  // ---- trash; meta_trash.cpp
  Result<void> put_trash(const TrashRecord &record);
  Result<std::optional<TrashRecord>> trash(const Uuid &id);
  /// The item that this node is, while it is kept.
  Result<std::optional<TrashRecord>> trash_of(const NodeId &node);
  /// Whether an item of that node is on its way back into the tree.
  Result<bool> restoring(const NodeId &node);
  /// Kept items of a space, the newest first, older than `before` (none: from the newest), at most `limit`.
  Result<std::vector<TrashRecord>> list_trash(const SpaceId &space, const Uuid &before, std::uint64_t limit);
  /// At most `limit` records in a state, or (Kept) with an open round.
  Result<std::vector<TrashRecord>> unsettled_trash(TrashState state, std::uint64_t limit);
  /// All kept ones of all spaces. For a rebuild.
  Result<std::vector<TrashRecord>> all_trash();
  Result<void> set_trash_state(const Uuid &id, TrashState state, std::uint64_t round);
  /// Kept items of the space (none: of all) up to this id become Purging. Gives the bytes of each space.
  Result<std::vector<SpaceBytes>> purge_trash(const SpaceId &space, const Uuid &up_to);
  /// The item up to which the oldest of the space must go for this many bytes; none when there is nothing.
  Result<Uuid> oldest_trash(const SpaceId &space, std::uint64_t bytes);
  Result<void> remove_trash(std::span<const Uuid> ids);
  Result<std::vector<SpaceBytes>> trash_bytes();
  /// Records of rounds before this one are settled: those that were restored go, and come back as a list.
  Result<std::vector<TrashRecord>> close_trash(std::uint64_t round);

  // ---- versions; meta_versions.cpp
  Result<void> put_version(const VersionRecord &record);
  Result<std::optional<VersionRecord>> version(const NodeId &node, std::uint64_t sequence);
  /// Of a file, the newest first.
  Result<std::vector<VersionRecord>> versions(const NodeId &node);
  /// Those with an open round, and those that were announced.
  Result<std::vector<VersionRecord>> open_versions();
  /// The oldest of a space (none: of all spaces) that were kept before this time, at most `limit`.
  Result<std::vector<VersionRecord>> old_versions(const SpaceId &space, std::int64_t before_ns, std::uint64_t limit);
  /// Files that have versions, after this one, in the order of their ids.
  Result<std::vector<NodeId>> nodes_with_versions(const NodeId &after, std::uint64_t limit);
  /// Gives the bytes of those that were there, by space.
  Result<std::vector<SpaceBytes>> remove_versions(std::span<const VersionRecord> records);
  /// Notes that they are being deleted.
  Result<void> dismiss_versions(std::span<const VersionRecord> records);
  Result<std::vector<SpaceBytes>> version_bytes();
  Result<void> close_versions(std::uint64_t round);
  /// Of all of these files.
  Result<std::vector<VersionRecord>> versions_of(std::span<const NodeId> nodes);

  // ---- unfinished uploads; meta_uploads.cpp
  /// Adds or replaces.
  Result<void> put_upload(const UploadRecord &record);
  Result<std::optional<UploadRecord>> upload(const Uuid &id);
  /// Of a space; none: of all.
  Result<std::vector<UploadRecord>> uploads(const SpaceId &space);
  Result<void> remove_upload(const Uuid &id);

 private:
  class Lazily;

  Meta(sql::Database database, sql::Database reader) : database_(std::move(database)), reader_(std::move(reader)) {}
  Result<void> for_spaces(std::string_view text, std::span<const SpaceId> spaces);
  /// Waits until all that was committed lazily survives a power cut.
  Result<void> sync();
  Result<void> insert(const TrashRecord &record);
  Result<void> insert(const VersionRecord &record, bool over_announced_only = false);
  Result<std::string> setting(std::string_view name);
  Result<void> set_setting(std::string_view name, std::string_view value);

  std::recursive_mutex mutex_;  // receive_space() is made of the others
  sql::Database database_;      // guarded by mutex_
  std::mutex reader_mutex_;
  sql::Database reader_;               // guarded by reader_mutex_; does not wait for commits
  base::Fd log_;                       // the write-ahead log
  std::atomic<bool> doubtful_{false};  // a flush of the log has failed
  SyncRounds syncs_;
};

}  // namespace Atoll::tree
