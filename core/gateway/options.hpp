// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/gateway/placement.hpp"

#include <atoll/abi/base.h>
#include <atoll/abi/storage_fs.h>

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace Atoll::gateway {

struct GatewayOptions {
  unsigned calls_per_provider = 8;                   ///< calls that may run in one provider at a time
  std::uint32_t project_creators = ATOLL_ROLE_USER;  ///< the lowest app role that may make project spaces
  std::uint64_t personal_quota = ATOLL_QUOTA_NONE;   ///< of new personal spaces; bytes
  std::uint64_t project_quota = ATOLL_QUOTA_NONE;    ///< of new project spaces; bytes
  std::vector<PlacementRule> placement{};            ///< empty: everything at the first storage
  std::string space_templates{};                     ///< the folder with templates of spaces; empty: none
  std::string public_url{};                          ///< where clients reach this server, without a slash at its end
  /// How long a listing may be answered from memory while a registry cannot tell; 0: never.
  std::chrono::nanoseconds stale_listings = std::chrono::minutes(10);
  bool show_mail = false;                           ///< whether users see the mail addresses of others
  std::size_t remembered_roots = 65'536;            ///< of spaces, for when their providers cannot tell
  std::function<void(const std::string &)> warn{};  ///< writes to the log what the admin must know; may be empty
};

}  // namespace Atoll::gateway
