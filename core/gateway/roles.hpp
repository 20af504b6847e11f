// SPDX-License-Identifier: Apache-2.0
// The role definitions: what members of a space, and later shares and links, can be given. The one table of them.
#pragma once

#include <atoll/abi/gateway_spaces.h>
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

/// All permissions there are: what the owner of a personal space and the manager of a project have.
inline constexpr std::uint32_t kAllPermissions = ATOLL_MAY_STAT | ATOLL_MAY_READ | ATOLL_MAY_WRITE | ATOLL_MAY_CREATE |
                                                 ATOLL_MAY_DELETE | ATOLL_MAY_MOVE | ATOLL_MAY_SHARE | ATOLL_MAY_PURGE |
                                                 ATOLL_MAY_VERSIONS | ATOLL_MAY_MEMBERS;

inline constexpr std::string_view kManagerRole = "312c0871-5ef7-4b3a-85b6-0e4074c64049";

/// In the order in which they are offered. [any thread]
std::span<const Role> roles();
/// Null: there is none. [any thread]
const Role *find_role(std::string_view id);
/// Borrows the texts.
atoll_role to_abi(const Role &role, std::uint32_t weight);

}  // namespace Atoll::gateway
