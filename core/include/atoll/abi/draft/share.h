/* SPDX-License-Identifier: Apache-2.0 */
/* Draft: atoll.share/1, grants and links on nodes. The host does not load it yet. What is here may change. */
#ifndef ATOLL_ABI_DRAFT_SHARE_H
#define ATOLL_ABI_DRAFT_SHARE_H

#include <atoll/abi/base.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ATOLL_SHARE "atoll.share/1"

#define ATOLL_GRANTEE_USER 1u
#define ATOLL_GRANTEE_GROUP 2u
#define ATOLL_GRANTEE_LINK 3u

typedef struct atoll_grant {
  uint32_t struct_size;
  uint32_t grantee_kind; /* ATOLL_GRANTEE_* */
  atoll_uuid id;
  atoll_uuid space;
  atoll_uuid node;
  atoll_uuid grantee;    /* account; none for links */
  atoll_uuid creator;
  uint32_t permissions;  /* ATOLL_MAY_* of storage_fs.h */
  uint32_t reserved;
  int64_t expires_ns;    /* 0: never */
} atoll_grant;

typedef struct atoll_grant_sink {
  uint32_t struct_size;
  uint32_t reserved;
  void *context;
  int32_t (*emit)(void *context, const atoll_grant *grant);
} atoll_grant_sink;

typedef struct atoll_share {
  uint32_t struct_size;
  uint32_t reserved;
  int32_t (*put)(const atoll_call *call, void *self, const atoll_grant *grant);
  int32_t (*remove)(const atoll_call *call, void *self, const atoll_uuid *grant);
  /* Grants that concern the principal of the call on any of these nodes (a node and its ancestors). */
  int32_t (*effective)(const atoll_call *call, void *self, const atoll_uuid *space, atoll_uuids nodes,
                       const atoll_grant_sink *sink);
  int32_t (*list)(const atoll_call *call, void *self, const atoll_uuid *space, const atoll_uuid *node,
                  const atoll_grant_sink *sink);
} atoll_share;

#ifdef __cplusplus
}
#endif
#endif
