// SPDX-License-Identifier: Apache-2.0
// The tree engine: spaces of nodes with ids, etags, quota, locks and attributes, over a Namespace and a Store.
#pragma once

#include "core/tree/changes.hpp"
#include "core/tree/namespace.hpp"
#include "core/tree/state_dir.hpp"
#include "core/tree/store.hpp"
#include "core/tree/types.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace Atoll::tree {

/// What an acknowledged change survives. In all of them the server may be killed at any time.
enum class Durability : std::uint8_t {
  None,      ///< after a power cut changes of the last seconds may be missing, and files of that time be broken
  Crash,     ///< after a power cut changes of the last seconds may be missing; each file is whole or as it was before
  PowerCut,  ///< a power cut too
};

/// How long something is kept that nobody sees in the tree any more.
struct Retention {
  bool keep = true;                    ///< false: nothing is kept from now on
  std::uint64_t seconds = 0;           ///< 0: for ever
  std::optional<std::uint64_t> bytes;  ///< of a space; nothing: as much as its quota
  unsigned count = 0;                  ///< versions of a file; 0: any number
  bool thin = true;  ///< versions: older than an hour one of each hour stays, than a day one of each day, than 30 days
                     ///< one of each week
};

/// How changes made by other programs are found, besides by the listings that come across them.
struct BesideOptions {
  bool enabled = false;
  std::size_t watch_folders = 50000;  ///< folders watched at most; 0: none
  unsigned crawl_rate = 2000;         ///< entries looked at in a second
  unsigned crawl_interval_s = 3600;   ///< between the beginnings of two rounds over everything
  unsigned poll_interval_s = 30;      ///< between two looks at the times of all folders, where they cannot be watched
  unsigned settle_ms = 300;           ///< a burst of changes is over when nothing was heard for so long
};

struct EngineOptions {
  Durability durability = Durability::PowerCut;
  std::uint64_t quota_default = kNoQuota;
  unsigned readers = 8;    ///< read connections at most
  bool revalidate = true;  ///< a listing looks whether its folder was changed beside the server
  std::uint64_t max_lock_seconds = 86400;
  Retention trash{true, 30 * 86400, std::nullopt, 0, false};
  Retention versions{true, 0, std::nullopt, 100, true};
  NameRule names = NameRule::Exact;  ///< of spaces that are made from now on; a space keeps its own
  BesideOptions beside;
  unsigned mass_delete_share = 50;    ///< percent of a space's files that may vanish at once; 0: any. See removals.hpp
  unsigned checkpoint_seconds = 20;   ///< between two rounds that close open intents
  std::uint64_t checksum_rate = 0;    ///< bytes read in a second to compute checksums that are missing; 0: none are
  unsigned checksum_quiet_ms = 2000;  ///< so long after its last change a file is left alone by that
  ChangeLogLimits change_log;
  std::uint64_t upload_seconds = 7 * 86400;  ///< unfinished uploads that nobody goes on with are deleted; 0: never
  std::function<void(bool warning, const std::string &message)> log;  ///< may be empty [any thread]
  std::function<std::int64_t()> now_ns;  ///< the clock that trash and versions go by; empty: that of the system
};

/// Bytes on their way to a name. Dropped in the destructor. [one thread at a time]
class Upload {
 public:
  virtual ~Upload() = default;
  /// May be written at any offset until commit; -1 when the backend has none.
  virtual int fd() const noexcept = 0;
  virtual Result<void> write(std::uint64_t offset, std::string_view bytes) = 0;
  /// The one atomic, durable point. Called once. Errors: Aborted, Locked, FailedPrecondition (parent gone, a folder is
  /// there), InvalidArgument (size or sums differ), InsufficientStorage.
  virtual Result<Node> commit(const UploadCommit &commit, const Conditions &conditions) = 0;

  // ---- of uploads that can be kept
  /// What would be kept now. Unimplemented: it was begun without metadata.
  virtual Result<KeptUpload> kept() { return error(Status::Unimplemented, "this upload cannot be kept"); }
  /// Keeps it, with all that was written so far; nothing may be called afterwards. An upload that was kept before stays
  /// kept without this, but for how far it has come.
  virtual Result<void> suspend() { return error(Status::Unimplemented, "this upload cannot be kept"); }
  virtual Result<std::uint64_t> read(std::uint64_t, std::span<char>) {
    return error(Status::Unimplemented, "this upload cannot be read");
  }
  /// Drops all bytes from there on.
  virtual Result<void> cut(std::uint64_t) { return error(Status::Unimplemented, "this upload cannot be cut"); }
};

/// An open file and the record that exactly its content belongs to.
struct OpenFile {
  Node node;
  base::Fd fd;
};

