// SPDX-License-Identifier: Apache-2.0
#include "core/base/checksum.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

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

/// Looked up once: OpenSSL would look for the implementation at every use.
const EVP_MD *fetched(const char *name, const EVP_MD *otherwise) {
  const EVP_MD *kind = EVP_MD_fetch(nullptr, name, nullptr);
  return kind != nullptr ? kind : otherwise;
}

const EVP_MD *sha1() {
  static const EVP_MD *const kind = fetched("SHA1", EVP_sha1());
  return kind;
}

const EVP_MD *md5() {
  static const EVP_MD *const kind = fetched("MD5", EVP_md5());
  return kind;
}

template <std::size_t N>
std::array<std::uint8_t, N> finish(evp_md_ctx_st *context) {
  std::array<std::uint8_t, N> digest{};
  check(EVP_DigestFinal_ex(context, digest.data(), nullptr));
  return digest;
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
  if (mask & kSha1) sha1_.reset(new_context(sha1()));
  if (mask & kMd5) md5_.reset(new_context(md5()));
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

Checksums::Values Checksums::finish() {
  Values values;
  if (sha1_) values.sha1 = Atoll::base::finish<20>(sha1_.get());
  if (md5_) values.md5 = Atoll::base::finish<16>(md5_.get());
  if (mask_ & kAdler32) values.adler32 = adler32_;
  return values;
}

Checksums::Values Checksums::values() const {
  Values values;
  if (sha1_) values.sha1 = finish_copy<20>(sha1_.get());
  if (md5_) values.md5 = finish_copy<16>(md5_.get());
  if (mask_ & kAdler32) values.adler32 = adler32_;
  return values;
}

namespace {

// Both sums over as many whole lanes as there are; the rest stays. 32 bytes at a time as two sums without a dependency
// between the bytes; the remainders are taken every 5,536 bytes, before 32 bits can overflow.
constexpr std::size_t kAdlerLane = 32;
constexpr std::size_t kAdlerStretch = 173 * kAdlerLane;

struct AdlerSums {
  std::uint32_t low, high;
};

void adler_lanes(AdlerSums &sums, std::span<const std::uint8_t> &bytes) {
  while (bytes.size() >= kAdlerLane) {
    const std::size_t length = std::min(bytes.size(), kAdlerStretch) / kAdlerLane * kAdlerLane;
    const std::uint8_t *const end = bytes.data() + length;
    for (const std::uint8_t *at = bytes.data(); at != end; at += kAdlerLane) {
      std::uint32_t sum = 0;
      std::uint32_t weighted = 0;
      for (std::size_t i = 0; i < kAdlerLane; ++i) sum += at[i];
      for (std::size_t i = 0; i < kAdlerLane; ++i) {
        weighted += static_cast<std::uint16_t>(at[i] * static_cast<std::uint16_t>(kAdlerLane - i));
      }
      sums.high += sums.low * kAdlerLane + weighted;
      sums.low += sum;
    }
    sums.low %= kAdlerPrime;
    sums.high %= kAdlerPrime;
    bytes = bytes.subspan(length);
  }
}

#ifdef __x86_64__
__attribute__((target("avx2"))) std::uint32_t add_up(__m256i lanes) {
  const __m128i four = _mm_add_epi32(_mm256_castsi256_si128(lanes), _mm256_extracti128_si256(lanes, 1));
  const __m128i two = _mm_add_epi32(four, _mm_unpackhi_epi64(four, four));
  return static_cast<std::uint32_t>(_mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32(two, 1))));
}

// The same with the processor's sums of neighbours; three times as fast.
__attribute__((target("avx2"))) void adler_lanes_avx2(AdlerSums &sums, std::span<const std::uint8_t> &bytes) {
  const __m256i weights = _mm256_set_epi8(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22,
                                          23, 24, 25, 26, 27, 28, 29, 30, 31, 32);
  const __m256i zero = _mm256_setzero_si256();
  const __m256i ones = _mm256_set1_epi16(1);
  while (bytes.size() >= kAdlerLane) {
    const std::size_t length = std::min(bytes.size(), kAdlerStretch) / kAdlerLane * kAdlerLane;
    const std::uint8_t *const end = bytes.data() + length;
    __m256i sum = zero;       // of the bytes
    __m256i before = zero;    // of `sum` at the start of each lane
    __m256i weighted = zero;  // of the bytes within their lanes
    for (const std::uint8_t *at = bytes.data(); at != end; at += kAdlerLane) {
      const __m256i lane = _mm256_loadu_si256(reinterpret_cast<const __m256i *>(at));
      before = _mm256_add_epi32(before, sum);
      sum = _mm256_add_epi32(sum, _mm256_sad_epu8(lane, zero));
      weighted = _mm256_add_epi32(weighted, _mm256_madd_epi16(_mm256_maddubs_epi16(lane, weights), ones));
    }
    sums.high += sums.low * static_cast<std::uint32_t>(length) + add_up(before) * kAdlerLane + add_up(weighted);
    sums.low += add_up(sum);
    sums.low %= kAdlerPrime;
    sums.high %= kAdlerPrime;
    bytes = bytes.subspan(length);
  }
}
#endif

}  // namespace

std::uint32_t adler32(std::uint32_t start, std::span<const std::uint8_t> bytes) {
  AdlerSums sums{start & 0xffff, start >> 16};
#ifdef __x86_64__
  static const bool avx2 = __builtin_cpu_supports("avx2") > 0;
  if (avx2) adler_lanes_avx2(sums, bytes);
#endif
  adler_lanes(sums, bytes);
  for (const std::uint8_t byte : bytes) {
    sums.low += byte;
    sums.high += sums.low;
  }
  return (sums.high % kAdlerPrime) << 16 | (sums.low % kAdlerPrime);
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
