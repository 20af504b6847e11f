// SPDX-License-Identifier: Apache-2.0
// Ids as they stand in URLs and JSON: `birth$space`, `birth$space!node`, `u:account`, `g:account`. [any thread]
#pragma once

#include <atoll/abi/directory.h>
#include <atoll/sdk/ids.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace Atoll::graph {

inline std::string drive_id(const Uuid &birth, const SpaceId &space) { return birth.text() + '$' + space.text(); }
inline std::string item_id(const Uuid &birth, const SpaceId &space, const NodeId &node) {
  return drive_id(birth, space) + '!' + node.text();
}

/// The birth tag is not interpreted.
inline std::optional<SpaceId> read_drive_id(std::string_view text) {
  if (text.size() != 73 || text[36] != '$' || !Uuid::parse(text.substr(0, 36))) return std::nullopt;
  return SpaceId::parse(text.substr(37));
}

struct ItemId {
  SpaceId space;
  NodeId node;
};
inline std::optional<ItemId> read_item_id(std::string_view text) {
  if (text.size() != 110 || text[73] != '!') return std::nullopt;
  const auto space = read_drive_id(text.substr(0, 73));
  const auto node = NodeId::parse(text.substr(74));
  if (!space || !node) return std::nullopt;
  return ItemId{*space, *node};
}

/// Who holds a permission on the root of a space.
struct Holder {
  std::uint32_t kind = ATOLL_ACCOUNT_USER;
  AccountId account;
  std::string text() const { return (kind == ATOLL_ACCOUNT_GROUP ? "g:" : "u:") + account.text(); }
  static std::optional<Holder> read(std::string_view text) {
    if (text.size() != 38 || text[1] != ':' || (text[0] != 'u' && text[0] != 'g')) return std::nullopt;
    const auto account = AccountId::parse(text.substr(2));
    if (!account) return std::nullopt;
    return Holder{text[0] == 'g' ? ATOLL_ACCOUNT_GROUP : ATOLL_ACCOUNT_USER, *account};
  }
};

}  // namespace Atoll::graph
