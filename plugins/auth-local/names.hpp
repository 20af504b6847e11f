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

/// 1 to 1024 bytes of UTF-8 without control characters.
Result<void> check_password(std::string_view password);

}  // namespace Atoll::auth_local
