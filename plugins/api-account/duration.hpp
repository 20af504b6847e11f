// SPDX-License-Identifier: Apache-2.0
// Durations of queries: "72h", "1h30m", "90s", "500ms", "30d". [any thread]
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace Atoll::account {

/// Nanoseconds, more than none and at most 100 years; nothing for anything else.
std::optional<std::int64_t> read_duration(std::string_view text);

}  // namespace Atoll::account
