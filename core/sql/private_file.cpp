// SPDX-License-Identifier: Apache-2.0
#include "core/sql/private_file.hpp"

#include "core/base/file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace Atoll::sql {

Result<void> make_private(const std::string &path) {
  const base::Fd made(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (made) return {};
  if (errno == EEXIST && ::faccessat(AT_FDCWD, path.c_str(), R_OK | W_OK, AT_EACCESS) == 0) return {};
  Error failure = base::errno_error("open the database " + path);
  // A missing folder proves nothing about what the database holds.
  if (failure.status == Status::NotFound) failure.status = Status::Unavailable;
  return failure;
}

}  // namespace Atoll::sql
