// SPDX-License-Identifier: Apache-2.0
// The actions of libre-graph (`libre.graph/driveItem/...`) and the permissions of Atoll. [any thread]
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace Atoll::graph {

/// The actions that a set of ATOLL_MAY_* allows.
std::vector<std::string_view> actions_of(std::uint32_t permissions);
/// What an action takes of ATOLL_MAY_*; nothing: there is no such action.
std::optional<std::uint32_t> permissions_for(std::string_view action);

}  // namespace Atoll::graph
