// SPDX-License-Identifier: Apache-2.0
// The chunked transfer coding (RFC 9112 7.1), read strictly. Extensions and trailers are bounded and dropped: nothing in
// them counts for the framing of anything.
#pragma once

#include <atoll/sdk/result.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace Atoll::net {

class ChunkedDecoder {
 public:
  struct Step {
    std::size_t consumed = 0;  ///< bytes of the input that are done with
    std::string_view data;     ///< body bytes among them; points into the input; may be empty
  };

  /// Takes input up to the end of one run of body bytes. Call again with what is left until all is consumed or done().
  /// Error: InvalidArgument; the connection cannot be used further.
  Result<Step> next(std::string_view input);

  bool done() const { return state_ == State::Done; }
  std::uint64_t left() const { return state_ == State::Data ? left_ : 0; }  ///< bytes of the chunk that has begun

 private:
  enum class State {
    SizeStart,
    Size,
    Extension,
    SizeLf,
    Data,
    DataCr,
    DataLf,
    LineStart,
    TrailerName,
    Trailer,
    TrailerLf,
    EndLf,
    Done
  };

  const char *take(char c);  ///< one byte outside of data; what is wrong with it, or null

  State state_ = State::SizeStart;
  std::uint64_t left_ = 0;  ///< of the current chunk
  unsigned digits_ = 0;
  std::size_t overhead_ = 0;  ///< bytes of extensions and trailers
};

}  // namespace Atoll::net
