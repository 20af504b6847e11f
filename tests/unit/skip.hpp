// SPDX-License-Identifier: Apache-2.0
// Tests that cannot be tried everywhere: those that mount. They are in the suite "mounts", which ctest runs as a test
// of its own, so that it shows when they were skipped.
#pragma once

#include <doctest/doctest.h>

#include <cstdio>

namespace Atoll::testing {

/// The suite of such tests: `TEST_CASE("..." * Atoll::testing::mounts())`.
inline doctest::test_suite mounts() { return doctest::test_suite("mounts"); }

inline int &skipped() {
  static int count = 0;
  return count;
}

/// The program then ends with 77, unless something fails.
inline void skip(const char *why) {
  ++skipped();
  std::printf("SKIPPED: %s: %s\n", doctest::getContextOptions()->currentTest->m_name, why);
}

}  // namespace Atoll::testing
