/* SPDX-License-Identifier: Apache-2.0 */
/* atoll.gateway.spaces/1, a host service: making, changing and ending spaces, and who is a member of them. The principal of
 * the call decides what he may; who may not know of a space is told ATOLL_NOT_FOUND.
 *
 * Who may: a member with ATOLL_MAY_MEMBERS (a manager) changes his space and its members; app role ATOLL_ROLE_SPACE_ADMIN does
 * that for every project space, ATOLL_ROLE_ADMIN for every space; neither reads files of spaces that he is no member of. */
#ifndef ATOLL_ABI_GATEWAY_SPACES_H
#define ATOLL_ABI_GATEWAY_SPACES_H

#include <atoll/abi/host.h>
#include <atoll/abi/registry.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ATOLL_SERVICE_GATEWAY_SPACES "atoll.gateway.spaces/1"

/* ---- roles ---------------------------------------------------------------------------------------------------------- */
/* What a role can be given on. */
#define ATOLL_ROLE_ON_SPACE 1u /* the root of a project space: a membership */
#define ATOLL_ROLE_ON_FOLDER 2u
#define ATOLL_ROLE_ON_FILE 4u

/* A role definition: a named set of permissions that members, shares and links are given. One table in the gateway. */
typedef struct atoll_role {
  uint32_t struct_size;
  uint32_t permissions; /* ATOLL_MAY_* */
  uint32_t on;          /* ATOLL_ROLE_ON_* */
  uint32_t enabled;     /* 0: known, but nobody can be given it */
  uint32_t weight;      /* roles are offered in ascending order of it */
  uint32_t reserved;
  atoll_uuid id;
  atoll_str name;        /* English, for people */
  atoll_str description;
} atoll_role;

typedef struct atoll_role_sink {
  uint32_t struct_size;
  uint32_t reserved;
  void *context;
  int32_t (*emit)(void *context, const atoll_role *role);
} atoll_role_sink;

/* ---- spaces --------------------------------------------------------------------------------------------------------- */
/* A space as its root is now. */
typedef struct atoll_space_view {
  uint32_t struct_size;
  uint32_t flags;                   /* ATOLL_SPACE_STALE */
  const atoll_space_record *record; /* of the registry, with the permissions of the principal and the root's etag */
  uint64_t used;                    /* bytes */
  atoll_str web_dav_url;            /* where its files are: the record's endpoint, or below [server] public_url */
} atoll_space_view;

typedef struct atoll_space_view_sink {
  uint32_t struct_size;
  uint32_t reserved;
  void *context;
  int32_t (*emit)(void *context, const atoll_space_view *view);
} atoll_space_view_sink;

/* Told that something has changed. [any thread] Must not block, and must not call the service. */
typedef struct atoll_space_watcher {
  uint32_t struct_size;
  uint32_t reserved;
  void *context;
  void (*changed)(void *context);
} atoll_space_watcher;

