// SPDX-License-Identifier: Apache-2.0
// Looking after spaces: check, rebuild, snapshot, restore, move. Long work on the thread of the caller, while others
// are served.
#pragma once

#include "core/tree/engine.hpp"

namespace Atoll::tree {

class TreeEngine;

/// What care says while it works. Texts are borrowed.
struct CareLine {
  enum class Kind : std::uint8_t {
    Finding = 1,  ///< something is wrong: `code`, where, and what
    Progress = 2  ///< `done` nodes so far
  };
  Kind kind = Kind::Finding;
  std::string_view code;  ///< of a finding: a word for programs
  std::string_view path;  ///< below the space
  NodeId node;            ///< none when there is none
  std::string_view text;  ///< for people
  bool repaired = false;
  std::uint64_t done = 0;
};

/// False: stop, with Cancelled.
using CareSink = FunctionRef<bool(const CareLine &line)>;

struct CheckOptions {
  bool repair = false;
  std::uint64_t entries_per_second = 0;  ///< 0: as fast as it goes
};

struct CheckResult {
  std::uint64_t nodes = 0;     ///< looked at
  std::uint64_t findings = 0;  ///< all of them
  std::uint64_t repaired = 0;
  std::string undo_log;  ///< where the state before each repair is written down; empty: nothing was repaired
};

struct SnapshotResult {
  std::uint64_t files = 0, folders = 0, bytes = 0;
  std::uint64_t sequence = 0;  ///< of the root: which state of the space it is
};

struct RestoreResult {
  std::uint64_t written = 0;  ///< files whose content or time was set, folders that were made
  std::uint64_t moved = 0;    ///< nodes brought back to their place, also out of the trash
  std::uint64_t removed = 0;  ///< nodes that the snapshot does not have; they are in the trash
  std::uint64_t same = 0;     ///< nodes that were as in the snapshot
};

struct MoveResult {
  std::uint64_t files = 0, folders = 0, bytes = 0;  ///< of the space as it is seen
  std::uint64_t trash = 0, versions = 0;            ///< items, contents
  std::uint64_t left = 0;  ///< what can be no node: settle_move() keeps it where the space was
  std::string left_in;     ///< in this place, relative to the root of that provider
};

/// [any thread]. Unavailable: it cannot be told now. Aborted: something else works on the space.
class Care {
 public:
  explicit Care(Engine &engine) noexcept;

  /// Compares disk, index and records of a space. Looks twice, the second time while no change is under way, before it
  /// says anything. Codes: missing-row, missing-on-disk, differs, wrong-size, wrong-identity, no-identity,
  /// orphan-in-trash, trash-without-content, dangling-attributes, unmarked-attributes, dangling-lock.
  Result<CheckResult> check(const SpaceId &space, const CheckOptions &options, CareSink sink);
  /// Makes the index rows of a space anew from the truth. The space answers Unavailable meanwhile. Ids and the etags of
  /// files stay; etags of folders and the change log are new.
  Result<void> rebuild(const SpaceId &space, CareSink sink);
  /// Writes one state of the space into `folder`, which must be missing or empty: files/ is the plain tree, and
  /// manifest.jsonl has ids, sequences, times, checksums and attributes. snapshot.json is written last.
  Result<SnapshotResult> snapshot(const SpaceId &space, const std::string &folder, CareSink sink);
  /// Makes `path` (a file, a folder with all below it; empty: the space) what it is in the snapshot. What the snapshot
  /// lacks is removed, as a client would remove it: into the trash, if there is one. Locks do not hold it up. What
  /// is as in the snapshot stays as it is, whoever wrote it. The fingerprint of the space changes before the first
  /// change, and not at all when there is none. NotFound: the snapshot, or the path in it, is not there.
  /// FailedPrecondition: the folder is no snapshot of this space. DataLoss: the snapshot is damaged; nothing was
  /// changed if its manifest is.
  Result<RestoreResult> restore(const SpaceId &space, const std::string &folder, std::string_view path, CareSink sink);

  /// Copies a space from another provider's engine to this one, while that one serves it: contents, ids, sequences,
  /// times, checksums, attributes, trash, versions, locks, quota; not the change log, and no uploads that are under
  /// way. When it returns Ok the space is whole and durable here, and the other engine refuses changes of it, but
  /// nothing is decided: settle_move() says on both where it lives, first where it does not. On an error nothing has
  /// happened. AlreadyExists: the space is here already.
  Result<MoveResult> receive(const SpaceId &space, Engine &from, CareSink sink);
  /// The space lives here (`here`), or it does not: then it is removed. Fine when there is nothing to settle.
  Result<void> settle_move(const SpaceId &space, bool here);
  /// Spaces of which a crash may have left two.
  Result<std::vector<SpaceId>> unsettled_moves();

 private:
  TreeEngine &engine_;
};

/// Errors as of base::errno_error; Cancelled when `go_on` says false. Shares blocks where it can. Both at 0.
Result<void> copy_bytes(int from, int to, FunctionRef<bool()> go_on);

/// A folder by its path below an open one, of any length; never through symbolic links.
Result<base::Fd> open_below(int at, std::string_view path);

}  // namespace Atoll::tree
