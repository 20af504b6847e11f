/* SPDX-License-Identifier: Apache-2.0 */
/* The types that every interface shares, and the rules they follow.
 *
 * - Every struct begins with `uint32_t struct_size`, set by whoever allocates it. The other side touches a field only if
 *   ATOLL_HAS says that it is there. Fields are only ever appended.
 * - Fixed-width integers; no enum, bool, bitfield, off_t or time_t inside a struct. Text is UTF-8 as {ptr, len}, without a
 *   final zero byte. Instants are nanoseconds since 1970-01-01T00:00:00Z, durations say their unit in their name.
 * - Nothing is freed across the boundary. What is passed in is borrowed for the call. What comes out is emitted into a
 *   sink of the caller, one record at a time, and borrowed for that one call of emit; or it is a handle with a close
 *   function.
 * - No exception, no longjmp, no errno and no thread-local state crosses the boundary. */
#ifndef ATOLL_ABI_BASE_H
#define ATOLL_ABI_BASE_H

#include <atoll/abi/status.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The ABI is 0.x until all in-tree plugins exist: a plugin loads only into a host of the same major, and of a minor not
 * below the one it requires. */
#define ATOLL_ABI_MAJOR 0u
#define ATOLL_ABI_MINOR 3u

/* Whether `field` lies within the size that the allocator of *object declared. */
#define ATOLL_HAS(object, type, field) \
  ((size_t)(object)->struct_size >= offsetof(type, field) + sizeof(((const type *)0)->field))

/* Borrowed UTF-8 text. ptr may be NULL when len is 0. */
typedef struct atoll_str {
  const char *ptr;
  uint64_t len;
} atoll_str;

/* Borrowed bytes. */
typedef struct atoll_bytes {
  const void *ptr;
  uint64_t len;
} atoll_bytes;

/* A list of texts. */
typedef struct atoll_strs {
  const atoll_str *items;
  uint64_t count;
} atoll_strs;

/* 16 bytes in network order (RFC 9562); all zero means "none". */
typedef struct atoll_uuid {
  uint8_t bytes[16];
} atoll_uuid;

/* A list of uuids. */
typedef struct atoll_uuids {
  const atoll_uuid *items;
  uint64_t count;
} atoll_uuids;

/* ---- principal: who is asking ------------------------------------------------------------------------------------ */
#define ATOLL_PRINCIPAL_USER 1u    /* a person, by one of his identities */
#define ATOLL_PRINCIPAL_LINK 2u    /* whoever holds a public link */
#define ATOLL_PRINCIPAL_SERVICE 3u /* a program: the server itself, an admin verb on the control socket */

/* App roles, in ascending order of what they may do. */
#define ATOLL_ROLE_NONE 0u
#define ATOLL_ROLE_USER_LIGHT 1u  /* may work in what is shared with him, has no personal space */
#define ATOLL_ROLE_USER 2u
#define ATOLL_ROLE_SPACE_ADMIN 3u /* may manage every space */
#define ATOLL_ROLE_ADMIN 4u       /* may manage everything */

/* What a login was proved with. Nobody may give himself more than his credential is: a token makes no tokens and sets no
 * passwords, so that what it led to ends with it. */
#define ATOLL_LOGIN_UNKNOWN 0u  /* not told: all that the account may do */
#define ATOLL_LOGIN_PASSWORD 1u /* the account's own password */
#define ATOLL_LOGIN_TOKEN 2u    /* a password of a program: atoll.directory.tokens/1 */

typedef struct atoll_principal {
  uint32_t struct_size;
  uint32_t kind;          /* ATOLL_PRINCIPAL_* */
  uint32_t app_role;      /* ATOLL_ROLE_* */
  uint32_t reserved;
  atoll_uuid account;     /* the account here; none for links */
  atoll_str issuer;       /* of the identity that was used; "local" for auth-local */
  atoll_str subject;      /* of the identity, unique within the issuer, never used again */
  atoll_str name;         /* login name: a segment of /dav/files/{name} */
  atoll_str display_name;
  atoll_str mail;         /* may be empty; a hint, never an identity */
  atoll_uuids groups;
  atoll_strs scopes;      /* what the credential is limited to; empty: all that the account may do */
  /* ---- since ABI 0.3 */
  uint32_t login;         /* ATOLL_LOGIN_* */
  uint32_t reserved2;
  int64_t login_ends_ns;  /* the credential is good until then; 0: it has no end, or it is not told */
} atoll_principal;

/* Receives one principal, at most once. Non-zero from emit means "stop". */
typedef struct atoll_principal_sink {
  uint32_t struct_size;
  uint32_t reserved;
  void *context;
  int32_t (*emit)(void *context, const atoll_principal *principal);
} atoll_principal_sink;

/* ---- call context ------------------------------------------------------------------------------------------------- */
/* Conditions, checked inside the commit of the operation and never before it. Etags are texts without quotes. */
#define ATOLL_IF_MATCH_ANY 1u      /* If-Match: *       the target exists */
#define ATOLL_IF_NONE_MATCH_ANY 2u /* If-None-Match: *  the target does not exist */

typedef struct atoll_conditions {
  uint32_t struct_size;
  uint32_t flags;           /* ATOLL_IF_* */
  atoll_strs if_match;      /* when not empty: the target exists and has one of these etags, else ATOLL_ABORTED */
  atoll_strs if_none_match; /* the target has none of these etags, else ATOLL_ABORTED */
} atoll_conditions;

/* The first argument of every operation. Valid for that call only. */
typedef struct atoll_call atoll_call;
struct atoll_call {
  uint32_t struct_size;
  uint32_t reserved;
  const atoll_principal *principal;   /* NULL: nobody; the gateway refuses, drivers take it for the host */
  const atoll_conditions *conditions; /* NULL: none */
  atoll_strs lock_tokens;             /* tokens that the client presented */
  atoll_str request_id;               /* one id through all layers and log lines */
  uint64_t deadline_ns;               /* monotonic clock; 0: none */
  void *caller;                       /* of whoever made this record; not to be touched by others */
  /* Whether the caller has gone away: long work should stop. [any thread] NULL: never. */
  int32_t (*cancelled)(const atoll_call *call);
  /* Records why the call is about to fail, in a sentence that says what was tried, on what, and what to do. Copied. The
   * last one before the return counts. sys_errno and retry_after_ms may be 0. NULL: nobody listens. */
  void (*fail)(const atoll_call *call, int32_t status, int32_t sys_errno, uint32_t retry_after_ms, atoll_str message);
  /* Adds a reason for programs (ATOLL_REASON_*) to the last `fail`. A later `fail` drops it. NULL: nobody listens. */
  void (*explain)(const atoll_call *call, uint32_t reason);
};

/* Receives texts; a non-zero return means "stop". */
typedef struct atoll_text_sink {
  uint32_t struct_size;
  uint32_t reserved;
  void *context;
  int32_t (*emit)(void *context, atoll_str text);
} atoll_text_sink;

#ifdef __cplusplus
}
#endif
#endif
