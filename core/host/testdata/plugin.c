/* SPDX-License-Identifier: Apache-2.0 */
/* One small plugin, good or bad in the way that the build asks for with -DBAD_... */
#define _GNU_SOURCE
#include <atoll/abi/plugin.h>
#include <atoll/abi/registry.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static const atoll_registry table = {.struct_size = sizeof(atoll_registry)};
static int object;

static const void *query(const char *id) {
  const char *mine = ATOLL_REGISTRY;
  while (*mine && *mine == *id) ++mine, ++id;
  return *mine == *id ? &table : 0;
}
static int32_t create(const atoll_call *call, const atoll_host *host, void **self) {
  (void)call;
  (void)host;
  *self = &object;
  return ATOLL_OK;
}
static void destroy(void *self) { (void)self; }

static const atoll_config_key keys[] = {
    {sizeof(atoll_config_key), ATOLL_CONFIG_PATH, ATOLL_CONFIG_REQUIRED, 0, "root", 0, 0, "Where it is."},
    {sizeof(atoll_config_key), ATOLL_CONFIG_SIZE, 0, 0, "cache", "64M", 0, "How much is kept."},
    {sizeof(atoll_config_key), ATOLL_CONFIG_TEXT, ATOLL_CONFIG_SECRET, 0, "password", 0, 0, "For the backend."},
};

static const atoll_plugin plugin = {
    .struct_size = sizeof(atoll_plugin),
#ifdef BAD_MAJOR
    .abi_major = ATOLL_ABI_MAJOR + 1,
#else
    .abi_major = ATOLL_ABI_MAJOR,
#endif
    .abi_minor_built = ATOLL_ABI_MINOR,
#ifdef BAD_MINOR
    .abi_minor_required = ATOLL_ABI_MINOR + 7,
#endif
#ifdef BAD_THREADS
    .thread_model = 17,
#else
    .thread_model = ATOLL_THREADS_PARALLEL,
#endif
    .config_key_count = 3,
    .config_key_size = sizeof(atoll_config_key),
#ifndef BAD_ID
    .id = "org.example.test",
#endif
    .version = "1.0",
    .licence = "Apache-2.0",
    .summary = "For tests",
    .config_keys = keys,
#ifdef BAD_NEED
    .needs = "org.example.nobody/1",
#endif
    .query = query,
    .create = create,
    .destroy = destroy,
};

#ifdef BAD_UNRESOLVED
void this_function_is_nowhere(void);
#endif

#ifdef BAD_CRASH
__attribute__((constructor)) static void crash(void) { _exit(3); }
#endif
#ifdef BAD_HANG
__attribute__((constructor)) static void hang(void) {
  for (;;) pause();
}
#endif

/* What a hostile constructor may try; what it got away with ends up in the version. */
#ifdef BAD_NOSY
static char got[] = "----";
__attribute__((constructor)) static void pry(void) {
  if (open("/tmp/atoll-nosy-plugin", O_WRONLY | O_CREAT, 0600) >= 0) got[0] = 'w';
  if (socket(AF_INET, SOCK_STREAM, 0) >= 0) got[1] = 'n';
  if (geteuid() == 0) got[2] = 'r';
  if (open("/etc/shadow", O_RDONLY) >= 0) got[3] = 's';
}
#endif

#ifndef BAD_SYMBOL
const atoll_plugin *atoll_plugin_entry(uint32_t host_major, uint32_t host_minor) {
  (void)host_major;
  (void)host_minor;
#ifdef BAD_UNRESOLVED
  this_function_is_nowhere();
#endif
#ifdef BAD_NULL
  return 0;
#elif defined(BAD_NOSY)
  static atoll_plugin mine;
  mine = plugin;
  mine.version = got;
  return &mine;
#else
  return &plugin;
#endif
}
#endif
