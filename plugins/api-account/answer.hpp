// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atoll/sdk/result.hpp>

#include <string>
#include <string_view>

#include "core/base/json.hpp"

namespace Atoll::account {

/// What a handler gives: a status and a text, or nothing.
struct Answer {
  int status = 200;
  std::string body;
  std::string type = "application/json; charset=utf-8";
  std::string allow;                 ///< of a 405
  std::uint32_t retry_after_ms = 0;  ///< of 429 and 503
  bool for_all = false;              ///< web pages of other servers may read it
};

/// {"error":{"code","message"}}
inline Answer refusal(int status, std::string_view code, std::string_view message) {
  Answer out;
  out.status = status;
  base::JsonWriter json(out.body);
  json.begin_object().key("error").begin_object().field("code", code).field("message", message);
  json.end_object().end_object();
  return out;
}

inline Answer refusal(const Error &error) {
  Answer out;
  switch (error.status) {
    case Status::InvalidArgument:
    case Status::FailedPrecondition:
    case Status::OutOfRange:
      out = refusal(400, "invalidRequest", error.message);
      break;
    case Status::Unauthenticated:
      out = refusal(401, "unauthenticated", error.message);
      break;
    case Status::PermissionDenied:
      out = refusal(403, "accessDenied", error.message);
      break;
    case Status::NotFound:
      out = refusal(404, "itemNotFound", error.message);
      break;
    case Status::AlreadyExists:
      out = refusal(409, "nameAlreadyExists", error.message);
      break;
    case Status::ResourceExhausted:
      out = refusal(429, "activityLimitReached", "Too much at once; try again.");
      break;
    case Status::Unimplemented:
      out = refusal(501, "notSupported", error.message);
      break;
    case Status::Unavailable:
    case Status::DeadlineExceeded:
      out = refusal(503, "serviceNotAvailable", "This cannot be told now; try again.");
      break;
    default:
      out = refusal(500, "generalException", "The server failed to answer; its log says why.");
  }
  out.retry_after_ms = error.retry_after_ms;
  return out;
}

inline Answer wrong_method(std::string allowed) {
  Answer out = refusal(405, "notAllowed", "This resource takes " + allowed + ".");
  out.allow = std::move(allowed);
  return out;
}

}  // namespace Atoll::account
