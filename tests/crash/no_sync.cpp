// SPDX-License-Identifier: Apache-2.0
// In place of the C library's, for a program and its libraries: a killed process loses nothing that the kernel has, so
// waiting for the disk is left to the power-cut tests.
#include <unistd.h>

#define SEEN_BY_LIBRARIES __attribute__((visibility("default")))

extern "C" {
SEEN_BY_LIBRARIES int fsync(int) { return 0; }
SEEN_BY_LIBRARIES int fdatasync(int) { return 0; }
SEEN_BY_LIBRARIES int syncfs(int) noexcept { return 0; }
}
