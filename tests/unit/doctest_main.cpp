// SPDX-License-Identifier: Apache-2.0
// The one main() of every unit-test program.
#define DOCTEST_CONFIG_IMPLEMENT
#include <string_view>

#include "tests/lib/own_mounts.hpp"
#include "tests/unit/skip.hpp"

int main(int argc, char **argv) {
  for (int i = 1; i < argc; ++i)
    if (std::string_view(argv[i]) == "--test-suite=mounts") static_cast<void>(Atoll::testing::own_mounts());
  doctest::Context context(argc, argv);
  const int failed = context.run();
  return failed == 0 && Atoll::testing::skipped() != 0 ? 77 : failed;
}
