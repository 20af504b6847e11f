/* SPDX-License-Identifier: Apache-2.0 */
/* atoll.storage.fs/1: a storage driver with a namespace of its own. The gateway offers the same tables to protocols, with
 * permissions checked and calls routed by space.
 *
 * Unless a function says otherwise it may be called on any worker thread, as the plugin's thread model allows, and blocks.
 * Locks and conditions of the call are enforced by the driver inside the commit of an operation. */
#ifndef ATOLL_ABI_STORAGE_FS_H
#define ATOLL_ABI_STORAGE_FS_H

#include <atoll/abi/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- nodes -------------------------------------------------------------------------------------------------------- */
/* Names a node: `path` below `node` of `space`. path is relative, of names separated by single slashes, without "." or
 * ".." and without empty names (the host sees to that); empty means the node itself. The root of a space has
 * node == space. */
typedef struct atoll_ref {
  uint32_t struct_size;
  uint32_t reserved;
  atoll_uuid space;
  atoll_uuid node;
  atoll_str path;
} atoll_ref;

#define ATOLL_NODE_FILE 1u
#define ATOLL_NODE_FOLDER 2u

#define ATOLL_STAT_SHA1 1u       /* sha1 is known */
#define ATOLL_STAT_MD5 2u        /* md5 is known */
#define ATOLL_STAT_ADLER32 4u    /* adler32 is known */
#define ATOLL_STAT_CREATED 8u    /* result of an operation: the node is new at its name, nothing was replaced */
#define ATOLL_STAT_PROCESSING 16u /* content is not ready: 425 */
#define ATOLL_STAT_LOCKED 32u    /* a lock applies to it */
#define ATOLL_STAT_ATTRIBUTES 64u /* it has attributes (dead properties) */

/* Permissions, as the gateway fills them in; drivers leave 0. */
#define ATOLL_MAY_STAT 0x0001u     /* know that it exists, list a folder */
#define ATOLL_MAY_READ 0x0002u     /* read contents */
#define ATOLL_MAY_WRITE 0x0004u    /* change a file's contents: W */
#define ATOLL_MAY_CREATE 0x0008u   /* create below a folder: CK */
#define ATOLL_MAY_DELETE 0x0010u   /* D */
#define ATOLL_MAY_MOVE 0x0020u     /* rename and move: NV */
#define ATOLL_MAY_SHARE 0x0040u    /* R */
#define ATOLL_MAY_PURGE 0x0080u    /* P: empty the trash */
#define ATOLL_MAY_VERSIONS 0x0100u /* list and restore versions */
#define ATOLL_MAY_MEMBERS 0x0200u  /* manage members, quota, state of the space */

typedef struct atoll_stat {
  uint32_t struct_size;
  uint32_t type;        /* ATOLL_NODE_* */
  uint32_t flags;       /* ATOLL_STAT_* */
  uint32_t permissions; /* ATOLL_MAY_*, from the gateway; 0 from drivers */
  atoll_uuid space;
  atoll_uuid node;
  atoll_uuid parent;    /* none for the root */
  atoll_str name;       /* empty for the root */
  atoll_str etag;       /* without quotes, 1 to 32 of [a-f0-9:.]; never one that this node had before */
  uint64_t size;        /* bytes; of a folder: all files below it */
  int64_t mtime_ns;     /* modification time as clients set it */
  int64_t created_ns;   /* 0: unknown */
  uint8_t sha1[20];
  uint8_t md5[16];
  uint32_t adler32;
  uint64_t fingerprint; /* of a root: another one after each restore from a backup; 0: there was none */
} atoll_stat;

/* Receives records. A non-zero return means "stop": the operation then returns ATOLL_OK. */
typedef struct atoll_stat_sink {
  uint32_t struct_size;
  uint32_t reserved;
  void *context;
  int32_t (*emit)(void *context, const atoll_stat *stat);
} atoll_stat_sink;

