// SPDX-License-Identifier: Apache-2.0
// When two names are one to people, and to clients whose file systems fold case or normal forms.
#pragma once

#include <string>
#include <string_view>

namespace Atoll::base {

/// Equal for names that differ only in case or in the normal form of Unicode: case folded, then composed (NFC). A name
/// that is no valid UTF-8 is its own key. [any thread]
std::string name_key(std::string_view name);
/// Another word when keys may be others: they follow the version of Unicode. [any thread]
std::string name_key_version();

}  // namespace Atoll::base
