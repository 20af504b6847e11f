// SPDX-License-Identifier: Apache-2.0
#include "core/tree/types.hpp"

namespace Atoll::tree {

Etag::Etag(const NodeId &node, std::uint64_t sequence) noexcept {
  static constexpr char kDigits[] = "0123456789abcdef";
  const auto &bytes = node.bytes();
  // The last 15 digits: random in every version of uuid that is in use here.
  text_[size_++] = kDigits[bytes[8] & 15];
  for (std::size_t i = 9; i < 16; ++i) {
    text_[size_++] = kDigits[bytes[i] >> 4];
    text_[size_++] = kDigits[bytes[i] & 15];
  }
  text_[size_++] = ':';
  int shift = 60;
  while (shift > 0 && (sequence >> shift) == 0) shift -= 4;
  for (; shift >= 0; shift -= 4) text_[size_++] = kDigits[(sequence >> shift) & 15];
}

}  // namespace Atoll::tree
