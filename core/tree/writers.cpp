// SPDX-License-Identifier: Apache-2.0
#include "core/tree/writers.hpp"

#include <fcntl.h>
#include <signal.h>

#include <cerrno>

namespace Atoll::tree {

Writers writers_of(int fd) noexcept {
  // The kernel grants a read lease only while nobody can write. Should somebody open the file in this moment the kernel
  // sends a signal: one that is ignored unless a program asks for it.
  if (::fcntl(fd, F_SETSIG, SIGURG) != 0) return Writers::Unknown;
  if (::fcntl(fd, F_SETLEASE, F_RDLCK) != 0) return errno == EAGAIN ? Writers::Some : Writers::Unknown;
  return ::fcntl(fd, F_SETLEASE, F_UNLCK) == 0 ? Writers::None : Writers::Unknown;
}

}  // namespace Atoll::tree
