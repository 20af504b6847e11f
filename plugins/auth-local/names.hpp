// SPDX-License-Identifier: Apache-2.0
// What a login name, a group name and a password may be. [any thread]
#pragma once

#include <atoll/sdk/result.hpp>

#include <string>
#include <string_view>

namespace Atoll::auth_local {

inline constexpr std::size_t kMaxNameBytes = 200;
inline constexpr std::size_t kMaxTextBytes = 1000;
inline constexpr std::size_t kMaxPasswordBytes = 1024;

/// InvalidArgument with the reason, unless the name has 1 to 200 bytes of UTF-8 without control, format and combining
/// characters, without / \ : * ? " < > | % and without blanks at its ends, does not begin with '.' or '-', and does not
/// look like an id. Login names are path segments and folder names, and a colon ends them in HTTP Basic.
Result<void> check_name(std::string_view name);

/// The form under which names are compared: lower case by Unicode's simple mapping.
std::string folded(std::string_view text);

/// Display names and mail addresses: up to 1000 bytes of UTF-8 without control characters; may be empty.
Result<void> check_text(std::string_view what, std::string_view text);

/// A language tag (RFC 5646): up to 35 letters, digits and dashes; may be empty.
Result<void> check_language(std::string_view tag);

/// What the admin wants of passwords; each a least number.
struct PasswordPolicy {
  std::size_t characters = 1, lower = 0, upper = 0, digits = 0, others = 0;
};

/// 1 to 1024 bytes of UTF-8 without control characters.
Result<void> check_password(std::string_view password);
/// The same, and as the policy wants it; the reason says what is missing.
Result<void> check_password(std::string_view password, const PasswordPolicy &policy);

}  // namespace Atoll::auth_local
