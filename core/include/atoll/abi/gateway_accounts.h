/* SPDX-License-Identifier: Apache-2.0 */
/* atoll.gateway.accounts/1, a host service: who there is, and changing that, under the principal of the call. Answers come
 * from all directories of the server; where two know an account, the first one counts.
 *
 * Who may: every user reads names and groups; mail addresses ([server] show_mail), roles, states and times of others are
 * empty for him, and he finds only those who can log in. Memberships he reads of himself and of groups that he is in. A
 * guest (ATOLL_ROLE_USER_LIGHT) knows himself, his groups and the members of his spaces (of the members of his
 * groups only those): of all others he is told ATOLL_NOT_FOUND, as of those who are not there. ATOLL_ROLE_ADMIN reads and changes everything. Where the directory of an
 * account cannot be changed (it is managed elsewhere): ATOLL_FAILED_PRECONDITION.
 *
 * A login with an app token (ATOLL_LOGIN_TOKEN) gives nothing that outlives it or is more: no passwords are set with it, no
 * tokens made, and no account gets a role above ATOLL_ROLE_USER. ATOLL_PERMISSION_DENIED. */
#ifndef ATOLL_ABI_GATEWAY_ACCOUNTS_H
#define ATOLL_ABI_GATEWAY_ACCOUNTS_H

#include <atoll/abi/directory.h>
#include <atoll/abi/host.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ATOLL_SERVICE_GATEWAY_ACCOUNTS "atoll.gateway.accounts/1"

/* Lives as long as the instance's host. [worker] */
typedef struct atoll_gateway_accounts_service {
  uint32_t struct_size;
  uint32_t reserved;
  void *self; /* for all tables below */

  /* As a directory's own table, with the rules above. */
  const atoll_directory *directory;
  /* As a directory's own table, for admins. create: in the first directory that can; a name that any directory has is
   * ATOLL_ALREADY_EXISTS. remove: as remove_account without `purge`. A user may change his own language by `change`.
   * change_password is ATOLL_UNIMPLEMENTED: see below. */
  const atoll_directory_admin *admin;
  /* Of the principal's own account (none), made and listed after a login that is no app token; a token deletes by text
   * only. Admins list and remove those of others, never make any. */
  const atoll_directory_tokens *tokens;

  /* The principal's own account, all fields. */
  int32_t (*me)(const atoll_call *call, void *self, const atoll_account_sink *sink);
  /* ATOLL_UNAUTHENTICATED when `old_password` is wrong (counted as a failed login; an app token is none);
   * ATOLL_INVALID_ARGUMENT when the new one is not good enough, with the reason; ATOLL_PERMISSION_DENIED after a login with
   * an app token. App tokens stay. */
  int32_t (*change_password)(const atoll_call *call, void *self, atoll_str old_password, atoll_str new_password);
  /* Ends an account, for admins: it can no longer log in, its memberships end, its personal space is disabled and stays
   * for the admins (purge: it is purged). Project spaces stay; one whose only manager he was is left to the space admins.
   * One enabled admin remains: else ATOLL_FAILED_PRECONDITION. When a part of it cannot be done now, the account stays,
   * disabled, and this can be repeated. A group goes with its memberships. */
  int32_t (*remove_account)(const atoll_call *call, void *self, const atoll_uuid *account, uint32_t purge);
  /* ---- since ABI 0.3 */
  /* As change_password; flags: ATOLL_PASSWORD_*. */
  int32_t (*change_password_with)(const atoll_call *call, void *self, atoll_str old_password, atoll_str new_password,
                                  uint32_t flags);
} atoll_gateway_accounts_service;

#ifdef __cplusplus
}
#endif
#endif
