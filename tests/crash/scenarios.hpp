// SPDX-License-Identifier: Apache-2.0
// What is stopped at each of its fault points.
#pragma once

#include "tests/crash/world.hpp"

#include <vector>

namespace Atoll::proof {

/// What the points are counted in.
enum class Phase : std::uint8_t {
  Operation,   ///< in the thread that does `work`
  Background,  ///< in all threads, until the engine has settled after `work`
  Close,       ///< in all threads, until the engine is closed
  Start,       ///< in all threads, from opening until it has settled; `setup` is done and killed before
};

/// What happens to index.db before a start; in the background while it is in use.
enum class IndexFile : std::uint8_t {
  Stays,
  Lost,
  Garbled,  ///< it begins with something else
  Older,    ///< one that was kept before the last clean end comes back
};

struct Scenario {
  const char *name;
  Phase phase;
  std::vector<const char *> setup = {};  ///< texts of Operation; may be refused
  std::vector<const char *> work = {};
  IndexFile index = IndexFile::Stays;
  const char *until = nullptr;      ///< a point at which the last change of `setup` is stopped before a start
  const char *held = nullptr;       ///< a file that another program has open for writing during `work`
  const char *meanwhile = nullptr;  ///< a point at which `other` is done, the first time that `work` comes there
  const char *other = nullptr;
  bool first = false;   ///< a start on an empty provider
  bool closed = false;  ///< between setup and work it ends cleanly, is hurt (Operation::Kind::Hurt), and starts again
  bool posix = false;   ///< over plain files only: other programs change them
};

const std::vector<Scenario> &scenarios();

/// Points that are met only where names cannot be exchanged.
bool of_no_exchange(const std::string &point);
/// Why no scenario can lead to this point; null: one must.
const char *why_never(std::string_view point, Layout layout);

}  // namespace Atoll::proof
