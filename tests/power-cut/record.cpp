// SPDX-License-Identifier: Apache-2.0
#undef _FILE_OFFSET_BITS  // plain names stay plain; all sizes have 64 bits here anyway
#include "tests/power-cut/record.hpp"

#include <dlfcn.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <mutex>

namespace Atoll::proof {
namespace {

std::atomic<bool> recording{false};
std::mutex record_mutex;
std::string record_top;
std::vector<DiskStep> steps;
std::map<ino_t, ino_t> shown, generations;
std::atomic<bool> showing{false};
constexpr ino_t kFarAway = ino_t{1} << 40;

/// Everything here uses system calls directly, so that nothing is noted twice.
bool facts_of(int fd, struct stat &facts) { return ::syscall(SYS_newfstatat, fd, "", &facts, AT_EMPTY_PATH) == 0; }
bool facts_at(int folder, const char *name, struct stat &facts) {
  return ::syscall(SYS_newfstatat, folder, name, &facts, AT_SYMLINK_NOFOLLOW) == 0;
}

/// A number that is given again to another file counts as another inode.
ino_t key_of(ino_t inode) {
  const auto found = generations.find(inode);
  return found == generations.end() ? inode : inode | found->second << 40;
}

bool below_top(int fd) {
  char link[64], path[4096];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t got = ::readlink(link, path, sizeof path);
  return got > 0 && std::string_view(path, static_cast<std::size_t>(got)).starts_with(record_top);
}

/// A lock while something happens that may have to be noted.
class Noting {
 public:
  explicit Noting(int fd) {
    const int before = errno;
    if (recording) {
      lock_ = std::unique_lock(record_mutex);
      active = below_top(fd);
      if (!active) lock_.unlock();
    }
    errno = before;
  }
  bool active = false;

 private:
  std::unique_lock<std::mutex> lock_;
};

void note_inode(int fd, DiskStep step) {
  const int before = errno;
  struct stat facts {};
  if (facts_of(fd, facts)) {
    step.inode = key_of(facts.st_ino);
    step.mtime = facts.st_mtim;
    step.folder = S_ISDIR(facts.st_mode);
    if (step.kind == DiskStep::Kind::Mode) step.offset = facts.st_mode & 07777;
    steps.push_back(std::move(step));
  }
  errno = before;
}

void note_write(int fd, const void *bytes, ssize_t size, off_t at) {
  if (size <= 0) return;
  DiskStep step;
  step.kind = DiskStep::Kind::Write;
  step.offset = static_cast<std::uint64_t>(at);
  step.bytes.assign(static_cast<const char *>(bytes), static_cast<std::size_t>(size));
  note_inode(fd, std::move(step));
}

void note(int fd, DiskStep::Kind kind, std::uint64_t offset = 0) {
  DiskStep step;
  step.kind = kind;
  step.offset = offset;
  note_inode(fd, std::move(step));
}

/// `folder` may be AT_FDCWD with a path: gives the folder itself and the last name.
struct At {
  At(int at, const char *path) : name(path) {
    const std::size_t slash = name.rfind('/');
    if (slash == std::string::npos) {
      fd = at;
      return;
    }
    const std::string where = slash == 0 ? "/" : name.substr(0, slash);
    name.erase(0, slash + 1);
    fd = own = static_cast<int>(::syscall(SYS_openat, at, where.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC, 0));
  }
  ~At() {
    if (own >= 0) ::syscall(SYS_close, own);
  }
  At(const At &) = delete;
  At &operator=(const At &) = delete;
  std::string name;
  int fd = -1, own = -1;
};

DiskStep::Link link_of(const At &at) {
  DiskStep::Link link;
  struct stat folder {
  }, facts{};
  if (facts_of(at.fd, folder)) {
    link.folder = key_of(folder.st_ino);
    link.mtime = folder.st_mtim;
  }
  if (facts_at(at.fd, at.name.c_str(), facts)) link.to = key_of(facts.st_ino);
  link.name = at.name;
  return link;
}

void note_links(std::vector<DiskStep::Link> links, const At *made) {
  const int before = errno;
  DiskStep step;
  step.kind = DiskStep::Kind::Entry;
  step.links = std::move(links);
  struct stat facts {};
  if (made != nullptr && facts_at(made->fd, made->name.c_str(), facts)) {
    step.inode = key_of(facts.st_ino);
    step.folder = S_ISDIR(facts.st_mode);
    step.offset = facts.st_mode & 07777;
    step.mtime = facts.st_mtim;
  }
  steps.push_back(std::move(step));
  errno = before;
}

long made_by(long number, int at, const char *path, long a, long b) {
  const At where(at, path);
  const Noting noting(where.fd);
  struct stat facts {};
  const bool was_there = noting.active && facts_at(where.fd, where.name.c_str(), facts);
  const long result = ::syscall(number, at, path, a, b);
  if (result >= 0 && noting.active) {
    if (!was_there && facts_at(where.fd, where.name.c_str(), facts)) ++generations[facts.st_ino];
    if (!was_there)
      note_links({link_of(where)}, &where);
    else if (number == SYS_openat && (a & O_TRUNC) != 0)
      note(static_cast<int>(result), DiskStep::Kind::Truncate);
  }
  return result;
}

int renamed(int from_at, const char *from, int to_at, const char *to, unsigned flags) {
  const At source(from_at, from), goal(to_at, to);
  const Noting noting(goal.fd);
  const long result = ::syscall(SYS_renameat2, from_at, from, to_at, to, flags);
  if (result == 0 && noting.active) note_links({link_of(source), link_of(goal)}, nullptr);
  return static_cast<int>(result);
}

int unlinked(int at, const char *path, int flags) {
  const At where(at, path);
  const Noting noting(where.fd);
  const long result = ::syscall(SYS_unlinkat, at, path, flags);
  if (result == 0 && noting.active) note_links({link_of(where)}, nullptr);
  return static_cast<int>(result);
}

int opened(int at, const char *path, int flags, va_list rest) {
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : 0;
  if ((flags & (O_CREAT | O_TRUNC)) == 0 || !recording)
    return static_cast<int>(::syscall(SYS_openat, at, path, flags, mode));
  return static_cast<int>(made_by(SYS_openat, at, path, flags, static_cast<long>(mode)));
}

int flushed(int fd, DiskStep::Kind kind) {
  const Noting noting(fd);
  if (noting.active) note(fd, kind);
  return 0;
}

void show(struct stat *facts) {
  if (!showing) return;
  const auto found = shown.find(facts->st_ino);
  facts->st_ino = found != shown.end() ? found->second & (kFarAway - 1) : facts->st_ino + kFarAway;
}

}  // namespace

void record_start(const std::string &path) {
  const std::lock_guard guard(record_mutex);
  record_top = path;
  steps.clear();
  generations.clear();
  recording = true;
}

void record_mark(const std::string &line) {
  const std::lock_guard guard(record_mutex);
  DiskStep step;
  step.bytes = line;
  steps.push_back(std::move(step));
}

std::vector<DiskStep> record_stop() {
  const std::lock_guard guard(record_mutex);
  recording = false;
  return std::move(steps);
}

void show_inodes(std::map<ino_t, ino_t> recorded) {
  shown = std::move(recorded);
  showing = !shown.empty();
}

}  // namespace Atoll::proof