/* ---- spaces ------------------------------------------------------------------------------------------------------- */
#define ATOLL_SPACE_PERSONAL 1u
#define ATOLL_SPACE_PROJECT 2u

#define ATOLL_QUOTA_NONE UINT64_MAX /* no limit */

typedef struct atoll_space {
  uint32_t struct_size;
  uint32_t type;       /* ATOLL_SPACE_* */
  atoll_uuid id;
  atoll_uuid birth;    /* birth tag: the first uuid of ids on the wire; never interpreted */
  atoll_uuid owner;    /* account; of a project: the space's own id */
  atoll_str name;      /* of a personal space: the login name; drivers that keep readable trees name the folder after it */
  uint64_t quota;      /* bytes, or ATOLL_QUOTA_NONE */
  uint64_t used;       /* bytes; from drivers */
  atoll_str root_etag; /* from drivers */
} atoll_space;

typedef struct atoll_space_sink {
  uint32_t struct_size;
  uint32_t reserved;
  void *context;
  int32_t (*emit)(void *context, const atoll_space *space);
} atoll_space_sink;

/* ---- capabilities ------------------------------------------------------------------------------------------------- */
#define ATOLL_CAPABILITY_NONE 0u
#define ATOLL_CAPABILITY_EMULATED 1u
#define ATOLL_CAPABILITY_NATIVE 2u

/* What an acknowledged change survives; `atoll status` shows it. */
#define ATOLL_DURABILITY_NONE 1u      /* a crash of the machine may lose the last seconds and leave broken files */
#define ATOLL_DURABILITY_CRASH 2u     /* a crash of the server; one of the machine may lose the last seconds, files are whole */
#define ATOLL_DURABILITY_POWER_CUT 3u

typedef struct atoll_storage_caps {
  uint32_t struct_size;
  uint32_t durability;      /* ATOLL_DURABILITY_* */
  uint32_t copy;            /* ATOLL_CAPABILITY_*: folders and files inside the provider */
  uint32_t fd_read;         /* reads come as file descriptors */
  uint32_t fd_write;        /* uploads have a file descriptor */
  uint32_t external_writers; /* others may change the tree beside the server */
  uint32_t max_name_bytes;
  uint32_t reserved;
} atoll_storage_caps;

/* ---- reading ------------------------------------------------------------------------------------------------------ */
#define ATOLL_EXTENT_FD 1u
#define ATOLL_EXTENT_MEMORY 2u
#define ATOLL_EXTENT_HOLE 3u

#define ATOLL_EXTENT_MAY_CHANGE 1u /* another writer may change it: look at the size again after sending */

typedef struct atoll_extent {
  uint32_t struct_size;
  uint32_t kind;     /* ATOLL_EXTENT_* */
  uint32_t flags;
  int32_t fd;        /* of ATOLL_EXTENT_FD: valid until the handle is closed; the receiver may dup it */
  uint64_t offset;   /* in fd */
  uint64_t length;   /* bytes, never 0 */
  const void *memory; /* of ATOLL_EXTENT_MEMORY: valid until the handle is closed */
} atoll_extent;

typedef struct atoll_extent_sink {
  uint32_t struct_size;
  uint32_t reserved;
  void *context;
  int32_t (*emit)(void *context, const atoll_extent *extent);
} atoll_extent_sink;

/* ---- uploads ------------------------------------------------------------------------------------------------------ */
#define ATOLL_SIZE_UNKNOWN UINT64_MAX
#define ATOLL_MTIME_NOW INT64_MIN

typedef struct atoll_upload_spec {
  uint32_t struct_size;
  uint32_t reserved;
  const atoll_ref *target; /* path must not be empty; a file there is replaced and keeps its node id */
  uint64_t size;           /* bytes announced, or ATOLL_SIZE_UNKNOWN */
  atoll_bytes metadata;    /* at most 4096 bytes, opaque: kept with the upload for reopen */
} atoll_upload_spec;

