// SPDX-License-Identifier: Apache-2.0
#include "plugins/api-webdav/headers.hpp"

#include <doctest/doctest.h>

#include <limits>

using namespace Atoll::webdav;

TEST_CASE("Depth") {
  CHECK(parse_depth("0") == Depth::Zero);
  CHECK(parse_depth("1") == Depth::One);
  CHECK(parse_depth("") == Depth::One);
  CHECK(parse_depth("Infinity") == Depth::Infinity);
  for (const char *bad : {"2", "-1", "00", "1,noroot", "one"}) CHECK(!parse_depth(bad));
}

TEST_CASE("Overwrite and Lock-Token") {
  CHECK(parse_overwrite("t") == true);
  CHECK(parse_overwrite("F") == false);
  CHECK(!parse_overwrite("yes"));
  CHECK(parse_lock_token("<urn:uuid:1>") == "urn:uuid:1");
  for (const char *bad : {"", "<>", "urn:uuid:1", "<a b>", "<a><b>"}) CHECK(!parse_lock_token(bad));
}

TEST_CASE("Timeout") {
  CHECK(parse_timeout("Second-3600") == 3600);
  CHECK(parse_timeout("Infinite, Second-4100000000") == std::numeric_limits<std::uint64_t>::max());
  CHECK(parse_timeout("Extend, second-5") == 5);
  CHECK(parse_timeout("") == 0);
  CHECK(parse_timeout("Second-") == 0);
  CHECK(parse_timeout("Second--5") == 0);
}

TEST_CASE("X-OC-Mtime") {
  CHECK(parse_mtime("1700000000") == 1'700'000'000'000'000'000);
  CHECK(parse_mtime("1.5") == 1'500'000'000);
  CHECK(parse_mtime("0") == 0);
  CHECK(parse_mtime("-1.25") == -1'250'000'000);
  CHECK(parse_mtime("1.1234567899") == 1'123'456'789);
  for (const char *bad : {"", "-", "now", "1.", ".5", "1e9", "1,5", "0x10", "99999999999999999999", "9223372036", " 1"})
    CHECK(!parse_mtime(bad));
}

TEST_CASE("Prefer") {
  CHECK(prefers_minimal("return=minimal"));
  CHECK(prefers_minimal("respond-async, return = \"minimal\"; x=1"));
  CHECK(!prefers_minimal("return=representation"));
  CHECK(!prefers_minimal(""));
}

TEST_CASE("expected digests") {
  std::vector<ExpectedDigest> out;
  CHECK(parse_oc_checksum("SHA1:da39a3ee5e6b4b0d3255bfef95601890afd80709 md5:D41D8CD98F00B204E9800998ECF8427E", out));
  REQUIRE(out.size() == 2);
  CHECK(out[0].bytes.size() == 20);
  CHECK(out[1].kind == ExpectedDigest::Kind::Md5);
  CHECK(parse_oc_checksum("SHA3-256:00", out));
  CHECK(out.size() == 2);
  CHECK(parse_oc_checksum("Adler32:00000001", out));
  CHECK(parse_content_md5("1B2M2Y8AsgTpgAmY7PhCfg==", out));
  CHECK(parse_digest("SHA=2jmj7l5rSw0yVb/vlWAYkK/YBwk=, sha-256=xx, adler32=03da0195", out));
  CHECK(out.size() == 6);
  for (const char *bad : {"SHA1", "SHA1:", "SHA1:00", "MD5:zz"}) CHECK(!parse_oc_checksum(bad, out));
  CHECK(!parse_content_md5("short", out));
  CHECK(!parse_digest("md5", out));
}
