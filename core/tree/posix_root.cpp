// SPDX-License-Identifier: Apache-2.0
#include "core/tree/posix_root.hpp"

#include "core/base/text.hpp"
#include "core/base/time.hpp"
#include "core/tree/fault_point.hpp"
#include "core/tree/identity.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace Atoll::tree {
namespace {

constexpr const char *kMarkerHead = "atoll storage-posix 1\n";
constexpr std::int64_t kProofNs = 1'000'000'000;
constexpr std::size_t kPieceBytes = 3500;  // of a path in one system call; PATH_MAX is 4096

Error gone(const std::string &root, std::string_view why) {
  Error failure = error(Status::Unavailable, "storage root " + root + ": " + std::string(why) +
                                                 "; is its file system mounted? Nothing is served until it is back");
  failure.retry_after_ms = 5000;
  return failure;
}

Result<bool> empty_folder(int at) {
  const int copy = ::openat(at, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (copy < 0) return base::errno_error("read the storage root");
  DIR *dir = ::fdopendir(copy);
  if (dir == nullptr) {
    ::close(copy);
    return base::errno_error("read the storage root");
  }
  bool empty = true;
  errno = 0;
  while (const dirent *entry = ::readdir(dir)) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != ".." && name != "lost+found") empty = false;
  }
  const int failed = errno;
  ::closedir(dir);
  if (failed != 0) return base::errno_error("read the storage root", failed);
  return empty;
}

Result<void> write_marker(int at, const std::string &text) {
  const std::string what = "make the marker of the storage root";
  base::Fd fd(::openat(at, "marker.new", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd) return base::errno_error(what);
  if (auto written = base::write_all(fd.get(), text); !written) return written;
  if (::fsync(fd.get()) != 0 || ::renameat(at, "marker.new", at, "marker") != 0 || ::fsync(at) != 0)
    return base::errno_error(what);
  return {};
}

/// Marks an empty root as ours. Fine when an interrupted first start did it already.
Result<void> first_marker(const std::string &path, const Uuid &provider) {
  base::Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return gone(path, std::strerror(errno));
  if (::faccessat(fd.get(), ".atoll/marker", F_OK, AT_SYMLINK_NOFOLLOW) == 0) return {};  // adopt() compares it
  if (errno != ENOENT) return base::errno_error("look at " + path + "/.atoll/marker");
  auto empty = empty_folder(fd.get());
  if (!empty) return std::move(empty).error();
  // Somebody's tree is not taken over by accident; an interrupted first start left at most an .atoll folder.
  if (!*empty && ::faccessat(fd.get(), ".atoll", F_OK, AT_SYMLINK_NOFOLLOW) != 0)
    return error(Status::FailedPrecondition,
                 "storage root " + path + " is not empty and has no .atoll/marker; give an empty folder");
  if (::mkdirat(fd.get(), ".atoll", 0700) != 0 && errno != EEXIST) return base::errno_error("make " + path + "/.atoll");
  base::Fd own(open_beneath(fd.get(), ".atoll", O_RDONLY | O_DIRECTORY));
  ATOLL_FAULT_POINT("posix.marker_folder");
  if (!own) return base::errno_error("open " + path + "/.atoll");
  if (auto made = write_marker(own.get(), kMarkerHead + provider.text() + "\n"); !made) return made;
  ATOLL_FAULT_POINT("posix.marker_made");
  if (::fsync(fd.get()) != 0) return base::errno_error("make " + path + "/.atoll durable");
  return {};
}

/// Whether the file system has extended attributes: tried out on a file of ours.
bool keeps_attributes(int fd) {
  if (::fsetxattr(fd, "user.atoll.probe", "x", 1, 0) == 0) {
    ::fremovexattr(fd, "user.atoll.probe");
    return true;
  }
  return errno != ENOTSUP;  // full for instance: that says nothing
}

bool look_at(int fd, struct statx &facts) {
  return ::statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, &facts) == 0;
}

std::int64_t birth_of(const struct statx &facts) {
  if ((facts.stx_mask & STATX_BTIME) == 0) return 0;
  return facts.stx_btime.tv_sec * 1'000'000'000LL + facts.stx_btime.tv_nsec;
}

Entry entry_of_facts(const struct statx &facts) {
  Entry entry;
  entry.kind = S_ISDIR(facts.stx_mode) ? EntryKind::Folder : EntryKind::File;
  entry.size = entry.kind == EntryKind::File ? facts.stx_size : 0;
  entry.mtime_ns = facts.stx_mtime.tv_sec * 1'000'000'000LL + facts.stx_mtime.tv_nsec;
  entry.inode = facts.stx_ino;
  return entry;
}

}  // namespace

