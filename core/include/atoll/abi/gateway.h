/* SPDX-License-Identifier: Apache-2.0 */
/* atoll.gateway/1, a host service: the one road from a protocol to a driver. The principal of the call decides what is
 * seen; without one everything is ATOLL_UNAUTHENTICATED. Who may not know of a thing is told ATOLL_NOT_FOUND. */
#ifndef ATOLL_ABI_GATEWAY_H
#define ATOLL_ABI_GATEWAY_H

#include <atoll/abi/directory.h>
#include <atoll/abi/host.h>
#include <atoll/abi/registry.h>
#include <atoll/abi/storage_fs.h>
#include <atoll/abi/storage_trash.h>
#include <atoll/abi/storage_uploads.h>
#include <atoll/abi/storage_versions.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ATOLL_SERVICE_GATEWAY "atoll.gateway/1"

/* Lives as long as the instance's host. */
typedef struct atoll_gateway_service {
  uint32_t struct_size;
  uint32_t reserved;
  /* The driver's own tables, routed by space, with permissions; of each record `permissions` is set. space_* of `files` are
   * ATOLL_UNIMPLEMENTED except space_get. copy and rename also work across spaces and providers (rename keeps the id only
   * inside a space). */
  void *self;       /* for the functions below */
  void *files_self; /* for the tables of storage */
  const atoll_storage_fs *files;
  const atoll_storage_fs_attributes *attributes;
  const atoll_storage_fs_locks *locks;

  /* The spaces that the principal reaches; his personal one exists afterwards. Complete, or it fails. Flagged ATOLL_SPACE_STALE
   * where a registry cannot tell now, and the record is what it told not long ago. */
  int32_t (*spaces)(const atoll_call *call, void *self, const atoll_space_record_sink *sink);
  /* One space that he reaches, else ATOLL_NOT_FOUND. */
  int32_t (*space)(const atoll_call *call, void *self, const atoll_uuid *space, const atoll_space_record_sink *sink);
  /* The personal space of the account with this login name, if the principal reaches it, else ATOLL_NOT_FOUND. His own one
   * exists afterwards. */
  int32_t (*personal_space)(const atoll_call *call, void *self, atoll_str account_name,
                            const atoll_space_record_sink *sink);
  /* What is known of an account. */
  int32_t (*account)(const atoll_call *call, void *self, const atoll_uuid *account, const atoll_account_sink *sink);

  /* More of the driver's tables; ATOLL_UNIMPLEMENTED for spaces whose driver lacks them. Members who read see the trash; with
   * ATOLL_MAY_DELETE and ATOLL_MAY_CREATE they restore from it; emptying it, and `remove` with ATOLL_PERMANENT, takes ATOLL_MAY_PURGE. */
  const atoll_storage_fs_trash *trash;
  const atoll_storage_fs_versions *versions;
  /* As the other tables of drivers, with files_self. What it gives goes on when the call has ended. */
  const atoll_storage_fs_listing *listing;
  /* The same. Only the account that began an upload can open or remove it; for others it is ATOLL_NOT_FOUND. What he may do
   * in the space is looked at when it is begun, opened and committed. `list` is ATOLL_UNIMPLEMENTED. */
  const atoll_storage_fs_uploads *uploads;
} atoll_gateway_service;

#ifdef __cplusplus
}
#endif
#endif
