// SPDX-License-Identifier: Apache-2.0
// The app roles and the ids by which clients know them.
#ifndef ATOLL_SDK_APP_ROLES_HPP
#define ATOLL_SDK_APP_ROLES_HPP

#include <atoll/abi/base.h>

#include <cstdint>
#include <string_view>

namespace Atoll {
inline namespace sdk0 {

struct AppRole {
  std::uint32_t role;  ///< ATOLL_ROLE_*
  std::string_view id, name, display_name;
};

inline constexpr AppRole kAppRoles[] = {
    {ATOLL_ROLE_ADMIN, "71881883-1768-46bd-a24d-a356a2afdf7f", "admin", "Admin"},
    {ATOLL_ROLE_SPACE_ADMIN, "2aadd357-682c-406b-8874-293091995fdd", "spaceadmin", "Space Admin"},
    {ATOLL_ROLE_USER, "d7beeea8-8ff4-406b-8fb6-ab2dd81e6b11", "user", "User"},
    {ATOLL_ROLE_USER_LIGHT, "38071a68-456a-4553-846a-fa67bf5596cc", "user-light", "User Light"},
};

/// Null: it has none, as an account without a role.
inline const AppRole *app_role_of(std::uint32_t role) noexcept {
  for (const AppRole &one : kAppRoles)
    if (one.role == role) return &one;
  return nullptr;
}
inline const AppRole *find_app_role(std::string_view id) noexcept {
  for (const AppRole &one : kAppRoles)
    if (one.id == id) return &one;
  return nullptr;
}

}  // namespace sdk0
}  // namespace Atoll

#endif
