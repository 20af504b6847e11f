// SPDX-License-Identifier: Apache-2.0
// Ids as they stand in URLs and properties: `birth$space` and `birth$space!node`. [any thread]
#pragma once

#include <atoll/sdk/ids.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace Atoll::webdav {

/// A parsed id. The birth tag is carried, never interpreted.
struct WireId {
  Uuid birth;
  SpaceId space;
  std::optional<NodeId> node;  ///< none in the id of a space

  /// The node that is named: the root for the id of a space.
  NodeId node_or_root() const { return node ? *node : root_of(space); }
};

/// Takes `uuid$uuid` and `uuid$uuid!uuid`, decoded, and nothing else.
std::optional<WireId> parse_wire_id(std::string_view text);

/// 36 characters, lower case, without an allocation of its own.
void append_uuid(std::string &out, const std::uint8_t *bytes);
/// `birth$space`
void append_space_id(std::string &out, const std::uint8_t *birth, const std::uint8_t *space);
/// `birth$space!node`
void append_node_id(std::string &out, const std::uint8_t *birth, const std::uint8_t *space, const std::uint8_t *node);

}  // namespace Atoll::webdav
