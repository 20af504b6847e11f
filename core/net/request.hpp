// SPDX-License-Identifier: Apache-2.0
// The head of a request as every engine hands it up: parsed strictly, decoded not at all.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace Atoll::net {

/// One end of a connection. For a unix socket `host` is "unix" and `port` is 0.
struct Endpoint {
  std::string host;        ///< numeric address without brackets, for example "127.0.0.1" or "::1"
  std::uint16_t port = 0;  ///< host byte order
  /// "127.0.0.1:80", "[::1]:80" or "unix".
  std::string text() const;
};

/// What is known about a connection; shared by all its requests.
struct ConnectionInfo {
  Endpoint peer;
  Endpoint local;
  bool secure = false;  ///< TLS
  bool unix_socket = false;
};

/// One header field. Both views point into RequestHead::buffer.
struct Header {
  std::string_view name;   ///< as sent; compare without case
  std::string_view value;  ///< without surrounding blanks; raw bytes, UTF-8 is not checked
};

/// A request's head (RFC 9110, RFC 9112). Views point into `buffer`, so it is neither copied nor moved.
struct RequestHead {
  RequestHead() = default;
  RequestHead(const RequestHead &) = delete;
  RequestHead &operator=(const RequestHead &) = delete;

  std::string_view method;  ///< a token, upper and lower case as sent
  std::string_view target;  ///< the request target as sent
  std::string_view path;    ///< raw and not decoded; starts with '/', or is "*" for OPTIONS
  std::string_view query;   ///< what follows the first '?', without it; empty if there is none
  std::string_view host;  ///< authority: from an absolute-form target, else from Host; empty for HTTP/1.0 without Host
  int minor_version = 1;  ///< HTTP/1.x
  std::vector<Header> headers;                  ///< in the order sent
  std::optional<std::uint64_t> content_length;  ///< absent: no body, unless `chunked`
  bool chunked = false;
  bool expects_continue = false;  ///< "Expect: 100-continue"; answered when the handler asks for the body
  bool keep_alive = true;         ///< what the client wants
  std::string request_id;         ///< X-Request-ID of the client if sane, else generated
  std::int64_t received_ns = 0;   ///< CLOCK_MONOTONIC when the head was complete

  std::shared_ptr<const ConnectionInfo> connection;

  /// Value of the first field of this name, compared without case; nothing if there is none.
  std::optional<std::string_view> header(std::string_view name) const;
  /// All values of this name joined with ", " (RFC 9110 5.3); nothing if there is none.
  std::optional<std::string> joined(std::string_view name) const;
  /// Whether a body follows (it may still be of zero bytes when chunked).
  bool has_body() const { return chunked || content_length.value_or(0) > 0; }

  std::string buffer;  ///< owns what the views point at
};

}  // namespace Atoll::net
