// SPDX-License-Identifier: Apache-2.0
#include "core/tree/file_system.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <memory>

namespace Atoll::tree {
namespace {

struct FsKind {
  std::uint32_t magic;
  const char *name;
  bool network;
};

// From statfs(2).
constexpr FsKind kFsKinds[] = {
    {0xef53, "ext4", false},      {0x58465342, "xfs", false},   {0x9123683e, "btrfs", false},
    {0x2fc12fc1, "zfs", false},   {0x01021994, "tmpfs", false}, {0x4d44, "vfat", false},
    {0x2011bab0, "exfat", false}, {0xf2f52010, "f2fs", false},  {0x794c7630, "overlay", false},
    {0x6969, "nfs", true},        {0x517b, "smb", true},        {0xff534d42, "cifs", true},
    {0xfe534d42, "smb2", true},   {0x00c36400, "ceph", true},   {0x5346414f, "afs", true},
    {0x01021997, "9p", true},     {0x65735546, "fuse", true},   {0x47504653, "gpfs", true},
    {0x0bd00bd0, "lustre", true}, {0x7461636f, "ocfs2", true},  {0x01161970, "gfs2", true},
};

const FsKind *kind_of(int fd) noexcept {
  struct statfs facts {};
  if (::fstatfs(fd, &facts) != 0) return nullptr;
  for (const FsKind &kind : kFsKinds)
    if (kind.magic == static_cast<std::uint32_t>(facts.f_type)) return &kind;
  return nullptr;
}

/// A folder of its own, emptied and removed in the end.
class ProbeFolder {
 public:
  explicit ProbeFolder(int at) : at_(at) {
    clear();
    if (::mkdirat(at_, kName, 0700) == 0)
      fd_.reset(::openat(at_, kName, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  }
  ProbeFolder(const ProbeFolder &) = delete;
  ProbeFolder &operator=(const ProbeFolder &) = delete;
  ~ProbeFolder() { clear(); }
  int fd() const noexcept { return fd_.get(); }

  bool make(const std::string &name) const {
    const base::Fd made(::openat(fd(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    return static_cast<bool>(made);
  }
  bool there(const std::string &name) const { return ::faccessat(fd(), name.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0; }

 private:
  static constexpr const char *kName = "probe";
  void clear() const {
    const int copy = ::openat(at_, kName, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (copy < 0) return;
    const std::unique_ptr<DIR, int (*)(DIR *)> dir(::fdopendir(copy), [](DIR *open) { return ::closedir(open); });
    if (!dir) {
      ::close(copy);
      return;
    }
    while (const dirent *entry = ::readdir(dir.get())) ::unlinkat(copy, entry->d_name, 0);
    ::unlinkat(at_, kName, AT_REMOVEDIR);
  }
  const int at_;
  base::Fd fd_;
};

bool probe_attributes(const ProbeFolder &folder, const char *name) {
  const base::Fd fd(::openat(folder.fd(), name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  const std::string value(64, 'x');
  return fd && ::fsetxattr(fd.get(), "user.atoll.probe", value.data(), value.size(), 0) == 0;
}

bool probe_reflink(const ProbeFolder &folder, const char *from) {
  const base::Fd source(::openat(folder.fd(), from, O_RDWR | O_NOFOLLOW | O_CLOEXEC));
  const base::Fd copy(::openat(folder.fd(), "clone", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  const std::string block(65536, 'x');
  return source && copy && base::write_all(source.get(), block) && ::ioctl(copy.get(), FICLONE, source.get()) == 0;
}

std::size_t longest_name(const ProbeFolder &folder) {
  std::size_t good = 0;
  for (std::size_t size : {64u, 128u, 143u, 200u, 255u}) {
    if (!folder.make(std::string(size, 'n'))) break;
    good = size;
  }
  return good;
}

bool listed(const ProbeFolder &folder, const std::string &name) {
  const int copy = ::openat(folder.fd(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const std::unique_ptr<DIR, int (*)(DIR *)> dir(copy < 0 ? nullptr : ::fdopendir(copy),
                                                 [](DIR *open) { return open == nullptr ? 0 : ::closedir(open); });
  if (!dir) return false;
  while (const dirent *entry = ::readdir(dir.get()))
    if (name == entry->d_name) return true;
  return false;
}

}  // namespace

bool on_network(int fd) noexcept {
  const FsKind *kind = kind_of(fd);
  return kind != nullptr && kind->network;
}

std::string FileSystem::text() const {
  auto word = [](bool yes, const char *what) { return std::string(yes ? "" : "no ") + what; };
  return name + (network ? " (network: polled)" : "") + ", " + word(attributes, "extended attributes") + ", " +
         word(hard_links, "hard links") + ", " + word(exchange, "exchange of names") + ", " + word(reflinks, "reflinks") + ", " +
         (folds_case ? "case does not count in names" : "case counts in names") + ", " +
         (folds_forms ? "normal forms do not count" : "normal forms count") + ", " +
         word(exact_names, "names as given") + ", names of up to " + std::to_string(name_bytes) + " bytes, " +
         word(durable_rename, "durable renames");
}

Result<FileSystem> probe_file_system(int at) {
  const ProbeFolder folder(at);
  if (folder.fd() < 0) return base::errno_error("make a folder to try out the file system");
  FileSystem found;
  const FsKind *kind = kind_of(folder.fd());
  if (kind != nullptr) {
    found.name = kind->name;
    found.network = kind->network;
  } else {
    struct statfs facts {};
    char text[32] = "unknown";
    if (::fstatfs(folder.fd(), &facts) == 0)
      std::snprintf(text, sizeof text, "%lx", static_cast<unsigned long>(facts.f_type));
    found.name = text;
  }
  if (!folder.make("file")) return base::errno_error("make a file to try out the file system");
  found.attributes = probe_attributes(folder, "file");
  found.hard_links = ::linkat(folder.fd(), "file", folder.fd(), "link", 0) == 0;
  found.exchange =
      folder.make("other") && ::renameat2(folder.fd(), "file", folder.fd(), "other", RENAME_EXCHANGE) == 0;
  found.reflinks = probe_reflink(folder, "file");
  found.folds_case = folder.there("FILE");
  const std::string composed = "e\xc3\xa9", decomposed = "ee\xcc\x81";
  if (folder.make(composed)) {
    found.folds_forms = folder.there(decomposed);
    found.exact_names = listed(folder, composed);
    if (found.exact_names && !found.folds_forms)
      found.exact_names = folder.make(decomposed) && listed(folder, decomposed);
  }
  found.name_bytes = longest_name(folder);
  found.durable_rename = ::renameat(folder.fd(), "file", folder.fd(), "renamed") == 0 && ::fsync(folder.fd()) == 0;
  return found;
}

}  // namespace Atoll::tree
