// SPDX-License-Identifier: Apache-2.0
// Digests: what clients send in OC-Checksum and what the server computes on the way in.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

struct evp_md_ctx_st;

namespace Atoll::base {

/// Which digests a Checksums computes; a bit set.
enum ChecksumMask : unsigned { kSha1 = 1, kMd5 = 2, kAdler32 = 4, kAllChecksums = 7 };

/// SHA-1, MD5 and Adler-32 of one stream of bytes. [one thread at a time]
class Checksums {
 public:
  /// What was not asked for stays zero.
  struct Values {
    std::array<std::uint8_t, 20> sha1{};
    std::array<std::uint8_t, 16> md5{};
    std::uint32_t adler32 = 0;
  };

  explicit Checksums(unsigned mask = kAllChecksums);
  ~Checksums();
  Checksums(Checksums &&) noexcept;
  Checksums &operator=(Checksums &&) noexcept;

  void update(std::span<const std::uint8_t> bytes);
  void update(std::string_view bytes);
  /// The digests of all bytes so far. More bytes may follow.
  Values values() const;
  /// The same, cheaper, as the last call.
  Values finish();
  unsigned mask() const noexcept { return mask_; }

 private:
  friend class HmacSha256;
  struct FreeContext {
    void operator()(evp_md_ctx_st *context) const noexcept;
  };
  using Context = std::unique_ptr<evp_md_ctx_st, FreeContext>;

  unsigned mask_;
  Context sha1_, md5_;
  std::uint32_t adler32_ = 1;
};

/// RFC 1950, 8.2. Start with 1. [any thread]
std::uint32_t adler32(std::uint32_t start, std::span<const std::uint8_t> bytes);

/// [any thread]
std::array<std::uint8_t, 32> sha256(std::string_view bytes);
/// RFC 2104. [any thread]
std::array<std::uint8_t, 32> hmac_sha256(std::span<const std::uint8_t> key, std::string_view bytes);

/// HMAC-SHA256 under one key for many texts: the key is prepared once. [any thread]
class HmacSha256 {
 public:
  explicit HmacSha256(std::span<const std::uint8_t> key);
  std::array<std::uint8_t, 32> operator()(std::string_view bytes) const;

 private:
  Checksums::Context inner_, outer_;
};

/// Compares in a time that depends on the lengths only. [any thread]
bool constant_time_equal(std::string_view a, std::string_view b);

}  // namespace Atoll::base
