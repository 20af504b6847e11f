// SPDX-License-Identifier: Apache-2.0
#include "core/net/gzip.hpp"

#include <algorithm>
#include <limits>

namespace Atoll::net {
namespace {

constexpr int kLevel = 1;
constexpr int kGzipFormat = 16;  ///< added to the window's bits

}  // namespace

Gzip::Gzip(Kind kind) {
  // Window and hash chains take 2^(bits + 2) + 2^(memory + 9) bytes.
  const int bits = kind == Kind::Whole ? 15 : 13;
  const int memory = kind == Kind::Whole ? 8 : 6;
  ok_ = ::deflateInit2(&stream_, kLevel, Z_DEFLATED, bits + kGzipFormat, memory, Z_DEFAULT_STRATEGY) == Z_OK;
}

Gzip::~Gzip() {
  if (ok_) ::deflateEnd(&stream_);
}

void Gzip::restart() { ::deflateReset(&stream_); }

Gzip::Step Gzip::run(std::string_view input, std::span<char> output, Flush flush) {
  constexpr std::size_t kMost = std::numeric_limits<uInt>::max();
  const auto in = std::min(input.size(), kMost), out = std::min(output.size(), kMost);
  stream_.next_in = const_cast<Bytef *>(reinterpret_cast<const Bytef *>(input.data()));  // NOLINT: zlib only reads it
  stream_.avail_in = static_cast<uInt>(in);
  stream_.next_out = reinterpret_cast<Bytef *>(output.data());
  stream_.avail_out = static_cast<uInt>(out);
  int how = Z_NO_FLUSH;
  if (in == input.size() && flush == Flush::Sync) how = Z_SYNC_FLUSH;
  if (in == input.size() && flush == Flush::Finish) how = Z_FINISH;
  const int result = ::deflate(&stream_, how);
  return {in - stream_.avail_in, out - stream_.avail_out, result == Z_STREAM_END};
}

}  // namespace Atoll::net
