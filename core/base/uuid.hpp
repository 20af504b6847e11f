// SPDX-License-Identifier: Apache-2.0
// Random ids.
#pragma once

#include <atoll/sdk/ids.hpp>

#include <array>
#include <cstdint>
#include <span>

namespace Atoll::base {

/// Fills `out` from the kernel's random source. Never returns short: a kernel without getrandom() ends the process.
/// [any thread]
void random_bytes(std::span<std::uint8_t> out);

/// A version 4 uuid (RFC 9562, 5.4). [any thread]
template <class Id>
Id random_id() {
  std::array<std::uint8_t, 16> bytes;
  random_bytes(bytes);
  bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0f) | 0x40);
  bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3f) | 0x80);
  return Id(bytes);
}

}  // namespace Atoll::base
