/* SPDX-License-Identifier: Apache-2.0 */
/* Status codes: what every operation of every interface returns.
 *
 * The set and the numbers are those of the CS3 APIs (cs3.rpc.v1beta1.Code), so that they map one to one to HTTP.
 * Zero is not a success: a forgotten return value can never be taken for one.
 *
 * ATOLL_NOT_FOUND is a proof that the thing does not exist. A cold index, a backend that is down, a missing mount or a
 * time-out is ATOLL_UNAVAILABLE: sync clients delete local files on the former and wait on the latter. */
#ifndef ATOLL_ABI_STATUS_H
#define ATOLL_ABI_STATUS_H

#include <stdint.h>

#define ATOLL_OK 1                    /* 200 */
#define ATOLL_CANCELLED 2             /* 499: the caller went away */
#define ATOLL_UNKNOWN 3               /* 500 */
#define ATOLL_INVALID_ARGUMENT 4      /* 400 */
#define ATOLL_DEADLINE_EXCEEDED 5     /* 503: cannot tell in time */
#define ATOLL_NOT_FOUND 6             /* 404: proved absent */
#define ATOLL_ALREADY_EXISTS 7        /* 405 on MKCOL, 412 on Overwrite: F */
#define ATOLL_PERMISSION_DENIED 8     /* 403 */
#define ATOLL_RESOURCE_EXHAUSTED 9    /* 429: too many at once, too many failures */
#define ATOLL_FAILED_PRECONDITION 10  /* 409: the parent is missing, the folder is not empty, it is not a folder */
#define ATOLL_ABORTED 11              /* 412: If-Match, If-None-Match */
#define ATOLL_OUT_OF_RANGE 12         /* 416 */
#define ATOLL_UNIMPLEMENTED 13        /* 501; from an authenticator: this credential is not mine */
#define ATOLL_INTERNAL 14             /* 500 */
#define ATOLL_UNAVAILABLE 15          /* 503: cannot tell */
#define ATOLL_DATA_LOSS 16            /* 500: what is stored is damaged */
#define ATOLL_UNAUTHENTICATED 17      /* 401 */
#define ATOLL_REDIRECTION 18          /* not used on DAV */
#define ATOLL_INSUFFICIENT_STORAGE 19 /* 507: quota or disk */
#define ATOLL_LOCKED 20               /* 423 */
#define ATOLL_TOO_EARLY 21            /* 425: still being processed */

/* Reasons: why a call failed, where the status alone leaves clients and admins without a clue. Given by
 * atoll_call.explain; 0: none. Whoever does not know one goes by the status. */
#define ATOLL_REASON_NONE 0u
/* With ATOLL_UNAVAILABLE: a large part of the space disappeared at once. Its removal is held back, and nothing of the
 * space is served until the files are back or the admin confirms that they are meant to be gone. */
#define ATOLL_REASON_HELD_BACK 1u

#endif
