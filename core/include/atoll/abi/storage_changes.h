/* SPDX-License-Identifier: Apache-2.0 */
/* atoll.storage.fs.changes/1: the change log of a storage driver, an optional part of atoll.storage.fs/1.
 *
 * Who wants to follow a space takes a token with `now`, lists the space, and reads on with `since`: then nothing is missed
 * and what is told twice does no harm. The event "space.changed" of atoll.events/1, with the space's id, says that there
 * may be more to read; it may come too often, and may be lost. */
#ifndef ATOLL_ABI_STORAGE_CHANGES_H
#define ATOLL_ABI_STORAGE_CHANGES_H

#include <atoll/abi/base.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ATOLL_STORAGE_FS_CHANGES "atoll.storage.fs.changes/1"

#define ATOLL_EVENT_SPACE_CHANGED "space.changed"

/* A folder that comes, moves or goes is one record: all below it comes, moves and goes with it. */
#define ATOLL_CHANGE_CREATED 1u    /* came to `name` in `parent`; a folder possibly with all that is below it already */
#define ATOLL_CHANGE_CONTENT 2u    /* content, size or time */
#define ATOLL_CHANGE_MOVED 3u      /* from `old_parent` to `name` in `parent` */
#define ATOLL_CHANGE_REMOVED 4u    /* was `name` in `parent` */
#define ATOLL_CHANGE_ATTRIBUTES 5u
#define ATOLL_CHANGE_DOUBTFUL 6u   /* after a crash: what was told of the entries of this folder may be wrong; list it */

typedef struct atoll_change {
  uint32_t struct_size;
  uint32_t kind;         /* ATOLL_CHANGE_* */
  uint32_t type;         /* ATOLL_NODE_* */
  uint32_t reserved;
  atoll_uuid node;
  atoll_uuid parent;     /* none for the root */
  atoll_uuid old_parent; /* of ATOLL_CHANGE_MOVED */
  atoll_str name;
  uint64_t position;     /* rises within a space */
  int64_t time_ns;
} atoll_change;

typedef struct atoll_change_sink {
  uint32_t struct_size;
  uint32_t reserved;
  void *context;
  int32_t (*emit)(void *context, const atoll_change *change);
} atoll_change_sink;

typedef struct atoll_storage_fs_changes {
  uint32_t struct_size;
  uint32_t reserved;
  /* Emits a token for the present end of the log: 1 to 64 bytes, opaque. */
  int32_t (*now)(const atoll_call *call, void *self, const atoll_uuid *space, const atoll_text_sink *token);
  /* Emits the changes after `token`, oldest first, at most `limit` (0: all), and then the token for the next call. *more
   * (may be NULL) is 1 when there are more. ATOLL_FAILED_PRECONDITION: the log does not reach back to the token, or is
   * another one; list the space again. ATOLL_INVALID_ARGUMENT: it is no token. A log is never told short. */
  int32_t (*since)(const atoll_call *call, void *self, const atoll_uuid *space, atoll_str token, uint64_t limit,
                   const atoll_change_sink *sink, const atoll_text_sink *next, uint32_t *more);
  /* A consumer's own place, by a name of 1 to 200 bytes. `cursor` emits the token that was kept;
   * ATOLL_FAILED_PRECONDITION when there is none. `keep` keeps one durably, `forget` drops those of all spaces. */
  int32_t (*cursor)(const atoll_call *call, void *self, const atoll_uuid *space, atoll_str consumer,
                    const atoll_text_sink *token);
  int32_t (*keep)(const atoll_call *call, void *self, const atoll_uuid *space, atoll_str consumer, atoll_str token);
  int32_t (*forget)(const atoll_call *call, void *self, atoll_str consumer);
} atoll_storage_fs_changes;

#ifdef __cplusplus
}
#endif
#endif
