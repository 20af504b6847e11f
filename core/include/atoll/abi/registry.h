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
#define ATOLL_SPACE_STATE_CREATING 3u /* recorded here, perhaps not yet made by its provider, nor filled */
#define ATOLL_SPACE_STATE_PURGING 4u  /* its files are going or gone; all that can follow is that the record goes */

/* Parts of a record: what a change takes from it. */
#define ATOLL_SPACE_SET_NAME 1u
#define ATOLL_SPACE_SET_ALIAS 2u
#define ATOLL_SPACE_SET_DESCRIPTION 4u
#define ATOLL_SPACE_SET_QUOTA 8u
#define ATOLL_SPACE_SET_IMAGE 16u
#define ATOLL_SPACE_SET_README 32u
#define ATOLL_SPACE_SET_STATE 64u
#define ATOLL_SPACE_SET_PROVIDER 128u
#define ATOLL_SPACE_SET_ENDPOINT 256u
#define ATOLL_SPACE_SET_ROOT_ETAG 512u
#define ATOLL_SPACE_SET_ISSUER 1024u

/* Flags of a record and of a view of a space: the answer is not what the registry and the provider say now but what was
 * last known; they cannot tell at the moment. */
#define ATOLL_SPACE_STALE 1u

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
  int64_t permissions_until_ns; /* when the first membership that `permissions` come from ends; 0: none does */
  uint32_t flags;        /* ATOLL_SPACE_STALE; set by the gateway only */
  uint32_t reserved;
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
  atoll_uuid space;      /* set by members and members_many; what is put names its space beside it */
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
  /* Name, alias, description, quota, state, provider, endpoint, root_etag, issuer, image, readme, all of them: what somebody
   * else changes at the same time is lost. See change. */
  int32_t (*update)(const atoll_call *call, void *self, const atoll_space_record *record);
  int32_t (*remove)(const atoll_call *call, void *self, const atoll_uuid *space);
  /* The personal space of an account, with the permissions of the principal of the call. */
  int32_t (*personal)(const atoll_call *call, void *self, const atoll_uuid *owner, const atoll_space_record_sink *sink);
  /* Adds or replaces; in force when it returns. */
  int32_t (*member_put)(const atoll_call *call, void *self, const atoll_uuid *space, const atoll_member *member);
  int32_t (*member_remove)(const atoll_call *call, void *self, const atoll_uuid *space, const atoll_uuid *account);
  int32_t (*members)(const atoll_call *call, void *self, const atoll_uuid *space, const atoll_member_sink *sink);
  /* Grows with every change of spaces and members but one of a root_etag alone; the cache in front of the registry is keyed by
   * it. Cheap. */
  int32_t (*generation)(const atoll_call *call, void *self, uint64_t *generation);
  /* As get and members, for many spaces at once: what listings need. Spaces that are not there are left out. The members of
   * a space follow each other. */
  int32_t (*get_many)(const atoll_call *call, void *self, const atoll_uuids *spaces, const atoll_space_record_sink *sink);
  int32_t (*members_many)(const atoll_call *call, void *self, const atoll_uuids *spaces, const atoll_member_sink *sink);

  /* ---- since ABI 0.2. A registry of an earlier one has a shorter table: atoll/sdk/registry_table.hpp does without.
   * Changes `fields` (ATOLL_SPACE_SET_*) of the space that the record names, and nothing else of it, if it is in
   * `expected_state` (ATOLL_SPACE_STATE_*, 0: any): one step, whatever others change at the same time. ATOLL_ABORTED: it is in
   * another state. */
  int32_t (*change)(const atoll_call *call, void *self, const atoll_space_record *record, uint32_t fields,
                    uint32_t expected_state);
  /* As list, those of one type (ATOLL_SPACE_*) only. */
  int32_t (*list_of_type)(const atoll_call *call, void *self, uint32_t type, const atoll_uuid *after, uint64_t limit,
                          const atoll_space_record_sink *sink);
} atoll_registry;

#ifdef __cplusplus
}
#endif
#endif
