// SPDX-License-Identifier: Apache-2.0
// Uuid and the typed ids built on it. A space id cannot be passed where a node id is wanted.
#ifndef ATOLL_SDK_IDS_HPP
#define ATOLL_SDK_IDS_HPP

#include <array>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace Atoll {
inline namespace sdk0 {

/// 16 bytes in network order (RFC 9562). All zero means "none".
template <class Tag>
class BasicUuid {
 public:
  constexpr BasicUuid() = default;
  constexpr explicit BasicUuid(const std::array<std::uint8_t, 16> &bytes) : bytes_(bytes) {}
  static BasicUuid from_bytes(const std::uint8_t *bytes) {
    BasicUuid id;
    std::memcpy(id.bytes_.data(), bytes, 16);
    return id;
  }

  /// Accepts the 36-character text form in either case, nothing else.
  static std::optional<BasicUuid> parse(std::string_view text) {
    if (text.size() != 36) return std::nullopt;
    BasicUuid id;
    std::size_t at = 0;
    for (std::size_t i = 0; i < 16; ++i) {
      if (i == 4 || i == 6 || i == 8 || i == 10) {
        if (text[at++] != '-') return std::nullopt;
      }
      const int high = hex(text[at]), low = hex(text[at + 1]);
      if (high < 0 || low < 0) return std::nullopt;
      id.bytes_[i] = static_cast<std::uint8_t>(high * 16 + low);
      at += 2;
    }
    return id;
  }

  /// 36 characters, lower case.
  std::string text() const {
    static constexpr char digits[] = "0123456789abcdef";
    std::string out;
    out.reserve(36);
    for (std::size_t i = 0; i < 16; ++i) {
      if (i == 4 || i == 6 || i == 8 || i == 10) out.push_back('-');
      out.push_back(digits[bytes_[i] >> 4]);
      out.push_back(digits[bytes_[i] & 15]);
    }
    return out;
  }

  const std::array<std::uint8_t, 16> &bytes() const noexcept { return bytes_; }
  bool none() const noexcept { return bytes_ == std::array<std::uint8_t, 16>{}; }

  /// The same 16 bytes as an id of another kind: a space's root node has the id of its space.
  template <class Other>
  BasicUuid<Other> as() const {
    return BasicUuid<Other>(bytes_);
  }

  friend bool operator==(const BasicUuid &a, const BasicUuid &b) noexcept { return a.bytes_ == b.bytes_; }
  friend bool operator!=(const BasicUuid &a, const BasicUuid &b) noexcept { return a.bytes_ != b.bytes_; }
  friend bool operator<(const BasicUuid &a, const BasicUuid &b) noexcept { return a.bytes_ < b.bytes_; }

 private:
  static constexpr int hex(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  }
  std::array<std::uint8_t, 16> bytes_{};
};

struct AnyTag;
struct SpaceTag;
struct NodeTag;
struct AccountTag;
using Uuid = BasicUuid<AnyTag>;           ///< an id whose kind does not matter
using SpaceId = BasicUuid<SpaceTag>;      ///< a storage space
using NodeId = BasicUuid<NodeTag>;        ///< a file or folder; never changes on rename, never used again
using AccountId = BasicUuid<AccountTag>;  ///< a person, group or service

inline NodeId root_of(const SpaceId &space) { return space.as<NodeTag>(); }

}  // namespace sdk0
}  // namespace Atoll

template <class Tag>
struct std::hash<Atoll::BasicUuid<Tag>> {
  std::size_t operator()(const Atoll::BasicUuid<Tag> &id) const noexcept {
    std::size_t value;
    std::memcpy(&value, id.bytes().data() + 8, sizeof value);  // the random half of a version 4 or 7 uuid
    return value;
  }
};

#endif