int open_beneath(int at, const char *path, int flags) noexcept {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS;
  for (int tries = 0;; ++tries) {
    const long fd = ::syscall(SYS_openat2, at, path, &how, sizeof how);
    if (fd >= 0) return static_cast<int>(fd);
    if (errno != EINTR && (errno != EAGAIN || tries >= 100)) return -1;
  }
}

PosixRoot::PosixRoot(PosixOptions options, const Uuid &id)
    : options_(std::move(options)),
      id_(id),
      room_([this] { return left(); }),
      ballast_(std::min(options_.reserve, kMostBallast)) {}

Result<std::uint64_t> PosixRoot::left() const {
  struct statvfs facts {};
  if (::fstatvfs(folder()->get(), &facts) != 0) return base::errno_error("look at the room on the disk");
  if (facts.f_blocks == 0) return UINT64_MAX;  // the file system does not tell
  const std::uint64_t free = static_cast<std::uint64_t>(facts.f_bavail) * facts.f_frsize;
  const std::uint64_t kept = options_.reserve + ballast_.owed();
  if (free < kept) return disk_is_full();
  return free - kept;
}

bool PosixRoot::give_up_ballast() {
  const auto own = open_folder(".atoll");
  return own && ballast_.give_up(own->get());
}

void PosixRoot::restock_ballast() {
  if (const auto own = open_folder(".atoll")) ballast_.stock(own->get(), options_.reserve);
}

Result<std::shared_ptr<PosixRoot>> PosixRoot::open(PosixOptions options, const StateDir &state) {
  std::shared_ptr<PosixRoot> root(new PosixRoot(std::move(options), state.provider()));
  const std::string &path = root->options_.root;
  if (state.first_start()) {
    if (auto made = first_marker(path, state.provider()); !made) return std::move(made).error();
  }
  if (auto adopted = root->adopt(); !adopted) return std::move(adopted).error();
  if (!keeps_attributes(root->marker_.get())) {
    auto table = IdentityTable::open(state.path() + "/identities.db");
    if (!table) return std::move(table).error();
    root->identities_ = std::move(*table);
  }
  return root;
}

