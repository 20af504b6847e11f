// SPDX-License-Identifier: Apache-2.0
#include "core/tree/changes.hpp"

#include <charconv>

namespace Atoll::tree {
namespace {

std::optional<std::uint64_t> hex(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (text.empty() || failure != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

void append_hex(std::string &to, std::uint64_t value) {
  char digits[16];
  const auto end = std::to_chars(digits, digits + sizeof digits, value, 16).ptr;
  to.append(digits, end);
}

}  // namespace

std::string ChangeToken::text() const {
  std::string text;
  append_hex(text, epoch);
  text.push_back(':');
  append_hex(text, position);
  return text;
}

std::optional<ChangeToken> ChangeToken::parse(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto epoch = hex(text.substr(0, colon)), position = hex(text.substr(colon + 1));
  if (!epoch || !position || *position > INT64_MAX) return std::nullopt;
  return ChangeToken{*epoch, *position};
}

}  // namespace Atoll::tree
