// SPDX-License-Identifier: Apache-2.0
#include "plugins/api-account/duration.hpp"

namespace Atoll::account {

std::optional<std::int64_t> read_duration(std::string_view text) {
  constexpr std::int64_t kSecond = 1'000'000'000, kDay = 86'400 * kSecond, kMost = 36'525 * kDay;
  constexpr struct {
    std::string_view name;
    std::int64_t length;
  } kUnits[] = {{"ms", 1'000'000}, {"s", kSecond}, {"m", 60 * kSecond}, {"h", 3600 * kSecond}, {"d", kDay}};
  std::int64_t total = 0;
  while (!text.empty()) {
    std::size_t digits = 0;
    std::int64_t count = 0;
    for (; digits < text.size() && text[digits] >= '0' && text[digits] <= '9'; ++digits) {
      if (digits == 12) return std::nullopt;
      count = count * 10 + (text[digits] - '0');
    }
    if (digits == 0) return std::nullopt;
    text.remove_prefix(digits);
    std::int64_t length = 0;
    for (const auto &unit : kUnits) {
      const bool fits = text.substr(0, unit.name.size()) == unit.name;
      const char next = text.size() > unit.name.size() ? text[unit.name.size()] : '0';
      if (!fits || next < '0' || next > '9') continue;
      length = unit.length;
      text.remove_prefix(unit.name.size());
      break;
    }
    if (length == 0 || count > (kMost - total) / length) return std::nullopt;
    total += count * length;
  }
  if (total == 0) return std::nullopt;
  return total;
}

}  // namespace Atoll::account
