// SPDX-License-Identifier: Apache-2.0
#include "core/base/text.hpp"

#include <doctest/doctest.h>

#include <random>

#include "core/base/path.hpp"
#include "core/base/uri.hpp"

using namespace Atoll::base;

TEST_CASE("split, trim, letter case") {
  CHECK(split("a,,b", ',') == std::vector<std::string_view>{"a", "", "b"});
  CHECK(split("", ',').size() == 1);
  CHECK(trim(" \t x y\r\n") == "x y");
  CHECK(trim(" ").empty());
  CHECK(iequals("BaSiC", "bAsIc"));
  CHECK_FALSE(iequals("a", "ab"));
  CHECK(to_lower("\xC3\x84Z") == "\xC3\x84z");
}

TEST_CASE("UTF-8 is judged as RFC 3629 says") {
  for (const char *good :
       {"", "a", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "\xF4\x8F\xBF\xBF", "\xEE\x80\x80"}) {
    CHECK(valid_utf8(good));
  }
  for (const char *bad :
       {"\x80", "\xC0\x80", "\xC1\xBF", "\xE0\x80\x80", "\xED\xA0\x80", "\xF0\x80\x80\x80", "\xF4\x90\x80\x80",
        "\xF5\x80\x80\x80", "\xFF", "\xC3", "\xE2\x82", "\xF0\x9F\x98", "a\xC3"}) {
    CHECK_FALSE(valid_utf8(bad));
  }
}

TEST_CASE("numbers") {
  CHECK(parse_u64("0") == 0);
  CHECK(parse_u64("18446744073709551615") == UINT64_MAX);
  for (const char *bad : {"", "18446744073709551616", "-1", "+1", " 1", "1 ", "0x1", "1.0"})
    CHECK_FALSE(parse_u64(bad));
}

TEST_CASE("hex and base64") {
  CHECK(hex_encode(std::string_view("\x00\xff", 2)) == "00ff");
  CHECK(hex_decode("00fF") == std::string("\x00\xff", 2));
  CHECK_FALSE(hex_decode("0"));
  CHECK_FALSE(hex_decode("0g"));
  // RFC 4648, section 10.
  const std::pair<const char *, const char *> vectors[] = {{"", ""},
                                                           {"f", "Zg=="},
                                                           {"fo", "Zm8="},
                                                           {"foo", "Zm9v"},
                                                           {"foob", "Zm9vYg=="},
                                                           {"fooba", "Zm9vYmE="},
                                                           {"foobar", "Zm9vYmFy"}};
  for (const auto &[plain, coded] : vectors) {
    CHECK(base64_encode(plain) == coded);
    CHECK(base64_decode(coded) == plain);
  }
  CHECK(base64_decode("Zg") == "f");
  CHECK(base64_decode("-_-_") == "\xfb\xff\xbf");
  for (const char *bad : {"Z", "Zg=", "Zh==", "Zg==x", "Z g=", "====", "=", "Zm9v\n"}) CHECK_FALSE(base64_decode(bad));
  std::mt19937 random(7);
  for (int i = 0; i < 500; ++i) {
    std::string bytes(random() % 40, '\0');
    for (char &c : bytes) c = static_cast<char>(random());
    CHECK(base64_decode(base64_encode(bytes)) == bytes);
    CHECK(hex_decode(hex_encode(bytes)) == bytes);
  }
}

TEST_CASE("control characters, wherever they stand") {
  CHECK_FALSE(has_control(""));
  CHECK_FALSE(has_control("\t a\ttab \xC3\xA9\xFF\x80 and more text than eight bytes \x7e"));
  for (int c = 0; c < 256; ++c) {
    const bool control = (c < 0x20 && c != '\t') || c == 0x7f;
    for (std::size_t size = 1; size < 20; ++size) {
      for (std::size_t at = 0; at < size; ++at) {
        std::string text(size, at % 2 == 0 ? 'x' : '\t');
        text[at] = static_cast<char>(c);
        CHECK(has_control(text) == control);
      }
    }
  }
}

TEST_CASE("percent-encoding") {
  CHECK(percent_decode("a%20b%2Fc+d") == "a b/c+d");
  CHECK(percent_decode("%00")->size() == 1);
  for (const char *bad : {"%", "%4", "%zz", "a%2"}) CHECK_FALSE(percent_decode(bad));
  CHECK(percent_encode_path("/a b/\xC3\xA9&'<>\"%#?;=@:+") == "/a%20b/%C3%A9%26%27%3C%3E%22%25%23%3F;=@:+");
  std::string all;
  for (int c = 0; c < 256; ++c) all.push_back(static_cast<char>(c));
  CHECK(percent_decode(percent_encode_path(all)) == all);
}

TEST_CASE("paths") {
  const auto names = split_path("//a/b c//d/");
  REQUIRE(names.ok());
  CHECK(*names == std::vector<std::string_view>{"a", "b c", "d"});
  CHECK(split_path("/")->empty());
  CHECK(split_path("")->empty());
  for (const std::string_view bad : {std::string_view("a/../b"), std::string_view("."), std::string_view("/a/.."),
                                     std::string_view("a/\xFF"), std::string_view("a\0b", 3)}) {
    CHECK(split_path(bad).status() == Atoll::Status::InvalidArgument);
  }
  CHECK(split_path("..a/...").ok());
  CHECK(split_path(std::string(255, 'x')).ok());
  CHECK_FALSE(split_path(std::string(256, 'x')).ok());
  std::string deep;
  for (int i = 0; i < 512; ++i) deep += "/a";
  CHECK(split_path(deep).ok());
  CHECK_FALSE(split_path(deep + "/a").ok());
  CHECK_FALSE(valid_name("a/b"));
  CHECK_FALSE(valid_name(""));
}
