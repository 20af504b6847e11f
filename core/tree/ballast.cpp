// SPDX-License-Identifier: Apache-2.0
#include "core/tree/ballast.hpp"

#include "core/base/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>

namespace Atoll::tree {
namespace {

constexpr const char *kBallastName = "reserve";
constexpr std::size_t kZerosAtOnce = 1u << 16;

base::Fd open_ballast(int folder, int flags) {
  return base::Fd(::openat(folder, kBallastName, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | flags, 0600));
}

std::uint64_t held_by(int fd) {
  struct stat facts {};
  if (::fstat(fd, &facts) != 0 || !S_ISREG(facts.st_mode)) return 0;
  return static_cast<std::uint64_t>(facts.st_blocks) * 512;
}

/// Where the file system cannot set room apart.
bool fill_with_zeros(int fd, std::uint64_t bytes) {
  const std::string zeros(kZerosAtOnce, 0);
  for (std::uint64_t at = 0; at < bytes; at += zeros.size())
    if (::pwrite(fd, zeros.data(), zeros.size(), static_cast<off_t>(at)) < 0) return false;
  return true;
}

}  // namespace

void Ballast::stock(int folder, std::uint64_t spare) {
  const std::lock_guard guard(mutex_);
  if (bytes_ == 0) {
    if (!gone_) (void)::unlinkat(folder, kBallastName, 0);
    gone_ = true;
    return;
  }
  struct statvfs facts {};
  if (::fstatvfs(folder, &facts) != 0 || facts.f_blocks == 0) return;
  const std::uint64_t total = static_cast<std::uint64_t>(facts.f_blocks) * facts.f_frsize;
  const std::uint64_t wanted = std::min(bytes_, total / 4 / kZerosAtOnce * kZerosAtOnce);
  const base::Fd fd = open_ballast(folder, O_CREAT);
  const std::uint64_t have = fd ? held_by(fd.get()) : 0;
  owed_ = wanted - std::min(have, wanted);
  if (!fd || have >= wanted) return;
  const std::uint64_t free = static_cast<std::uint64_t>(facts.f_bavail) * facts.f_frsize + have;
  if (free < wanted || free - wanted < spare) return;
  bool whole = ::fallocate(fd.get(), 0, 0, static_cast<off_t>(wanted)) == 0;
  if (!whole && (errno == EOPNOTSUPP || errno == ENOSYS)) whole = fill_with_zeros(fd.get(), wanted);
  owed_ = whole || ::ftruncate(fd.get(), 0) != 0 ? 0 : wanted;
}

bool Ballast::give_up(int folder) {
  const std::lock_guard guard(mutex_);
  const base::Fd fd = open_ballast(folder, 0);
  const std::uint64_t held = fd ? held_by(fd.get()) : 0;
  if (held == 0 || ::ftruncate(fd.get(), 0) != 0) return false;
  owed_ = held;
  (void)::fsync(fd.get());  // some file systems give it to others only then
  return true;
}

}  // namespace Atoll::tree
