// SPDX-License-Identifier: Apache-2.0
#include "plugins/web/site.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <span>

#include "core/base/checksum.hpp"
#include "core/base/text.hpp"

namespace Atoll::web {
namespace {

int open_beneath(int folder, const char *path) {
  open_how how{};
  // Without O_NONBLOCK a FIFO would hold the worker until somebody writes into it.
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  for (int tries = 0;; ++tries) {
    const long fd = ::syscall(SYS_openat2, folder, path, &how, sizeof how);
    // EAGAIN: something was renamed meanwhile, and the kernel could not make sure that nothing outside was reached.
    if (fd >= 0 || (errno != EINTR && errno != EAGAIN) || tries == 100) return static_cast<int>(fd);
  }
}

std::string etag_of(const struct stat &found) {
  std::string text;
  for (const auto number :
       {static_cast<std::int64_t>(found.st_dev), static_cast<std::int64_t>(found.st_ino),
        static_cast<std::int64_t>(found.st_size), static_cast<std::int64_t>(found.st_mtim.tv_sec),
        static_cast<std::int64_t>(found.st_mtim.tv_nsec), static_cast<std::int64_t>(found.st_ctim.tv_sec),
        static_cast<std::int64_t>(found.st_ctim.tv_nsec)})
    text.append(std::to_string(number)).push_back(' ');
  const auto sum = base::sha256(text);
  return base::hex_encode(std::span(sum).first(12));
}

}  // namespace

Result<std::string> SiteFile::content(std::size_t limit) const {
  if (size > limit)
    return error(Status::OutOfRange,
                 "a file of the web bundle has " + std::to_string(size) + " bytes, more than " + std::to_string(limit));
  std::string out(static_cast<std::size_t>(size), '\0');
  for (std::size_t at = 0; at < out.size();) {
    const ssize_t got = ::pread(fd.get(), out.data() + at, out.size() - at, static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      Error why = base::errno_error("cannot read a file of the web bundle", got < 0 ? errno : EIO);
      why.status = Status::Unavailable;
      return why;
    }
    at += static_cast<std::size_t>(got);
  }
  return out;
}

Result<SiteFile> Site::open(const std::string &path) const {
  const base::Fd folder(::open(root_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!folder) {
    Error why = base::errno_error("cannot open the web bundle's folder " + root_);
    why.status = Status::Unavailable;
    return why;
  }
  SiteFile out;
  out.fd.reset(open_beneath(folder.get(), path.c_str()));
  if (!out.fd) {
    switch (errno) {
      case ENOENT:
      case ENOTDIR:
      case EXDEV:  // leads out of the folder
      case ELOOP:
      case ENAMETOOLONG:
      case ENXIO:  // a socket
        return error(Status::NotFound, "there is no such file in the web bundle");
      default: {
        Error why = base::errno_error("cannot open " + root_ + "/" + path);
        why.status = Status::Unavailable;
        return why;
      }
    }
  }
  struct stat found {};
  if (::fstat(out.fd.get(), &found) != 0) {
    Error why = base::errno_error("cannot look at " + root_ + "/" + path);
    why.status = Status::Unavailable;
    return why;
  }
  if (!S_ISREG(found.st_mode)) return error(Status::NotFound, "there is no such file in the web bundle");
  out.size = static_cast<std::uint64_t>(found.st_size);
  out.mtime_s = found.st_mtim.tv_sec;
  out.etag = etag_of(found);
  return out;
}

}  // namespace Atoll::web
