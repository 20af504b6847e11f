// SPDX-License-Identifier: Apache-2.0
// Passwords that the server makes up. [any thread]
#pragma once

#include <cstddef>
#include <string>

namespace Atoll::base {

/// How many characters of each kind a password has at least.
struct PasswordNeeds {
  std::size_t characters = 20, lower = 0, upper = 0, digits = 0, others = 0;
};

/// As long as is needed, of characters that are hard to mistake for each other, at places that chance decides: each of
/// the 20 or more is one of 32, or of 24 upper case letters, 8 digits or 4 others where those are asked for.
std::string made_up_password(const PasswordNeeds &needs);

}  // namespace Atoll::base
