// SPDX-License-Identifier: Apache-2.0
// Who knows and who manages accounts: for .cpp files of the gateway only.
#pragma once

#include <atoll/sdk/types.hpp>

namespace Atoll::gateway {

inline constexpr std::uint64_t kMostAccounts = 1000;  // of one answer

inline Error no_account() { return error(Status::NotFound, "There is no such account."); }
inline Error managed_elsewhere() {
  return error(Status::FailedPrecondition, "This account is managed elsewhere and cannot be changed here.");
}

inline bool is_admin(const atoll_principal &principal) {
  return principal.kind != ATOLL_PRINCIPAL_LINK && principal.app_role >= ATOLL_ROLE_ADMIN;
}
/// Whether the login was an app token: it gives nothing that is more than itself.
inline bool with_token(const atoll_principal &principal) {
  return (ATOLL_HAS(&principal, atoll_principal, login) && principal.login == ATOLL_LOGIN_TOKEN) ||
         principal.scopes.count > 0;
}
inline Error needs_password() {
  return error(Status::PermissionDenied, "An app token does not do this: log in with your password.");
}
inline bool reads_names(const atoll_principal &principal) {
  return principal.kind != ATOLL_PRINCIPAL_LINK && principal.app_role >= ATOLL_ROLE_USER;
}
inline bool is_guest(const atoll_principal &principal) {
  return principal.kind == ATOLL_PRINCIPAL_USER && principal.app_role == ATOLL_ROLE_USER_LIGHT;
}
inline bool in_group(const atoll_principal &principal, const AccountId &group) {
  for (std::uint64_t i = 0; i < principal.groups.count; ++i)
    if (from_abi<AccountId>(principal.groups.items[i]) == group) return true;
  return false;
}

}  // namespace Atoll::gateway