/// The children of a folder at one moment, given in steps; what changes meanwhile is not seen. While it is open, the
/// index keeps what it was, so it is not to be kept for long. [one thread at a time]
class Listing {
 public:
  virtual ~Listing() = default;
  /// The next children, sorted by the bytes of their names; false from the sink stops after that one. True: there are
  /// no more. The sink must not call the engine. After an error nothing more can be had.
  virtual Result<bool> next(FunctionRef<bool(const NodeView &)> sink) = 0;

 protected:
  Listing() = default;
  Listing(const Listing &) = delete;
  Listing &operator=(const Listing &) = delete;
};

/// All functions: [any thread], blocking. NotFound is a proof; "cannot tell" is Unavailable. Changes enforce locks and
/// conditions inside their commit: Locked, Aborted.
class Engine {
 public:
  /// Opens meta.db and index.db in the state folder and recovers. Spaces that need a long look answer Unavailable until
  /// it is done in the background.
  static Result<std::unique_ptr<Engine>> open(EngineOptions options, StateDir state, std::unique_ptr<Namespace> names,
                                              std::unique_ptr<Store> store);
  virtual ~Engine() = default;

  /// Stops background work, closes open intents and marks a clean end. Also done by the destructor.
  virtual void close() = 0;
  /// Unavailable with the reason when the provider cannot serve.
  virtual Result<void> health() = 0;
  /// Waits until recovery and background deletion have nothing left to do. For tests and tools.
  virtual void settle() = 0;

  // ---- spaces
  /// Making one that is there with the same id is fine.
  virtual Result<void> space_create(const SpaceSpec &spec) = 0;
  virtual Result<SpaceInfo> space_get(const SpaceId &space) = 0;
  /// False from the sink stops. Unavailable as a whole when one space cannot tell.
  virtual Result<void> space_list(FunctionRef<bool(const SpaceInfo &)> sink) = 0;
  /// Those of the spaces that can be told of now, as at one moment. What is left out is no proof of anything.
  virtual Result<void> space_roots(std::span<const SpaceId> spaces, FunctionRef<bool(const SpaceInfo &)> sink) = 0;
  virtual Result<void> space_set_quota(const SpaceId &space, std::uint64_t quota) = 0;
  /// Unique: FailedPrecondition while it has names that the rule does not allow, with some of them.
  virtual Result<void> space_set_names(const SpaceId &space, NameRule rule) = 0;
  virtual Result<void> space_remove(const SpaceId &space) = 0;
  /// Compares the whole space with the truth and takes over what changed beside the server.
  virtual Result<void> rescan(const SpaceId &space) = 0;
  /// What is gone from a space whose removals are held back is meant to be gone: it is removed, and the space is served
  /// again. FailedPrecondition when nothing is held back.
  virtual Result<void> confirm_removals(const SpaceId &space) = 0;

  // ---- reading
  virtual Result<Node> stat(const Ref &ref) = 0;
  /// The children at one moment, sorted by the bytes of their names, after `after`, at most `limit` (0: all). False
  /// from the sink stops. The sink must not call the engine.
  virtual Result<void> list(const Ref &ref, std::string_view after, std::uint64_t limit,
                            FunctionRef<bool(const NodeView &)> sink) = 0;
  /// The same in steps. ResourceExhausted when half of the readers are taken by such listings.
  virtual Result<std::unique_ptr<Listing>> list_begin(const Ref &ref) = 0;
  /// The node and its ancestors, up to the root.
  virtual Result<void> path_of(const SpaceId &space, const NodeId &node, FunctionRef<bool(const NodeView &)> sink) = 0;
  virtual Result<OpenFile> open_read(const Ref &ref) = 0;

  // ---- changing
  virtual Result<Node> mkdir(const Ref &ref, const Conditions &conditions) = 0;
  virtual Result<Node> rename(const Ref &from, const Ref &to, bool replace, const Conditions &conditions) = 0;
  virtual Result<Node> copy(const Ref &from, const Ref &to, bool replace, bool shallow,
                            const Conditions &conditions) = 0;
  /// Into the trash, or (`permanent`) for good.
  virtual Result<void> remove(const Ref &ref, const Conditions &conditions, bool permanent = false) = 0;
  virtual Result<Node> set_mtime(const Ref &ref, std::int64_t mtime_ns, const Conditions &conditions) = 0;
  /// Checks what can be checked before bytes flow. `size`: announced, or kSizeUnknown. With metadata, which nobody here
  /// looks at, it can be kept, for the account of the conditions.
  virtual Result<std::unique_ptr<Upload>> upload_begin(const Ref &target, std::uint64_t size,
                                                       const Conditions &conditions,
                                                       std::string_view metadata = {}) = 0;
  /// Opens an upload that was kept. Locked: it is open. NotFound: it was committed, removed, or is too old.
  virtual Result<std::unique_ptr<Upload>> upload_reopen(const SpaceId &space, const Uuid &id) = 0;
  /// Uploads that are kept of a space (none: of all). False from the sink stops.
  virtual Result<void> uploads(const SpaceId &space, FunctionRef<bool(const KeptUpload &)> sink) = 0;
  /// Deletes one that was kept. Locked: it is open.
  virtual Result<void> upload_remove(const SpaceId &space, const Uuid &id) = 0;

