// SPDX-License-Identifier: Apache-2.0
// Mounts that only this process sees.
#pragma once

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <string>

namespace Atoll::testing {

/// From now on mounts are this process's own, also for a user without rights where the kernel allows that. False: it
/// may not mount. [before any thread]
inline bool own_mounts() {
  if (::unshare(CLONE_NEWNS) != 0) {
    const std::string map = "0 " + std::to_string(::geteuid()) + " 1";
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
    const int fd = ::open("/proc/self/uid_map", O_WRONLY | O_CLOEXEC);
    const bool mapped = fd >= 0 && ::write(fd, map.data(), map.size()) == static_cast<ssize_t>(map.size());
    if (fd >= 0) ::close(fd);
    if (!mapped) return false;
  }
  return ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
}

}  // namespace Atoll::testing
