// SPDX-License-Identifier: Apache-2.0
#include "core/host/http_status.hpp"

#include <atoll/abi/status.h>

namespace Atoll::host {

int http_status(std::int32_t status) {
  switch (status) {
    case ATOLL_OK:
      return 200;
    case ATOLL_CANCELLED:
      return 499;
    case ATOLL_INVALID_ARGUMENT:
      return 400;
    case ATOLL_DEADLINE_EXCEEDED:
      return 503;
    case ATOLL_NOT_FOUND:
      return 404;
    case ATOLL_ALREADY_EXISTS:
      return 405;
    case ATOLL_PERMISSION_DENIED:
      return 403;
    case ATOLL_RESOURCE_EXHAUSTED:
      return 429;
    case ATOLL_FAILED_PRECONDITION:
      return 409;
    case ATOLL_ABORTED:
      return 412;
    case ATOLL_OUT_OF_RANGE:
      return 416;
    case ATOLL_UNIMPLEMENTED:
      return 501;
    case ATOLL_UNAVAILABLE:
      return 503;
    case ATOLL_UNAUTHENTICATED:
      return 401;
    case ATOLL_INSUFFICIENT_STORAGE:
      return 507;
    case ATOLL_LOCKED:
      return 423;
    case ATOLL_TOO_EARLY:
      return 425;
    default:
      return 500;
  }
}

}  // namespace Atoll::host
