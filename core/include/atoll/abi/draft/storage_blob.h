/* SPDX-License-Identifier: Apache-2.0 */
/* Draft: atoll.storage.blob/1, a storage driver that only knows keys and bytes. The host does not load it yet; the tree
 * engine will stand on top. What is here may change. */
#ifndef ATOLL_ABI_DRAFT_STORAGE_BLOB_H
#define ATOLL_ABI_DRAFT_STORAGE_BLOB_H

#include <atoll/abi/base.h>
#include <atoll/abi/storage_fs.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ATOLL_STORAGE_BLOB "atoll.storage.blob/1"

typedef struct atoll_blob {
  uint32_t struct_size;
  uint32_t reserved;
  atoll_str key; /* 1 to 512 bytes of [a-z0-9/._-] */
  uint64_t size;
} atoll_blob;

typedef struct atoll_blob_sink {
  uint32_t struct_size;
  uint32_t reserved;
  void *context;
  int32_t (*emit)(void *context, const atoll_blob *blob);
} atoll_blob_sink;

/* Gives the bytes of a new blob, in order. */
typedef struct atoll_blob_source {
  uint32_t struct_size;
  int32_t fd;    /* -1: use read */
  uint64_t size; /* bytes, known */
  void *context;
  int32_t (*read)(void *context, uint64_t offset, void *buffer, uint64_t length, uint64_t *got);
} atoll_blob_source;

typedef struct atoll_storage_blob {
  uint32_t struct_size;
  uint32_t reserved;
  int32_t (*health)(const atoll_call *call, void *self);
  /* Atomic and durable: the whole blob or none. */
  int32_t (*put)(const atoll_call *call, void *self, atoll_str key, const atoll_blob_source *source);
  int32_t (*get)(const atoll_call *call, void *self, atoll_str key, uint64_t offset, uint64_t length,
                 const atoll_extent_sink *sink);
  int32_t (*stat)(const atoll_call *call, void *self, atoll_str key, const atoll_blob_sink *sink);
  int32_t (*remove)(const atoll_call *call, void *self, atoll_str key);
  int32_t (*list)(const atoll_call *call, void *self, atoll_str prefix, atoll_str after, const atoll_blob_sink *sink);
} atoll_storage_blob;

#ifdef __cplusplus
}
#endif
#endif
