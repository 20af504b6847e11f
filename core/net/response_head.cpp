// SPDX-License-Identifier: Apache-2.0
#include "core/net/response_head.hpp"

#include <array>
#include <charconv>
#include <ctime>

#include "core/base/text.hpp"
#include "core/base/time.hpp"
#include "core/net/head_parser.hpp"

namespace Atoll::net {
namespace {

void append_number(std::string &out, std::uint64_t number) {
  std::array<char, 20> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), end);
}

bool engine_writes(std::string_view name) {
  switch (name.size()) {
    case 4:
      return base::iequals(name, "date");
    case 10:
      return base::iequals(name, "connection") || base::iequals(name, "keep-alive");
    case 12:
      return base::iequals(name, "x-request-id");
    case 14:
      return base::iequals(name, "content-length");
    case 17:
      return base::iequals(name, "transfer-encoding");
    default:
      return false;
  }
}

void append_value(std::string &out, std::string_view value) {
  const auto start = out.size();
  out.append(value);
  if (!base::has_control(value)) return;
  for (auto at = start; at < out.size(); ++at) {
    const auto byte = static_cast<unsigned char>(out[at]);
    if ((byte < 0x20 && byte != '\t') || byte == 0x7f) out[at] = ' ';
  }
}

}  // namespace

std::string_view reason_phrase(int status) {
  switch (status) {
    case 100:
      return "Continue";
    case 101:
      return "Switching Protocols";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 207:
      return "Multi-Status";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 416:
      return "Range Not Satisfiable";
    case 417:
      return "Expectation Failed";
    case 422:
      return "Unprocessable Content";
    case 423:
      return "Locked";
    case 424:
      return "Failed Dependency";
    case 425:
      return "Too Early";
    case 426:
      return "Upgrade Required";
    case 428:
      return "Precondition Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 460:
      return "Checksum Mismatch";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    case 507:
      return "Insufficient Storage";
    case 508:
      return "Loop Detected";
    default:
      return "";
  }
}

std::string_view DateCache::now() {
  timespec time{};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &time);
  if (time.tv_sec != second_) {
    second_ = time.tv_sec;
    text_ = base::http_date(second_);
  }
  return text_;
}

bool asks_to_close(const Response &response) {
  for (const auto [name, value] : response.headers)
    if (name.size() == 10 && base::iequals(name, "connection") && base::iequals(value, "close")) return true;
  return false;
}

std::string make_response_head(const Response &response, const Framing &framing, std::string_view date,
                               std::string_view request_id) {
  std::string out;
  std::size_t size = 192;
  size += response.headers.bytes() + 4 * response.headers.size();
  out.reserve(size);
  out.append("HTTP/1.1 ");
  append_number(out, static_cast<std::uint64_t>(response.status));
  out.append(" ").append(reason_phrase(response.status)).append("\r\nDate: ").append(date).append("\r\n");
  for (const auto [name, value] : response.headers) {
    if (!is_token(name)) continue;
    if (engine_writes(name) && !(framing.kind == Framing::Length::Handler && base::iequals(name, "content-length")))
      continue;
    out.append(name).append(": ");
    append_value(out, value);
    out.append("\r\n");
  }
  switch (framing.kind) {
    case Framing::Length::Known:
      out.append("Content-Length: ");
      append_number(out, framing.length);
      out.append("\r\n");
      break;
    case Framing::Length::Chunked:
      out.append("Transfer-Encoding: chunked\r\n");
      break;
    case Framing::Length::None:
    case Framing::Length::Handler:
    case Framing::Length::Close:
      break;
  }
  if (framing.close)
    out.append("Connection: close\r\n");
  else if (framing.keep_alive)
    out.append("Connection: keep-alive\r\n");
  out.append("X-Request-ID: ").append(request_id).append("\r\n\r\n");
  return out;
}

}  // namespace Atoll::net
