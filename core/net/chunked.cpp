// SPDX-License-Identifier: Apache-2.0
#include "core/net/chunked.hpp"

#include <algorithm>

#include "core/net/head_parser.hpp"

namespace Atoll::net {
namespace {

constexpr unsigned kMaxDigits = 15;
constexpr std::size_t kMaxOverhead = 16 * 1024;  ///< extensions and trailers of one body

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_text(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte >= 0x20 || byte == '\t') && byte != 0x7f;
}

}  // namespace

const char *ChunkedDecoder::take(char c) {
  switch (state_) {
    case State::SizeStart:
    case State::Size: {
      const int digit = hex_value(c);
      if (digit >= 0) {
        if (++digits_ > kMaxDigits) return "A chunk size is too large.";
        left_ = left_ * 16 + static_cast<unsigned>(digit);
        state_ = State::Size;
        return nullptr;
      }
      if (state_ == State::SizeStart) return "A chunk size is missing.";
      if (c == '\r')
        state_ = State::SizeLf;
      else if (c == ';')
        state_ = State::Extension;
      else
        return "A chunk size is malformed.";
      return nullptr;
    }
    case State::Extension:
      if (c == '\r')
        state_ = State::SizeLf;
      else if (!is_text(c))
        return "A chunk extension holds a control character.";
      else if (++overhead_ > kMaxOverhead)
        return "The chunk extensions are too long.";
      return nullptr;
    case State::SizeLf:
      if (c != '\n') return "A chunk size does not end in CR LF.";
      state_ = left_ > 0 ? State::Data : State::LineStart;
      return nullptr;
    case State::DataCr:
      if (c != '\r') return "A chunk is longer than its size.";
      state_ = State::DataLf;
      return nullptr;
    case State::DataLf:
      if (c != '\n') return "A chunk does not end in CR LF.";
      state_ = State::SizeStart;
      digits_ = 0;
      left_ = 0;
      return nullptr;
    case State::LineStart:
      if (c == '\r') {
        state_ = State::EndLf;
        return nullptr;
      }
      state_ = State::TrailerName;
      if (c == ':') return "A trailer field has no name.";
      [[fallthrough]];
    case State::TrailerName:
      if (c == ':')
        state_ = State::Trailer;
      else if (!is_token({&c, 1}))
        return "A trailer field's name is not a token, or it has no colon.";
      if (++overhead_ > kMaxOverhead) return "The trailer fields are too long.";
      return nullptr;
    case State::Trailer:
      if (c == '\r')
        state_ = State::TrailerLf;
      else if (!is_text(c))
        return "A trailer field holds a control character.";
      else if (++overhead_ > kMaxOverhead)
        return "The trailer fields are too long.";
      return nullptr;
    case State::TrailerLf:
      if (c != '\n') return "A trailer field does not end in CR LF.";
      state_ = State::LineStart;
      return nullptr;
    case State::EndLf:
      if (c != '\n') return "The chunked body does not end in CR LF.";
      state_ = State::Done;
      return nullptr;
    case State::Data:
    case State::Done:
      break;
  }
  return "The chunked body was read past its end.";
}

Result<ChunkedDecoder::Step> ChunkedDecoder::next(std::string_view input) {
  std::size_t at = 0;
  while (at < input.size() && state_ != State::Done) {
    if (state_ == State::Data) {
      const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size() - at));
      left_ -= count;
      if (left_ == 0) state_ = State::DataCr;
      return Step{at + count, input.substr(at, count)};
    }
    if (const char *problem = take(input[at])) return error(Status::InvalidArgument, problem);
    ++at;
  }
  return Step{at, {}};
}

}  // namespace Atoll::net
