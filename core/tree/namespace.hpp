// SPDX-License-Identifier: Apache-2.0
// The seam for the truth of names: a file system for storage-posix, later tables for blob stores.
#pragma once

#include "core/base/file.hpp"
#include "core/tree/function_ref.hpp"
#include "core/tree/types.hpp"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace Atoll::tree {

/// The identity that the truth keeps with a file or folder, and the state that it belongs to.
struct Identity {
  NodeId id;
  std::uint64_t sequence = 0;  ///< content sequence; 0 for folders
  std::uint64_t size = 0;
  std::int64_t mtime_ns = 0;
  std::uint64_t inode = 0;
};

enum class EntryKind : std::uint8_t { File, Folder, Other };

/// What the truth says about one entry.
struct Entry {
  EntryKind kind = EntryKind::Other;
  std::uint64_t size = 0;  ///< 0 for folders
  std::int64_t mtime_ns = 0;
  std::uint64_t inode = 0;
  std::uint32_t mode = 0, owner = 0, group = 0;
};

/// What a rename may meet at its target.
enum class Onto : std::uint8_t {
  Nothing,   ///< AlreadyExists when anything is there
  File,      ///< a file there is replaced
  Exchange,  ///< what is there comes to the source's place
};

class Staged;
class Watch;

/// An open folder of the truth. Errors are those of base::errno_error; NotFound means that the truth does not have the
/// name, which is a proof only together with Namespace::prove(). [one thread at a time]
class Folder {
 public:
  virtual ~Folder() = default;
  /// The folder itself.
  virtual Result<Entry> self() = 0;
  /// The entry of that name, or nothing when there is none.
  virtual Result<std::optional<Entry>> look(std::string_view name) = 0;
  /// All entries but those that can be no node: special files, symbolic links, names that are not UTF-8, mount points.
  virtual Result<void> scan(FunctionRef<void(std::string_view name, const Entry &entry)> sink) = 0;
  virtual Result<std::optional<Identity>> identity(std::string_view name) = 0;
  /// Gives an entry its identity, for the state that it is in now.
  virtual Result<void> identify(std::string_view name, const NodeId &id, std::uint64_t sequence) = 0;
  /// The folder `name` inside this one.
  virtual Result<std::unique_ptr<Folder>> open(std::string_view name) = 0;
  virtual Result<Entry> make_folder(std::string_view name, const NodeId &id) = 0;
  /// Moves `name` to `to_name` in `to`, atomically.
  virtual Result<void> move(std::string_view name, Folder &to, std::string_view to_name, Onto onto) = 0;
  /// Moves what was staged here, atomically.
  virtual Result<void> place(Staged &staged, std::string_view name, Onto onto) = 0;
  /// Takes `name` out of the space, atomically; what it was is deleted in the background.
  virtual Result<void> set_aside(const SpaceId &space, std::string_view name) = 0;
  /// Also renews the identity. `touched`: for Namespace::sync_touched(), may be null.
  virtual Result<Entry> set_mtime(std::string_view name, std::int64_t mtime_ns, const NodeId &id,
                                  std::uint64_t sequence, base::Fd *touched) = 0;
  virtual Result<base::Fd> open_file(std::string_view name) = 0;
  /// True when nobody can write to the file, seen from now, but by opening its name anew: then it keeps its content
  /// when it is renamed to where nobody else comes. False: somebody has it open for writing, or it cannot be told.
  virtual bool quiet(std::string_view name) = 0;
  /// Makes the names in this folder durable.
  virtual Result<void> sync() = 0;
};

/// What lies in the folders of a space and can be no node; see Folder::scan().
struct Strays {
  std::uint64_t count = 0;
  std::string place;  ///< where they are kept, or would be; relative to the provider's root
};

/// The truth of names of one provider. [any thread]
class Namespace {
 public:
  virtual ~Namespace() = default;
  /// Ok when the truth is whole and the one that belongs to this provider, else Unavailable. `now` false: an answer of
  /// the last second is good enough.
  virtual Result<void> prove(bool now) = 0;
  /// A folder of a space: `base` is the space's folder relative to the provider's root, `path` below it.
  virtual Result<std::unique_ptr<Folder>> open(std::string_view base, std::string_view path) = 0;
  /// Opens a file for reading, with what the truth says of it.
  struct File {
    base::Fd fd;
    Entry entry;
  };
  virtual Result<File> open_file(std::string_view base, std::string_view path) = 0;
  /// A folder for a new space, relative to the provider's root: named after it, and like nothing that is there or for
  /// which `taken` says yes. A folder that has the space's id already is given as it is. Changes nothing.
  virtual Result<std::string> choose_space_folder(const SpaceSpec &spec,
                                                  FunctionRef<bool(std::string_view base)> taken) = 0;
  /// Makes the chosen folder, durably; fine when it is there.
  virtual Result<void> make_space(const SpaceId &id, std::string_view base) = 0;
  /// Takes a space's folder out of the tree; it is deleted in the background.
  virtual Result<void> remove_space(const SpaceId &id, std::string_view base) = 0;
  /// Counts the strays in a space's folder and in its trash. `keep`: takes them out of it first, durably, to a place
  /// where nobody deletes them, with their paths below it. FailedPrecondition: something is mounted in there.
  virtual Result<Strays> strays(const SpaceId &, std::string_view /*base*/, bool /*keep*/) { return Strays(); }
  /// A folder that is kept for a space beside its tree, where no other program has business: "trash", or
  /// "versions/<node>". `make`: it is made when it is missing, durably; else NotFound.
  virtual Result<std::unique_ptr<Folder>> kept(const SpaceId &space, std::string_view path, bool make) = 0;
  /// Something that hears of changes which other programs make, in at most that many folders. Unimplemented, with the
  /// reason, where they cannot be heard of.
  virtual Result<std::unique_ptr<Watch>> watch(std::size_t most);
  /// Whether names that differ only in case or normal form are one name there.
  virtual bool folds_names() const { return false; }
  /// Nodes that are gone for good. Nothing to do where identities go with what they belong to.
  virtual Result<void> forget_identities(std::span<const NodeId>) { return {}; }
  /// Makes durable what set_mtime() changed. Nothing to do where there is no descriptor.
  virtual Result<void> sync_touched(const base::Fd &touched) = 0;
  /// Makes everything durable that was changed so far.
  virtual Result<void> sync_all() = 0;
};

}  // namespace Atoll::tree
