// SPDX-License-Identifier: Apache-2.0
// The status line and header fields of an answer as bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/net/response.hpp"

namespace Atoll::net {

/// "Not Found" for 404; an empty text for a code without a name.
std::string_view reason_phrase(int status);

/// The Date field's value, made anew once a second. One per worker.
class DateCache {
 public:
  std::string_view now();

 private:
  std::int64_t second_ = -1;
  std::string text_;
};

/// What the engine decided about one answer's framing.
struct Framing {
  enum class Length {
    None,     ///< the status has no body: no field
    Known,    ///< Content-Length
    Handler,  ///< the handler's own Content-Length, if any (HEAD)
    Chunked,
    Close  ///< ends with the connection
  };
  Length kind = Length::Known;
  std::uint64_t length = 0;
  bool close = false;       ///< "Connection: close"
  bool keep_alive = false;  ///< "Connection: keep-alive", for HTTP/1.0
};

/// Field names that are no tokens are dropped, control characters in values become blanks: no handler can split an
/// answer.
std::string make_response_head(const Response &response, const Framing &framing, std::string_view date,
                               std::string_view request_id);

/// Whether the handler asked for "Connection: close".
bool asks_to_close(const Response &response);

}  // namespace Atoll::net
