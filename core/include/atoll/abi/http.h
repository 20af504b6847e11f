/* SPDX-License-Identifier: Apache-2.0 */
/* atoll.http/1: a protocol. HTTP in, gateway calls out.
 *
 * The host parses, authenticates and routes. `handle` gets the head; it either answers, or first says what shall happen
 * with the body and is called back when that has happened. It never touches a socket. After respond has been called the
 * engine owns the sending; extents, owners and generators live until `release`.
 *
 * request, exchange and call stay valid until respond was called and the function of the plugin that is running for the
 * exchange has returned. respond may be called from any thread, also after handle has returned. */
#ifndef ATOLL_ABI_HTTP_H
#define ATOLL_ABI_HTTP_H

#include <atoll/abi/base.h>
#include <atoll/abi/storage_fs.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ATOLL_HTTP "atoll.http/1"

typedef struct atoll_header {
  atoll_str name;
  atoll_str value;
} atoll_header;

#define ATOLL_REQUEST_SECURE 1u  /* came over TLS, or a trusted proxy says so */
#define ATOLL_REQUEST_CHUNKED 2u /* length not announced */

typedef struct atoll_request {
  uint32_t struct_size;
  uint32_t flags;        /* ATOLL_REQUEST_* */
  int32_t auth_status;   /* ATOLL_OK: call->principal is set. ATOLL_UNAUTHENTICATED: none was given, or a wrong one.
                            ATOLL_RESOURCE_EXHAUSTED, ATOLL_UNAVAILABLE: it could not be checked now. */
  uint32_t retry_after_ms; /* with auth_status */
  atoll_str auth_message; /* a sentence with auth_status, fit for the client */
  atoll_str method;
  atoll_str target;      /* as sent */
  atoll_str path;        /* percent-encoded path, from the first slash to the query */
  atoll_str query;       /* without the question mark */
  atoll_str authority;   /* Host, or of an absolute-form target */
  atoll_str peer;        /* address of the client, without port */
  const atoll_header *headers;
  uint64_t header_count;
  uint64_t content_length; /* 0 without a body; ATOLL_SIZE_UNKNOWN when chunked */
} atoll_request;

/* ---- answers ------------------------------------------------------------------------------------------------------- */
#define ATOLL_BODY_NONE 0u
#define ATOLL_BODY_BYTES 1u
#define ATOLL_BODY_EXTENTS 2u
#define ATOLL_BODY_GENERATOR 3u

#define ATOLL_PULL_DATA 1 /* *got bytes were written, more may come */
#define ATOLL_PULL_WAIT 2 /* nothing now: will wake */
#define ATOLL_PULL_END 3
#define ATOLL_PULL_FAILED 4 /* the connection is reset: an answer is never cut short cleanly */

/* Given to a generator; copied freely. wake may be called from any thread, until release. */
typedef struct atoll_waker {
  uint32_t struct_size;
  uint32_t reserved;
  void *host;
  void (*wake)(void *host);
} atoll_waker;

typedef struct atoll_response {
  uint32_t struct_size;
  int32_t status;         /* HTTP status code */
  const atoll_header *headers; /* without Content-Length, Connection, Date, WWW-Authenticate: those are the host's */
  uint64_t header_count;
  uint32_t body;          /* ATOLL_BODY_* */
  uint32_t extent_stride; /* bytes between two extents */
  atoll_bytes bytes;      /* copied when release is NULL, else borrowed until release */
  const atoll_extent *extents; /* the array is copied, what it points to is borrowed until release */
  uint64_t extent_count;
  uint64_t length;        /* of a generator: bytes, or ATOLL_SIZE_UNKNOWN. Of HEAD: length of the body that GET has */
  void *owner;            /* first argument of pull and release */
  int32_t (*pull)(void *owner, const atoll_waker *waker, void *buffer, uint64_t capacity, uint64_t *got); /* [worker] */
  void (*release)(void *owner); /* once, when all is sent or the connection is gone [any thread]; may be NULL */
} atoll_response;

