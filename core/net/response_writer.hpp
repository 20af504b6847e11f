// SPDX-License-Identifier: Apache-2.0
// Sends one answer over a transport, as far as it goes without blocking: the egress state machine.
#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/net/response.hpp"
#include "core/net/transport.hpp"

namespace Atoll::net {

/// [worker] one at a time.
class ResponseWriter {
 public:
  enum class Outcome {
    Done,     ///< everything is with the kernel
    Blocked,  ///< wait until the socket takes more
    Waiting,  ///< wait until the generator's waker is woken
    Turn,     ///< the budget of this turn is used up
    Unsent,   ///< the body failed before a byte was sent: failure() says why, another answer may be sent
    Failed    ///< reset the connection
  };

  /// `head` as bytes; `body` is what is really sent (none for HEAD). `chunked`: frame a generator.
  ResponseWriter(std::string head, Body body, bool chunked);

  /// `scratch`: at least 64 KiB, used during the call only.
  Outcome write(Transport &transport, std::span<char> scratch, std::size_t budget);

  std::uint64_t sent() const { return sent_; }
  const Error &failure() const { return failure_; }
  bool generates() const { return std::holds_alternative<Generator>(body_); }

 private:
  Outcome write_bytes(Transport &transport, std::size_t budget, std::string_view body);
  Outcome write_extents(Transport &transport, std::span<char> scratch, std::size_t budget, Extents &extents);
  Outcome write_generator(Transport &transport, std::span<char> scratch, std::size_t budget, Generator &generator);
  Outcome flush_staged(Transport &transport, bool more);
  Outcome fail(std::string what);

  std::size_t gather(Extents &extents, std::span<char> scratch, std::span<iovec> pieces, std::size_t &count,
                     bool &more);
  bool file_unchanged() const;
  void advance(Extents &extents, std::uint64_t count);

  struct Seen {
    int fd;
    struct stat status;
  };

  std::string head_;
  std::size_t head_sent_ = 0;
  Body body_;
  std::uint64_t left_ = 0;  ///< bytes of the body still to send; for a generator without length: unused
  bool chunked_ = false;
  bool ended_ = false;         ///< the generator has no more
  std::size_t part_ = 0;       ///< extents: the part being sent,
  std::uint64_t part_at_ = 0;  ///< and how far into it
  bool no_sendfile_ = false;
  std::vector<Seen> seen_;  ///< files that may change, as they were before the first byte
  std::string staged_;      ///< made, but not yet taken by the socket
  std::size_t staged_sent_ = 0;
  std::uint64_t sent_ = 0;
  Error failure_;
};

}  // namespace Atoll::net
