// SPDX-License-Identifier: Apache-2.0
#include "core/base/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "core/base/uuid.hpp"

namespace Atoll::base {

namespace {

Status status_of_errno(int number) {
  switch (number) {
    case ENOENT:
      return Status::NotFound;
    case ENOSPC:
    case EDQUOT:
      return Status::InsufficientStorage;
    case EACCES:
    case EPERM:
      return Status::PermissionDenied;
    case EROFS:
    case EIO:
    case ESTALE:
    case ENODEV:
    case ENXIO:
    case ENOTCONN:
    case ETIMEDOUT:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EAGAIN:
    case EBUSY:
    case EINTR:
      return Status::Unavailable;
    case EEXIST:
      return Status::AlreadyExists;
    case ENOTEMPTY:
    case ENOTDIR:
    case EISDIR:
      return Status::FailedPrecondition;
    case ENAMETOOLONG:
    case EINVAL:
      return Status::InvalidArgument;
    default:
      return Status::Internal;
  }
}

Result<void> write_and_rename(Fd &fd, const std::string &temporary, const std::string &path, std::string_view data,
                              mode_t mode) {
  if (auto written = write_all(fd.get(), data); !written) return written;
  if (::fchmod(fd.get(), mode) != 0) return errno_error("set the mode of " + temporary);
  if (::fsync(fd.get()) != 0) return errno_error("fsync " + temporary);
  fd.reset();
  if (::rename(temporary.c_str(), path.c_str()) != 0) return errno_error("rename " + temporary + " to " + path);
  return {};
}

}  // namespace

void Fd::reset(int fd) noexcept {
  if (fd_ >= 0) {
    const int saved = errno;
    ::close(fd_);
    errno = saved;
  }
  fd_ = fd;
}

Error errno_error(std::string what, int error_number) {
  Error failure;
  failure.status = status_of_errno(error_number);
  failure.sys_errno = error_number;
  failure.message = std::move(what);
  failure.message += ": ";
  failure.message += std::generic_category().message(error_number);
  return failure;
}

Error errno_error(std::string what) {
  const int number = errno;
  return errno_error(std::move(what), number);
}

Result<std::string> read_file(const std::string &path, std::size_t limit) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return errno_error("open " + path);
  std::string out;
  struct stat status {};
  if (::fstat(fd.get(), &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0) {
    out.reserve(std::min(static_cast<std::size_t>(status.st_size), limit));
  }
  char buffer[16384];
  while (true) {
    const ssize_t got = ::read(fd.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_error("read " + path);
    if (got == 0) return out;
    if (out.size() + static_cast<std::size_t>(got) > limit) {
      return error(Status::OutOfRange, path + " is larger than " + std::to_string(limit) + " bytes");
    }
    out.append(buffer, static_cast<std::size_t>(got));
  }
}

Result<void> write_all(int fd, std::string_view data) {
  while (!data.empty()) {
    const ssize_t put = ::write(fd, data.data(), data.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return errno_error("write");
    data.remove_prefix(static_cast<std::size_t>(put));
  }
  return {};
}

Result<void> write_all_at(int fd, std::uint64_t offset, std::string_view data) {
  while (!data.empty()) {
    const ssize_t written = ::pwrite(fd, data.data(), data.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno_error("write");
    offset += static_cast<std::uint64_t>(written);
    data.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Result<void> sync_directory(const std::string &path) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return errno_error("open " + path);
  if (::fsync(fd.get()) != 0) return errno_error("fsync " + path);
  return {};
}

Result<void> write_file_durably(const std::string &path, std::string_view data, mode_t mode) {
  const std::string temporary = path + "." + random_id<Uuid>().text() + ".tmp";
  Fd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return errno_error("create " + temporary);
  if (auto done = write_and_rename(fd, temporary, path, data, mode); !done) {
    ::unlink(temporary.c_str());
    return done;
  }
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return sync_directory(".");
  return sync_directory(slash == 0 ? "/" : path.substr(0, slash));
}

}  // namespace Atoll::base
