// SPDX-License-Identifier: Apache-2.0
// What every fuzz target needs: a check that stops with a sentence, and input taken apart.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

/// A property that must hold for whatever came in: stops with what was violated, so that the input is kept.
#define FUZZ_CHECK(condition)                                                             \
  do {                                                                                    \
    if (!(condition)) {                                                                   \
      std::fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                       \
    }                                                                                     \
  } while (false)

namespace Atoll::fuzz {

/// Takes small numbers from the front of the input; what is left is the text. An input that ends gives zeros.
class Input {
 public:
  Input(const std::uint8_t *data, std::size_t size) : rest_(reinterpret_cast<const char *>(data), size) {}

  std::uint8_t byte() {
    if (rest_.empty()) return 0;
    const auto value = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return value;
  }
  /// Little-endian.
  std::uint64_t number(unsigned bytes) {
    std::uint64_t value = 0;
    for (unsigned index = 0; index < bytes; ++index) value |= std::uint64_t{byte()} << (8 * index);
    return value;
  }
  /// Up to the first line feed, which is taken too; all of it if there is none.
  std::string_view line() {
    const auto end = rest_.find('\n');
    const auto text = rest_.substr(0, end);
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    return text;
  }
  std::string_view take(std::size_t count) {
    const auto text = rest_.substr(0, count);
    rest_.remove_prefix(text.size());
    return text;
  }
  std::string_view rest() const { return rest_; }
  bool empty() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

/// Sizes of pieces to feed an incremental reader with, the same for the same seed (xorshift).
class Pieces {
 public:
  explicit Pieces(std::uint32_t seed) : state_(seed * 2654435761u + 1u) {}
  /// 1 .. most; mostly small.
  std::size_t next(std::size_t most) {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 17;
    state_ ^= state_ << 5;
    const std::size_t limit = state_ % 4 == 0 ? most : 5;
    return 1 + (state_ >> 3) % (limit < most ? limit : most);
  }

 private:
  std::uint32_t state_;
};

/// Whether `part` is a view into `whole`.
inline bool inside(std::string_view part, std::string_view whole) {
  return part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size();
}

/// Whether no byte could end a line, end a string or move a terminal's cursor.
inline bool printable(std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && byte != '\t') || byte == 0x7f) return false;
  }
  return true;
}

}  // namespace Atoll::fuzz

/// The entry that libFuzzer calls.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size);
