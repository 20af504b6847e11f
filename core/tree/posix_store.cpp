// SPDX-License-Identifier: Apache-2.0
#include "core/tree/posix_store.hpp"

#include "core/base/uuid.hpp"
#include "core/tree/fault_point.hpp"
#include "core/tree/identity.hpp"
#include "core/tree/try.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

namespace Atoll::tree {
namespace {

constexpr std::uint64_t kReserveFrom = 1u << 20;                          // smaller files are not worth the call
constexpr std::size_t kMostStaging = 64;                                  // folders that are kept open
constexpr std::uint64_t kFirstStep = 1u << 20, kLargestStep = 64u << 20;  // for files of a size that nobody knows

Error failed(const char *what) { return base::errno_error(what); }

/// Seconds may pass between the last byte of an upload and its commit; a clock that was set says nothing.
bool is_recent(const timespec &time) {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return time.tv_sec >= now.tv_sec - 1 && time.tv_sec <= now.tv_sec;
}

Result<void> copy_by_hand(int from, int to, off_t offset) {
  std::vector<char> buffer(1u << 18);
  for (;;) {
    const ssize_t got = ::pread(from, buffer.data(), buffer.size(), offset);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed("read a file to copy");
    if (got == 0) return {};
    for (ssize_t done = 0; done < got;) {
      const ssize_t put = ::pwrite(to, buffer.data() + done, static_cast<std::size_t>(got - done), offset + done);
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return failed("write a copy");
      done += put;
    }
    offset += got;
  }
}

}  // namespace

Result<void> reserve_in(int fd, Room &room, std::uint64_t bytes) {
  if (bytes < kReserveFrom) return {};
  if (::fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(bytes)) == 0)
    room.release();
  else if (errno == EOPNOTSUPP || errno == ENOSYS || errno == EINTR)
    room.belongs_to(fd);
  else
    return failed("reserve room for a file");
  return {};
}

Result<void> identify_open(PosixRoot &root, int fd, const NodeId &id, std::uint64_t sequence) {
  struct stat facts {};
  if (::fstat(fd, &facts) != 0) return failed("look at a file");
  return identify_as(root, fd, facts, id, sequence);
}

Result<void> identify_as(PosixRoot &root, int fd, const struct stat &facts, const NodeId &id, std::uint64_t sequence) {
  const Entry entry = entry_of(facts, facts.st_dev);
  Identity identity{id, sequence, entry.size, entry.mtime_ns, entry.inode};
  if (entry.kind == EntryKind::Folder) identity = Identity{id, 0, 0, 0, entry.inode};
  return root.identify(fd, identity);
}

bool set_file_mtime(int fd, std::int64_t mtime_ns) noexcept {
  timespec times[2] = {{0, UTIME_OMIT}, {0, UTIME_NOW}};
  if (mtime_ns != kMtimeNow) {
    std::int64_t seconds = mtime_ns / 1'000'000'000, rest = mtime_ns % 1'000'000'000;
    if (rest < 0) {
      rest += 1'000'000'000;
      --seconds;
    }
    times[1].tv_sec = seconds;
    times[1].tv_nsec = rest;
  }
  return ::futimens(fd, times) == 0;
}

PosixStaged::PosixStaged(std::shared_ptr<PosixRoot> root, const SpaceId &space, std::shared_ptr<const base::Fd> staging,
                         std::string name, base::Fd fd, bool folder)
    : root_(std::move(root)), space_(space), staging_(std::move(staging)), name_(std::move(name)), fd_(std::move(fd)) {
  if (folder) folder_ = std::make_unique<PosixFolder>(root_, std::move(fd_));
}

PosixStaged::~PosixStaged() {
  if (placed_ || shelved_) return;
  if (!folder_ && !exchanged_ && ::unlinkat(at(), name_.c_str(), 0) == 0) return;
  (void)move_aside(*root_, space_, at(), name_.c_str());  // else the sweep of the next start finds it
}

Result<std::uint64_t> PosixStaged::size() {
  struct stat facts {};
  if (::fstat(folder_ ? folder_->fd() : fd_.get(), &facts) != 0) return failed("look at a staged file");
  return static_cast<std::uint64_t>(facts.st_size);
}

Result<Entry> PosixStaged::seal(const Seal &seal) {
  const int fd = folder_ ? folder_->fd() : fd_.get();
  const PosixOptions &options = root_->options();
  struct stat facts {};
  if (::fstat(fd, &facts) != 0) return failed("look at a staged file");
  std::uint32_t mode = folder_ ? options.dir_mode : options.file_mode;
  if (seal.like) {
    mode = seal.like->mode & 0777;
    // Only root and group members may; where it is not allowed the file is the server's own.
    if (seal.like->owner != facts.st_uid || seal.like->group != facts.st_gid) [[maybe_unused]]
      const int ignored = ::fchown(fd, seal.like->owner, seal.like->group);
  }
  if ((facts.st_mode & 07777) != mode && ::fchmod(fd, mode) != 0) return failed("set the mode of a staged file");
  // What was written a moment ago has the current time already.
  if (seal.mtime_ns != kMtimeNow || !is_recent(facts.st_mtim)) {
    if (!set_file_mtime(fd, seal.mtime_ns) || ::fstat(fd, &facts) != 0)
      return failed("set the modification time of a staged file");
  }
  ATOLL_FAULT_POINT("posix.seal_time");
  auto identified = identify_as(*root_, fd, facts, seal.id, seal.sequence);
  if (!identified && identified.status() != Status::Unimplemented) return std::move(identified).error();
  ATOLL_FAULT_POINT("posix.seal_identified");
  if (seal.durable) {
    if (auto done = root_->sync().before_naming(fd); !done) return std::move(done).error();
  }
  ATOLL_FAULT_POINT("posix.seal_durable");
  room_.release();  // all of it is on the disk
  // Writing it out changes no time on a local file system; elsewhere it may.
  if (!root_->sync().keeps_order() && ::fstat(fd, &facts) != 0) return failed("look at a staged file");
  return entry_of(facts, facts.st_dev);
}

