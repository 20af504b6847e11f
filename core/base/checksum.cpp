// SPDX-License-Identifier: Apache-2.0
#include "core/base/checksum.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <new>
#include <utility>

#include "core/base/text.hpp"

namespace Atoll::base {

namespace {

constexpr std::uint32_t kAdlerPrime = 65521;

void check(int success) {
  if (success != 1) throw std::bad_alloc();  // the digests are built in: only memory can be missing
}

evp_md_ctx_st *new_context(const EVP_MD *kind) {
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  if (context == nullptr || EVP_DigestInit_ex(context, kind, nullptr) != 1) {
    EVP_MD_CTX_free(context);
    throw std::bad_alloc();
  }
  return context;
}

template <std::size_t N>
std::array<std::uint8_t, N> finish_copy(const evp_md_ctx_st *context) {
  std::array<std::uint8_t, N> digest{};
  EVP_MD_CTX *copy = EVP_MD_CTX_new();
  const bool done = copy != nullptr && EVP_MD_CTX_copy_ex(copy, context) == 1 &&
                    EVP_DigestFinal_ex(copy, digest.data(), nullptr) == 1;
  EVP_MD_CTX_free(copy);
  if (!done) throw std::bad_alloc();
  return digest;
}

}  // namespace

void Checksums::FreeContext::operator()(evp_md_ctx_st *context) const noexcept { EVP_MD_CTX_free(context); }

Checksums::Checksums(unsigned mask) : mask_(mask) {
  if (mask & kSha1) sha1_.reset(new_context(EVP_sha1()));
  if (mask & kMd5) md5_.reset(new_context(EVP_md5()));
}

Checksums::~Checksums() = default;
Checksums::Checksums(Checksums &&) noexcept = default;
Checksums &Checksums::operator=(Checksums &&) noexcept = default;

void Checksums::update(std::span<const std::uint8_t> bytes) {
  // In pieces that stay in the processor's cache while all three look at them.
  constexpr std::size_t piece = 32768;
  while (!bytes.empty()) {
    const auto part = bytes.first(std::min(piece, bytes.size()));
    if (sha1_) check(EVP_DigestUpdate(sha1_.get(), part.data(), part.size()));
    if (md5_) check(EVP_DigestUpdate(md5_.get(), part.data(), part.size()));
    if (mask_ & kAdler32) adler32_ = adler32(adler32_, part);
    bytes = bytes.subspan(part.size());
  }
}

void Checksums::update(std::string_view bytes) { update(as_bytes(bytes)); }

Checksums::Values Checksums::values() const {
  Values values;
  if (sha1_) values.sha1 = finish_copy<20>(sha1_.get());
  if (md5_) values.md5 = finish_copy<16>(md5_.get());
  if (mask_ & kAdler32) values.adler32 = adler32_;
  return values;
}

std::uint32_t adler32(std::uint32_t start, std::span<const std::uint8_t> bytes) {
  std::uint32_t low = start & 0xffff;
  std::uint32_t high = start >> 16;
  // 32 bytes at a time as two sums without a dependency between the bytes, which the compiler turns into vector code;
  // the remainders are taken every 5,536 bytes, before 32 bits can overflow.
  constexpr std::size_t lane = 32;
  constexpr std::size_t stretch = 173 * lane;
  const std::uint8_t *at = bytes.data();
  std::size_t left = bytes.size();
  while (left >= lane) {
    std::size_t blocks = std::min(left, stretch) / lane;
    left -= blocks * lane;
    for (; blocks > 0; --blocks, at += lane) {
      std::uint32_t sum = 0;
      std::uint32_t weighted = 0;
      for (std::size_t i = 0; i < lane; ++i) sum += at[i];
      for (std::size_t i = 0; i < lane; ++i) {
        weighted += static_cast<std::uint16_t>(at[i] * static_cast<std::uint16_t>(lane - i));
      }
      high += low * lane + weighted;
      low += sum;
    }
    low %= kAdlerPrime;
    high %= kAdlerPrime;
  }
  for (; left > 0; --left) {
    low += *at++;
    high += low;
  }
  return (high % kAdlerPrime) << 16 | (low % kAdlerPrime);
}

std::array<std::uint8_t, 32> sha256(std::string_view bytes) {
  std::array<std::uint8_t, 32> digest{};
  check(EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, EVP_sha256(), nullptr));
  return digest;
}

HmacSha256::HmacSha256(std::span<const std::uint8_t> key)
    : inner_(new_context(EVP_sha256())), outer_(new_context(EVP_sha256())) {
  constexpr std::size_t block = 64;
  std::array<std::uint8_t, block> padded{};
  if (key.size() > block) {
    const auto digest = sha256(as_text(key));
    std::copy(digest.begin(), digest.end(), padded.begin());
  } else {
    std::copy(key.begin(), key.end(), padded.begin());
  }
  for (auto &byte : padded) byte ^= 0x36;
  check(EVP_DigestUpdate(inner_.get(), padded.data(), block));
  for (auto &byte : padded) byte ^= 0x36 ^ 0x5c;
  check(EVP_DigestUpdate(outer_.get(), padded.data(), block));
  OPENSSL_cleanse(padded.data(), block);
}

std::array<std::uint8_t, 32> HmacSha256::operator()(std::string_view bytes) const {
  const Checksums::Context work(EVP_MD_CTX_new());
  std::array<std::uint8_t, 32> digest{};
  check(work != nullptr ? 1 : 0);
  check(EVP_MD_CTX_copy_ex(work.get(), inner_.get()));
  check(EVP_DigestUpdate(work.get(), bytes.data(), bytes.size()));
  check(EVP_DigestFinal_ex(work.get(), digest.data(), nullptr));
  check(EVP_MD_CTX_copy_ex(work.get(), outer_.get()));
  check(EVP_DigestUpdate(work.get(), digest.data(), digest.size()));
  check(EVP_DigestFinal_ex(work.get(), digest.data(), nullptr));
  return digest;
}

std::array<std::uint8_t, 32> hmac_sha256(std::span<const std::uint8_t> key, std::string_view bytes) {
  return HmacSha256(key)(bytes);
}

bool constant_time_equal(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace Atoll::base
