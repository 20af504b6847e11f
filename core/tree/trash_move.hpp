// SPDX-License-Identifier: Apache-2.0
// One node on its way from the tree into the trash of its space, as part of a change.
#pragma once

#include "core/tree/change.hpp"

namespace Atoll::tree {

/// Record first, then the truth, then the index: see README.md. note(), what moves the entry, done(). Unless something
/// of the truth was touched the record goes again with this object.
class TrashMove {
 public:
  /// `gone`: the node; must outlive this.
  TrashMove(TreeEngine &engine, Change &change, const Target &gone);
  TrashMove(const TrashMove &) = delete;
  TrashMove &operator=(const TrashMove &) = delete;
  ~TrashMove();

  /// Opens the trash and makes the record durable.
  Result<void> note(Refuge refuge);
  /// Where the entry has to go.
  Folder &folder() noexcept { return *folder_; }
  const std::string &name() const noexcept { return name_; }
  /// For an entry that was exchanged with what replaces it: `move` brings it into the trash, and `back` undoes the
  /// exchange if that fails.
  Result<void> finish(FunctionRef<Result<void>()> move, FunctionRef<Result<void>()> back);
  /// The same for what was exchanged with a staged one at `name`.
  Result<void> finish(Staged &staged, Folder &folder, std::string_view name);
  /// Where names cannot be exchanged: the entry goes from `folder` into the trash, and `come` brings what replaces it,
  /// of this inode, to its name. Where nothing is to be kept it goes on for good. When that fails it comes back, or
  /// stays in the trash; after a crash in between it comes back at the next start. Waits for the disk.
  Result<void> instead(Folder &folder, std::uint64_t inode, FunctionRef<Result<void>()> come);
  /// The same when what replaces it is staged.
  Result<void> place_instead(Staged &staged, Folder &folder, std::uint64_t inode);
  /// The entry is in the trash: takes the row there.
  Result<void> done();

 private:
  void back_to(Folder &folder);
  void stays();
  Result<void> sync(Folder &folder);
  Result<void> close(Result<void> done);
  TreeEngine &engine_;
  Change &change_;
  const Target &gone_;
  TrashRecord record_;
  std::string name_;
  Folder *folder_ = nullptr;
  bool noted_ = false, kept_ = false, purged_ = false;
};

/// An id that sorts by time (RFC 9562, 5.7); `nil_tail`: the first one of that moment.
Uuid trash_id(std::int64_t now_ns, bool nil_tail = false);

}  // namespace Atoll::tree
