// SPDX-License-Identifier: Apache-2.0
#include "core/base/uri.hpp"

#include <algorithm>
#include <array>

namespace Atoll::base {

namespace {

constexpr std::array<bool, 256> make_safe() {
  std::array<bool, 256> safe{};
  for (int c = 'a'; c <= 'z'; ++c) safe[static_cast<std::size_t>(c)] = true;
  for (int c = 'A'; c <= 'Z'; ++c) safe[static_cast<std::size_t>(c)] = true;
  for (int c = '0'; c <= '9'; ++c) safe[static_cast<std::size_t>(c)] = true;
  for (const char c : std::string_view("/-._~!$()*+,;=:@")) safe[static_cast<unsigned char>(c)] = true;
  return safe;
}
constexpr std::array<bool, 256> kSafe = make_safe();

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::optional<std::string> percent_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::size_t plain = std::min(text.find('%', i), text.size());
    out.append(text, i, plain - i);
    i = plain;
    if (i == text.size()) break;
    if (text.size() - i < 3) return std::nullopt;
    const int high = hex_value(text[i + 1]);
    const int low = hex_value(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out.push_back(static_cast<char>(high * 16 + low));
    i += 2;
  }
  return out;
}

void append_percent_encoded_path(std::string &out, std::string_view path) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::size_t plain = 0;
  for (std::size_t i = 0; i < path.size(); ++i) {
    const auto byte = static_cast<unsigned char>(path[i]);
    if (kSafe[byte]) continue;
    out.append(path, plain, i - plain);
    const char encoded[3] = {'%', digits[byte >> 4], digits[byte & 15]};
    out.append(encoded, 3);
    plain = i + 1;
  }
  out.append(path, plain, path.size() - plain);
}

std::string percent_encode_path(std::string_view path) {
  std::string out;
  out.reserve(path.size() + path.size() / 8);
  append_percent_encoded_path(out, path);
  return out;
}

}  // namespace Atoll::base
