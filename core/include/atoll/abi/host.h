/* SPDX-License-Identifier: Apache-2.0 */
/* What the host offers to an instance: service tables by id. */
#ifndef ATOLL_ABI_HOST_H
#define ATOLL_ABI_HOST_H

#include <atoll/abi/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One per instance, valid until destroy has returned. Copying the pointer is fine. */
typedef struct atoll_host {
  uint32_t struct_size;
  uint32_t abi_minor; /* of the running host */
  void *context;      /* first argument of every service function below */
  atoll_str instance; /* the instance's name, for example "storage:home" */
  /* The table of a service by id, or NULL when this host does not offer it. [any thread] */
  const void *(*query)(void *context, const char *service_id);
} atoll_host;

/* ---- atoll.log/1 ------------------------------------------------------------------------------------------------- */
#define ATOLL_SERVICE_LOG "atoll.log/1"
#define ATOLL_LOG_DEBUG 100u
#define ATOLL_LOG_INFO 200u
#define ATOLL_LOG_WARNING 300u
#define ATOLL_LOG_ERROR 400u

typedef struct atoll_field {
  atoll_str name;
  atoll_str value;
} atoll_field;

typedef struct atoll_log_service {
  uint32_t struct_size;
  uint32_t reserved;
  /* call may be NULL; else its request id is part of the line. [any thread] */
  void (*write)(void *context, const atoll_call *call, uint32_t level, atoll_str message, const atoll_field *fields,
                uint64_t field_count);
  int32_t (*enabled)(void *context, uint32_t level);
} atoll_log_service;

/* ---- atoll.config/1 ---------------------------------------------------------------------------------------------- */
#define ATOLL_SERVICE_CONFIG "atoll.config/1"

/* Values of the instance's own section, checked against its schema before the instance was made. Each function returns
 * ATOLL_OK, or ATOLL_NOT_FOUND for a key that is neither set nor has a default. [any thread] */
typedef struct atoll_config_service {
  uint32_t struct_size;
  uint32_t reserved;
  int32_t (*text)(void *context, const char *key, const atoll_text_sink *sink);
  int32_t (*integer)(void *context, const char *key, int64_t *value); /* integer, boolean, size, duration, mode */
} atoll_config_service;

/* ---- atoll.metrics/1 --------------------------------------------------------------------------------------------- */
#define ATOLL_SERVICE_METRICS "atoll.metrics/1"
#define ATOLL_METRIC_COUNTER 1u
#define ATOLL_METRIC_GAUGE 2u

typedef struct atoll_metrics_service {
  uint32_t struct_size;
  uint32_t reserved;
  /* Defines a metric and gives its handle. Only while the instance is made. name without prefix, for example
   * "uploads_total"; the host adds "atoll_" and the label instance. */
  int32_t (*define)(void *context, uint32_t kind, atoll_str name, atoll_str help, uint64_t *handle);
  void (*add)(void *context, uint64_t handle, int64_t delta); /* [any thread] */
  void (*set)(void *context, uint64_t handle, int64_t value); /* gauges [any thread] */
} atoll_metrics_service;

/* ---- atoll.clock/1 ----------------------------------------------------------------------------------------------- */
#define ATOLL_SERVICE_CLOCK "atoll.clock/1"

typedef struct atoll_clock_service {
  uint32_t struct_size;
  uint32_t reserved;
  int64_t (*now_ns)(void *context);        /* wall clock [any thread] */
  uint64_t (*monotonic_ns)(void *context); /* [any thread] */
} atoll_clock_service;

/* ---- atoll.task/1 ------------------------------------------------------------------------------------------------ */
#define ATOLL_SERVICE_TASK "atoll.task/1"

typedef struct atoll_task_service {
  uint32_t struct_size;
  uint32_t reserved;
  /* Runs fn(argument) once on a thread of the host after delay_ms; 0: as soon as possible. The host waits for it before
   * the instance is destroyed, and drops what has not begun by then. ATOLL_UNAVAILABLE while stopping. [any thread] */
  int32_t (*run)(void *context, uint64_t delay_ms, void (*fn)(void *argument), void *argument);
} atoll_task_service;

/* ---- atoll.events/1 as a service --------------------------------------------------------------------------------- */
#define ATOLL_SERVICE_EVENTS "atoll.events/1"

struct atoll_event;

typedef struct atoll_events_service {
  uint32_t struct_size;
  uint32_t reserved;
  /* Hands an event to all instances that offer atoll.events/1. The bus only wakes consumers; what must not be lost is
   * read from a change log. Never blocks on a consumer. [any thread] */
  void (*publish)(void *context, const struct atoll_event *event);
} atoll_events_service;

/* ---- atoll.tmp/1 ------------------------------------------------------------------------------------------------- */
#define ATOLL_SERVICE_TMP "atoll.tmp/1"

typedef struct atoll_tmp_service {
  uint32_t struct_size;
  uint32_t reserved;
  /* A private folder of the instance, made when first asked for and emptied at every start. */
  int32_t (*folder)(void *context, const atoll_text_sink *sink);
} atoll_tmp_service;

/* ---- atoll.instances/1 ------------------------------------------------------------------------------------------- */
#define ATOLL_SERVICE_INSTANCES "atoll.instances/1"

/* A borrowed interface of another instance. */
typedef struct atoll_interface {
  uint32_t struct_size;
  uint32_t reserved;
  const void *table; /* as named by the interface id */
  void *self;
} atoll_interface;

typedef struct atoll_interface_sink {
  uint32_t struct_size;
  uint32_t reserved;
  void *context;
  int32_t (*emit)(void *context, atoll_str instance, const atoll_interface *interface_);
} atoll_interface_sink;

typedef struct atoll_instances_service {
  uint32_t struct_size;
  uint32_t reserved;
  /* Emits each running instance that offers the interface, in the order of the configuration. What is emitted may be
   * used only inside emit: the host holds the instance there. ATOLL_NOT_FOUND when none is configured,
   * ATOLL_UNAVAILABLE when one is configured but none is running. [any thread] */
  int32_t (*each)(void *context, const char *interface_id, const atoll_interface_sink *sink);
} atoll_instances_service;

/* ---- atoll.server/1 ------------------------------------------------------------------------------------------------ */
#define ATOLL_SERVICE_SERVER "atoll.server/1"

/* The server as a whole. */
typedef struct atoll_server_service {
  uint32_t struct_size;
  uint32_t reserved;
  /* Where clients reach the server, without a slash at its end: [server] public_url, or made of the first address of
   * `listen`. Addresses that are given out begin with it, never with a Host header. [any thread] */
  int32_t (*public_url)(void *context, const atoll_text_sink *sink);
} atoll_server_service;

/* atoll.gateway/1 is in gateway.h. */

#ifdef __cplusplus
}
#endif
#endif