/* What the bytes must be, and what the file shall carry. Checksums are those that the host computed on the way. */
typedef struct atoll_upload_commit {
  uint32_t struct_size;
  uint32_t flags;      /* ATOLL_STAT_SHA1 ...: which checksums follow */
  uint64_t size;       /* bytes that were written: the driver refuses to commit fewer or more */
  int64_t mtime_ns;    /* or ATOLL_MTIME_NOW */
  uint8_t sha1[20];
  uint8_t md5[16];
  uint32_t adler32;
} atoll_upload_commit;

typedef struct atoll_upload_info {
  uint32_t struct_size;
  uint32_t reserved;
  atoll_uuid id;
  uint64_t offset; /* bytes that survive a crash */
  atoll_bytes metadata;
} atoll_upload_info;

/* ---- the table ---------------------------------------------------------------------------------------------------- */
#define ATOLL_STORAGE_FS "atoll.storage.fs/1"

#define ATOLL_REPLACE 1u   /* rename, copy: an existing target is replaced (and goes where removed nodes go) */
#define ATOLL_SHALLOW 2u   /* copy: a folder without what is below it */
#define ATOLL_PERMANENT 4u /* remove: not into the trash */

typedef struct atoll_storage_fs {
  uint32_t struct_size;
  uint32_t reserved;

  int32_t (*capabilities)(const atoll_call *call, void *self, atoll_storage_caps *caps);
  /* ATOLL_OK, or ATOLL_UNAVAILABLE with the reason. Asked often; must be cheap. */
  int32_t (*health)(const atoll_call *call, void *self);

  /* Makes a space (id, type, owner, name, quota given). Making one that is there with the same id is ATOLL_OK. */
  int32_t (*space_create)(const atoll_call *call, void *self, const atoll_space *space);
  int32_t (*space_get)(const atoll_call *call, void *self, const atoll_uuid *space, const atoll_space_sink *sink);
  int32_t (*space_list)(const atoll_call *call, void *self, const atoll_space_sink *sink);
  int32_t (*space_set_quota)(const atoll_call *call, void *self, const atoll_uuid *space, uint64_t quota);
  /* Removes a space and all that is in it, for good. */
  int32_t (*space_remove)(const atoll_call *call, void *self, const atoll_uuid *space);

  /* One record for the node. ATOLL_NOT_FOUND is a proof. A path through a file is ATOLL_NOT_FOUND. */
  int32_t (*stat)(const atoll_call *call, void *self, const atoll_ref *ref, const atoll_stat_sink *sink);
  /* The children of a folder as they were at one moment, sorted by the bytes of their names, after the name `after` (empty:
   * from the start), at most `limit` (0: all). A listing is complete or fails: it is never cut short with ATOLL_OK. A file
   * is ATOLL_FAILED_PRECONDITION. */
  int32_t (*list)(const atoll_call *call, void *self, const atoll_ref *ref, atoll_str after, uint64_t limit,
                  const atoll_stat_sink *sink);
  /* The node and each of its ancestors, from the node up to the root. */
  int32_t (*path_of)(const atoll_call *call, void *self, const atoll_uuid *space, const atoll_uuid *node,
                     const atoll_stat_sink *sink);

  /* Operations that change something emit the new record of the node. Parent missing: ATOLL_FAILED_PRECONDITION. The
   * conditions of the call are about `ref`, and of rename and copy about `from`. */
  int32_t (*mkdir)(const atoll_call *call, void *self, const atoll_ref *ref, const atoll_stat_sink *sink);
  /* Keeps the node's id. Both in the same space, or ATOLL_UNIMPLEMENTED: the gateway then copies and removes. */
  int32_t (*rename)(const atoll_call *call, void *self, const atoll_ref *from, const atoll_ref *to, uint32_t flags,
                    const atoll_stat_sink *sink);
  /* May be NULL: the gateway copies. Also across spaces of one provider. Attributes are copied, locks are not. */
  int32_t (*copy)(const atoll_call *call, void *self, const atoll_ref *from, const atoll_ref *to, uint32_t flags,
                  const atoll_stat_sink *sink);
  int32_t (*remove)(const atoll_call *call, void *self, const atoll_ref *ref, uint32_t flags);
  int32_t (*set_mtime)(const atoll_call *call, void *self, const atoll_ref *ref, int64_t mtime_ns,
                       const atoll_stat_sink *sink);

  /* Opens a file for reading, emits its record first, and gives a handle on exactly the content of that record. */
  int32_t (*open_read)(const atoll_call *call, void *self, const atoll_ref *ref, const atoll_stat_sink *sink,
                       void **handle);
  /* May be NULL. Emits what covers [offset, offset + length), in order. */
  int32_t (*read_extents)(const atoll_call *call, void *self, void *handle, uint64_t offset, uint64_t length,
                          const atoll_extent_sink *sink);
  /* Fills the buffer; fewer bytes only at the end of the file. */
  int32_t (*read)(const atoll_call *call, void *self, void *handle, uint64_t offset, void *buffer, uint64_t length,
                  uint64_t *got);
  void (*read_close)(void *self, void *handle); /* [any thread] */

  /* Checks what can be checked before bytes flow: parent, type, locks, conditions, quota. */
  int32_t (*upload_begin)(const atoll_call *call, void *self, const atoll_upload_spec *spec, void **upload);
  int32_t (*upload_write)(const atoll_call *call, void *self, void *upload, uint64_t offset, const void *data,
                          uint64_t length);
  /* May be NULL, or give ATOLL_UNIMPLEMENTED. The host may write at any offset of fd until commit. Valid until then. */
  int32_t (*upload_fd)(const atoll_call *call, void *self, void *upload, int32_t *fd);
  /* Makes the file: the one atomic, durable point. Closes the upload whatever it returns. Emits the new record. */
  int32_t (*upload_commit)(const atoll_call *call, void *self, void *upload, const atoll_upload_commit *commit,
                           const atoll_stat_sink *sink);
  void (*upload_abort)(void *self, void *upload); /* drops it; closes [any thread] */
  /* Resumable uploads; each may be NULL. upload_suspend keeps what was written and closes. */
  int32_t (*upload_info)(const atoll_call *call, void *self, void *upload, void *context,
                         int32_t (*emit)(void *context, const atoll_upload_info *info));
  int32_t (*upload_suspend)(const atoll_call *call, void *self, void *upload);
  int32_t (*upload_reopen)(const atoll_call *call, void *self, const atoll_uuid *id, void **upload);
} atoll_storage_fs;

