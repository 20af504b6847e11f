// SPDX-License-Identifier: Apache-2.0
// Texts of app tokens: passwords that the server makes up. [any thread]
#pragma once

#include <string>
#include <string_view>

namespace Atoll::auth_local {

/// Five groups of five characters, 125 bits.
std::string new_app_token();
/// Whether a password has the form of an app token.
bool looks_like_token(std::string_view password);
/// What is kept of it: SHA-256 in hex. With 125 bits of chance nothing slower is needed.
std::string token_digest(std::string_view token);

}  // namespace Atoll::auth_local
