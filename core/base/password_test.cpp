// SPDX-License-Identifier: Apache-2.0
#include "core/base/password.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

using namespace Atoll::base;

TEST_CASE("a made up password has what is asked for, and comes once") {
  const auto count = [](const std::string &text, char from, char to) {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [&](char c) { return c >= from && c <= to; }));
  };
  std::set<std::string> seen;
  for (const PasswordNeeds needs :
       {PasswordNeeds{}, {1, 0, 0, 0, 0}, {8, 2, 2, 2, 2}, {64, 1, 1, 1, 1}, {1, 64, 64, 64, 64}})
    for (int i = 0; i < 50; ++i) {
      const std::string password = made_up_password(needs);
      CHECK(seen.insert(password).second);
      CHECK(password.size() >= std::max<std::size_t>(needs.characters, 20));
      CHECK(password.size() <= 256);
      const std::size_t lower = count(password, 'a', 'z'), upper = count(password, 'A', 'Z'),
                        digits = count(password, '0', '9');
      CHECK(lower >= needs.lower);
      CHECK(upper >= needs.upper);
      CHECK(digits >= needs.digits);
      CHECK(password.size() - lower - upper - digits >= needs.others);
      CHECK(count(password, '!', '~') == password.size());
    }
}
