// SPDX-License-Identifier: Apache-2.0
// Text helpers; everything is ASCII or UTF-8, nothing looks at the locale. [any thread]
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace Atoll::base {

/// Parts between separators, empty ones included; an empty text has one empty part.
std::vector<std::string_view> split(std::string_view text, char separator);
/// Without blanks, tabs, CR and LF at both ends.
std::string_view trim(std::string_view text);
/// Equal when ASCII letters are compared without case.
bool iequals(std::string_view a, std::string_view b);
/// ASCII letters lower-cased, all other bytes kept.
std::string to_lower(std::string_view text);
inline char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// Whether there is a control character (below 0x20, or 0x7f) other than a tab.
bool has_control(std::string_view text);

/// RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. NUL is valid here.
bool valid_utf8(std::string_view text);

/// Decimal digits only, no sign, no blanks; nothing on overflow.
std::optional<std::uint64_t> parse_u64(std::string_view text);

std::string hex_encode(std::span<const std::uint8_t> bytes);
std::string hex_encode(std::string_view bytes);
/// Nothing for an odd length or a character that is no hex digit. Gives raw bytes.
std::optional<std::string> hex_decode(std::string_view text);

/// RFC 4648, section 4, padded.
std::string base64_encode(std::string_view bytes);
/// RFC 4648, section 4; padding may be missing; the URL alphabet of section 5 is taken too. Nothing on any other
/// character or on stray bits at the end.
std::optional<std::string> base64_decode(std::string_view text);

/// The bytes of a text and back, for APIs that want the other view of them.
inline std::span<const std::uint8_t> as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t *>(text.data()), text.size()};
}
inline std::string_view as_text(std::span<const std::uint8_t> bytes) {
  return {reinterpret_cast<const char *>(bytes.data()), bytes.size()};
}

}  // namespace Atoll::base
