// SPDX-License-Identifier: Apache-2.0
#include "plugins/api-webdav/wire_id.hpp"

#include <cstring>

namespace Atoll::webdav {

std::optional<WireId> parse_wire_id(std::string_view text) {
  constexpr std::size_t kUuid = 36;
  if (text.size() != 2 * kUuid + 1 && text.size() != 3 * kUuid + 2) return std::nullopt;
  if (text[kUuid] != '$') return std::nullopt;
  WireId id;
  const auto birth = Uuid::parse(text.substr(0, kUuid));
  const auto space = SpaceId::parse(text.substr(kUuid + 1, kUuid));
  if (!birth || !space || space->none()) return std::nullopt;
  id.birth = *birth;
  id.space = *space;
  if (text.size() == 2 * kUuid + 1) return id;
  if (text[2 * kUuid + 1] != '!') return std::nullopt;
  const auto node = NodeId::parse(text.substr(2 * kUuid + 2));
  if (!node || node->none()) return std::nullopt;
  id.node = *node;
  return id;
}

namespace {

struct HexPairs {
  char text[512];
};
constexpr HexPairs kHexPairs = [] {
  HexPairs pairs{};
  for (unsigned byte = 0; byte < 256; ++byte) {
    pairs.text[2 * byte] = "0123456789abcdef"[byte >> 4];
    pairs.text[2 * byte + 1] = "0123456789abcdef"[byte & 15];
  }
  return pairs;
}();

/// 36 characters.
char *put_uuid(char *at, const std::uint8_t *bytes) {
  for (std::size_t i = 0; i < 16; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) *at++ = '-';
    std::memcpy(at, kHexPairs.text + 2 * bytes[i], 2);
    at += 2;
  }
  return at;
}

}  // namespace

void append_uuid(std::string &out, const std::uint8_t *bytes) {
  char text[36];
  put_uuid(text, bytes);
  out.append(text, sizeof text);
}

void append_space_id(std::string &out, const std::uint8_t *birth, const std::uint8_t *space) {
  append_uuid(out, birth);
  out.push_back('$');
  append_uuid(out, space);
}

void append_node_id(std::string &out, const std::uint8_t *birth, const std::uint8_t *space, const std::uint8_t *node) {
  char text[3 * 36 + 2];
  char *at = put_uuid(text, birth);
  *at++ = '$';
  at = put_uuid(at, space);
  *at++ = '!';
  put_uuid(at, node);
  out.append(text, sizeof text);
}

}  // namespace Atoll::webdav
