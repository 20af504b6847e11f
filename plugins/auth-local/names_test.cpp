// SPDX-License-Identifier: Apache-2.0
#include "plugins/auth-local/names.hpp"

#include <doctest/doctest.h>

#include <random>

using namespace Atoll::auth_local;
using Atoll::Status;

TEST_CASE("names that people have are taken") {
  for (const char *good : {"einstein", "Marie.Curie", "a@b.example", "user+tag", "x", "J\xC3\xBCrgen M\xC3\xBCller",
                           "o'neil", "\xE4\xBD\xA0\xE5\xA5\xBD", "a_b-c", "1", "$x", "a;b"}) {
    CHECK_MESSAGE(check_name(good).ok(), good);
  }
  CHECK(check_name(std::string(200, 'a')).ok());
}

TEST_CASE("names that would hurt are refused with a reason") {
  const std::string nul("a\0b", 3);
  for (const std::string &bad : std::initializer_list<std::string>{"",
                                                                   "a/b",
                                                                   "a\\b",
                                                                   "a:b",
                                                                   "..",
                                                                   ".",
                                                                   ".hidden",
                                                                   "-x",
                                                                   "a\nb",
                                                                   "a\x7F",
                                                                   nul,
                                                                   "\xFF",
                                                                   "a\xC0\x80",
                                                                   " a",
                                                                   "a ",
                                                                   "a.",
                                                                   "a%41",
                                                                   "a?b",
                                                                   "a*",
                                                                   "<a>",
                                                                   "a\"b",
                                                                   "a|b",
                                                                   std::string(201, 'a'),
                                                                   "a\xCC\x88",
                                                                   "a\xE2\x80\xAE"
                                                                   "b",
                                                                   "a\xE2\x80\x8B"
                                                                   "b",
                                                                   "a\xC2\xA0"
                                                                   "b",
                                                                   "a\xC2\x85",
                                                                   "a\xEF\xBB\xBF",
                                                                   "12345678-1234-1234-1234-123456789abc",
                                                                   "12345678-1234-1234-1234-123456789ABC"}) {
    const auto checked = check_name(bad);
    CHECK_MESSAGE(checked.status() == Status::InvalidArgument, bad);
    CHECK(checked.error().message.size() > 10);
  }
}

TEST_CASE("names are compared without letter case") {
  CHECK(folded("EinStein@X") == "einstein@x");
  CHECK(folded("J\xC3\x9CRGEN") == folded("j\xC3\xBCrgen"));
}

TEST_CASE("passwords and texts") {
  CHECK(check_password("Gr\xC3\xBCn 4%und+7:").ok());
  CHECK(check_password(std::string(1024, 'x')).ok());
  for (const std::string &bad : std::initializer_list<std::string>{"", std::string(1025, 'x'), "a\nb", "\xFF"}) {
    CHECK(check_password(bad).status() == Status::InvalidArgument);
  }
  CHECK(check_text("mail address", "").ok());
  CHECK(check_text("mail address", "a\x01").status() == Status::InvalidArgument);
  CHECK(check_text("mail address", std::string(1001, 'x')).status() == Status::InvalidArgument);
}

TEST_CASE("random bytes never crash the checks, and what passes has no control character") {
  const unsigned seed = std::random_device{}();
  MESSAGE("seed " << seed);
  std::mt19937 random(seed);
  for (int i = 0; i < 20'000; ++i) {
    std::string text(random() % 12, '\0');
    for (char &c : text) c = static_cast<char>(random() % 3 == 0 ? random() : 'a' + random() % 26);
    if (!check_name(text)) continue;
    for (const char c : text) CHECK(static_cast<unsigned char>(c) >= 0x20);
    CHECK_FALSE(folded(text).empty());
  }
}
