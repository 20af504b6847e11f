// SPDX-License-Identifier: Apache-2.0
#include "core/tree/posix_folder.hpp"

#include "core/base/path.hpp"
#include "core/base/uuid.hpp"
#include "core/tree/fault_point.hpp"
#include "core/tree/identity.hpp"
#include "core/tree/posix_store.hpp"
#include "core/tree/writers.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace Atoll::tree {
namespace {

/// A name with its final zero byte, without an allocation. Names are 255 bytes at most.
class Name {
 public:
  explicit Name(std::string_view name) noexcept {
    const std::size_t size = std::min(name.size(), text_.size() - 1);
    if (size != 0) std::memcpy(text_.data(), name.data(), size);
    text_[size] = 0;
  }
  const char *c_str() const noexcept { return text_.data(); }

 private:
  std::array<char, 256> text_;
};

Error failed(const char *what, std::string_view name) {
  return base::errno_error(std::string(what) + " " + std::string(name));
}

std::int64_t nanoseconds(const timespec &time) { return time.tv_sec * 1'000'000'000LL + time.tv_nsec; }

}  // namespace

Entry entry_of(const struct stat &facts, dev_t device) noexcept {
  Entry entry;
  if (facts.st_dev == device) {
    if (S_ISREG(facts.st_mode)) entry.kind = EntryKind::File;
    if (S_ISDIR(facts.st_mode)) entry.kind = EntryKind::Folder;
  }
  entry.size = entry.kind == EntryKind::File ? static_cast<std::uint64_t>(facts.st_size) : 0;
  entry.mtime_ns = nanoseconds(facts.st_mtim);
  entry.inode = facts.st_ino;
  entry.mode = facts.st_mode & 07777;
  entry.owner = facts.st_uid;
  entry.group = facts.st_gid;
  return entry;
}

std::string staging_path(const SpaceId &space) { return ".atoll/spaces/" + space.text() + "/staging"; }
std::string aside_path(const SpaceId &space) { return ".atoll/spaces/" + space.text() + "/aside"; }

std::string kept_path(const SpaceId &space, std::string_view path) {
  return ".atoll/spaces/" + space.text() + "/" + std::string(path);
}

Result<base::Fd> open_private(const PosixRoot &root, const std::string &path) {
  auto fd = root.open_folder(path);
  if (fd || fd.error().sys_errno != ENOENT) return fd;
  return root.make_private_folder(path);
}

Result<void> move_aside(PosixRoot &root, const SpaceId &space, int folder, const char *name) {
  const std::string path = aside_path(space);
  auto aside = open_private(root, path);
  if (!aside) return error(Status::Unavailable, aside.error().message);  // never taken for a word about the name
  const std::string to = base::random_id<Uuid>().text();
  return root.set_aside(path, [&]() -> Result<void> {
    if (::renameat(folder, name, aside->get(), to.c_str()) != 0) return base::errno_error("set aside");
    ATOLL_FAULT_POINT("posix.set_aside");
    return {};
  });
}

int rename_onto(int from_folder, const char *from, int to_folder, const char *to, Onto onto) noexcept {
  if (onto == Onto::File) return ::renameat(from_folder, from, to_folder, to);
  if (onto == Onto::Exchange) return ::renameat2(from_folder, from, to_folder, to, RENAME_EXCHANGE);
  if (::renameat2(from_folder, from, to_folder, to, RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return -1;
  // Not every file system knows the flag; then a name that another program makes in this moment is lost to it.
  if (::faccessat(to_folder, to, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
    errno = EEXIST;
    return -1;
  }
  return errno == ENOENT ? ::renameat(from_folder, from, to_folder, to) : -1;
}

Result<dev_t> PosixFolder::device() {
  if (!device_) {
    struct stat facts {};
    if (::fstat(fd_.get(), &facts) != 0) return base::errno_error("look at a folder");
    device_ = facts.st_dev;
  }
  return *device_;
}

Result<Entry> PosixFolder::self() {
  struct stat facts {};
  if (::fstat(fd_.get(), &facts) != 0) return base::errno_error("look at a folder");
  device_ = facts.st_dev;
  return entry_of(facts, facts.st_dev);
}

Result<std::optional<Entry>> PosixFolder::look(std::string_view name) {
  const auto own = device();
  if (!own) return own.error();
  struct stat facts {};
  if (::fstatat(fd_.get(), Name(name).c_str(), &facts, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return std::optional<Entry>();
    return failed("look at", name);
  }
  if (root_->folds_names()) {
    // It may be there under a name that is another one to everybody but this file system.
    auto exact = has_exactly(name);
    if (!exact) return std::move(exact).error();
    if (!*exact) return std::optional<Entry>();
  }
  return std::optional<Entry>(entry_of(facts, *own));
}

Result<bool> PosixFolder::has_exactly(std::string_view name) {
  const int copy = ::openat(fd_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (copy < 0) return base::errno_error("list a folder");
  const std::unique_ptr<DIR, int (*)(DIR *)> dir(::fdopendir(copy), [](DIR *open) { return ::closedir(open); });
  if (!dir) {
    const Error failure = base::errno_error("list a folder");
    ::close(copy);
    return failure;
  }
  for (;;) {
    errno = 0;
    const dirent *found = ::readdir(dir.get());
    if (found == nullptr && errno != 0) return base::errno_error("list a folder");
    if (found == nullptr) return false;
    if (name == found->d_name) return true;
  }
}

Result<void> PosixFolder::scan(FunctionRef<void(std::string_view, const Entry &)> sink) {
  const auto own = device();
  if (!own) return own.error();
  const int copy = ::openat(fd_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (copy < 0) return base::errno_error("list a folder");
  const std::unique_ptr<DIR, int (*)(DIR *)> dir(::fdopendir(copy), [](DIR *open) { return ::closedir(open); });
  if (!dir) {
    const Error failure = base::errno_error("list a folder");
    ::close(copy);
    return failure;
  }
  for (;;) {
    errno = 0;
    const dirent *found = ::readdir(dir.get());
    if (found == nullptr) {
      if (errno != 0) return base::errno_error("list a folder");
      return {};
    }
    if (found->d_type != DT_REG && found->d_type != DT_DIR && found->d_type != DT_UNKNOWN) continue;
    const std::string_view name = found->d_name;
    if (!base::valid_name(name)) continue;
    struct stat facts {};
    if (::fstatat(fd_.get(), found->d_name, &facts, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno == ENOENT) continue;  // removed meanwhile
      return failed("look at", name);
    }
    const Entry entry = entry_of(facts, *own);
    if (entry.kind != EntryKind::Other) sink(name, entry);
  }
}

Result<base::Fd> PosixFolder::open_entry(std::string_view name) {
  base::Fd fd(open_beneath(fd_.get(), Name(name).c_str(), O_RDONLY | O_NONBLOCK | O_NOFOLLOW));
  if (!fd) return failed("open", name);
  return fd;
}

Result<std::optional<Identity>> PosixFolder::identity(std::string_view name) {
  auto fd = open_entry(name);
  if (!fd) {
    if (fd.status() == Status::PermissionDenied) return std::optional<Identity>();
    return std::move(fd).error();
  }
  return root_->identity(fd->get());
}

Result<void> PosixFolder::identify(std::string_view name, const NodeId &id, std::uint64_t sequence) {
  auto fd = open_entry(name);
  if (!fd) return std::move(fd).error();
  return identify_open(*root_, fd->get(), id, sequence);
}

Result<std::unique_ptr<Folder>> PosixFolder::open(std::string_view name) {
  base::Fd fd(open_beneath(fd_.get(), Name(name).c_str(), O_RDONLY | O_DIRECTORY));
  if (!fd) return failed("open the folder", name);
  return std::unique_ptr<Folder>(std::make_unique<PosixFolder>(root_, std::move(fd)));
}

Result<Entry> PosixFolder::make_folder(std::string_view name, const NodeId &id) {
  const Name text(name);
  if (::mkdirat(fd_.get(), text.c_str(), 0700) != 0) return failed("make the folder", name);
  ATOLL_FAULT_POINT("posix.folder_made");
  auto finish = [&]() -> Result<Entry> {
    base::Fd fd(open_beneath(fd_.get(), text.c_str(), O_RDONLY | O_DIRECTORY));
    if (!fd || ::fchmod(fd.get(), root_->options().dir_mode) != 0) return failed("make the folder", name);
    ATOLL_FAULT_POINT("posix.folder_mode");
    auto identified = identify_open(*root_, fd.get(), id, 0);
    if (!identified && identified.status() != Status::Unimplemented) return std::move(identified).error();
    struct stat facts {};
    if (::fstat(fd.get(), &facts) != 0) return failed("make the folder", name);
    return entry_of(facts, facts.st_dev);
  };
  auto made = finish();
  if (!made) ::unlinkat(fd_.get(), text.c_str(), AT_REMOVEDIR);
  return made;
}

Result<void> PosixFolder::move(std::string_view name, Folder &to, std::string_view to_name, Onto onto) {
  auto &target = static_cast<PosixFolder &>(to);
  const Name from_text(name), to_text(to_name);
  if (rename_onto(fd_.get(), from_text.c_str(), target.fd(), to_text.c_str(), onto) == 0) return {};
  if (errno == EEXIST && onto == Onto::Nothing && root_->folds_names()) {
    // To the file system both names may be that of the one entry.
    struct stat from {
    }, there{};
    if (::fstatat(fd_.get(), from_text.c_str(), &from, AT_SYMLINK_NOFOLLOW) == 0 &&
        ::fstatat(target.fd(), to_text.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0 && from.st_ino == there.st_ino &&
        from.st_dev == there.st_dev && ::renameat(fd_.get(), from_text.c_str(), target.fd(), to_text.c_str()) == 0)
      return {};
    errno = EEXIST;
  }
  return failed("rename", name);
}

Result<void> PosixFolder::place(Staged &staged, std::string_view name, Onto onto) {
  auto &source = static_cast<PosixStaged &>(staged);
  if (rename_onto(source.at(), source.name().c_str(), fd_.get(), Name(name).c_str(), onto) != 0)
    return failed("rename a staged file to", name);
  if (onto != Onto::Exchange)
    source.placed();
  else
    source.exchanged();  // what was there is discarded with it
  return {};
}

Result<void> PosixFolder::set_aside(const SpaceId &space, std::string_view name) {
  auto moved = move_aside(*root_, space, fd_.get(), Name(name).c_str());
  if (moved || moved.error().sys_errno == 0) return moved;
  errno = moved.error().sys_errno;
  return failed("remove", name);
}

Result<Entry> PosixFolder::set_mtime(std::string_view name, std::int64_t mtime_ns, const NodeId &id,
                                     std::uint64_t sequence, base::Fd *touched) {
  auto fd = open_entry(name);
  if (!fd) return std::move(fd).error();
  struct stat before {
  }, facts{};
  if (::fstat(fd->get(), &before) != 0) return failed("look at", name);
  if (!set_file_mtime(fd->get(), mtime_ns)) return failed("set the modification time of", name);
  ATOLL_FAULT_POINT("posix.mtime_set");
  // An identity that survives a power cut which takes the time with it would look like somebody else's change.
  auto identified = root_->sync().keeps_order() ? Result<void>() : root_->sync().file(fd->get());
  if (identified && ::fstat(fd->get(), &facts) != 0) identified = failed("look at", name);
  if (identified) identified = identify_open(*root_, fd->get(), id, sequence);
  if (identified.status() == Status::Unimplemented) identified = Result<void>();
  if (!identified) {
    const timespec times[2] = {{0, UTIME_OMIT}, before.st_mtim};  // what is refused has not happened
    ::futimens(fd->get(), times);
    return std::move(identified).error();
  }
  ATOLL_FAULT_POINT("posix.mtime_identified");
  if (touched != nullptr) *touched = std::move(*fd);
  return entry_of(facts, facts.st_dev);
}

Result<base::Fd> PosixFolder::open_file(std::string_view name) {
  auto fd = open_entry(name);
  if (!fd) return fd;
  struct stat facts {};
  if (::fstat(fd->get(), &facts) != 0) return failed("look at", name);
  if (!S_ISREG(facts.st_mode)) return base::errno_error("open " + std::string(name) + ", which is no file", ENOENT);
  return fd;
}

bool PosixFolder::quiet(std::string_view name) {
  const auto fd = open_file(name);
  if (!fd) return false;
  struct stat facts {};
  if (::fstat(fd->get(), &facts) != 0 || facts.st_nlink != 1) return false;  // it has another name
  return writers_of(fd->get()) == Writers::None;
}

Result<void> PosixFolder::sync() { return root_->sync().folder(fd_.get()); }

}  // namespace Atoll::tree
