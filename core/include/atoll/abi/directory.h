/* SPDX-License-Identifier: Apache-2.0 */
/* atoll.directory/1: who there is. atoll.directory.admin/1: changing that. */
#ifndef ATOLL_ABI_DIRECTORY_H
#define ATOLL_ABI_DIRECTORY_H

#include <atoll/abi/base.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ATOLL_DIRECTORY "atoll.directory/1"
#define ATOLL_DIRECTORY_ADMIN "atoll.directory.admin/1"

#define ATOLL_ACCOUNT_USER 1u
#define ATOLL_ACCOUNT_GROUP 2u
#define ATOLL_ACCOUNT_SERVICE 3u

typedef struct atoll_account {
  uint32_t struct_size;
  uint32_t kind;       /* ATOLL_ACCOUNT_* */
  uint32_t app_role;   /* ATOLL_ROLE_*, of users */
  uint32_t enabled;    /* 0: cannot log in */
  atoll_uuid id;       /* in a create: none, or the id it shall have */
  atoll_str name;      /* login name of a user, name of a group; unique without regard to case */
  atoll_str display_name;
  atoll_str mail;
  int64_t created_ns;
  atoll_str given_name;
  atoll_str surname;
  atoll_str language;    /* that the user prefers, RFC 5646; may be empty */
  int64_t last_login_ns; /* to the day or better; 0: never or not known. Ignored in a change */
  int64_t expires_ns;    /* from then on he cannot log in; 0: never */
  uint32_t guest;        /* 1: known by his mail address, from outside */
  uint32_t reserved;
  atoll_str issuer;      /* who knows his password: "local", or an OpenID issuer; ignored in a change */
  atoll_str description; /* of groups */
} atoll_account;

typedef struct atoll_account_sink {
  uint32_t struct_size;
  uint32_t reserved;
  void *context;
  int32_t (*emit)(void *context, const atoll_account *account);
} atoll_account_sink;

/* What a page of accounts is sorted by; equal ones by id. */
#define ATOLL_ACCOUNT_BY_NAME 0u
#define ATOLL_ACCOUNT_BY_DISPLAY_NAME 1u
#define ATOLL_ACCOUNT_BY_MAIL 2u

#define ATOLL_ACCOUNT_QUERY_DESCENDING 0x01u
#define ATOLL_ACCOUNT_QUERY_ENABLED 0x02u
#define ATOLL_ACCOUNT_QUERY_DISABLED 0x04u
#define ATOLL_ACCOUNT_QUERY_GUESTS 0x08u
#define ATOLL_ACCOUNT_QUERY_MEMBERS 0x10u    /* those who are no guests */
#define ATOLL_ACCOUNT_QUERY_WHOLE_MAIL 0x20u /* `text` is found in names, and in mail addresses that equal it */

/* Accounts that are all that is asked for: an empty text, an empty list and 0 ask for nothing. */
typedef struct atoll_account_query {
  uint32_t struct_size;
  uint32_t kind;  /* ATOLL_ACCOUNT_* */
  uint32_t order; /* ATOLL_ACCOUNT_BY_* */
  uint32_t flags; /* ATOLL_ACCOUNT_QUERY_* */
  atoll_str text; /* is part of name, display name or mail, without regard to case */
  atoll_str name; /* this and the next two: equals, without regard to case */
  atoll_str display_name;
  atoll_str mail;
  atoll_uuids groups; /* is a member of one of them */
  uint32_t roles;     /* has one of them: bit 1 << ATOLL_ROLE_* */
  uint32_t reserved;
  /* Only those behind this account in the order: its field that is sorted by, and its id. No id: from the start. */
  atoll_str after;
  atoll_uuid after_id;
  uint64_t limit; /* at most so many; 0: 1000 */
} atoll_account_query;

/* Receives accounts and what they belong to. */
typedef struct atoll_membership_sink {
  uint32_t struct_size;
  uint32_t reserved;
  void *context;
  int32_t (*emit)(void *context, const atoll_uuid *of, const atoll_account *account);
} atoll_membership_sink;

