/* SPDX-License-Identifier: Apache-2.0 */
/* atoll.storage.fs.roots/1: how many spaces are at one moment, an optional part of atoll.storage.fs/1. Clients ask for all
 * their spaces every few seconds to see which have changed. */
#ifndef ATOLL_ABI_STORAGE_ROOTS_H
#define ATOLL_ABI_STORAGE_ROOTS_H

#include <atoll/abi/storage_fs.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ATOLL_STORAGE_FS_ROOTS "atoll.storage.fs.roots/1"

typedef struct atoll_storage_fs_roots {
  uint32_t struct_size;
  uint32_t reserved;
  /* Emits a record as space_get does for each of the spaces that can be told of now, in any order. One that is left out is
   * no proof of anything: ask space_get for it. */
  int32_t (*roots)(const atoll_call *call, void *self, const atoll_uuids *spaces, const atoll_space_sink *sink);
} atoll_storage_fs_roots;

#ifdef __cplusplus
}
#endif
#endif