/* ---- atoll.storage.fs.listing/1: listings in steps ----------------------------------------------------------------- */
#define ATOLL_STORAGE_FS_LISTING "atoll.storage.fs.listing/1"

typedef struct atoll_storage_fs_listing {
  uint32_t struct_size;
  uint32_t reserved;
  /* Begins a listing of a folder. What it will give are the children as they were at one moment, as those of `list`,
   * whatever changes until they are asked for. ATOLL_RESOURCE_EXHAUSTED: too many are open now; `list` still works. */
  int32_t (*open)(const atoll_call *call, void *self, const atoll_ref *ref, void **handle);
  /* Emits the next children, sorted by the bytes of their names, until the sink wants no more (the last one was taken) or
   * there are none; then *end is 1. After an error only close may be called: what was emitted is not all. One call at a
   * time, on any worker. */
  int32_t (*next)(const atoll_call *call, void *self, void *handle, const atoll_stat_sink *sink, int32_t *end);
  void (*close)(void *self, void *handle); /* [any thread] */
} atoll_storage_fs_listing;

/* ---- atoll.storage.fs.attributes/1: dead properties ---------------------------------------------------------------- */
#define ATOLL_STORAGE_FS_ATTRIBUTES "atoll.storage.fs.attributes/1"

typedef struct atoll_attribute {
  uint32_t struct_size;
  uint32_t remove;       /* in a patch: 1 removes it; removing one that is not there is fine */
  atoll_str namespace_;  /* URI, may be empty */
  atoll_str name;
  atoll_bytes value;     /* at most 65,536 bytes, opaque to drivers */
} atoll_attribute;

