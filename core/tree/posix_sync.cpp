// SPDX-License-Identifier: Apache-2.0
#include "core/tree/posix_sync.hpp"

#include "core/base/file.hpp"
#include "core/base/text.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace Atoll::tree {

bool keeps_order(int fd) {
  struct statfs kind {};
  struct stat facts {};
  if (::fstatfs(fd, &kind) != 0 || kind.f_type != EXT4_SUPER_MAGIC || ::fstat(fd, &facts) != 0) return false;
  // ext2 to ext4 share a number, and ext4 may have no journal: the kernel names the thread that commits it.
  const std::string block =
      "/sys/dev/block/" + std::to_string(major(facts.st_dev)) + ":" + std::to_string(minor(facts.st_dev));
  std::array<char, 512> target{};
  const ssize_t size = ::readlink(block.c_str(), target.data(), target.size());
  if (size <= 0 || size == static_cast<ssize_t>(target.size())) return false;
  const std::string_view path(target.data(), static_cast<std::size_t>(size));
  const std::string device(path.substr(path.rfind('/') + 1));
  const base::Fd task(::open(("/sys/fs/ext4/" + device + "/journal_task").c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, 32> text{};
  if (!task || ::read(task.get(), text.data(), text.size() - 1) <= 0) return false;
  return text[0] >= '1' && text[0] <= '9';
}

Result<void> PosixSync::before_naming(int file) {
  if (!keeps_order_.load(std::memory_order_relaxed)) return this->file(file);
  // All three flags: every page, also those that are on their way already.
  if (::sync_file_range(file, 0, 0, SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER) ==
      0)
    return {};
  if (errno == ENOSYS || errno == EINVAL || errno == ESPIPE) return this->file(file);
  return base::errno_error("write out a staged file");
}

Result<void> PosixSync::file(int file) {
  if (::fsync(file) != 0) return base::errno_error("make a file durable");
  return {};
}

Result<void> PosixSync::folder(int folder) {
  struct stat facts {};
  if (::fstat(folder, &facts) != 0) return base::errno_error("look at a folder");
  return rounds_.wait(facts.st_ino, [&]() -> Result<void> {
    if (::fsync(folder) != 0) return base::errno_error("make a folder durable");
    return {};
  });
}

}  // namespace Atoll::tree
