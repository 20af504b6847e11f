/* SPDX-License-Identifier: Apache-2.0 */
/* atoll.events/1 as an interface: an instance that wants to be told. */
#ifndef ATOLL_ABI_EVENTS_H
#define ATOLL_ABI_EVENTS_H

#include <atoll/abi/base.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ATOLL_EVENTS "atoll.events/1"

/* The bus wakes its consumers; it keeps nothing. Who must not miss a change reads the change log at its own cursor. */
typedef struct atoll_event {
  uint32_t struct_size;
  uint32_t reserved;
  atoll_str kind;      /* for example "space.changed", "account.removed" */
  atoll_uuid space;    /* or none */
  atoll_uuid subject;  /* node or account, or none */
  atoll_str request_id;
} atoll_event;

typedef struct atoll_events {
  uint32_t struct_size;
  uint32_t reserved;
  void (*on_event)(void *self, const atoll_event *event); /* [any thread] must not block */
} atoll_events;

#ifdef __cplusplus
}
#endif
#endif
