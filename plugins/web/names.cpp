// SPDX-License-Identifier: Apache-2.0
#include "plugins/web/names.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "core/base/mime.hpp"
#include "core/base/text.hpp"

namespace Atoll::web {
namespace {

constexpr std::size_t kShortHash = 8;
constexpr std::size_t kLongestHash = 64;

enum class Kind : std::uint8_t { Lower, Upper, Digit, Mark, Other };

Kind kind_of(char c) {
  if (c >= 'a' && c <= 'z') return Kind::Lower;
  if (c >= 'A' && c <= 'Z') return Kind::Upper;
  if (c >= '0' && c <= '9') return Kind::Digit;
  return c == '_' || c == '-' ? Kind::Mark : Kind::Other;
}

/// How often the text changes between lower case, upper case and digits; marks are left out.
int changes_of_kind(std::string_view text) {
  int changes = 0;
  std::optional<Kind> before;
  for (const char c : text) {
    const Kind kind = kind_of(c);
    if (kind == Kind::Mark) continue;
    if (before && kind != *before) ++changes;
    before = kind;
  }
  return changes;
}

/// Lower-case hex whose digits and letters alternate more often than in a word, a number or a date ("01feb2024").
bool hex_hash(std::string_view text) {
  if (text.size() < kShortHash || text.size() > kLongestHash) return false;
  const auto hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  return std::all_of(text.begin(), text.end(), hex) && changes_of_kind(text) >= 3;
}

/// Eight characters of base64url that have everything and change their kind more often than "iPhone12" does. One with
/// several marks may be a version or a language ("de_DE-v1").
bool mixed_hash(std::string_view text) {
  if (text.size() != kShortHash) return false;
  const auto count = [&](Kind kind) {
    return std::count_if(text.begin(), text.end(), [&](char c) { return kind_of(c) == kind; });
  };
  return count(Kind::Other) == 0 && count(Kind::Mark) <= 1 && count(Kind::Lower) > 0 && count(Kind::Upper) > 0 &&
         count(Kind::Digit) > 0 && changes_of_kind(text) >= 4;
}

/// q of a member of Accept-Encoding is 0.
bool refused(std::string_view member) {
  const std::size_t semicolon = member.find(';');
  if (semicolon == std::string_view::npos) return false;
  const std::string_view weight = base::trim(member.substr(semicolon + 1));
  if (weight.size() < 3 || base::to_lower(weight[0]) != 'q' || weight[1] != '=') return false;
  return weight.find_first_not_of("0.", 2) == std::string_view::npos;
}

}  // namespace

bool has_hash(std::string_view file_name) {
  for (std::string_view rest = file_name;;) {
    const std::size_t dot = rest.rfind('.');
    if (dot == std::string_view::npos || dot == 0) return false;
    rest = rest.substr(0, dot);  // without an ending: "index-BX3hk2d_", "app.3fa8b2c1"
    const std::size_t before = rest.find_last_of(".-_");
    if (before != std::string_view::npos && hex_hash(rest.substr(before + 1))) return true;
    // base64url holds '-' and '_' itself, so what stands before the last eight characters decides
    if (rest.size() > kShortHash + 1) {
      const char separator = rest[rest.size() - kShortHash - 1];
      if ((separator == '-' || separator == '.') && mixed_hash(rest.substr(rest.size() - kShortHash))) return true;
    }
  }
}

std::string content_type(std::string_view file_name) {
  const std::size_t dot = file_name.rfind('.');
  const std::string ending = base::to_lower(dot == std::string_view::npos ? "" : file_name.substr(dot + 1));
  if (ending == "webmanifest") return "application/manifest+json";
  if (ending == "map") return "application/json";
  std::string out(base::mime_type(file_name));
  if (out.starts_with("text/")) out += "; charset=utf-8";
  return out;
}

bool compressible(std::string_view content_type) {
  const std::string_view type = content_type.substr(0, content_type.find(';'));
  return type.starts_with("text/") || type.ends_with("json") || type.ends_with("xml") || type == "font/ttf" ||
         type == "font/otf" || type == "application/wasm" || type == "image/vnd.microsoft.icon";
}

bool belongs_to_api(std::string_view first_segment, std::string_view more) {
  static constexpr auto kApis = std::to_array<std::string_view>(
      {"api", "app",    "archiver",    "auth",        "auth-app", "auth-service", "collaboration", "data",
       "dav", "graph",  "healthz",     "invitations", "konnect",  "metrics",      "ocm",           "ocm-provider",
       "ocs", "readyz", "sciencemesh", "thumbnails",  "upload",   "uploads",      "webdav",        "wopi"});
  const std::string segment = base::to_lower(first_segment);
  if (segment.starts_with('.') || segment.ends_with(".php")) return true;
  if (std::find(kApis.begin(), kApis.end(), segment) != kApis.end()) return true;
  const auto words = base::split(more, ' ');
  return std::any_of(words.begin(), words.end(), [&](std::string_view word) {
    word = base::trim(word);
    while (word.starts_with('/')) word.remove_prefix(1);
    while (word.ends_with('/')) word.remove_suffix(1);
    return !word.empty() && base::iequals(word, segment);
  });
}

bool takes_coding(std::string_view accept_encoding, std::string_view coding) {
  std::optional<bool> any;
  for (const std::string_view part : base::split(accept_encoding, ',')) {
    const std::string_view member = base::trim(part);
    const std::string_view name = base::trim(member.substr(0, member.find(';')));
    if (base::iequals(name, coding)) return !refused(member);
    if (name == "*") any = !refused(member);
  }
  return any.value_or(false);
}

bool wants_page(std::string_view accept) {
  for (const std::string_view part : base::split(accept, ',')) {
    const std::string_view name = base::trim(part.substr(0, part.find(';')));
    if (base::iequals(name, "text/html") || base::iequals(name, "application/xhtml+xml")) return true;
  }
  return false;
}

}  // namespace Atoll::web
