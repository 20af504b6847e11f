// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace Atoll::tree {

enum class Writers { None, Some, Unknown };

/// Whether some program, or this one, can write to a regular file through an open descriptor or a mapping. Only the
/// owner of a file learns it, and not over every network file system. `fd` may only read. [any thread]
Writers writers_of(int fd) noexcept;

}  // namespace Atoll::tree
