/* SPDX-License-Identifier: Apache-2.0 */
/* atoll.storage.fs.care/1: what an admin asks of a storage driver, an optional part of atoll.storage.fs/1. Calls may take
 * hours. Others are served meanwhile. */
#ifndef ATOLL_ABI_STORAGE_CARE_H
#define ATOLL_ABI_STORAGE_CARE_H

#include <atoll/abi/base.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ATOLL_STORAGE_FS_CARE "atoll.storage.fs.care/1"

#define ATOLL_CARE_FINDING 1u  /* something is wrong */
#define ATOLL_CARE_PROGRESS 2u /* so far: `done` nodes */
#define ATOLL_CARE_RESULT 3u   /* a count of the whole: `code` says of what, `done` how many; or `text` */

typedef struct atoll_care_record {
  uint32_t struct_size;
  uint32_t kind;     /* ATOLL_CARE_* */
  uint32_t repaired; /* of a finding: 1 */
  uint32_t reserved;
  atoll_str code;    /* a word for programs */
  atoll_str path;    /* below the space */
  atoll_uuid node;   /* or none */
  atoll_str text;    /* for people */
  uint64_t done;
} atoll_care_record;

/* Non-zero from emit stops the work with ATOLL_CANCELLED. */
typedef struct atoll_care_sink {
  uint32_t struct_size;
  uint32_t reserved;
  void *context;
  int32_t (*emit)(void *context, const atoll_care_record *record);
} atoll_care_sink;

#define ATOLL_CARE_REPAIR 1u /* check: put right what can be */

typedef struct atoll_storage_fs_care {
  uint32_t struct_size;
  uint32_t reserved;
  /* Compares what is stored with all records of it. ATOLL_OK says that all was looked at, not that nothing was found.
   * entries_per_second 0: as fast as it goes. */
  int32_t (*check)(const atoll_call *call, void *self, const atoll_uuid *space, uint32_t flags,
                   uint64_t entries_per_second, const atoll_care_sink *sink);
  /* Makes again what can be made from the files. The space answers ATOLL_UNAVAILABLE meanwhile. */
  int32_t (*rebuild)(const atoll_call *call, void *self, const atoll_uuid *space, const atoll_care_sink *sink);
  /* Writes one state of the space into `folder` of the server's machine: an absolute path, missing or empty. */
  int32_t (*snapshot)(const atoll_call *call, void *self, const atoll_uuid *space, atoll_str folder,
                      const atoll_care_sink *sink);
  /* Makes `path` of the space (empty: all of it) what it is in the snapshot; the fingerprint of the root changes. */
  int32_t (*restore)(const atoll_call *call, void *self, const atoll_uuid *space, atoll_str folder, atoll_str path,
                     const atoll_care_sink *sink);
  /* Lets go of what disappeared from the disk and is held back. */
  int32_t (*confirm)(const atoll_call *call, void *self, const atoll_uuid *space);
  /* What the space does about names in one folder that differ only in case or in the normal form of Unicode: "exact", they
   * are different names; "unique", a second one is refused. Empty: only tells it, as ATOLL_CARE_RESULT with code "names" and
   * the word as text. ATOLL_FAILED_PRECONDITION: the space has such names, some of which the message tells. */
  int32_t (*names)(const atoll_call *call, void *self, const atoll_uuid *space, atoll_str rule,
                   const atoll_care_sink *sink);
} atoll_storage_fs_care;

#ifdef __cplusplus
}
#endif
#endif
