// SPDX-License-Identifier: Apache-2.0
// Clocks and the time formats of the wire; all times are UTC. [any thread]
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace Atoll::base {

/// Nanoseconds since 1970 by the wall clock.
std::int64_t now_unix_ns();
/// Nanoseconds of a clock that never goes back; only differences mean anything.
std::int64_t monotonic_ns();

/// "Sun, 06 Nov 1994 08:49:37 GMT" (IMF-fixdate, RFC 9110, 5.6.7). Times outside of the years 0 to 9999 are clamped.
std::string http_date(std::int64_t unix_seconds);
/// The same, 29 characters, appended.
void append_http_date(std::string &out, std::int64_t unix_seconds);
/// All three forms of RFC 9110, 5.6.7; nothing for any other text or an impossible date.
std::optional<std::int64_t> parse_http_date(std::string_view text);

/// "1994-11-06T08:49:37Z" (RFC 3339), clamped as above.
std::string iso8601(std::int64_t unix_seconds);
void append_iso8601(std::string &out, std::int64_t unix_seconds);

}  // namespace Atoll::base
