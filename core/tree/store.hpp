// SPDX-License-Identifier: Apache-2.0
// The seam for bytes: where they are staged, and how they come to a name.
#pragma once

#include "core/tree/namespace.hpp"
#include "core/tree/room.hpp"

namespace Atoll::tree {

/// What a staged file or folder becomes.
struct Seal {
  NodeId id;
  std::uint64_t sequence = 0;
  std::int64_t mtime_ns = kMtimeNow;
  std::optional<Entry> like;  ///< the file that it replaces: mode and owner are taken from it
  bool durable = true;        ///< names that it is given and that survive a power cut lead to it whole
};

/// Bytes (or a folder with all below it) that are at no name yet. Discarded in the destructor unless they were placed.
/// [one thread at a time]
class Staged {
 public:
  virtual ~Staged() = default;
  /// A descriptor that may be written at any offset until seal(); -1 for folders.
  virtual int fd() const noexcept = 0;
  /// The staged folder; nullptr for files.
  virtual Folder *folder() noexcept = 0;
  virtual Result<std::uint64_t> size() = 0;
  /// Under which name Store::restage() finds after a crash what is held here, also after an exchange.
  virtual std::string_view token() const noexcept = 0;
  /// What is held here is not discarded: restage() finds it at the next start.
  virtual void leave() noexcept = 0;
  /// Gives the bytes their identity, and makes them as durable as is asked for. May be called again before they are
  /// placed.
  virtual Result<Entry> seal(const Seal &seal) = 0;
  /// Before bytes beyond what was expected are written: InsufficientStorage when there is no room up to that size.
  virtual Result<void> room_to(std::uint64_t) { return {}; }

  // ---- of files: what is kept over restarts without a name; see Store::reshelve()
  virtual Result<std::uint64_t> inode() { return error(Status::Unimplemented, "files have no inodes here"); }
  /// What was written so far survives a power cut.
  virtual Result<void> harden() { return error(Status::Unimplemented, "nothing is kept here"); }
  virtual Result<void> cut(std::uint64_t) { return error(Status::Unimplemented, "nothing is cut here"); }
  /// It is kept from now on. FailedPrecondition when it has been placed.
  virtual Result<void> shelve() { return error(Status::Unimplemented, "nothing is kept here"); }
  /// It is as any other staged file again.
  virtual Result<void> unshelve() { return error(Status::Unimplemented, "nothing is kept here"); }
};

/// The bytes of one provider. [any thread]
class Store {
 public:
  virtual ~Store() = default;
  /// `expected`: bytes for which room is reserved until it is sealed or discarded, else InsufficientStorage. 0: the
  /// caller sees to it. kSizeUnknown: see Staged::room_to().
  virtual Result<std::unique_ptr<Staged>> stage_file(const SpaceId &space, std::uint64_t expected) = 0;
  virtual Result<std::unique_ptr<Staged>> stage_folder(const SpaceId &space) = 0;
  /// What an earlier run left under this token, or nullptr. It is not discarded when it is not placed.
  /// [start-up only: before sweep()]
  struct Left {
    std::unique_ptr<Staged> staged;  ///< may be null
    Entry entry;
  };
  virtual Result<Left> restage(const SpaceId &space, std::string_view token) = 0;
  /// What was shelved under this token: ENOENT, or open for writing, with room for `expected` bytes as of stage_file().
  /// One that a failed commit has left in staging comes back to the shelf; there it must be this inode.
  virtual Result<std::unique_ptr<Staged>> reshelve(const SpaceId &, std::string_view /*token*/, std::uint64_t /*inode*/,
                                                   std::uint64_t /*expected*/) {
    return error(Status::Unimplemented, "nothing is kept here");
  }
  /// Puts what belongs there on the shelf, wherever a crash has left it, and sets aside what does not.
  /// [start-up only: before sweep()]
  virtual Result<void> tidy_shelves(
      FunctionRef<Result<bool>(const SpaceId &space, std::string_view token, std::uint64_t inode, bool shelved)>
      /*belongs*/) {
    return {};
  }
  /// Copies content into a staged file, sharing blocks where the backend can.
  virtual Result<void> copy(int from, Staged &to) = 0;
  /// Deletes what was set aside, a bounded amount; true when there is more. `durably`: not before a power cut cannot
  /// bring it back to its name. [background]
  virtual Result<bool> purge(std::size_t limit, bool durably) = 0;
  /// Sets aside what earlier runs left in staging. [start-up only]
  virtual Result<void> sweep() = 0;
  /// Room for `bytes` more, beside what others were promised and the configured reserve, else InsufficientStorage.
  virtual Result<Room> reserve(std::uint64_t) { return Room(); }
  /// Gives up what is held so that something can be removed when others have filled the disk. False: nothing was.
  virtual bool make_room() { return false; }
  /// Holds it again, if there is room. [background]
  virtual void restock() {}
};

}  // namespace Atoll::tree
