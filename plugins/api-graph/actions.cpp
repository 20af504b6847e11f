// SPDX-License-Identifier: Apache-2.0
#include "plugins/api-graph/actions.hpp"

#include <atoll/abi/storage_fs.h>

#include <array>

namespace Atoll::graph {
namespace {

struct Action {
  std::string_view name;
  std::uint32_t shown_for;  ///< any of these
  std::uint32_t takes;
};

constexpr std::uint32_t kStat = ATOLL_MAY_STAT, kSee = ATOLL_MAY_STAT;

constexpr std::array kActions{
    Action{"libre.graph/driveItem/basic/read", kStat, kSee},
    Action{"libre.graph/driveItem/path/read", kStat, kSee},
    Action{"libre.graph/driveItem/quota/read", kStat, kSee},
    Action{"libre.graph/driveItem/children/read", kStat, kSee},
    Action{"libre.graph/driveItem/permissions/read", kStat, kSee},
    Action{"libre.graph/driveItem/content/read", ATOLL_MAY_READ, kSee | ATOLL_MAY_READ},
    Action{"libre.graph/driveItem/children/create", ATOLL_MAY_CREATE, kSee | ATOLL_MAY_CREATE},
    Action{"libre.graph/driveItem/upload/create", ATOLL_MAY_CREATE | ATOLL_MAY_WRITE,
           kSee | ATOLL_MAY_CREATE | ATOLL_MAY_WRITE},
    Action{"libre.graph/driveItem/path/update", ATOLL_MAY_MOVE, kSee | ATOLL_MAY_MOVE},
    Action{"libre.graph/driveItem/standard/delete", ATOLL_MAY_DELETE, kSee | ATOLL_MAY_DELETE},
    Action{"libre.graph/driveItem/deleted/read", ATOLL_MAY_DELETE, kSee | ATOLL_MAY_DELETE},
    Action{"libre.graph/driveItem/deleted/update", ATOLL_MAY_DELETE, kSee | ATOLL_MAY_DELETE},
    Action{"libre.graph/driveItem/deleted/delete", ATOLL_MAY_PURGE, kSee | ATOLL_MAY_PURGE},
    Action{"libre.graph/driveItem/versions/read", ATOLL_MAY_VERSIONS, kSee | ATOLL_MAY_VERSIONS},
    Action{"libre.graph/driveItem/versions/update", ATOLL_MAY_VERSIONS, kSee | ATOLL_MAY_VERSIONS},
    Action{"libre.graph/driveItem/permissions/create", ATOLL_MAY_MEMBERS, kSee | ATOLL_MAY_MEMBERS},
    Action{"libre.graph/driveItem/permissions/update", ATOLL_MAY_MEMBERS, kSee | ATOLL_MAY_MEMBERS},
    Action{"libre.graph/driveItem/permissions/delete", ATOLL_MAY_MEMBERS, kSee | ATOLL_MAY_MEMBERS},
};

}  // namespace

std::vector<std::string_view> actions_of(std::uint32_t permissions) {
  std::vector<std::string_view> out;
  for (const Action &action : kActions)
    if ((permissions & action.shown_for) != 0) out.push_back(action.name);
  return out;
}

std::optional<std::uint32_t> permissions_for(std::string_view name) {
  for (const Action &action : kActions)
    if (action.name == name) return action.takes;
  return std::nullopt;
}

}  // namespace Atoll::graph
