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

struct Scenario {
  const char *name;
  Phase phase;
  std::vector<const char *> setup;  ///< texts of Operation; may be refused
  std::vector<const char *> work;
  bool lose_index = false;      ///< index.db is deleted before a start
  bool first = false;           ///< a start on an empty provider
  const char *until = nullptr;  ///< a point at which the last change of `setup` is stopped before a start
  const char *held = nullptr;   ///< a file that another program has open for writing during `work`
};

const std::vector<Scenario> &scenarios();

/// Points that only a race, or a disk that fails, leads to.
bool by_chance(const std::string &point, Layout layout);

}  // namespace Atoll::proof
