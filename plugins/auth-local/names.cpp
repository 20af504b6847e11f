// SPDX-License-Identifier: Apache-2.0
#include "plugins/auth-local/names.hpp"

#include <Poco/TextIterator.h>
#include <Poco/UTF8Encoding.h>
#include <Poco/UTF8String.h>

#include <algorithm>
#include <atoll/sdk/ids.hpp>

#include "core/base/text.hpp"

namespace Atoll::auth_local {

namespace {

bool is_control(int c) { return c < 0x20 || (c >= 0x7F && c < 0xA0); }

/// Characters that are not seen, or that change how others look: two names must not look the same.
bool is_invisible(int c) {
  return c == 0xAD || (c >= 0x300 && c <= 0x36F) || (c >= 0x200B && c <= 0x200F) || (c >= 0x2028 && c <= 0x202F) ||
         (c >= 0x205F && c <= 0x206F) || c == 0x3000 || (c >= 0xFE00 && c <= 0xFE0F) || c == 0xFEFF ||
         (c >= 0xFFF0 && c <= 0xFFFF) || c == 0xA0 || (c >= 0xE0000 && c <= 0xE0FFF) || (c & 0xFFFE) == 0xFFFE;
}

bool ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

template <class Predicate>
bool any_character(std::string_view text, Predicate predicate) {
  if (ascii(text)) return std::any_of(text.begin(), text.end(), predicate);  // every login comes by here
  const std::string copy(text);
  const Poco::UTF8Encoding encoding;
  Poco::TextIterator at(copy, encoding);
  const Poco::TextIterator end(copy);
  for (; at != end; ++at) {
    if (predicate(*at)) return true;
  }
  return false;
}

}  // namespace

Result<void> check_name(std::string_view name) {
  const auto refuse = [](const char *why) { return error(Status::InvalidArgument, std::string("the name ") + why); };
  if (name.empty()) return refuse("is empty");
  if (name.size() > kMaxNameBytes) return refuse("is longer than 200 bytes");
  if (!base::valid_utf8(name)) return refuse("is not valid UTF-8");
  if (any_character(name, is_control)) return refuse("holds a control character");
  if (any_character(name, is_invisible)) return refuse("holds a combining, blank or invisible character");
  if (name.find_first_of("/\\:*?\"<>|%") != std::string_view::npos) {
    return refuse("holds one of / \\ : * ? \" < > | %, which are not allowed");
  }
  if (name.front() == ' ' || name.back() == ' ') return refuse("begins or ends with a blank");
  if (name.back() == '.') return refuse("ends with a dot");
  if (name.front() == '.' || name.front() == '-') return refuse("begins with a dot or a dash");
  if (Uuid::parse(name)) return refuse("looks like an id");
  return {};
}

std::string folded(std::string_view text) {
  if (ascii(text)) return base::to_lower(text);
  return Poco::UTF8::toLower(std::string(text));
}

Result<void> check_text(std::string_view what, std::string_view text) {
  if (text.size() > kMaxTextBytes) {
    return error(Status::InvalidArgument, "the " + std::string(what) + " is longer than 1000 bytes");
  }
  if (!base::valid_utf8(text) || any_character(text, is_control)) {
    return error(Status::InvalidArgument,
                 "the " + std::string(what) + " is not valid UTF-8 or holds a control character");
  }
  return {};
}

Result<void> check_language(std::string_view tag) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  if (tag.size() <= 35 && std::all_of(tag.begin(), tag.end(), fits)) return {};
  return error(Status::InvalidArgument, "the language is no tag like de or pt-BR");
}

Result<void> check_password(std::string_view password, const PasswordPolicy &policy) {
  if (auto checked = check_password(password); !checked) return checked;
  std::size_t characters = 0, lower = 0, upper = 0, digits = 0;
  for (const char c : password) {
    characters += (static_cast<unsigned char>(c) & 0xC0) != 0x80 ? 1 : 0;
    lower += c >= 'a' && c <= 'z' ? 1 : 0;
    upper += c >= 'A' && c <= 'Z' ? 1 : 0;
    digits += c >= '0' && c <= '9' ? 1 : 0;
  }
  std::string missing;
  const auto want = [&](std::size_t have, std::size_t least, const char *what) {
    if (have >= least) return;
    missing.append(missing.empty() ? "" : ", ").append(std::to_string(least)).append(" ").append(what);
  };
  want(characters, policy.characters, "characters");
  want(lower, policy.lower, "lower case letters");
  want(upper, policy.upper, "upper case letters");
  want(digits, policy.digits, "digits");
  want(characters - lower - upper - digits, policy.others, "other characters");
  if (missing.empty()) return {};
  return error(Status::InvalidArgument, "the password needs at least " + missing);
}

Result<void> check_password(std::string_view password) {
  if (password.empty()) return error(Status::InvalidArgument, "the password is empty");
  if (password.size() > kMaxPasswordBytes)
    return error(Status::InvalidArgument, "the password is longer than 1024 bytes");
  if (!base::valid_utf8(password) || any_character(password, is_control)) {
    return error(Status::InvalidArgument, "the password is not valid UTF-8 or holds a control character");
  }
  return {};
}

}  // namespace Atoll::auth_local
