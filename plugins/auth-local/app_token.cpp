// SPDX-License-Identifier: Apache-2.0
#include "plugins/auth-local/app_token.hpp"

#include <array>

#include "core/base/checksum.hpp"
#include "core/base/text.hpp"
#include "core/base/uuid.hpp"

namespace Atoll::auth_local {

namespace {

constexpr std::string_view kTokenLetters = "abcdefghijkmnpqrstuvwxyz23456789";  // 32 that are hard to mistake
constexpr std::size_t kTokenGroups = 5, kTokenGroup = 5;
static_assert(kTokenLetters.size() == 32);

}  // namespace

std::string new_app_token() {
  std::array<std::uint8_t, kTokenGroups * kTokenGroup> random{};
  base::random_bytes(random);
  std::string out;
  for (std::size_t i = 0; i < random.size(); ++i) {
    if (i > 0 && i % kTokenGroup == 0) out.push_back('-');
    out.push_back(kTokenLetters[random[i] & 31]);
  }
  return out;
}

bool looks_like_token(std::string_view password) {
  if (password.size() != kTokenGroups * (kTokenGroup + 1) - 1) return false;
  for (std::size_t i = 0; i < password.size(); ++i) {
    const bool dash = i % (kTokenGroup + 1) == kTokenGroup;
    if (dash ? password[i] != '-' : kTokenLetters.find(password[i]) == kTokenLetters.npos) return false;
  }
  return true;
}

std::string token_digest(std::string_view token) { return base::hex_encode(base::sha256(token)); }

}  // namespace Atoll::auth_local
