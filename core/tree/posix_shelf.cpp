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
  // After an exchange it is the old file that has the name.
  if (::fstatat(at(), name_.c_str(), &there, AT_SYMLINK_NOFOLLOW) != 0 || there.st_ino != mine.st_ino)
    return error(Status::FailedPrecondition, "the upload is not in staging any more");
  TRY_ASSIGN(base::Fd shelf, open_private(*root_, shelf_path(space_)));
  if (::renameat(at(), name_.c_str(), shelf.get(), name_.c_str()) != 0) return base::errno_error("keep an upload");
  staging_ = std::make_shared<const base::Fd>(std::move(shelf));
  shelved_ = true;
  if (::fsync(at()) != 0) return base::errno_error("make an upload durable");
  return {};
}

Result<void> PosixStaged::unshelve() {
  if (!shelved_) return {};
  TRY_ASSIGN(base::Fd staging, open_private(*root_, staging_path(space_)));
  if (::renameat(at(), name_.c_str(), staging.get(), name_.c_str()) != 0)
    return base::errno_error("take an upload from where it was kept");
  staging_ = std::make_shared<const base::Fd>(std::move(staging));
  shelved_ = false;
  return {};
}

Result<std::unique_ptr<Staged>> PosixStore::reshelve(const SpaceId &space, std::string_view token,
                                                     std::uint64_t expected) {
  TRY_ASSIGN(base::Fd shelf, root_->open_folder(shelf_path(space)));
  std::string name(token);
  base::Fd fd(::openat(shelf.get(), name.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC));
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

Result<void> PosixStore::tidy_shelves(FunctionRef<bool(const SpaceId &, std::string_view, std::uint64_t)> belongs) {
  auto spaces = root_->open_folder(".atoll/spaces");
  if (!spaces) {
    if (spaces.error().sys_errno == ENOENT) return {};
    return std::move(spaces).error();
  }
  TRY_ASSIGN(const auto all, names_on(spaces->get()));
  for (const std::string &name : all) {
    const auto id = SpaceId::parse(name);
    if (!id) continue;
    const auto is_one = [&](int folder, const std::string &token) {
      struct stat facts {};
      return ::fstatat(folder, token.c_str(), &facts, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(facts.st_mode) &&
             belongs(*id, token, static_cast<std::uint64_t>(facts.st_ino));
    };
    const base::Fd staging(open_beneath(spaces->get(), (name + "/staging").c_str(), O_RDONLY | O_DIRECTORY));
    if (!staging && errno != ENOENT) return base::errno_error("open what an earlier run left in staging");
    if (staging) {
      TRY_ASSIGN(const auto tokens, names_on(staging.get()));
      for (const std::string &token : tokens) {
        if (!is_one(staging.get(), token)) continue;
        TRY_ASSIGN(const base::Fd shelf, open_private(*root_, shelf_path(*id)));
        if (::renameat(staging.get(), token.c_str(), shelf.get(), token.c_str()) != 0)
          return base::errno_error("keep an upload");
      }
    }
    const base::Fd shelf(open_beneath(spaces->get(), (name + "/uploads").c_str(), O_RDONLY | O_DIRECTORY));
    if (!shelf && errno != ENOENT) return base::errno_error("open unfinished uploads");
    if (!shelf) continue;
    TRY_ASSIGN(const auto tokens, names_on(shelf.get()));
    for (const std::string &token : tokens)
      if (!is_one(shelf.get(), token)) TRY(move_aside(*root_, *id, shelf.get(), token.c_str()));
  }
  return {};
}

}  // namespace Atoll::tree
