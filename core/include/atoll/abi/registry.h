/* SPDX-License-Identifier: Apache-2.0 */
/* atoll.registry/1: which spaces there are, where each lives, and who reaches it. */
#ifndef ATOLL_ABI_REGISTRY_H
#define ATOLL_ABI_REGISTRY_H

#include <atoll/abi/base.h>
#include <atoll/abi/storage_fs.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ATOLL_REGISTRY "atoll.registry/1"

#define ATOLL_SPACE_STATE_ACTIVE 1u
#define ATOLL_SPACE_STATE_DISABLED 2u
#define ATOLL_SPACE_STATE_CREATING 3u /* recorded here, perhaps not yet made by its provider */

typedef struct atoll_space_record {
  uint32_t struct_size;
  uint32_t type;         /* ATOLL_SPACE_* */
  uint32_t state;        /* ATOLL_SPACE_STATE_* */
  uint32_t permissions;  /* ATOLL_MAY_* of the principal of the call; 0: he does not reach it */
  atoll_uuid id;
  atoll_uuid birth;
  atoll_uuid owner;      /* account; of a project: the space's own id */
  atoll_str name;
  atoll_str alias;       /* "personal/einstein", "project/solar" */
  atoll_str description;
  atoll_str provider;    /* name of the instance here that holds it; empty: it lives on another server */
  atoll_str endpoint;    /* its WebDAV URL when it lives elsewhere, else empty */
  uint64_t quota;        /* bytes or ATOLL_QUOTA_NONE */
  atoll_str root_etag;   /* last known; may be empty */
  atoll_str issuer;      /* of a space elsewhere: who vouches for its accounts (an OpenID issuer URL); else empty */
  atoll_uuid image;      /* node with the picture of the space; none */
  atoll_uuid readme;     /* node with the text about it; none */
  int64_t created_ns;    /* set by insert when 0 */
} atoll_space_record;

typedef struct atoll_space_record_sink {
  uint32_t struct_size;
  uint32_t reserved;
  void *context;
  int32_t (*emit)(void *context, const atoll_space_record *record);
} atoll_space_record_sink;

typedef struct atoll_member {
  uint32_t struct_size;
  uint32_t kind;         /* ATOLL_ACCOUNT_USER or _GROUP of directory.h */
  atoll_uuid account;
  uint32_t permissions;  /* ATOLL_MAY_* */
  uint32_t reserved;
  atoll_str role;        /* id of the role definition that they came from */
  int64_t expires_ns;    /* 0: never */
  atoll_uuid space;      /* set by members_many only */
} atoll_member;

typedef struct atoll_member_sink {
  uint32_t struct_size;
  uint32_t reserved;
  void *context;
  int32_t (*emit)(void *context, const atoll_member *member);
} atoll_member_sink;

typedef struct atoll_registry {
  uint32_t struct_size;
  uint32_t reserved;
  /* All spaces that the principal of the call reaches as member, by account or group. Complete, or it fails. */
  int32_t (*spaces_of)(const atoll_call *call, void *self, const atoll_space_record_sink *sink);
  /* One space, with the permissions of the principal of the call (0 when he does not reach it). */
  int32_t (*get)(const atoll_call *call, void *self, const atoll_uuid *space, const atoll_space_record_sink *sink);
  /* All spaces, sorted by id, after `after`, at most `limit` (0: all). */
  int32_t (*list)(const atoll_call *call, void *self, const atoll_uuid *after, uint64_t limit,
                  const atoll_space_record_sink *sink);
  /* Inserts a space, here or elsewhere (no provider, but an endpoint). The same id is there: ATOLL_ALREADY_EXISTS. A second
   * personal space of an owner here is ATOLL_ALREADY_EXISTS too. The owner of a personal space becomes its member with all
   * permissions. */
  int32_t (*insert)(const atoll_call *call, void *self, const atoll_space_record *record);
  /* Name, alias, description, quota, state, provider, endpoint, root_etag, issuer, image, readme. */
  int32_t (*update)(const atoll_call *call, void *self, const atoll_space_record *record);
  int32_t (*remove)(const atoll_call *call, void *self, const atoll_uuid *space);
  /* The personal space of an account, with the permissions of the principal of the call. */
  int32_t (*personal)(const atoll_call *call, void *self, const atoll_uuid *owner, const atoll_space_record_sink *sink);
  /* Adds or replaces; in force when it returns. */
  int32_t (*member_put)(const atoll_call *call, void *self, const atoll_uuid *space, const atoll_member *member);
  int32_t (*member_remove)(const atoll_call *call, void *self, const atoll_uuid *space, const atoll_uuid *account);
  int32_t (*members)(const atoll_call *call, void *self, const atoll_uuid *space, const atoll_member_sink *sink);
  /* Grows with every change of spaces and members; the cache in front of the registry is keyed by it. Cheap. */
  int32_t (*generation)(const atoll_call *call, void *self, uint64_t *generation);
  /* As get and members, for many spaces at once: what listings need. Spaces that are not there are left out. The members of
   * a space follow each other. */
  int32_t (*get_many)(const atoll_call *call, void *self, const atoll_uuids *spaces, const atoll_space_record_sink *sink);
  int32_t (*members_many)(const atoll_call *call, void *self, const atoll_uuids *spaces, const atoll_member_sink *sink);
} atoll_registry;

#ifdef __cplusplus
}
#endif
#endif
