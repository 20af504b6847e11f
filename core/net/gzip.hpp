// SPDX-License-Identifier: Apache-2.0
// A gzip stream (RFC 1952) made by zlib.
#pragma once

#include <zlib.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace Atoll::net {

/// [worker] one at a time.
class Gzip {
 public:
  enum class Kind {
    Whole,  ///< for an answer that is compressed in one go: about 264 KiB while it lives
    Stream  ///< for one that is sent as it is made, for as long as it takes: about 72 KiB
  };
  static constexpr std::size_t kStreamMemory = 72 * 1024;

  explicit Gzip(Kind kind);
  ~Gzip();
  Gzip(const Gzip &) = delete;
  Gzip &operator=(const Gzip &) = delete;

  bool ok() const { return ok_; }  ///< false: there was no memory for it
  void restart();                  ///< another stream with the same memory

  enum class Flush { None, Sync, Finish };
  struct Step {
    std::size_t taken = 0;  ///< bytes of the input
    std::size_t given = 0;  ///< bytes of the output
    bool end = false;       ///< Finish: the stream is complete
  };
  /// Call again with what was not taken, and with the same flush as long as the whole output is filled.
  Step run(std::string_view input, std::span<char> output, Flush flush);

 private:
  z_stream stream_{};
  bool ok_ = false;
};

}  // namespace Atoll::net
