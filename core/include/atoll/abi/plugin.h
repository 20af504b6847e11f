/* SPDX-License-Identifier: Apache-2.0 */
/* What a plugin is: one exported symbol that returns one static descriptor. */
#ifndef ATOLL_ABI_PLUGIN_H
#define ATOLL_ABI_PLUGIN_H

#include <atoll/abi/base.h>
#include <atoll/abi/host.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define ATOLL_EXPORT __attribute__((visibility("default")))
#else
#define ATOLL_EXPORT
#endif

/* Thread models: how the host may call into an instance. The gaps leave room. The host does the locking. */
#define ATOLL_THREADS_SERIAL 1000u       /* one call at a time into the whole plugin */
#define ATOLL_THREADS_PER_INSTANCE 2000u /* one call at a time into an instance */
#define ATOLL_THREADS_PER_HANDLE 3000u   /* one call at a time on a read or upload handle; others in parallel */
#define ATOLL_THREADS_PARALLEL 4000u     /* any call at any time, but one at a time on one handle */

/* Types of configuration keys. */
#define ATOLL_CONFIG_TEXT 1u
#define ATOLL_CONFIG_INTEGER 2u  /* signed 64 bit, decimal */
#define ATOLL_CONFIG_BOOLEAN 3u  /* yes/no, true/false, on/off, 1/0 */
#define ATOLL_CONFIG_SIZE 4u     /* bytes: a number with an optional B, K, M, G, T (powers of 1024) */
#define ATOLL_CONFIG_DURATION 5u /* nanoseconds: a number with ms, s, m, h or d */
#define ATOLL_CONFIG_PATH 6u     /* an absolute path, or one relative to the data folder */
#define ATOLL_CONFIG_CHOICE 7u   /* one of `choices` */
#define ATOLL_CONFIG_MODE 8u     /* file mode in octal */
/* sqlite:PATH, a path (as ATOLL_CONFIG_PATH), or postgresql://...; where the section sets none, that of [database] url. The
 * plugin gets "sqlite:" with an absolute path, or the URL. */
#define ATOLL_CONFIG_DATABASE 9u

#define ATOLL_CONFIG_REQUIRED 1u
#define ATOLL_CONFIG_SECRET 2u     /* never shown; also by file through KEY_file */
#define ATOLL_CONFIG_RELOADABLE 4u /* may change on SIGHUP without a restart of the instance */

/* One key that an instance's section may hold. Names are lower case with underscores. */
typedef struct atoll_config_key {
  uint32_t struct_size;
  uint32_t type;           /* ATOLL_CONFIG_* type */
  uint32_t flags;          /* ATOLL_CONFIG_REQUIRED ... */
  uint32_t reserved;
  const char *name;
  const char *default_text; /* as it would stand in the file; NULL: no default */
  const char *choices;     /* blank-separated; NULL unless ATOLL_CONFIG_CHOICE */
  const char *description; /* one or two sentences for the admin */
} atoll_config_key;

/* Static, valid until the process ends. Plugins are never unloaded. */
typedef struct atoll_plugin {
  uint32_t struct_size;
  uint32_t abi_major;          /* ATOLL_ABI_MAJOR that it was built with */
  uint32_t abi_minor_built;    /* ATOLL_ABI_MINOR that it was built with */
  uint32_t abi_minor_required; /* the lowest minor of a host that it works with */
  uint32_t thread_model;       /* ATOLL_THREADS_* */
  uint32_t config_key_count;
  uint32_t config_key_size;    /* sizeof(atoll_config_key) when built: the stride of `config_keys` */
  uint32_t reserved;
  const char *id;              /* reverse DNS, for example "org.example.s3" */
  const char *version;
  const char *licence;         /* SPDX expression */
  const char *summary;         /* one line */
  const atoll_config_key *config_keys;
  const char *needs;           /* blank-separated interface ids that must be ready before an instance starts; or NULL */

  /* The table for an interface id, or NULL. Static. Cheap and without side effects. [any thread] */
  const void *(*query)(const char *interface_id);

  /* Makes an instance: reads its configuration through the host services, opens what it needs and is ready to serve when
   * it returns ATOLL_OK. On failure *self stays untouched, and the host tries again later with back-off. [start-up] */
  int32_t (*create)(const atoll_call *call, const atoll_host *host, void **self);
  /* No new calls will come; running ones have returned. Finishes and saves. [start-up] May be NULL. */
  void (*stop)(void *self);
  /* Frees the instance. [start-up] */
  void (*destroy)(void *self);
  /* Keys marked reloadable have changed; the config service gives the new values. [start-up] May be NULL. */
  int32_t (*reload)(const atoll_call *call, void *self);
} atoll_plugin;

/* The one exported symbol, named "atoll_plugin_entry". Cheap, no I/O, no threads. May return NULL when it cannot work with
 * such a host; the host then says so. */
typedef const atoll_plugin *(*atoll_plugin_entry_fn)(uint32_t host_major, uint32_t host_minor);

ATOLL_EXPORT const atoll_plugin *atoll_plugin_entry(uint32_t host_major, uint32_t host_minor);

#ifdef __cplusplus
}
#endif
#endif