/* Lives as long as the instance's host. [worker] */
typedef struct atoll_gateway_spaces_service {
  uint32_t struct_size;
  uint32_t reserved;
  void *self;

  /* The spaces that the principal reaches, his personal one among them, of `type` (0: all). Disabled ones only where he may
   * manage them. Complete, or it fails. A provider that cannot tell makes its spaces ATOLL_SPACE_STALE, and so does a
   * registry that told of them not long ago ([server] stale_listings). Of every space in use the etag of the root is told,
   * now or as it was last: else ATOLL_UNAVAILABLE. */
  int32_t (*mine)(const atoll_call *call, void *self, uint32_t type, const atoll_space_view_sink *sink);
  /* All spaces of `type` (0: all) that he may manage, sorted by id, after `after`, at most `limit` (0: all). For app roles
   * from ATOLL_ROLE_SPACE_ADMIN, else ATOLL_PERMISSION_DENIED. The etag of a space may be missing while its provider cannot
   * tell. */
  int32_t (*all)(const atoll_call *call, void *self, uint32_t type, const atoll_uuid *after, uint64_t limit,
                 const atoll_space_view_sink *sink);
  /* One that he reaches or may manage, disabled ones too where he may manage them. */
  int32_t (*get)(const atoll_call *call, void *self, const atoll_uuid *space, const atoll_space_view_sink *sink);

  /* Makes a project space: name, alias (empty: made of the name), description and quota are taken from `draft`. The principal
   * becomes its manager. ATOLL_PERMISSION_DENIED unless he may make spaces ([server] project_creators). Emits the space. */
  int32_t (*create)(const atoll_call *call, void *self, const atoll_space_record *draft,
                    const atoll_space_view_sink *sink);
  /* fields: ATOLL_SPACE_SET_NAME, _ALIAS (of project spaces: "project/" and one name in letters, digits, '.', '-', '_'),
   * _DESCRIPTION, _QUOTA (space admins only), _IMAGE and _README (a file of the space, or none). The space is named by the
   * record's id. Emits the space. */
  int32_t (*update)(const atoll_call *call, void *self, const atoll_space_record *record, uint32_t fields,
                    const atoll_space_view_sink *sink);
  /* Takes a space out of use; its files stay as they are. Managers need ATOLL_MAY_DELETE for it. Members without
   * ATOLL_MAY_MEMBERS see it no longer. May be repeated. */
  int32_t (*disable)(const atoll_call *call, void *self, const atoll_uuid *space);
  /* Takes a disabled space into use again, with the members that it had. ATOLL_FAILED_PRECONDITION when its files are going
   * or gone. */
  int32_t (*restore)(const atoll_call *call, void *self, const atoll_uuid *space, const atoll_space_view_sink *sink);
  /* Ends a disabled space with all its files, versions and trash; nothing brings them back. Managers need
   * ATOLL_MAY_PURGE for it. ATOLL_FAILED_PRECONDITION while it is in use. When the provider does not answer:
   * ATOLL_UNAVAILABLE, and the space stays disabled. When it fails on the way the space stays in
   * ATOLL_SPACE_STATE_PURGING: it is to be purged again. */
  int32_t (*purge)(const atoll_call *call, void *self, const atoll_uuid *space);

  /* Who is a member. Any member sees them. Expired ones are not emitted. */
  int32_t (*members)(const atoll_call *call, void *self, const atoll_uuid *space, const atoll_member_sink *sink);
  /* Adds a member of a project space or changes one: `role` is the id of an enabled role for spaces, `permissions` then follow
   * from it; or role is empty and `permissions` count. The account must exist. expires_ns must lie ahead. Nobody gives
   * more than he has himself, nor changes a member who has more. ATOLL_FAILED_PRECONDITION when it takes away the last
   * manager whose membership does not expire: a user who can log in, or a group with one. In force when it returns. */
  int32_t (*member_put)(const atoll_call *call, void *self, const atoll_uuid *space, const atoll_member *member);
  /* Anybody may leave; else as member_put. */
  int32_t (*member_remove)(const atoll_call *call, void *self, const atoll_uuid *space, const atoll_uuid *account);

  /* All role definitions, in the order of their weight. Needs a principal. */
  int32_t (*roles)(const atoll_call *call, void *self, const atoll_role_sink *sink);
  /* Whether the principal may make project spaces: ATOLL_OK or ATOLL_PERMISSION_DENIED. */
  int32_t (*may_create)(const atoll_call *call, void *self);

  /* As members, for many spaces at once; `space` of each member is set. Spaces that he does not see are left out. */
  int32_t (*members_many)(const atoll_call *call, void *self, const atoll_uuids *spaces, const atoll_member_sink *sink);

  /* ---- learning of changes without asking for all spaces again
   * Emits the spaces that the principal reaches and whose root has changed since `token`, as `mine` would, and then the token
   * for the next call. *list_again is 1 when `mine` may have more or less than before, or other names. An empty token: none
   * is emitted but the token for now, which is to be asked for before `mine` is. ATOLL_FAILED_PRECONDITION: it is too old or
   * of an earlier start; list them again. */
  int32_t (*changed)(const atoll_call *call, void *self, atoll_str token, const atoll_space_view_sink *sink,
                     const atoll_text_sink *next, uint32_t *list_again);
  /* Has `changed` of the watcher called when the root of a space at a provider of this server has changed, and when this
   * service has changed a space or its members, many changes at once as one, until unwatch. Not for what it does not see:
   * changes by other servers on the same registry, of roots and spaces elsewhere, memberships that expire, groups. Who waits
   * asks `changed` from time to time too. When unwatch returns it runs no longer. The watcher is copied. */
  int32_t (*watch)(const atoll_call *call, void *self, const atoll_space_watcher *watcher, void **handle);
  void (*unwatch)(void *self, void *handle);

  /* As create, with the folders and files of a template in it: a folder below [server] space_templates, or "default". Its
   * file .space/readme.md becomes the readme of the space, .space/image.* its picture. ATOLL_INVALID_ARGUMENT: there is no
   * such template. Whole, or there is no space in use: of what was being made when the server died nobody is a member, and
   * space admins can only purge it. */
  int32_t (*create_from)(const atoll_call *call, void *self, const atoll_space_record *draft, atoll_str name,
                         const atoll_space_view_sink *sink);
} atoll_gateway_spaces_service;

#ifdef __cplusplus
}
#endif
#endif
