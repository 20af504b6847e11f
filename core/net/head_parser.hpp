// SPDX-License-Identifier: Apache-2.0
// The strict HTTP/1.x head parser (RFC 9112). What two parties could read differently is refused, never repaired.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "core/net/request.hpp"

namespace Atoll::net {

struct HeadLimits {
  std::size_t max_head = 32 * 1024;
  std::size_t max_target = 16 * 1024;
  std::size_t max_headers = 128;
};

/// Why a head is refused: the status to answer and a sentence for the client. The connection closes after it.
struct HeadError {
  int status = 400;
  std::string reason;
};

/// Finds the end of a head in a growing buffer; looks at each byte once. One per head.
class HeadScanner {
 public:
  enum class State { More, Complete, Refused };

  /// `data` begins where the head may begin and holds at least what it held in the last call.
  State scan(std::string_view data, const HeadLimits &limits);

  std::size_t begin() const { return begin_; }  ///< bytes of empty lines before the request line
  std::size_t end() const { return end_; }      ///< Complete: one past the head's last byte
  const HeadError &refusal() const { return refusal_; }

 private:
  State refuse(int status, std::string reason);

  std::size_t begin_ = 0;
  std::size_t line_ = 0;  ///< start of the line that is being scanned
  std::size_t seen_ = 0;
  std::size_t end_ = 0;
  bool started_ = false;
  HeadError refusal_;
};

/// Fills `head` from head.buffer, which holds one complete head with its final empty line. Views in `head` point
/// into head.buffer. request_id stays empty unless the client sent a sane one.
std::optional<HeadError> parse_head(RequestHead &head, const HeadLimits &limits);

/// RFC 9110 5.6.2.
bool is_token(std::string_view text);

}  // namespace Atoll::net
