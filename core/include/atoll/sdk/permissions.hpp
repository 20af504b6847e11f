// SPDX-License-Identifier: Apache-2.0
// Permissions that stand for more than one bit.
#ifndef ATOLL_SDK_PERMISSIONS_HPP
#define ATOLL_SDK_PERMISSIONS_HPP

#include <atoll/abi/storage_fs.h>

#include <string_view>

namespace Atoll {
inline namespace sdk0 {

/// All permissions there are: what the owner of a personal space and the manager of a project have.
inline constexpr std::uint32_t kAllPermissions = ATOLL_MAY_STAT | ATOLL_MAY_READ | ATOLL_MAY_WRITE | ATOLL_MAY_CREATE |
                                                 ATOLL_MAY_DELETE | ATOLL_MAY_MOVE | ATOLL_MAY_SHARE | ATOLL_MAY_PURGE |
                                                 ATOLL_MAY_VERSIONS | ATOLL_MAY_MEMBERS;

/// The id of the role definition that gives all of them.
inline constexpr std::string_view kManagerRole = "312c0871-5ef7-4b3a-85b6-0e4074c64049";

}  // namespace sdk0
}  // namespace Atoll

#endif