typedef struct atoll_directory {
  uint32_t struct_size;
  uint32_t reserved;
  int32_t (*get)(const atoll_call *call, void *self, const atoll_uuid *id, const atoll_account_sink *sink);
  int32_t (*find)(const atoll_call *call, void *self, uint32_t kind, atoll_str name, const atoll_account_sink *sink);
  /* Accounts whose name, display name or mail holds `text` (empty: all), sorted by name, after the name `after`, at most
   * `limit` (0: the directory's own maximum, at least 1000). */
  int32_t (*search)(const atoll_call *call, void *self, uint32_t kind, atoll_str text, atoll_str after, uint64_t limit,
                    const atoll_account_sink *sink);
  /* The groups that a user is in, or the members of a group. */
  int32_t (*groups_of)(const atoll_call *call, void *self, const atoll_uuid *user, const atoll_account_sink *sink);
  int32_t (*members_of)(const atoll_call *call, void *self, const atoll_uuid *group, const atoll_account_sink *sink);
  /* A page of accounts. */
  int32_t (*page)(const atoll_call *call, void *self, const atoll_account_query *query, const atoll_account_sink *sink);
  /* As groups_of and members_of for many at once: `of` is the user, or the group. */
  int32_t (*groups_of_many)(const atoll_call *call, void *self, const atoll_uuids *users,
                            const atoll_membership_sink *sink);
  int32_t (*members_of_many)(const atoll_call *call, void *self, const atoll_uuids *groups,
                             const atoll_membership_sink *sink);
} atoll_directory;

/* What a change takes from its account. */
#define ATOLL_ACCOUNT_SET_DISPLAY_NAME 0x0001u
#define ATOLL_ACCOUNT_SET_MAIL 0x0002u
#define ATOLL_ACCOUNT_SET_APP_ROLE 0x0004u
#define ATOLL_ACCOUNT_SET_ENABLED 0x0008u
#define ATOLL_ACCOUNT_SET_NAME 0x0010u
#define ATOLL_ACCOUNT_SET_GIVEN_NAME 0x0020u
#define ATOLL_ACCOUNT_SET_SURNAME 0x0040u
#define ATOLL_ACCOUNT_SET_LANGUAGE 0x0080u
#define ATOLL_ACCOUNT_SET_EXPIRES 0x0100u
#define ATOLL_ACCOUNT_SET_DESCRIPTION 0x0200u
#define ATOLL_ACCOUNT_SET_GUEST 0x0400u /* in an entry of an import: it says whether he is a guest. Nothing changes that */

/* One account of an import. */
typedef struct atoll_account_entry {
  uint32_t struct_size;
  uint32_t reserved;
  atoll_account account; /* of a user or a group */
  atoll_str password;    /* empty: none, or as it is */
  atoll_strs groups;     /* names of the groups that a user is to be in; they are made where they are missing */
  /* What the entry says of `account`, ATOLL_ACCOUNT_SET_*: an account that is there takes that and keeps the rest. A new
   * one is as `account` is. Where the struct ends before this field the entry says everything. */
  uint32_t fields;
  uint32_t reserved2;
  atoll_strs members; /* names of users that are to be in a group: of this import, or there */
} atoll_account_entry;

#define ATOLL_IMPORT_DRY 1u    /* say what is wrong, change nothing */
#define ATOLL_IMPORT_UPDATE 2u /* an account that is there takes what the entry says; else it is wrong */

/* Receives what is wrong with the entry of that number, from 0. */
typedef struct atoll_import_sink {
  uint32_t struct_size;
  uint32_t reserved;
  void *context;
  int32_t (*emit)(void *context, uint64_t entry, atoll_str problem);
} atoll_import_sink;

#define ATOLL_PASSWORD_END_TOKENS 1u /* the app tokens of the account end in the same step */

