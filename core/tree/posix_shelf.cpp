// SPDX-License-Identifier: Apache-2.0
// Staged files that are kept over restarts: in .atoll/spaces/<space>/uploads, under the same name as in staging.
#include "core/tree/posix_store.hpp"
#include "core/tree/try.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

namespace Atoll::tree {
namespace {

std::string shelf_path(const SpaceId &space) { return ".atoll/spaces/" + space.text() + "/uploads"; }

/// The names in a folder.
Result<std::vector<std::string>> names_on(int folder) {
  std::vector<std::string> names;
  base::Fd copy(::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const std::unique_ptr<DIR, int (*)(DIR *)> dir(copy ? ::fdopendir(copy.get()) : nullptr, &::closedir);
  if (!dir) return base::errno_error("list unfinished uploads");
  static_cast<void>(copy.release());  // it is the listing's now
  for (;;) {
    errno = 0;
    const dirent *entry = ::readdir(dir.get());
    if (entry == nullptr && errno != 0) return base::errno_error("list unfinished uploads");
    if (entry == nullptr) return names;
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
}

}  // namespace

Result<std::uint64_t> PosixStaged::inode() {
  struct stat facts {};
  if (::fstat(fd_.get(), &facts) != 0) return base::errno_error("look at an upload");
  return static_cast<std::uint64_t>(facts.st_ino);
}

Result<void> PosixStaged::harden() {
  if (::fdatasync(fd_.get()) != 0) return base::errno_error("make an upload durable");
  return {};
}

Result<void> PosixStaged::cut(std::uint64_t size) {
  if (::ftruncate(fd_.get(), static_cast<off_t>(size)) != 0) return base::errno_error("cut an upload");
  return {};
}

Result<void> PosixStaged::shelve() {
  if (shelved_) return {};
  struct stat mine {
  }, there{};
  if (::fstat(fd_.get(), &mine) != 0) return base::errno_error("look at an upload");
  if (::fstatat(at(), name_.c_str(), &there, AT_SYMLINK_NOFOLLOW) != 0 && errno != ENOENT)
    return base::errno_error("look for an upload in staging");
  // After an exchange it is the old file that has the name.
  if (there.st_ino != mine.st_ino) return error(Status::FailedPrecondition, "the upload is not in staging any more");
  if (!shelf_) {
    TRY_ASSIGN(base::Fd shelf, open_private(*root_, shelf_path(space_)));
    shelf_ = std::make_shared<const base::Fd>(std::move(shelf));
  }
  if (::renameat(at(), name_.c_str(), shelf_->get(), name_.c_str()) != 0) return base::errno_error("keep an upload");
  staging_ = shelf_;
  shelved_ = true;
  if (::fsync(at()) != 0) return base::errno_error("make an upload durable");
  return {};
}

Result<void> PosixStaged::unshelve() {
  if (!shelved_) return {};
  TRY_ASSIGN(base::Fd staging, open_private(*root_, staging_path(space_)));
  if (::renameat(at(), name_.c_str(), staging.get(), name_.c_str()) != 0)
    return base::errno_error("take an upload from where it was kept");
  shelf_ = staging_;  // so that it can go back when nothing can be opened any more
  staging_ = std::make_shared<const base::Fd>(std::move(staging));
  shelved_ = false;
  return {};
}

Result<std::unique_ptr<Staged>> PosixStore::reshelve(const SpaceId &space, std::string_view token, std::uint64_t inode,
                                                     std::uint64_t expected) {
  TRY_ASSIGN(base::Fd shelf, root_->open_folder(shelf_path(space)));
  std::string name(token);
  const auto open_there = [&] { return ::openat(shelf.get(), name.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC); };
  base::Fd fd(open_there());
  if (!fd && errno == ENOENT) {
    TRY_ASSIGN(const auto staging, this->staging(space, false));
    struct stat left {};
    if (::fstatat(staging->get(), name.c_str(), &left, AT_SYMLINK_NOFOLLOW) == 0) {
      if (left.st_ino == inode && ::renameat(staging->get(), name.c_str(), shelf.get(), name.c_str()) != 0)
        return base::errno_error("keep an upload");
    } else if (errno != ENOENT) {
      return base::errno_error("look for an upload in staging");
    }
    fd.reset(open_there());
  }
  if (!fd) return base::errno_error("open an upload");
  const int raw = fd.get();
  auto staged = std::make_unique<PosixStaged>(root_, space, std::make_shared<const base::Fd>(std::move(shelf)),
                                              std::move(name), std::move(fd), false);
  staged->shelved();
  if (expected == kSizeUnknown || expected == 0) return std::unique_ptr<Staged>(std::move(staged));
  TRY_ASSIGN(const std::uint64_t written, staged->size());
  if (written >= expected) return std::unique_ptr<Staged>(std::move(staged));
  TRY_ASSIGN(Room room, root_->room().take(0));
  room.belongs_to(raw);
  TRY(room.grow(expected));
  TRY(reserve_in(raw, room, expected));
  staged->hold(std::move(room), expected);
  return std::unique_ptr<Staged>(std::move(staged));
}

Result<void> PosixStore::tidy_shelves(
    FunctionRef<Result<bool>(const SpaceId &, std::string_view, std::uint64_t, bool)> belongs) {
  auto spaces = root_->open_folder(".atoll/spaces");
  if (!spaces) {
    if (spaces.error().sys_errno == ENOENT) return {};
    return std::move(spaces).error();
  }
  TRY_ASSIGN(const auto all, names_on(spaces->get()));
  for (const std::string &name : all) {
    const auto id = SpaceId::parse(name);
    if (!id) continue;
    const auto is_one = [&](int folder, const std::string &token, bool shelved) -> Result<bool> {
      struct stat facts {};
      if (::fstatat(folder, token.c_str(), &facts, AT_SYMLINK_NOFOLLOW) != 0)
        return base::errno_error("look at an unfinished upload");
      return S_ISREG(facts.st_mode) ? belongs(*id, token, static_cast<std::uint64_t>(facts.st_ino), shelved)
                                    : Result<bool>(false);
    };
    const base::Fd staging(open_beneath(spaces->get(), (name + "/staging").c_str(), O_RDONLY | O_DIRECTORY));
    if (!staging && errno != ENOENT) return base::errno_error("open what an earlier run left in staging");
    if (staging) {
      TRY_ASSIGN(const auto tokens, names_on(staging.get()));
      for (const std::string &token : tokens) {
        TRY_ASSIGN(const bool one, is_one(staging.get(), token, false));
        if (!one) continue;
        TRY_ASSIGN(const base::Fd shelf, open_private(*root_, shelf_path(*id)));
        if (::renameat(staging.get(), token.c_str(), shelf.get(), token.c_str()) != 0)
          return base::errno_error("keep an upload");
      }
    }
    const base::Fd shelf(open_beneath(spaces->get(), (name + "/uploads").c_str(), O_RDONLY | O_DIRECTORY));
    if (!shelf && errno != ENOENT) return base::errno_error("open unfinished uploads");
    if (!shelf) continue;
    TRY_ASSIGN(const auto tokens, names_on(shelf.get()));
    for (const std::string &token : tokens) {
      TRY_ASSIGN(const bool one, is_one(shelf.get(), token, true));
      if (!one) TRY(move_aside(*root_, *id, shelf.get(), token.c_str()));
    }
  }
  return {};
}

}  // namespace Atoll::tree