/* ---- bodies of requests --------------------------------------------------------------------------------------------- */
/* Where a body goes. Either fd (written at `offset` and on), or write. Checksums are computed on the way. */
typedef struct atoll_body_target {
  uint32_t struct_size;
  int32_t fd;           /* -1: use write */
  uint64_t offset;
  uint64_t limit;       /* bytes; a longer body is ATOLL_RESOURCE_EXHAUSTED */
  uint32_t checksums;   /* ATOLL_STAT_SHA1 | ... : which to compute */
  uint32_t reserved;
  void *context;
  int32_t (*write)(void *context, uint64_t offset, const void *data, uint64_t length); /* in order; [worker] */
} atoll_body_target;

/* What came of it. */
typedef struct atoll_body_result {
  uint32_t struct_size;
  int32_t status;       /* ATOLL_OK only when the whole body arrived. ATOLL_CANCELLED: the client vanished */
  uint64_t length;      /* bytes received */
  uint32_t checksums;   /* which are set */
  uint32_t adler32;
  uint8_t sha1[20];
  uint8_t md5[16];
  atoll_bytes bytes;    /* of buffer_body */
  int32_t sys_errno;    /* of a write to fd that failed */
  uint32_t retry_after_ms; /* with ATOLL_UNAVAILABLE: when to come back, or 0 */
} atoll_body_result;

typedef struct atoll_exchange atoll_exchange;
typedef void (*atoll_body_done)(void *context, const atoll_call *call, const atoll_exchange *exchange,
                                const atoll_body_result *result);

/* The host's side of one request. At most one of buffer_body and receive_body, then respond exactly once. */
struct atoll_exchange {
  uint32_t struct_size;
  uint32_t reserved;
  void *host;
  const atoll_request *request;
  /* Reads the body into memory. Longer than `limit`, or than the host allows, is ATOLL_RESOURCE_EXHAUSTED in the result
   * (413); ATOLL_UNAVAILABLE: the bodies of other requests fill the memory now (503 with Retry-After). */
  void (*buffer_body)(const atoll_exchange *exchange, uint64_t limit, void *context, atoll_body_done done);
  /* Moves the body into the target while no worker waits. */
  void (*receive_body)(const atoll_exchange *exchange, const atoll_body_target *target, void *context,
                       atoll_body_done done);
  void (*respond)(const atoll_exchange *exchange, const atoll_response *response);
};

/* ---- the interface -------------------------------------------------------------------------------------------------- */
#define ATOLL_ROUTE_ANONYMOUS 1u /* credentials are not looked at */

typedef struct atoll_route {
  uint32_t struct_size;
  uint32_t flags;     /* ATOLL_ROUTE_* */
  atoll_str prefix;   /* "/remote.php/dav": whole segments, decoded; the longest one wins */
} atoll_route;

typedef struct atoll_route_sink {
  uint32_t struct_size;
  uint32_t reserved;
  void *context;
  int32_t (*emit)(void *context, const atoll_route *route);
} atoll_route_sink;

typedef struct atoll_http {
  uint32_t struct_size;
  uint32_t reserved;
  /* Static for the life of the instance. Asked also before create, with self == NULL, so that a failed instance still has
   * its routes, which then answer 503. */
  int32_t (*routes)(void *self, const atoll_route_sink *sink);
  /* A return other than ATOLL_OK without a respond makes the host answer with the matching status. [worker] */
  int32_t (*handle)(const atoll_call *call, void *self, const atoll_request *request, const atoll_exchange *exchange);
} atoll_http;

/* ---- atoll.http.capabilities/1: what a protocol adds to the capabilities document -------------------------------------- */
#define ATOLL_HTTP_CAPABILITIES "atoll.http.capabilities/1"

typedef struct atoll_http_capabilities {
  uint32_t struct_size;
  uint32_t reserved;
  /* Emits one JSON object; the objects of all instances are merged key by key. Only what is served may stand in it. */
  int32_t (*capabilities)(const atoll_call *call, void *self, const atoll_text_sink *sink);
} atoll_http_capabilities;

#ifdef __cplusplus
}
#endif
#endif
