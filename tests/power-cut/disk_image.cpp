// SPDX-License-Identifier: Apache-2.0
#include "tests/power-cut/disk_image.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace Atoll::proof {
namespace {

void must(bool fine, const std::string &what) {
  if (!fine) throw std::runtime_error(what + ": " + std::strerror(errno));
}

/// The index of the log is made anew at every start; nothing else is written through a mapping.
bool left_out(const std::string &name) { return name.ends_with("-shm"); }

}  // namespace

DiskImage::DiskImage(const std::string &path) : top_(load(path)) {}

ino_t DiskImage::load(const std::string &path) {
  struct stat facts {};
  must(::lstat(path.c_str(), &facts) == 0, path);
  Inode inode;
  inode.folder = S_ISDIR(facts.st_mode);
  inode.mode = facts.st_mode & 07777;
  inode.mtime = facts.st_mtim;
  char names[4096], value[4096];
  const ssize_t all = ::listxattr(path.c_str(), names, sizeof names);
  for (ssize_t at = 0; at < all; at += static_cast<ssize_t>(std::strlen(names + at)) + 1) {
    const ssize_t got = ::getxattr(path.c_str(), names + at, value, sizeof value);
    if (got >= 0) inode.xattrs[names + at] = std::string(value, static_cast<std::size_t>(got));
  }
  if (inode.folder) {
    DIR *dir = ::opendir(path.c_str());
    must(dir != nullptr, path);
    while (const dirent *entry = ::readdir(dir)) {
      const std::string name = entry->d_name;
      if (name != "." && name != ".." && !left_out(name)) inode.names[name] = load(path + "/" + name);
    }
    ::closedir(dir);
  } else {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    must(fd >= 0, path);
    inode.bytes.resize(static_cast<std::size_t>(facts.st_size));
    must(::pread(fd, inode.bytes.data(), inode.bytes.size(), 0) == facts.st_size, path);
    ::close(fd);
  }
  inodes_[facts.st_ino] = std::move(inode);
  return facts.st_ino;
}

void DiskImage::apply(const DiskStep &step) {
  using Kind = DiskStep::Kind;
  if (step.flush() || step.kind == Kind::Mark) return;
  if (step.kind == Kind::Entry) {
    if (step.inode != 0) {
      Inode &made = inodes_[step.inode];
      if (step.folder) made.folder = true;
      made.mode = static_cast<mode_t>(step.offset);
      made.mtime = step.mtime;
    }
    for (const DiskStep::Link &link : step.links) {
      Inode &folder = inodes_[link.folder];
      folder.folder = true;
      folder.mtime = link.mtime;
      if (link.to == 0)
        folder.names.erase(link.name);
      else if (!left_out(link.name))
        folder.names[link.name] = link.to;
    }
    return;
  }
  Inode &inode = inodes_[step.inode];
  switch (step.kind) {
    case Kind::Write:
      if (inode.bytes.size() < step.offset + step.bytes.size()) inode.bytes.resize(step.offset + step.bytes.size());
      inode.bytes.replace(step.offset, step.bytes.size(), step.bytes);
      break;
    case Kind::Truncate:
      inode.bytes.resize(step.offset);
      break;
    case Kind::Xattr:
      inode.xattrs[step.name] = step.bytes;
      return;
    case Kind::Mode:
      inode.mode = static_cast<mode_t>(step.offset);
      return;
    default:
      break;
  }
  inode.mtime = step.mtime;
}

void DiskImage::apply_empty(const DiskStep &write) {
  Inode &inode = inodes_[write.inode];
  if (inode.bytes.size() < write.offset + write.bytes.size()) inode.bytes.resize(write.offset + write.bytes.size());
}

void DiskImage::make(const std::string &path, ino_t number, std::map<ino_t, ino_t> &made) const {
  const Inode &inode = inodes_.at(number);
  if (inode.folder) {
    must(::mkdir(path.c_str(), 0700) == 0, path);
    for (const auto &[name, child] : inode.names) make(path + "/" + name, child, made);
  }
  const int fd =
      ::open(path.c_str(), inode.folder ? O_RDONLY | O_DIRECTORY | O_CLOEXEC : O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  must(fd >= 0, path);
  if (!inode.bytes.empty())
    must(::pwrite(fd, inode.bytes.data(), inode.bytes.size(), 0) == static_cast<ssize_t>(inode.bytes.size()), path);
  for (const auto &[name, value] : inode.xattrs)
    must(::fsetxattr(fd, name.c_str(), value.data(), value.size(), 0) == 0, path);
  ::fchmod(fd, inode.mode);
  const timespec times[2] = {{0, UTIME_OMIT}, inode.mtime};
  must(::futimens(fd, times) == 0, path);
  struct stat facts {};
  must(::fstat(fd, &facts) == 0, path);
  made[facts.st_ino] = number;
  ::close(fd);
}

std::map<ino_t, ino_t> DiskImage::write(const std::string &path) const {
  std::map<ino_t, ino_t> made;
  make(path, top_, made);
  return made;
}

}  // namespace Atoll::proof