Result<void> PosixStaged::room_to(std::uint64_t size) {
  if (size <= granted_ || folder_) return {};
  if (!room_.held()) {
    TRY_ASSIGN(room_, root_->room().take(0));
    room_.belongs_to(fd_.get());
  }
  const std::uint64_t ahead = std::max(size, granted_ + std::clamp(granted_, kFirstStep, kLargestStep));
  if (room_.grow(ahead)) {
    granted_ = ahead;
    return {};
  }
  TRY(room_.grow(size));
  granted_ = size;
  return {};
}

Result<std::shared_ptr<const base::Fd>> PosixStore::staging(const SpaceId &space, bool anew) {
  const auto root = root_->folder();
  if (!anew) {
    const std::lock_guard guard(mutex_);
    const auto found = staging_.find(space);
    if (opened_in_ == root && found != staging_.end()) return found->second;
  }
  TRY_ASSIGN(base::Fd opened, open_private(*root_, staging_path(space)));
  auto staging = std::make_shared<const base::Fd>(std::move(opened));
  const std::lock_guard guard(mutex_);
  if (opened_in_ != root || staging_.size() >= kMostStaging) staging_.clear();
  opened_in_ = root;
  staging_[space] = staging;
  return std::shared_ptr<const base::Fd>(std::move(staging));
}

Result<std::unique_ptr<Staged>> PosixStore::stage_file(const SpaceId &space, std::uint64_t expected) {
  const bool unknown = expected == kSizeUnknown;
  if (unknown) expected = 0;
  Room room;
  if (expected != 0) {
    TRY_ASSIGN(room, root_->room().take(expected));
  }
  std::string name = base::random_id<Uuid>().text();
  std::shared_ptr<const base::Fd> staging;
  base::Fd fd;
  for (const bool anew : {false, true}) {
    TRY_ASSIGN(staging, this->staging(space, anew));
    fd.reset(::openat(staging->get(), name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                      root_->options().file_mode));
    if (fd || errno != ENOENT) break;  // else somebody has removed the folder
  }
  if (!fd) return failed("make a staged file");
  ATOLL_FAULT_POINT("posix.staged");
  const int raw = fd.get();
  auto staged = std::make_unique<PosixStaged>(root_, space, std::move(staging), std::move(name), std::move(fd), false);
  if (unknown) {
    TRY(staged->room_to(1));
    return std::unique_ptr<Staged>(std::move(staged));
  }
  TRY(reserve_in(raw, room, expected));
  staged->hold(std::move(room), expected);
  return std::unique_ptr<Staged>(std::move(staged));
}

Result<std::unique_ptr<Staged>> PosixStore::stage_folder(const SpaceId &space) {
  TRY_ASSIGN(auto staging, this->staging(space, true));
  std::string name = base::random_id<Uuid>().text();
  if (::mkdirat(staging->get(), name.c_str(), 0700) != 0) return failed("make a staged folder");
  ATOLL_FAULT_POINT("posix.folder_staged");
  base::Fd fd(open_beneath(staging->get(), name.c_str(), O_RDONLY | O_DIRECTORY));
  if (!fd) return failed("open a staged folder");
  return std::unique_ptr<Staged>(
      std::make_unique<PosixStaged>(root_, space, std::move(staging), std::move(name), std::move(fd), true));
}

Result<Store::Left> PosixStore::restage(const SpaceId &space, std::string_view token) {
  Left left;
  std::string name(token);
  auto staging = root_->open_folder(staging_path(space));
  if (!staging) {
    if (staging.error().sys_errno == ENOENT) return left;
    return std::move(staging).error();
  }
  struct stat facts {};
  if (::fstatat(staging->get(), name.c_str(), &facts, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return left;
    return failed("look at a staged file");
  }
  left.entry = entry_of(facts, facts.st_dev);
  left.staged = std::make_unique<PosixStaged>(root_, space, std::make_shared<base::Fd>(std::move(*staging)),
                                              std::move(name), base::Fd(), false);
  left.staged->leave();
  return left;
}

Result<void> PosixStore::copy(int from, Staged &to) {
  const int fd = to.fd();
  if (::ioctl(fd, FICLONE, from) == 0) return {};
  off_t offset = 0;
  for (;;) {
    off_t in = offset, out = offset;
    const ssize_t moved = ::copy_file_range(from, &in, fd, &out, std::size_t{1} << 30, 0);
    if (moved == 0) return {};
    if (moved > 0) {
      offset += moved;
    } else if (errno != EINTR) {
      if (errno == ENOSPC || errno == EDQUOT || errno == EIO || errno == EFBIG) return failed("copy a file");
      return copy_by_hand(from, fd, offset);
    }
  }
}

}  // namespace Atoll::tree