  // ---- trash
  /// What is kept of a space, the newest first: items older than `before` (none: from the newest), at most `limit` (0:
  /// all). False from the sink stops.
  virtual Result<void> trash_list(const SpaceId &space, const Uuid &before, std::uint64_t limit,
                                  FunctionRef<bool(const TrashItem &)> sink) = 0;
  /// Brings an item back with all that is below it, to the name that it had in the folder that it was in (wherever that
  /// is now), or to `to`. NotFound: no such item. FailedPrecondition: that folder is gone. `replace`: what is there
  /// goes into the trash instead, else AlreadyExists. Conditions are about the target.
  virtual Result<Node> trash_restore(const SpaceId &space, const Uuid &item, const std::optional<Ref> &to, bool replace,
                                     const Conditions &conditions) = 0;
  virtual Result<void> trash_purge(const SpaceId &space, const Uuid &item) = 0;
  virtual Result<void> trash_purge_all(const SpaceId &space) = 0;

  // ---- versions
  /// Earlier contents of a file, the newest first. FailedPrecondition: it is a folder.
  virtual Result<void> versions(const Ref &ref, FunctionRef<bool(const Version &)> sink) = 0;
  /// `node` of the answer is the file's, with size, time, sums and sequence of the version.
  virtual Result<OpenFile> version_open(const Ref &ref, std::uint64_t sequence) = 0;
  /// Makes it the content of the file, under a new sequence; what the content was becomes a version.
  virtual Result<Node> version_restore(const Ref &ref, std::uint64_t sequence, const Conditions &conditions) = 0;
  virtual Result<void> version_remove(const Ref &ref, std::uint64_t sequence) = 0;

  // ---- attributes
  virtual Result<void> attributes(
      const Ref &ref, FunctionRef<bool(std::string_view ns, std::string_view name, std::string_view value)> sink) = 0;
  /// All or none, in order.
  virtual Result<void> attributes_patch(const Ref &ref, std::span<const AttributeChange> changes,
                                        const Conditions &conditions) = 0;

  // ---- locks
  /// `wanted`: kind, deep, owner, account, account_name; `timeout_s` 0: the longest. Gives it with token and expiry.
  virtual Result<Lock> lock(const Ref &ref, const Lock &wanted, std::uint64_t timeout_s,
                            const Conditions &conditions) = 0;
  /// Aborted when the token does not apply to the node.
  virtual Result<Lock> lock_refresh(const Ref &ref, std::string_view token, std::uint64_t timeout_s,
                                    const std::optional<AccountId> &account) = 0;
  /// FailedPrecondition when the token does not apply to the node, PermissionDenied for another account's.
  virtual Result<void> unlock(const Ref &ref, std::string_view token, const std::optional<AccountId> &account) = 0;
  virtual Result<std::vector<Lock>> locks(const Ref &ref) = 0;

  // ---- changes
  /// The end of the space's change log. Who takes it before he lists a space and then reads on from it misses nothing.
  virtual Result<std::string> changes_now(const SpaceId &space) = 0;
  /// The rows after `token`, at most `limit` (0: all), oldest first. False from the sink stops; the row that it was
  /// given counts as seen. FailedPrecondition: the log does not reach back to the token, or is another one: list the
  /// space again. InvalidArgument: it is no token.
  virtual Result<ChangesEnd> changes_since(const SpaceId &space, std::string_view token, std::uint64_t limit,
                                           FunctionRef<bool(const ChangeRow &)> sink) = 0;
  /// The token that the consumer of this name (1 to 200 bytes) has kept for the space. FailedPrecondition: none; list
  /// the space, and keep the token that was taken before.
  virtual Result<std::string> changes_cursor(const SpaceId &space, std::string_view consumer) = 0;
  /// Keeps the token, durably. A token that changes_since() refuses is refused here.
  virtual Result<void> changes_keep_cursor(const SpaceId &space, std::string_view consumer, std::string_view token) = 0;
  /// Forgets all cursors of the consumer.
  virtual Result<void> changes_forget(std::string_view consumer) = 0;
  /// Calls the listener soon after a space's log has new rows, on a thread of the engine, once for many rows. Gives a
  /// number for unlisten(), which waits until the listener has returned.
  virtual std::uint64_t changes_listen(std::function<void(const SpaceId &space)> listener) = 0;
  virtual void changes_unlisten(std::uint64_t number) = 0;

 protected:
  Engine() = default;
  Engine(const Engine &) = delete;
  Engine &operator=(const Engine &) = delete;
};

}  // namespace Atoll::tree
