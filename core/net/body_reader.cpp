// SPDX-License-Identifier: Apache-2.0
#include "core/net/body_reader.hpp"

#include <algorithm>

namespace Atoll::net {

Result<ChunkedDecoder::Step> BodyReader::next(std::string_view input) {
  if (chunked_) {
    auto step = decoder_.next(input);
    if (step) read_ += step->data.size();
    return step;
  }
  const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size()));
  left_ -= count;
  read_ += count;
  return ChunkedDecoder::Step{count, input.substr(0, count)};
}

}  // namespace Atoll::net