typedef struct atoll_attribute_sink {
  uint32_t struct_size;
  uint32_t reserved;
  void *context;
  int32_t (*emit)(void *context, const atoll_attribute *attribute);
} atoll_attribute_sink;

typedef struct atoll_storage_fs_attributes {
  uint32_t struct_size;
  uint32_t attribute_size; /* reserved for drivers: 0 */
  int32_t (*get)(const atoll_call *call, void *self, const atoll_ref *ref, const atoll_attribute_sink *sink);
  /* All or none, in order. `stride` is the distance in bytes between two attributes. */
  int32_t (*patch)(const atoll_call *call, void *self, const atoll_ref *ref, const atoll_attribute *attributes,
                   uint64_t count, uint64_t stride);
} atoll_storage_fs_attributes;

/* ---- atoll.storage.fs.locks/1 -------------------------------------------------------------------------------------- */
#define ATOLL_STORAGE_FS_LOCKS "atoll.storage.fs.locks/1"

/* All of them stop changes and none stops reading. With EXCLUSIVE and WRITE no other lock applies to the node.
 * EXCLUSIVE: its account changes the node, by the token. The exclusive write lock of WebDAV.
 * SHARED: the accounts that hold one change the node, each by its token. The shared write lock of WebDAV.
 * WRITE: whoever presents the token changes, refreshes and unlocks, for any account: of an application in which several
 * people edit one file (as the CS3 lock of that name). WebDAV shows it as an exclusive one, without its token. */
#define ATOLL_LOCK_EXCLUSIVE 1u
#define ATOLL_LOCK_SHARED 2u
#define ATOLL_LOCK_WRITE 3u

typedef struct atoll_lock {
  uint32_t struct_size;
  uint32_t kind;        /* ATOLL_LOCK_*; one that the driver does not know is ATOLL_INVALID_ARGUMENT */
  uint32_t deep;        /* 1: also on all below (Depth: infinity) */
  uint32_t reserved;
  atoll_str token;      /* an absolute URI; from the driver */
  atoll_str owner;      /* as the client sent it: XML, opaque, at most 4096 bytes */
  atoll_uuid account;   /* who took it */
  atoll_str account_name;
  uint64_t timeout_s;   /* seconds: asked for, or left; the driver may give less than asked */
  atoll_uuid node;      /* the node that it was taken on: from the driver */
} atoll_lock;

typedef struct atoll_lock_sink {
  uint32_t struct_size;
  uint32_t reserved;
  void *context;
  int32_t (*emit)(void *context, const atoll_lock *lock);
} atoll_lock_sink;

typedef struct atoll_storage_fs_locks {
  uint32_t struct_size;
  uint32_t reserved;
  /* The node must exist. A conflicting lock is ATOLL_LOCKED. Emits the lock with its token. */
  int32_t (*lock)(const atoll_call *call, void *self, const atoll_ref *ref, const atoll_lock *lock,
                  const atoll_lock_sink *sink);
  /* `token` must apply to the node, else ATOLL_ABORTED. The lock ends `timeout_s` from now. Emits the lock. */
  int32_t (*refresh)(const atoll_call *call, void *self, const atoll_ref *ref, atoll_str token, uint64_t timeout_s,
                     const atoll_lock_sink *sink);
  /* `token` must apply to the node, else ATOLL_FAILED_PRECONDITION (409); another account's is
   * ATOLL_PERMISSION_DENIED, but for ATOLL_LOCK_WRITE. */
  int32_t (*unlock)(const atoll_call *call, void *self, const atoll_ref *ref, atoll_str token);
  /* The locks that apply to the node: its own and deep ones of ancestors. */
  int32_t (*list)(const atoll_call *call, void *self, const atoll_ref *ref, const atoll_lock_sink *sink);
} atoll_storage_fs_locks;

#ifdef __cplusplus
}
#endif
#endif
