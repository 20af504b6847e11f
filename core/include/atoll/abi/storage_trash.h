/* SPDX-License-Identifier: Apache-2.0 */
/* atoll.storage.fs.trash/1, an optional part of a storage driver: what was removed or replaced is kept, and can come back.
 * A driver that offers it moves what `remove` takes (without ATOLL_PERMANENT) and what rename and copy replace into the
 * trash of the space. What is in the trash is part of no listing and counts against no quota. */
#ifndef ATOLL_ABI_STORAGE_TRASH_H
#define ATOLL_ABI_STORAGE_TRASH_H

#include <atoll/abi/storage_fs.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ATOLL_STORAGE_FS_TRASH "atoll.storage.fs.trash/1"

typedef struct atoll_trash_item {
  uint32_t struct_size;
  uint32_t type;       /* ATOLL_NODE_* */
  atoll_uuid id;       /* names the item; never used again */
  atoll_uuid space;
  atoll_uuid node;     /* what it was, and is again when it comes back */
  atoll_uuid parent;   /* the folder that it was in */
  atoll_uuid account;  /* who removed it; none: the server */
  atoll_str name;
  atoll_str path;      /* of that folder at that time, relative to the root of the space; empty for the root */
  uint64_t size;       /* bytes; of a folder: all files below it */
  int64_t mtime_ns;
  int64_t removed_ns;
} atoll_trash_item;

typedef struct atoll_trash_sink {
  uint32_t struct_size;
  uint32_t reserved;
  void *context;
  int32_t (*emit)(void *context, const atoll_trash_item *item);
} atoll_trash_sink;

typedef struct atoll_storage_fs_trash {
  uint32_t struct_size;
  uint32_t reserved;
  /* Items, the newest first: those older than the item `before` (NULL: from the newest), at most `limit` (0: all). */
  int32_t (*list)(const atoll_call *call, void *self, const atoll_uuid *space, const atoll_uuid *before, uint64_t limit,
                  const atoll_trash_sink *sink);
  /* Brings an item back with all that is below it: to its name in the folder that it was in, wherever that is now, or to
   * `to` in the same space (path not empty). ATOLL_NOT_FOUND: no such item. ATOLL_FAILED_PRECONDITION: the folder is gone.
   * What is there: ATOLL_ALREADY_EXISTS, or with ATOLL_REPLACE it goes into the trash. Conditions of the call are about the
   * target. Emits the new record. */
  int32_t (*restore)(const atoll_call *call, void *self, const atoll_uuid *space, const atoll_uuid *item,
                     const atoll_ref *to, uint32_t flags, const atoll_stat_sink *sink);
  /* For good. */
  int32_t (*purge)(const atoll_call *call, void *self, const atoll_uuid *space, const atoll_uuid *item);
  int32_t (*purge_all)(const atoll_call *call, void *self, const atoll_uuid *space);
  /* Bytes that all of it takes in a space. */
  int32_t (*usage)(const atoll_call *call, void *self, const atoll_uuid *space, uint64_t *bytes);
} atoll_storage_fs_trash;

#ifdef __cplusplus
}
#endif
#endif
