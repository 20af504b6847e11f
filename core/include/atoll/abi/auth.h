/* SPDX-License-Identifier: Apache-2.0 */
/* atoll.auth/1: turns a credential into a principal. */
#ifndef ATOLL_ABI_AUTH_H
#define ATOLL_ABI_AUTH_H

#include <atoll/abi/base.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ATOLL_AUTH "atoll.auth/1"

#define ATOLL_CREDENTIAL_BASIC 1u  /* RFC 7617: name and password */
#define ATOLL_CREDENTIAL_BEARER 2u /* RFC 6750: the token is in `secret`, `name` is empty */

typedef struct atoll_credential {
  uint32_t struct_size;
  uint32_t kind; /* ATOLL_CREDENTIAL_* */
  atoll_str name;
  atoll_str secret; /* never to be logged */
  atoll_str peer;   /* address of the client without port, for slowing down guesses */
} atoll_credential;

typedef struct atoll_auth {
  uint32_t struct_size;
  uint32_t reserved;
  /* ATOLL_OK: emits the principal. ATOLL_UNAUTHENTICATED: wrong; an unknown name and a wrong password are told apart
   * neither by text nor by time. ATOLL_UNIMPLEMENTED: no credential of mine, ask the next one. ATOLL_RESOURCE_EXHAUSTED:
   * too many attempts, with retry_after_ms. ATOLL_UNAVAILABLE: cannot tell now. [any thread] */
  int32_t (*authenticate)(const atoll_call *call, void *self, const atoll_credential *credential,
                          const atoll_principal_sink *sink);
} atoll_auth;

#ifdef __cplusplus
}
#endif
#endif
