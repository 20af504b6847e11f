// SPDX-License-Identifier: Apache-2.0
// Who manages and who sees a space: for .cpp files of the gateway only.
#pragma once

#include <atoll/sdk/registry.hpp>

namespace Atoll::gateway {

inline bool administers(const atoll_principal &principal, const SpaceRecord &record) {
  if (principal.kind == ATOLL_PRINCIPAL_LINK) return false;
  return principal.app_role >= ATOLL_ROLE_ADMIN ||
         (principal.app_role >= ATOLL_ROLE_SPACE_ADMIN && record.type == ATOLL_SPACE_PROJECT);
}

inline bool has_or_administers(const atoll_principal &principal, const SpaceRecord &record, std::uint32_t permission) {
  return (record.permissions & permission) != 0 || administers(principal, record);
}

inline bool manages(const atoll_principal &principal, const SpaceRecord &record) {
  return (record.permissions & ATOLL_MAY_MEMBERS) != 0 || administers(principal, record);
}

/// A project that is being made, or of which a crash has left a part: what it holds is not known to be whole.
inline bool unfinished(const SpaceRecord &record) {
  return record.state == ATOLL_SPACE_STATE_CREATING && record.type != ATOLL_SPACE_PERSONAL;
}

/// Nobody but who manages it is to know of it.
inline bool out_of_use(const SpaceRecord &record) {
  return record.state == ATOLL_SPACE_STATE_DISABLED || record.state == ATOLL_SPACE_STATE_PURGING;
}

inline bool sees(const atoll_principal &principal, const SpaceRecord &record) {
  if (manages(principal, record)) return true;
  return record.permissions != 0 && !out_of_use(record);
}

}  // namespace Atoll::gateway
