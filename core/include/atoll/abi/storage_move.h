/* SPDX-License-Identifier: Apache-2.0 */
/* atoll.storage.fs.move/1: a space goes from one instance of a plugin to another one, an optional part of
 * atoll.storage.fs/1. The host decides where the space lives by its registry: that is the one step that counts. */
#ifndef ATOLL_ABI_STORAGE_MOVE_H
#define ATOLL_ABI_STORAGE_MOVE_H

#include <atoll/abi/storage_care.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ATOLL_STORAGE_FS_MOVE "atoll.storage.fs.move/1"

typedef struct atoll_storage_fs_move {
  uint32_t struct_size;
  uint32_t reserved;
  /* Copies the space from `from`, the self of another instance of the same plugin, while that one serves it: content, ids,
   * etags, properties, trash, versions, locks, quota. After ATOLL_OK it is whole and durable here, and `from` refuses
   * changes of it with ATOLL_UNAVAILABLE until `settle`. After an error nothing has happened. ATOLL_ALREADY_EXISTS: it is
   * here already. */
  int32_t (*receive)(const atoll_call *call, void *self, const atoll_uuid *space, void *from, const atoll_care_sink *sink);
  /* here 1: the space lives here. 0: it lives elsewhere, and is removed here; who asks for it meanwhile is told
   * ATOLL_UNAVAILABLE, never ATOLL_NOT_FOUND. To be called on both instances after `receive`, also in a later run. ATOLL_OK
   * when there is nothing to settle. */
  int32_t (*settle)(const atoll_call *call, void *self, const atoll_uuid *space, int32_t here);
  /* Spaces that wait for `settle`: records of ATOLL_CARE_RESULT, the space in `node`. */
  int32_t (*unsettled)(const atoll_call *call, void *self, const atoll_care_sink *sink);
} atoll_storage_fs_move;

#ifdef __cplusplus
}
#endif
#endif
