// SPDX-License-Identifier: Apache-2.0
// The role definitions: what members of a space, and later shares and links, can be given. The one table of them.
#pragma once

#include <atoll/abi/gateway_spaces.h>
#include <atoll/sdk/permissions.hpp>
#include <atoll/sdk/types.hpp>

#include <cstdint>
#include <span>
#include <string_view>

namespace Atoll::gateway {

struct Role {
  std::string_view id, name, description;
  std::uint32_t permissions;  ///< ATOLL_MAY_*
  std::uint32_t on;           ///< ATOLL_ROLE_ON_*
  bool enabled;
};

/// In the order in which they are offered. [any thread]
std::span<const Role> roles();
/// Null: there is none. [any thread]
const Role *find_role(std::string_view id);
/// Borrows the texts.
atoll_role to_abi(const Role &role, std::uint32_t weight);

}  // namespace Atoll::gateway