typedef struct atoll_directory_admin {
  uint32_t struct_size;
  uint32_t reserved;
  /* password: empty for groups and for users who log in elsewhere. Name taken: ATOLL_ALREADY_EXISTS. Emits the account. */
  int32_t (*create)(const atoll_call *call, void *self, const atoll_account *account, atoll_str password,
                    const atoll_account_sink *sink);
  /* Display name, mail, app role and enabled are taken from `account`, whose id names it. In force when it returns. */
  int32_t (*update)(const atoll_call *call, void *self, const atoll_account *account);
  /* By somebody else, who takes the account out of other hands: its app tokens end in the same step. */
  int32_t (*set_password)(const atoll_call *call, void *self, const atoll_uuid *id, atoll_str password);
  int32_t (*remove)(const atoll_call *call, void *self, const atoll_uuid *id);
  int32_t (*member_add)(const atoll_call *call, void *self, const atoll_uuid *group, const atoll_uuid *user);
  int32_t (*member_remove)(const atoll_call *call, void *self, const atoll_uuid *group, const atoll_uuid *user);
  /* Takes the fields of `account`, whose id names it, that `fields` (ATOLL_ACCOUNT_SET_*) says. ATOLL_ALREADY_EXISTS when the
   * name is taken, ATOLL_FAILED_PRECONDITION when it would leave no enabled admin. In force when it returns. */
  int32_t (*change)(const atoll_call *call, void *self, const atoll_account *account, uint32_t fields);
  /* ATOLL_UNAUTHENTICATED when `old_password` is wrong, counted as a failed login; ATOLL_INVALID_ARGUMENT when the new one
   * is not good enough, with the reason. ATOLL_ABORTED when the password was changed by another call meanwhile. App tokens
   * stay. */
  int32_t (*change_password)(const atoll_call *call, void *self, const atoll_uuid *id, atoll_str old_password,
                             atoll_str new_password);
  /* All entries or none. ATOLL_INVALID_ARGUMENT when something is wrong with one of them, which is told. */
  int32_t (*import_)(const atoll_call *call, void *self, const atoll_account_entry *entries, uint64_t count,
                     uint64_t stride, uint32_t flags, const atoll_import_sink *problems);
  /* ---- since ABI 0.3 */
  /* As change_password; flags: ATOLL_PASSWORD_*. */
  int32_t (*change_password_with)(const atoll_call *call, void *self, const atoll_uuid *id, atoll_str old_password,
                                  atoll_str new_password, uint32_t flags);
} atoll_directory_admin;

/* ---- atoll.directory.tokens/1: passwords of programs ---------------------------------------------------------------- */
#define ATOLL_DIRECTORY_TOKENS "atoll.directory.tokens/1"

/* One app password of an account. It logs in by HTTP Basic in place of the account's own password. */
typedef struct atoll_app_token {
  uint32_t struct_size;
  uint32_t reserved;
  atoll_uuid id;
  atoll_str label;
  int64_t created_ns;
  int64_t expires_ns;  /* 0: never */
  int64_t last_used_ns; /* to the hour; 0: never */
} atoll_app_token;

typedef struct atoll_app_token_sink {
  uint32_t struct_size;
  uint32_t reserved;
  void *context;
  int32_t (*emit)(void *context, const atoll_app_token *token);
} atoll_app_token_sink;

typedef struct atoll_directory_tokens {
  uint32_t struct_size;
  uint32_t reserved;
  int32_t (*list)(const atoll_call *call, void *self, const atoll_uuid *account, const atoll_app_token_sink *sink);
  /* Emits the token's record, then its text, which is told this once. */
  int32_t (*create)(const atoll_call *call, void *self, const atoll_uuid *account, atoll_str label, int64_t expires_ns,
                    const atoll_app_token_sink *sink, const atoll_text_sink *secret);
  /* In force when it returns. Told by its id, or (id none) by its secret text. */
  int32_t (*remove)(const atoll_call *call, void *self, const atoll_uuid *account, const atoll_uuid *token,
                    atoll_str secret);
  /* ---- since ABI 0.3 */
  /* All of the account. In force when it returns. */
  int32_t (*remove_all)(const atoll_call *call, void *self, const atoll_uuid *account);
} atoll_directory_tokens;

#ifdef __cplusplus
}
#endif
#endif
