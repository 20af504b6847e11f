// SPDX-License-Identifier: Apache-2.0
#include "core/base/password.hpp"

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

#include "core/base/uuid.hpp"

namespace Atoll::base {
namespace {

/// A number below `limit`, each as likely as the others.
std::size_t random_below(std::size_t limit) {
  const std::uint64_t fair = ~std::uint64_t{0} - ~std::uint64_t{0} % limit;
  for (;;) {
    std::array<std::uint8_t, 8> bytes{};
    random_bytes(bytes);
    std::uint64_t number = 0;
    for (const std::uint8_t byte : bytes) number = number << 8 | byte;
    if (number < fair) return static_cast<std::size_t>(number % limit);
  }
}

constexpr std::size_t kLeast = 20;  // characters: about 100 bits

}  // namespace

std::string made_up_password(const PasswordNeeds &needs) {
  constexpr std::string_view lower = "abcdefghijkmnpqrstuvwxyz", upper = "ABCDEFGHJKLMNPQRSTUVWXYZ",
                             digits = "23456789", others = "-_.+", any = "abcdefghijkmnpqrstuvwxyz23456789";
  std::string out;
  for (const auto &[count, letters] :
       {std::pair(needs.lower, lower), {needs.upper, upper}, {needs.digits, digits}, {needs.others, others}})
    for (std::size_t i = 0; i < count; ++i) out.push_back(letters[random_below(letters.size())]);
  while (out.size() < needs.characters || out.size() < kLeast) out.push_back(any[random_below(any.size())]);
  for (std::size_t i = out.size(); i > 1; --i) std::swap(out[i - 1], out[random_below(i)]);
  return out;
}

}  // namespace Atoll::base
