// SPDX-License-Identifier: Apache-2.0
// Reasons of failures (ATOLL_REASON_*, atoll/abi/status.h) as clients are told them.
#pragma once

#include <cstdint>
#include <string_view>

namespace Atoll::base {

/// A word for programs, for example "ERR_FILES_HELD_BACK"; empty when there is no reason or it is not known here.
std::string_view reason_code(std::uint32_t reason);

/// Sentences for people; empty when reason_code() is. They name nothing of the server's insides.
std::string_view reason_text(std::uint32_t reason);

}  // namespace Atoll::base
