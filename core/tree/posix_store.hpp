// SPDX-License-Identifier: Apache-2.0
// Store over the staging folders of a plain tree.
#pragma once

#include "core/tree/posix_folder.hpp"
#include "core/tree/store.hpp"

#include <mutex>
#include <unordered_map>

namespace Atoll::tree {

/// A staged file or folder; its name in staging is a random uuid.
class PosixStaged final : public Staged {
 public:
  /// `fd`: of the file or folder `name` in `staging`.
  PosixStaged(std::shared_ptr<PosixRoot> root, const SpaceId &space, std::shared_ptr<const base::Fd> staging,
              std::string name, base::Fd fd, bool folder);
  ~PosixStaged() override;

  int fd() const noexcept override { return folder_ ? -1 : fd_.get(); }
  Folder *folder() noexcept override { return folder_.get(); }
  Result<std::uint64_t> size() override;
  std::string_view token() const noexcept override { return name_; }
  void leave() noexcept override { placed_ = true; }
  Result<Entry> seal(const Seal &seal) override;
  Result<void> room_to(std::uint64_t size) override;
  Result<std::uint64_t> inode() override;
  Result<void> harden() override;
  Result<void> cut(std::uint64_t size) override;
  Result<void> shelve() override;
  Result<void> unshelve() override;
  /// It lies on the shelf already.
  void shelved() noexcept { shelved_ = true; }

  /// It may be written up to that size, for which this room is held.
  void hold(Room room, std::uint64_t size) {
    room_ = std::move(room);
    granted_ = size;
  }
  int at() const noexcept { return staging_->get(); }
  const std::string &name() const noexcept { return name_; }
  void placed() noexcept { placed_ = true; }
  /// What it holds was at a name until now.
  void exchanged() noexcept { exchanged_ = true; }

 private:
  std::shared_ptr<PosixRoot> root_;
  SpaceId space_;
  std::shared_ptr<const base::Fd> staging_;
  std::shared_ptr<const base::Fd> shelf_;  // from which it was taken; null: it was on none
  std::string name_;
  base::Fd fd_;
  std::unique_ptr<PosixFolder> folder_;
  bool placed_ = false, exchanged_ = false, shelved_ = false;
  Room room_;
  std::uint64_t granted_ = 0;
};

class PosixStore final : public Store {
 public:
  explicit PosixStore(std::shared_ptr<PosixRoot> root) : root_(std::move(root)) {}

  Result<std::unique_ptr<Staged>> stage_file(const SpaceId &space, std::uint64_t reserve) override;
  Result<std::unique_ptr<Staged>> stage_folder(const SpaceId &space) override;
  Result<Left> restage(const SpaceId &space, std::string_view token) override;
  Result<std::unique_ptr<Staged>> reshelve(const SpaceId &space, std::string_view token, std::uint64_t inode,
                                           std::uint64_t expected) override;
  Result<void> tidy_shelves(
      FunctionRef<Result<bool>(const SpaceId &, std::string_view, std::uint64_t, bool)> belongs) override;
  Result<void> copy(int from, Staged &to) override;
  Result<bool> purge(std::size_t limit, bool durably) override;
  Result<void> sweep() override;
  Result<Room> reserve(std::uint64_t bytes) override { return root_->room().take(bytes); }
  bool make_room() override { return root_->give_up_ballast(); }
  void restock() override { root_->restock_ballast(); }

 private:
  /// The staging folder of a space; `anew`: not one that was opened before.
  Result<std::shared_ptr<const base::Fd>> staging(const SpaceId &space, bool anew);

  std::shared_ptr<PosixRoot> root_;
  std::mutex mutex_;
  std::shared_ptr<const base::Fd> opened_in_;                             // guarded by mutex_: the root of these
  std::unordered_map<SpaceId, std::shared_ptr<const base::Fd>> staging_;  // guarded by mutex_; a bounded number
};

/// As PosixStore::stage_file() does: where the disk can keep the room itself, it does so.
Result<void> reserve_in(int fd, Room &room, std::uint64_t bytes);

/// Identity for the state that the file is in now: as `facts` say, which the caller has just asked for.
Result<void> identify_as(PosixRoot &root, int fd, const struct stat &facts, const NodeId &id, std::uint64_t sequence);

/// Identity for the state that the file is in now.
Result<void> identify_open(PosixRoot &root, int fd, const NodeId &id, std::uint64_t sequence);

/// False and errno on failure. kMtimeNow: the current time.
bool set_file_mtime(int fd, std::int64_t mtime_ns) noexcept;

}  // namespace Atoll::tree