// ---- in place of the C library's, for this program and the libraries that it uses
// ------------------------------------
#define SEEN_BY_LIBRARIES __attribute__((visibility("default")))
using namespace Atoll::proof;  // NOLINT: this file only
using Kind = DiskStep::Kind;

extern "C" {

SEEN_BY_LIBRARIES ssize_t pwrite64(int fd, const void *bytes, size_t size, off_t at) {
  const Noting noting(fd);
  const ssize_t put = ::syscall(SYS_pwrite64, fd, bytes, size, at);
  if (noting.active) note_write(fd, bytes, put, at);
  return put;
}
SEEN_BY_LIBRARIES ssize_t pwrite(int fd, const void *bytes, size_t size, off_t at) {
  return pwrite64(fd, bytes, size, at);
}
SEEN_BY_LIBRARIES ssize_t write(int fd, const void *bytes, size_t size) {
  const Noting noting(fd);
  const off_t at = noting.active ? ::syscall(SYS_lseek, fd, 0, SEEK_CUR) : 0;
  const ssize_t put = ::syscall(SYS_write, fd, bytes, size);
  if (noting.active) note_write(fd, bytes, put, at);
  return put;
}
SEEN_BY_LIBRARIES int ftruncate64(int fd, off_t size) noexcept {
  const Noting noting(fd);
  const long result = ::syscall(SYS_ftruncate, fd, size);
  if (result == 0 && noting.active) note(fd, Kind::Truncate, static_cast<std::uint64_t>(size));
  return static_cast<int>(result);
}
SEEN_BY_LIBRARIES int ftruncate(int fd, off_t size) noexcept { return ftruncate64(fd, size); }
SEEN_BY_LIBRARIES int fsetxattr(int fd, const char *name, const void *value, size_t size, int flags) noexcept {
  const Noting noting(fd);
  const long result = ::syscall(SYS_fsetxattr, fd, name, value, size, flags);
  if (result == 0 && noting.active) {
    DiskStep step;
    step.kind = Kind::Xattr;
    step.name = name;
    step.bytes.assign(static_cast<const char *>(value), size);
    note_inode(fd, std::move(step));
  }
  return static_cast<int>(result);
}
SEEN_BY_LIBRARIES int fchmod(int fd, mode_t mode) noexcept {
  const Noting noting(fd);
  const long result = ::syscall(SYS_fchmod, fd, mode);
  if (result == 0 && noting.active) note(fd, Kind::Mode);
  return static_cast<int>(result);
}
SEEN_BY_LIBRARIES int futimens(int fd, const timespec times[2]) noexcept {
  const Noting noting(fd);
  const long result = ::syscall(SYS_utimensat, fd, nullptr, times, 0);
  if (result == 0 && noting.active) note(fd, Kind::Time);
  return static_cast<int>(result);
}
SEEN_BY_LIBRARIES ssize_t copy_file_range(int, off64_t *, int, off64_t *, size_t, unsigned) {
  errno = ENOSYS;  // the bytes are to be seen
  return -1;
}
SEEN_BY_LIBRARIES int ioctl(int fd, unsigned long request, ...) noexcept {
  va_list rest;
  va_start(rest, request);
  void *argument = va_arg(rest, void *);
  va_end(rest);
  if (request == FICLONE || request == FICLONERANGE) {
    errno = EOPNOTSUPP;
    return -1;
  }
  return static_cast<int>(::syscall(SYS_ioctl, fd, request, argument));
}
SEEN_BY_LIBRARIES int open(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const int fd = opened(AT_FDCWD, path, flags, rest);
  va_end(rest);
  return fd;
}
SEEN_BY_LIBRARIES int open64(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const int fd = opened(AT_FDCWD, path, flags, rest);
  va_end(rest);
  return fd;
}
SEEN_BY_LIBRARIES int openat(int at, const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const int fd = opened(at, path, flags, rest);
  va_end(rest);
  return fd;
}
SEEN_BY_LIBRARIES int openat64(int at, const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const int fd = opened(at, path, flags, rest);
  va_end(rest);
  return fd;
}
SEEN_BY_LIBRARIES int mkdirat(int at, const char *path, mode_t mode) noexcept {
  return static_cast<int>(made_by(SYS_mkdirat, at, path, static_cast<long>(mode), 0));
}
SEEN_BY_LIBRARIES int mkdir(const char *path, mode_t mode) noexcept { return mkdirat(AT_FDCWD, path, mode); }
SEEN_BY_LIBRARIES int linkat(int from_at, const char *from, int to_at, const char *to, int flags) noexcept {
  const At goal(to_at, to);
  const Noting noting(goal.fd);
  const long result = ::syscall(SYS_linkat, from_at, from, to_at, to, flags);
  if (result == 0 && noting.active) note_links({link_of(goal)}, nullptr);
  return static_cast<int>(result);
}
SEEN_BY_LIBRARIES int renameat2(int from_at, const char *from, int to_at, const char *to, unsigned flags) noexcept {
  return renamed(from_at, from, to_at, to, flags);
}
SEEN_BY_LIBRARIES int renameat(int from_at, const char *from, int to_at, const char *to) noexcept {
  return renamed(from_at, from, to_at, to, 0);
}
SEEN_BY_LIBRARIES int rename(const char *from, const char *to) noexcept {
  return renamed(AT_FDCWD, from, AT_FDCWD, to, 0);
}
SEEN_BY_LIBRARIES int unlinkat(int at, const char *path, int flags) noexcept { return unlinked(at, path, flags); }
SEEN_BY_LIBRARIES int unlink(const char *path) noexcept { return unlinked(AT_FDCWD, path, 0); }
SEEN_BY_LIBRARIES int rmdir(const char *path) noexcept { return unlinked(AT_FDCWD, path, AT_REMOVEDIR); }
SEEN_BY_LIBRARIES int fsync(int fd) { return flushed(fd, Kind::Flush); }
SEEN_BY_LIBRARIES int fdatasync(int fd) { return flushed(fd, Kind::Flush); }
SEEN_BY_LIBRARIES int syncfs(int fd) noexcept { return flushed(fd, Kind::FlushAll); }

SEEN_BY_LIBRARIES int fstat(int fd, struct stat *facts) noexcept {
  const long result = ::syscall(SYS_newfstatat, fd, "", facts, AT_EMPTY_PATH);
  if (result == 0) show(facts);
  return static_cast<int>(result);
}
SEEN_BY_LIBRARIES int fstatat(int at, const char *path, struct stat *facts, int flags) noexcept {
  const long result = ::syscall(SYS_newfstatat, at, path, facts, flags);
  if (result == 0) show(facts);
  return static_cast<int>(result);
}
SEEN_BY_LIBRARIES int stat(const char *path, struct stat *facts) noexcept { return fstatat(AT_FDCWD, path, facts, 0); }
SEEN_BY_LIBRARIES int lstat(const char *path, struct stat *facts) noexcept {
  return fstatat(AT_FDCWD, path, facts, AT_SYMLINK_NOFOLLOW);
}
SEEN_BY_LIBRARIES int fstatat64(int at, const char *path, struct stat64 *facts, int flags) noexcept {
  return fstatat(at, path, reinterpret_cast<struct stat *>(facts), flags);
}
SEEN_BY_LIBRARIES int fstat64(int fd, struct stat64 *facts) noexcept {
  return fstat(fd, reinterpret_cast<struct stat *>(facts));
}
SEEN_BY_LIBRARIES int stat64(const char *path, struct stat64 *facts) noexcept {
  return stat(path, reinterpret_cast<struct stat *>(facts));
}
SEEN_BY_LIBRARIES int lstat64(const char *path, struct stat64 *facts) noexcept {
  return lstat(path, reinterpret_cast<struct stat *>(facts));
}
}
