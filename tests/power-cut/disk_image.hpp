// SPDX-License-Identifier: Apache-2.0
// A folder in memory, inode by inode, and the operations that changed it: any of those that no flush has covered yet
// may be left out before it is written down somewhere else.
#pragma once

#include <sys/types.h>
#include <time.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace Atoll::proof {

/// One recorded operation. Inode numbers are those of the disk that was recorded.
struct DiskStep {
  enum class Kind : std::uint8_t {
    Entry,     ///< names: what `links` say
    Write,     ///< bytes at offset
    Truncate,  ///< to offset
    Xattr,     ///< name, bytes
    Mode,      ///< offset: the mode
    Time,      ///< mtime only
    Flush,     ///< of one inode: its bytes and attributes; of a folder: its names
    FlushAll,
    Mark,  ///< bytes: a line of the workload
  };
  /// A name in a folder, and the inode that it has from now on; 0: none. mtime: of the folder afterwards.
  struct Link {
    ino_t folder = 0;
    std::string name;
    ino_t to = 0;
    timespec mtime{};
  };
  Kind kind = Kind::Mark;
  ino_t inode = 0;
  std::uint64_t offset = 0;
  std::string name, bytes;
  timespec mtime{};  ///< of the inode afterwards
  std::vector<Link> links;
  bool folder = false;  ///< Entry: what is made is a folder; Flush: of a folder

  bool flush() const noexcept { return kind == Kind::Flush || kind == Kind::FlushAll; }
};

class DiskImage {
 public:
  struct Inode {
    bool folder = false;
    mode_t mode = 0600;
    timespec mtime{};
    std::string bytes;
    std::map<std::string, std::string> xattrs;
    std::map<std::string, ino_t> names;
  };

  /// Reads the folder.
  explicit DiskImage(const std::string &path);
  void apply(const DiskStep &step);
  /// The bytes did not come to the disk, the new size did.
  void apply_empty(const DiskStep &write);
  /// Writes everything that can be reached to `path`, which is made. Gives the inodes of the copies: made -> recorded.
  std::map<ino_t, ino_t> write(const std::string &path) const;

 private:
  ino_t load(const std::string &path);
  void make(const std::string &path, ino_t inode, std::map<ino_t, ino_t> &made) const;

  std::map<ino_t, Inode> inodes_;
  ino_t top_ = 0;
};

}  // namespace Atoll::proof
