/* SPDX-License-Identifier: Apache-2.0 */
/* atoll.storage.fs.versions/1, an optional part of a storage driver: earlier contents of a file. They belong to the node,
 * follow it through renames and the trash, and count against no quota. */
#ifndef ATOLL_ABI_STORAGE_VERSIONS_H
#define ATOLL_ABI_STORAGE_VERSIONS_H

#include <atoll/abi/storage_fs.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ATOLL_STORAGE_FS_VERSIONS "atoll.storage.fs.versions/1"

typedef struct atoll_version {
  uint32_t struct_size;
  uint32_t flags;    /* ATOLL_STAT_SHA1 ...: which checksums are known */
  atoll_str id;      /* names the version of its file: 1 to 32 of [a-z0-9] */
  atoll_str etag;    /* that the file had, without quotes */
  uint64_t size;     /* bytes */
  int64_t mtime_ns;  /* that the file had */
  int64_t kept_ns;   /* when other content took its place */
  uint8_t sha1[20];
  uint8_t md5[16];
  uint32_t adler32;
} atoll_version;

typedef struct atoll_version_sink {
  uint32_t struct_size;
  uint32_t reserved;
  void *context;
  int32_t (*emit)(void *context, const atoll_version *version);
} atoll_version_sink;

typedef struct atoll_storage_fs_versions {
  uint32_t struct_size;
  uint32_t reserved;
  /* The newest first. A folder is ATOLL_FAILED_PRECONDITION. */
  int32_t (*list)(const atoll_call *call, void *self, const atoll_ref *ref, const atoll_version_sink *sink);
  /* As open_read of atoll.storage.fs/1, whose read functions take the handle. The record is that of the file, with etag,
   * size, time and checksums of the version. */
  int32_t (*open_read)(const atoll_call *call, void *self, const atoll_ref *ref, atoll_str version,
                       const atoll_stat_sink *sink, void **handle);
  /* Makes it the content of the file, with a new etag; what was there becomes a version. Locks and conditions of the call
   * are about the file. Emits the new record. */
  int32_t (*restore)(const atoll_call *call, void *self, const atoll_ref *ref, atoll_str version,
                     const atoll_stat_sink *sink);
  int32_t (*remove)(const atoll_call *call, void *self, const atoll_ref *ref, atoll_str version);
  /* Bytes that all of it takes in a space. */
  int32_t (*usage)(const atoll_call *call, void *self, const atoll_uuid *space, uint64_t *bytes);
} atoll_storage_fs_versions;

#ifdef __cplusplus
}
#endif
#endif
