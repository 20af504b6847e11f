// SPDX-License-Identifier: Apache-2.0
// Takes a request's body apart from the bytes of the connection: by length, chunked, or none.
#pragma once

#include <atoll/sdk/result.hpp>

#include <cstdint>
#include <string_view>

#include "core/net/chunked.hpp"
#include "core/net/request.hpp"

namespace Atoll::net {

class BodyReader {
 public:
  BodyReader() = default;
  explicit BodyReader(const RequestHead &head) : chunked_(head.chunked), left_(head.content_length.value_or(0)) {}

  /// As ChunkedDecoder::next.
  Result<ChunkedDecoder::Step> next(std::string_view input);

  bool done() const { return chunked_ ? decoder_.done() : left_ == 0; }
  bool chunked() const { return chunked_; }
  /// Bytes still to come; when chunked, of the chunk that has begun.
  std::uint64_t left() const { return chunked_ ? decoder_.left() : left_; }
  std::uint64_t read() const { return read_; }  ///< body bytes so far

 private:
  bool chunked_ = false;
  std::uint64_t left_ = 0;
  std::uint64_t read_ = 0;
  ChunkedDecoder decoder_;
};

}  // namespace Atoll::net
