// SPDX-License-Identifier: Apache-2.0
#include "plugins/api-webdav/wire_id.hpp"

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

void append_uuid(std::string &out, const std::uint8_t *bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  char text[36];
  char *at = text;
  for (std::size_t i = 0; i < 16; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) *at++ = '-';
    *at++ = digits[bytes[i] >> 4];
    *at++ = digits[bytes[i] & 15];
  }
  out.append(text, sizeof text);
}

void append_space_id(std::string &out, const std::uint8_t *birth, const std::uint8_t *space) {
  append_uuid(out, birth);
  out.push_back('$');
  append_uuid(out, space);
}

void append_node_id(std::string &out, const std::uint8_t *birth, const std::uint8_t *space, const std::uint8_t *node) {
  if (out.capacity() - out.size() < 3 * 36 + 2) out.reserve(2 * out.size() + 3 * 36 + 2);
  append_space_id(out, birth, space);
  out.push_back('!');
  append_uuid(out, node);
}

}  // namespace Atoll::webdav
