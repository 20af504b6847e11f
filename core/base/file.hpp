// SPDX-License-Identifier: Apache-2.0
// File descriptors and whole small files.
#pragma once

#include <sys/types.h>

#include <atoll/sdk/result.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace Atoll::base {

/// Owns one file descriptor; closed in the destructor.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) noexcept : fd_(fd) {}
  Fd(Fd &&other) noexcept : fd_(other.release()) {}
  Fd &operator=(Fd &&other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  Fd(const Fd &) = delete;
  Fd &operator=(const Fd &) = delete;
  ~Fd() { reset(); }

  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }
  /// Gives the descriptor away; the caller closes it.
  int release() noexcept {
    const int fd = fd_;
    fd_ = -1;
    return fd;
  }
  /// Closes what is held (errno is kept) and takes `fd`.
  void reset(int fd = -1) noexcept;

 private:
  int fd_ = -1;
};

/// The Error for the current errno: "<what>: <text of errno>". ENOENT is NotFound, so only call this where that is a
/// proof; ENOSPC and EDQUOT InsufficientStorage; EACCES and EPERM PermissionDenied; EROFS, EIO, ESTALE, ENODEV,
/// ENOTCONN and shortages of the system Unavailable; EEXIST AlreadyExists; ENOTEMPTY, ENOTDIR and EISDIR
/// FailedPrecondition; ENAMETOOLONG and EINVAL InvalidArgument; else Internal. [any thread]
Error errno_error(std::string what);
Error errno_error(std::string what, int error_number);

/// The whole of a file of at most `limit` bytes (OutOfRange beyond). [any thread]
Result<std::string> read_file(const std::string &path, std::size_t limit = 64u << 20);

/// Writes all of `data` at the descriptor's position, over short writes and EINTR. [any thread]
Result<void> write_all(int fd, std::string_view data);

/// The same at an offset of the file.
Result<void> write_all_at(int fd, std::uint64_t offset, std::string_view data);

/// Replaces `path` as a whole: temporary file beside it, fsync, rename, fsync of the directory. After Ok it survives a
/// power cut; after an error the old file is untouched. [any thread]
Result<void> write_file_durably(const std::string &path, std::string_view data, mode_t mode);

/// Makes directory entries durable. [any thread]
Result<void> sync_directory(const std::string &path);

}  // namespace Atoll::base
