// SPDX-License-Identifier: Apache-2.0
// The spaces of all registries, as the admin verbs need them.
#pragma once

#include <atoll/abi/registry.h>
#include <atoll/sdk/result.hpp>

#include <string>
#include <vector>

#include "core/host/runtime.hpp"

namespace Atoll::host {

struct SpaceRow {
  std::string id, name, alias, type, state, owner, provider, endpoint;
  std::uint64_t quota = ATOLL_QUOTA_NONE;
  atoll_uuid raw_id{}, raw_owner{};
};

/// [any thread]
Result<std::vector<SpaceRow>> all_spaces(const Runtime &runtime);
/// The one with this id, alias or unique name; all when it is empty. NotFound, FailedPrecondition (not unique).
Result<std::vector<SpaceRow>> spaces_named(const Runtime &runtime, const std::string &name);
/// For people.
inline std::string shown(const SpaceRow &row) { return row.alias.empty() ? row.id : row.alias; }

}  // namespace Atoll::host