Result<void> PosixRoot::adopt() {
  auto fd = std::make_shared<base::Fd>(::open(options_.root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!*fd) return gone(options_.root, std::strerror(errno));
  base::Fd marker(open_beneath(fd->get(), ".atoll/marker", O_RDONLY | O_NONBLOCK));
  if (!marker) return gone(options_.root, ".atoll/marker is missing");
  char text[128];
  const ssize_t got = ::pread(marker.get(), text, sizeof text, 0);
  if (got < 0) return gone(options_.root, ".atoll/marker cannot be read");
  const std::string want = kMarkerHead + id_.text() + "\n";
  if (std::string_view(text, static_cast<std::size_t>(got)) != want)
    return error(
        Status::FailedPrecondition,
        "storage root " + options_.root + " belongs to another provider: .atoll/marker and state_dir do not match");
  if (::flock(marker.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK)
      return error(Status::FailedPrecondition, "storage root " + options_.root + " is in use by another server");
    return base::errno_error("lock " + options_.root + "/.atoll/marker");
  }
  struct stat now {};
  if (::fstat(marker.get(), &now) != 0) return base::errno_error("look at " + options_.root + "/.atoll/marker");
  sync_.set_keeps_order(keeps_order(fd->get()));
  folder_ = std::move(fd);
  marker_ = std::move(marker);
  marker_stat_ = now;
  proved_ns_ = base::monotonic_ns();
  return {};
}

Result<void> PosixRoot::prove(bool now) {
  const std::int64_t clock = base::monotonic_ns();
  const std::int64_t proved = proved_ns_.load(std::memory_order_relaxed);
  if (!now && proved != 0 && clock - proved < kProofNs) return {};
  const std::lock_guard guard(mutex_);
  auto result = prove_now();
  proved_ns_ = result ? clock : 0;
  return result;
}

Result<void> PosixRoot::prove_now() {
  // By the path: a file system that was mounted over the root, or taken away below it, shows only there.
  struct stat root {
  }, held{}, marker{};
  if (::stat(options_.root.c_str(), &root) != 0) return gone(options_.root, std::strerror(errno));
  if (::fstat(folder_->get(), &held) != 0) return gone(options_.root, std::strerror(errno));
  if (root.st_dev == held.st_dev && root.st_ino == held.st_ino) {
    if (::fstatat(folder_->get(), ".atoll/marker", &marker, AT_SYMLINK_NOFOLLOW) != 0)
      return gone(options_.root, ".atoll/marker is missing");
    if (marker.st_ino == marker_stat_.st_ino && marker.st_dev == marker_stat_.st_dev) return {};
  }
  auto adopted = adopt();
  if (!adopted && adopted.status() != Status::Unavailable) return gone(options_.root, adopted.error().message);
  return adopted;
}

std::shared_ptr<const base::Fd> PosixRoot::folder() const {
  const std::lock_guard guard(mutex_);
  return folder_;
}

Result<base::Fd> PosixRoot::open_folder(std::string_view path) const {
  constexpr int kFlags = O_RDONLY | O_DIRECTORY;
  const auto root = folder();
  if (path.empty()) path = ".";
  base::Fd at;
  for (;;) {
    std::string_view piece = path;
    if (piece.size() > kPieceBytes) piece = piece.substr(0, piece.rfind('/', kPieceBytes));
    base::Fd next(open_beneath(at ? at.get() : root->get(), std::string(piece).c_str(), kFlags));
    if (!next) return base::errno_error("open the folder " + std::string(path));
    at = std::move(next);
    if (piece.size() == path.size()) return at;
    path.remove_prefix(piece.size() + 1);
  }
}

Result<base::Fd> PosixRoot::make_private_folder(std::string_view path) const {
  base::Fd at(open_beneath(folder()->get(), ".", O_RDONLY | O_DIRECTORY));
  if (!at) return base::errno_error("open the storage root");
  for (const std::string_view segment : base::split(path, '/')) {
    const std::string name(segment);
    if (::mkdirat(at.get(), name.c_str(), 0700) == 0) {
      if (::fsync(at.get()) != 0) return base::errno_error("make " + name + " durable");
    } else if (errno != EEXIST) {
      return base::errno_error("make the folder " + std::string(path));
    }
    base::Fd next(open_beneath(at.get(), name.c_str(), O_RDONLY | O_DIRECTORY));
    if (!next) return base::errno_error("open the folder " + std::string(path));
    at = std::move(next);
  }
  return at;
}

Result<FileSystem> PosixRoot::probe() {
  auto own = open_folder(".atoll");
  if (!own) return std::move(own).error();
  auto found = probe_file_system(own->get());
  if (found) folds_ = found->folds_case || found->folds_forms;
  return found;
}

Result<std::optional<Identity>> PosixRoot::identity(int fd) {
  if (!identities_) return read_identity(fd);
  struct statx facts {};
  if (!look_at(fd, facts)) return base::errno_error("look at a file");
  return identities_->find(entry_of_facts(facts), birth_of(facts));
}

Result<void> PosixRoot::identify(int fd, const Identity &identity) {
  if (!identities_) return write_identity(fd, identity);
  struct statx facts {};
  if (!look_at(fd, facts)) return base::errno_error("look at a file");
  Identity whole = identity;
  whole.inode = facts.stx_ino;
  return identities_->put(whole, S_ISDIR(facts.stx_mode), birth_of(facts));
}

Result<void> PosixRoot::forget_identities(std::span<const NodeId> nodes) {
  return identities_ ? identities_->forget(nodes) : Result<void>();
}

Result<void> PosixRoot::set_aside(const std::string &path, FunctionRef<Result<void>()> move) {
  {
    const std::lock_guard guard(asides_mutex_);
    ++asides_coming_;
  }
  auto moved = move();
  const std::lock_guard guard(asides_mutex_);
  --asides_coming_;
  if (!moved) return moved;
  ++asides_made_;
  asides_.insert(path);  // after the move: a purge that looked before it must look again
  return {};
}

Result<void> PosixRoot::make_asides_durable() {
  if (sync_.keeps_order()) return {};
  std::uint64_t made = 0;
  {
    const std::lock_guard guard(asides_mutex_);
    if (asides_coming_ == 0 && asides_made_ == asides_durable_) return {};
    made = asides_made_;
  }
  if (::syncfs(folder()->get()) != 0) return base::errno_error("make the storage root durable");
  const std::lock_guard guard(asides_mutex_);
  asides_durable_ = std::max(asides_durable_, made);
  return {};
}

void PosixRoot::note_aside(const std::string &path) {
  const std::lock_guard guard(asides_mutex_);
  asides_.insert(path);
}

std::vector<std::string> PosixRoot::noted_asides() const {
  const std::lock_guard guard(asides_mutex_);
  return {asides_.begin(), asides_.end()};
}

void PosixRoot::forget_aside(const std::string &path) {
  const std::lock_guard guard(asides_mutex_);
  asides_.erase(path);
}

}  // namespace Atoll::tree
