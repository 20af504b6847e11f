/* SPDX-License-Identifier: Apache-2.0 */
/* atoll.gateway.accounts/1, a host service: who there is, and changing that, under the principal of the call. Answers come
 * from all directories of the server, the first one first.
 *
 * Who may: every user reads names and groups; mail addresses, roles and times of others are empty for him unless [server]
 * show_mail says so; a guest finds nobody but himself and the members of his spaces, by id. ATOLL_ROLE_ADMIN reads and
 * changes everything. Where the directory of an account cannot be changed (it is managed elsewhere):
 * ATOLL_FAILED_PRECONDITION. */
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
  /* As a directory's own table, for admins. create: the first directory that can; a name that any directory has is
   * ATOLL_ALREADY_EXISTS. remove: what happens to his spaces is said at `remove_account`; this one leaves them. A user may
   * change his own language by `change`. */
  const atoll_directory_admin *admin;
  /* Of the principal's own account. */
  const atoll_directory_tokens *tokens;

  /* The principal's own account, all fields. */
  int32_t (*me)(const atoll_call *call, void *self, const atoll_account_sink *sink);
  /* ATOLL_UNAUTHENTICATED when `old_password` is wrong (counted as a failed login); ATOLL_INVALID_ARGUMENT when the new one is
   * not good enough, with the reason. All other logins of the account end. */
  int32_t (*change_password)(const atoll_call *call, void *self, atoll_str old_password, atoll_str new_password);
  /* Ends an account: its memberships end, its personal space is disabled and stays for the admins (purge: it is purged).
   * Project spaces stay; one whose only manager he was is left to the space admins. Groups too. */
  int32_t (*remove_account)(const atoll_call *call, void *self, const atoll_uuid *account, uint32_t purge);
} atoll_gateway_accounts_service;

#ifdef __cplusplus
}
#endif
#endif
