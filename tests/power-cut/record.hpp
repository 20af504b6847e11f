// SPDX-License-Identifier: Apache-2.0
// The system calls of this program, its libraries included, that change a disk: noted down in their order while that is
// switched on. Flushes do nothing at all: no power is ever cut here.
#pragma once

#include "tests/power-cut/disk_image.hpp"

namespace Atoll::proof {

/// From now on everything below `path` is noted.
void record_start(const std::string &path);
void record_mark(const std::string &line);
std::vector<DiskStep> record_stop();

/// stat() gives the recorded inode number for those that were made from it: others get one far away. Empty: as they
/// are.
void show_inodes(std::map<ino_t, ino_t> recorded);

}  // namespace Atoll::proof
