/* SPDX-License-Identifier: Apache-2.0 */
/* atoll.storage.fs.uploads/1, an optional part of a storage driver: uploads that go on after a restart.
 *
 * An upload that was begun with metadata is kept from its first upload_suspend on, with the target, the size, the metadata
 * and the account of the call that began it. Its announced size counts against the quota of the space until it is
 * committed, removed or expired. For such an upload
 * - upload_suspend and upload_abort close it and leave it there; what was written is kept as far as it lies without a gap;
 * - upload_commit that gives ATOLL_UNAVAILABLE, ATOLL_LOCKED, ATOLL_INSUFFICIENT_STORAGE or ATOLL_DEADLINE_EXCEEDED leaves it
 *   there too, whole: it can be opened and committed again. After any other failure it is gone.
 * An upload is open once at a time. */
#ifndef ATOLL_ABI_STORAGE_UPLOADS_H
#define ATOLL_ABI_STORAGE_UPLOADS_H

#include <atoll/abi/storage_fs.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ATOLL_STORAGE_FS_UPLOADS "atoll.storage.fs.uploads/1"

#define ATOLL_UPLOAD_OPEN 1u /* somebody writes into it now; offset is what is known to be durable */

typedef struct atoll_kept_upload {
  uint32_t struct_size;
  uint32_t flags;      /* ATOLL_UPLOAD_OPEN */
  atoll_uuid id;
  atoll_uuid space;
  atoll_uuid node;     /* the target is `path` below it */
  atoll_uuid account;  /* who began it; none: the server */
  atoll_str path;
  uint64_t size;       /* bytes announced, or ATOLL_SIZE_UNKNOWN */
  uint64_t offset;     /* bytes from the start that are there, and survive what an acknowledged change survives */
  int64_t begun_ns;
  int64_t expires_ns;  /* after this it is deleted, unless it is written to before; 0: never, or not kept yet */
  atoll_bytes metadata;
} atoll_kept_upload;

typedef struct atoll_kept_upload_sink {
  uint32_t struct_size;
  uint32_t reserved;
  void *context;
  int32_t (*emit)(void *context, const atoll_kept_upload *upload);
} atoll_kept_upload_sink;

typedef struct atoll_storage_fs_uploads {
  uint32_t struct_size;
  uint32_t reserved;
  /* Opens a kept upload, for the functions of atoll.storage.fs/1. ATOLL_LOCKED: it is open already. Bytes beyond `offset`
   * are dropped. */
  int32_t (*reopen)(const atoll_call *call, void *self, const atoll_uuid *space, const atoll_uuid *id, void **upload);
  /* The record of an open upload, once: also of one that is not kept yet. */
  int32_t (*info)(const atoll_call *call, void *self, void *upload, const atoll_kept_upload_sink *sink);
  /* What was written; fewer bytes only at the end. */
  int32_t (*read)(const atoll_call *call, void *self, void *upload, uint64_t offset, void *buffer, uint64_t length,
                  uint64_t *got);
  /* Drops all bytes from `length` on. */
  int32_t (*cut)(const atoll_call *call, void *self, void *upload, uint64_t length);
  /* Kept uploads of a space (NULL: of all spaces), in no order. */
  int32_t (*list)(const atoll_call *call, void *self, const atoll_uuid *space, const atoll_kept_upload_sink *sink);
  /* Deletes one. ATOLL_LOCKED while it is open, ATOLL_NOT_FOUND. */
  int32_t (*remove)(const atoll_call *call, void *self, const atoll_uuid *space, const atoll_uuid *id);
} atoll_storage_fs_uploads;

#ifdef __cplusplus
}
#endif
#endif
