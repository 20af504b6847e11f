// SPDX-License-Identifier: Apache-2.0
#include "plugins/api-webdav/faults.hpp"

#include "core/base/reason.hpp"
#include "core/base/xml.hpp"
#include "plugins/api-webdav/multistatus.hpp"

namespace Atoll::webdav {

namespace {

int http_of(Status status) {
  switch (status) {
    case Status::Ok:
      return 200;
    case Status::InvalidArgument:
      return 400;
    case Status::Unauthenticated:
      return 401;
    case Status::PermissionDenied:
      return 403;
    case Status::NotFound:
      return 404;
    case Status::AlreadyExists:
      return 405;
    case Status::FailedPrecondition:
      return 409;
    case Status::Aborted:
      return 412;
    case Status::OutOfRange:
      return 416;
    case Status::Locked:
      return 423;
    case Status::TooEarly:
      return 425;
    case Status::ResourceExhausted:
      return 429;
    case Status::Unimplemented:
      return 501;
    case Status::Unavailable:
      return 503;
    case Status::DeadlineExceeded:
      return 503;
    case Status::InsufficientStorage:
      return 507;
    case Status::Cancelled:
    case Status::Unknown:
    case Status::Internal:
    case Status::DataLoss:
    case Status::Redirection:
      return 500;
  }
  return 500;
}

/// What a driver said, as a sentence.
std::string sentence(std::string text) {
  if (text.empty()) return text;
  if (text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
  if (text.find_last_of(".!?") != text.size() - 1) text.push_back('.');
  return text;
}

}  // namespace

Fault fault_of(const Error &error) {
  Fault out;
  out.http = http_of(error.status);
  out.retry_after_s = (error.retry_after_ms + 999) / 1000;
  if (out.http == 500) {
    out.message = "The server failed on this request; its log says why under the request's id.";
  } else if (out.http == 503) {
    if (out.retry_after_s == 0) out.retry_after_s = 5;
    out.message =
        "The server cannot tell now: the storage behind this path does not answer. Nothing was deleted; try again.";
    out.code = base::reason_code(error.reason);
    if (!out.code.empty()) out.message = base::reason_text(error.reason);
  } else if (out.http == 429) {
    if (out.retry_after_s == 0) out.retry_after_s = 1;
    out.message = sentence(error.message);
  } else {
    out.message = sentence(error.message);
  }
  return out;
}

std::string_view exception_name(int http) {
  switch (http) {
    case 400:
      return "BadRequest";
    case 401:
      return "NotAuthenticated";
    case 403:
      return "Forbidden";
    case 404:
      return "NotFound";
    case 405:
      return "MethodNotAllowed";
    case 408:
      return "RequestTimeout";
    case 409:
      return "Conflict";
    case 411:
      return "LengthRequired";
    case 412:
      return "PreconditionFailed";
    case 413:
      return "EntityTooLarge";
    case 415:
      return "UnsupportedMediaType";
    case 416:
      return "RequestedRangeNotSatisfiable";
    case 423:
      return "Locked";
    case 425:
      return "TooEarly";
    case 429:
      return "TooManyRequests";
    case 460:  // of TUS
      return "BadRequest";
    case 501:
      return "NotImplemented";
    case 502:
      return "BadGateway";
    case 503:
      return "ServiceUnavailable";
    case 507:
      return "InsufficientStorage";
    default:
      return "InternalServerError";
  }
}

Response to_response(const Fault &fault) {
  std::string body =
      "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<d:error xmlns:d=\"DAV:\" xmlns:s=\"http://sabredav.org/ns\">"
      "<s:exception>Sabre\\DAV\\Exception\\";
  body.append(exception_name(fault.http)).append("</s:exception><s:message>");
  base::append_xml_escaped(body, fault.message);
  body.append("</s:message>");
  if (!fault.code.empty()) body.append("<s:errorcode>").append(fault.code).append("</s:errorcode>");
  body.append(fault.condition).append("</d:error>\n");
  Response response;
  response.status = fault.http;
  response.header("Content-Type", std::string(kMultistatusType));
  if (fault.retry_after_s > 0) response.header("Retry-After", std::to_string(fault.retry_after_s));
  response.body = std::move(body);
  return response;
}

}  // namespace Atoll::webdav
