// SPDX-License-Identifier: Apache-2.0
#include "plugins/api-webdav/tus_headers.hpp"

#include <doctest/doctest.h>

#include <random>

#include "core/base/text.hpp"
#include "plugins/api-webdav/tus_record.hpp"

using namespace Atoll;
using namespace Atoll::webdav;

namespace {

std::string pair(std::string_view key, std::string_view value) {
  return std::string(key) + " " + base::base64_encode(value);
}

bool refused(const std::string &value) {
  const auto got = parse_upload_metadata(value);
  return !got && got.status() == Status::InvalidArgument && !got.error().message.empty();
}

}  // namespace

TEST_CASE("Upload-Metadata") {
  auto got = parse_upload_metadata(pair("filename", "/dir//a b.txt") + "," + pair("mtime", "1.5") + ", " +
                                   pair("checksum", "SHA1 da39a3ee5e6b4b0d3255bfef95601890afd80709") + ",flag");
  REQUIRE(got);
  CHECK(got->path == "dir/a b.txt");
  CHECK(got->mtime_ns == 1'500'000'000);
  REQUIRE(got->digests.size() == 1);
  CHECK(got->digests[0].kind == ExpectedDigest::Kind::Sha1);

  got = parse_upload_metadata(pair("checksums", "SHA1:da39a3ee5e6b4b0d3255bfef95601890afd80709 ADLER32:00000001") +
                              "," + pair("filename", "a"));
  REQUIRE(got);
  CHECK(got->digests.size() == 2);
  CHECK(!got->mtime_ns);
  // What nobody here computes is looked over, and so are keys that nobody knows.
  got = parse_upload_metadata(pair("checksum", "SHA3-256 00") + "," + pair("filename", "a") + "," + pair("x", "\xff"));
  REQUIRE(got);
  CHECK(got->digests.empty());
}

TEST_CASE("Upload-Metadata that is hostile") {
  const std::string a = pair("filename", "a");
  for (const std::string &bad : std::initializer_list<std::string>{"",
                                                                   " ",
                                                                   ",",
                                                                   "filename",
                                                                   "filename ",
                                                                   "filename !",
                                                                   "filename YQ=x",
                                                                   "filename  YQ==x",
                                                                   " YQ==",
                                                                   a + ",",
                                                                   "," + a,
                                                                   a + "," + a,
                                                                   a + "," + pair("k", "1") + "," + pair("k", "2"),
                                                                   "file\x01name YQ==",
                                                                   "f\xc3\xbc YQ==",
                                                                   pair("mtime", "1"),
                                                                   a + "," + pair("mtime", "x"),
                                                                   a + "," + pair("mtime", "99999999999999999999"),
                                                                   a + "," + pair("checksum", "SHA1"),
                                                                   a + "," + pair("checksum", "SHA1 0"),
                                                                   a + "," + pair("checksum", "MD5 zz"),
                                                                   a + "," + pair("checksum", "SHA1 a b"),
                                                                   a + "," + pair("checksum", "SHA1:")}) {
    CAPTURE(bad);
    CHECK(refused(bad));
  }
  for (const std::string &name : std::initializer_list<std::string>{
           "", "/", "//", ".", "..", "a/", "a/..", "../a", "a/../b", "./a", "a/.", std::string("a\0b", 3), "\xff",
           "\xc0\xaf", "\xed\xa0\x80", std::string(256, 'a'), std::string(255, 'a') + "b"}) {
    CAPTURE(name);
    CHECK(refused(pair("filename", name)));
  }
  std::string deep, many = a;
  for (int i = 0; i < 513; ++i) deep += "d/";
  CHECK(refused(pair("filename", deep + "a")));
  for (int i = 0; i < 64; ++i) many += ",k" + std::to_string(i);
  CHECK(refused(many));
  CHECK(parse_upload_metadata(pair("filename", std::string(255, 'a'))));
  CHECK(parse_upload_metadata(pair("filename", "..a\\..\\b")));
}

TEST_CASE("Upload-Metadata of random bytes names a file below the folder, or is refused") {
  const unsigned seed = std::random_device()();
  CAPTURE(seed);
  std::mt19937 random(seed);
  const std::string alphabet = "filename mtime checksum YQ==,./AZaz09+-_= \\\t\x7f\xc3";
  for (int round = 0; round < 20000; ++round) {
    std::string text = round % 2 != 0 ? "filename " : "";
    for (auto length = random() % 40; length > 0; --length) text.push_back(alphabet[random() % alphabet.size()]);
    const auto got = parse_upload_metadata(text);
    if (!got) continue;
    CHECK(!got->path.empty());
    for (const auto name : base::split(got->path, '/')) CHECK((!name.empty() && name != "." && name != ".."));
  }
}

TEST_CASE("Upload-Checksum") {
  const auto good = parse_upload_checksum("sha1 2jmj7l5rSw0yVb/vlWAYkK/YBwk=");
  REQUIRE(good);
  CHECK(good->kind == ExpectedDigest::Kind::Sha1);
  CHECK(good->bytes.size() == 20);
  CHECK(parse_upload_checksum("adler32 AAAAAQ==")->bytes == std::string("\0\0\0\1", 4));
  for (const char *bad : {"", "sha1", "sha1 ", "sha1 AAAA", "crc32 AAAAAA==", "sha1 !", " AAAA", "md5:x AAAA",
                          "sha1:2jmj7l5rSw0yVb/vlWAYkK/YBwk=", "sha1 2jmj7l5rSw0yVb/vlWAYkK/YBwk= x"}) {
    CAPTURE(bad);
    CHECK(!parse_upload_checksum(bad));
  }
}

TEST_CASE("Upload-Offset and Upload-Length") {
  CHECK(parse_upload_number("0") == 0);
  CHECK(parse_upload_number("9999999999999999999") == 9'999'999'999'999'999'999u);
  for (const char *bad : {"", "-1", "+1", "1.0", "0x1", " 1", "1 ", "1,1", "18446744073709551616",
                          "99999999999999999999", "1e3", "\xd9\xa1"}) {
    CAPTURE(bad);
    CHECK(!parse_upload_number(bad));
  }
  CHECK(is_offset_octets("application/offset+octet-stream"));
  CHECK(is_offset_octets("Application/Offset+Octet-Stream; charset=binary"));
  for (const char *bad : {"", "application/octet-stream", "application/offset+octet-streams", ";"})
    CHECK(!is_offset_octets(bad));
}

TEST_CASE("what is kept with an upload comes back") {
  TusRecord record;
  record.mtime_ns = -5;
  record.digests = {{ExpectedDigest::Kind::Md5, std::string(16, '\x01')},
                    {ExpectedDigest::Kind::Adler32, std::string("\0\0\0\1", 4)}};
  record.conditions.if_match = {"a:1", "b:2"};
  record.conditions.none_match_any = true;
  record.tokens = {"urn:uuid:x"};
  record.metadata = "filename YQ==";
  const auto text = write_tus_record(record);
  REQUIRE(text);
  const auto back = read_tus_record(*text);
  REQUIRE(back);
  CHECK(back->mtime_ns == -5);
  CHECK(back->digests.size() == 2);
  CHECK(back->digests[0].bytes == record.digests[0].bytes);
  CHECK(back->conditions.if_match == record.conditions.if_match);
  CHECK(back->conditions.none_match_any);
  CHECK(!back->conditions.match_any);
  CHECK(back->tokens == record.tokens);
  CHECK(back->metadata == record.metadata);

  record.metadata = std::string(5000, 'x');  // only to be shown
  REQUIRE(write_tus_record(record));
  CHECK(read_tus_record(*write_tus_record(record))->metadata.empty());
  record.conditions.if_match.assign(200, std::string(32, 'a'));
  CHECK(!write_tus_record(record));
  for (const char *bad :
       {"", "{}", "[]", "{\"tus\":2}", "{\"tus\":1,\"sums\":\"SHA1:0\"}", "{\"tus\":1,\"match\":[1]}"}) {
    CAPTURE(bad);
    CHECK(!read_tus_record(bad));
  }
}
