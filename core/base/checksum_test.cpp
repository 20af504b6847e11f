// SPDX-License-Identifier: Apache-2.0
#include "core/base/checksum.hpp"

#include <doctest/doctest.h>

#include <random>
#include <string>

#include "core/base/text.hpp"

using namespace Atoll::base;

namespace {

std::uint32_t plain_adler32(std::string_view text) {
  std::uint32_t low = 1, high = 0;
  for (const char c : text) {
    low = (low + static_cast<unsigned char>(c)) % 65521;
    high = (high + low) % 65521;
  }
  return high << 16 | low;
}

}  // namespace

TEST_CASE("known digests") {
  Checksums all;
  all.update("a");
  all.update(std::string_view("bc"));
  const auto values = all.values();
  CHECK(hex_encode(values.sha1) == "a9993e364706816aba3e25717850c26c9cd0d89d");
  CHECK(hex_encode(values.md5) == "900150983cd24fb0d6963f7d28e17f72");
  CHECK(values.adler32 == 0x024d0127);
  CHECK(hex_encode(sha256("abc")) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  // RFC 4231, case 2.
  CHECK(hex_encode(hmac_sha256(as_bytes("Jefe"), "what do ya want for nothing?")) ==
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  // Case 6: a key longer than a block; twice with the same key.
  const HmacSha256 hmac(as_bytes(std::string(131, '\xaa')));
  for (int i = 0; i < 2; ++i) {
    CHECK(hex_encode(hmac("Test Using Larger Than Block-Size Key - Hash Key First")) ==
          "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  }
}

TEST_CASE("more bytes may follow, and a mask leaves digests out") {
  Checksums some(kSha1 | kAdler32);
  CHECK(hex_encode(some.values().sha1) == "da39a3ee5e6b4b0d3255bfef95601890afd80709");
  CHECK(some.values().adler32 == 1);
  some.update("abc");
  CHECK(hex_encode(some.values().sha1) == "a9993e364706816aba3e25717850c26c9cd0d89d");
  CHECK(hex_encode(some.values().md5) == std::string(32, '0'));
}

TEST_CASE("Adler-32 equals its definition at all lengths and splits") {
  const unsigned seed = std::random_device{}();
  MESSAGE("seed " << seed);
  std::mt19937 random(seed);
  std::string bytes(100'000, '\xff');  // the worst case for overflow
  CHECK(adler32(1, as_bytes(bytes)) == plain_adler32(bytes));
  for (char &c : bytes) c = static_cast<char>(random());
  for (int i = 0; i < 300; ++i) {
    const auto part = std::string_view(bytes).substr(random() % 50'000, random() % (i < 200 ? 100 : 50'000));
    const std::size_t cut = part.empty() ? 0 : random() % part.size();
    const auto first = adler32(1, as_bytes(part.substr(0, cut)));
    CHECK(adler32(first, as_bytes(part.substr(cut))) == plain_adler32(part));
  }
}

TEST_CASE("constant-time comparison compares") {
  CHECK(constant_time_equal("", ""));
  CHECK(constant_time_equal("abc", "abc"));
  CHECK_FALSE(constant_time_equal("abc", "abd"));
  CHECK_FALSE(constant_time_equal("abc", "ab"));
}
