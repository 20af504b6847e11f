// SPDX-License-Identifier: Apache-2.0
#include "core/host/schema.hpp"

#include <doctest/doctest.h>

#include <limits>

#include "core/host/nearest.hpp"
#include "core/host/test_support.hpp"

namespace Atoll::host {
namespace {

KeySpec key(const char *name, std::uint32_t type, std::uint32_t flags = 0) {
  KeySpec out;
  out.name = name;
  out.type = type;
  out.flags = flags;
  return out;
}

std::int64_t number(std::uint32_t type, const char *text) {
  const auto value = parse_value(key("k", type), text, "/data");
  return value ? value->integer : std::numeric_limits<std::int64_t>::min();
}
bool refused(std::uint32_t type, const char *text) { return !parse_value(key("k", type), text, "/data").ok(); }

TEST_CASE("schema: every type") {
  CHECK(number(ATOLL_CONFIG_INTEGER, "-5") == -5);
  for (const char *yes : {"yes", "true", "ON", "1"}) CHECK(number(ATOLL_CONFIG_BOOLEAN, yes) == 1);
  for (const char *no : {"no", "False", "off", "0"}) CHECK(number(ATOLL_CONFIG_BOOLEAN, no) == 0);
  CHECK(number(ATOLL_CONFIG_SIZE, "512") == 512);
  CHECK(number(ATOLL_CONFIG_SIZE, "64M") == 64 << 20);
  CHECK(number(ATOLL_CONFIG_SIZE, "2 t") == 2ll << 40);
  CHECK(number(ATOLL_CONFIG_DURATION, "250ms") == 250'000'000);
  CHECK(number(ATOLL_CONFIG_DURATION, "2h") == 7'200'000'000'000);
  CHECK(number(ATOLL_CONFIG_DURATION, "0") == 0);
  CHECK(number(ATOLL_CONFIG_MODE, "0640") == 0640);
  CHECK(number(ATOLL_CONFIG_MODE, "2770") == 02770);
  CHECK(parse_value(key("k", ATOLL_CONFIG_PATH), "a/b", "/data")->text == "/data/a/b");
  CHECK(parse_value(key("k", ATOLL_CONFIG_PATH), "/a", "/data")->text == "/a");
}

TEST_CASE("schema: what is no value of its type") {
  for (const char *bad : {"", "x", "1x", "1 2", "99999999999999999999", "0x10"})
    CHECK(refused(ATOLL_CONFIG_INTEGER, bad));
  for (const char *bad : {"", "2", "maybe"}) CHECK(refused(ATOLL_CONFIG_BOOLEAN, bad));
  for (const char *bad : {"", "-1", "1.5M", "1X", "9999999999999T"}) CHECK(refused(ATOLL_CONFIG_SIZE, bad));
  for (const char *bad : {"", "5", "-1s", "1y", "1 s s"}) CHECK(refused(ATOLL_CONFIG_DURATION, bad));
  for (const char *bad : {"", "9", "888", "77777", "-777", "rwx"}) CHECK(refused(ATOLL_CONFIG_MODE, bad));
  CHECK(refused(ATOLL_CONFIG_PATH, ""));
}

TEST_CASE("schema: databases") {
  const auto text = [](const char *given) {
    const auto value = parse_value(key("k", ATOLL_CONFIG_DATABASE), given, "/data");
    return value ? value->text : "refused";
  };
  CHECK(text("a.db") == "sqlite:/data/a.db");
  CHECK(text("/srv/a.db") == "sqlite:/srv/a.db");
  CHECK(text("sqlite:a.db") == "sqlite:/data/a.db");
  CHECK(text("sqlite:/srv/a.db") == "sqlite:/srv/a.db");
  CHECK(text("postgresql://u:p@h/d") == "postgresql://u:p@h/d");
  for (const char *bad : {"", "sqlite:", "mysql://h/d", "sqlite://h/d"}) CHECK(text(bad) == "refused");
}

TEST_CASE("schema: a choice names the nearest") {
  auto spec = key("level", ATOLL_CONFIG_CHOICE);
  spec.choices = {"debug", "info", "warning", "error"};
  CHECK(parse_value(spec, "info", "/").ok());
  CHECK(parse_value(spec, "waning", "/").error().message ==
        "level: 'waning' is not one of debug, info, warning or error; did you mean 'warning'?");
}

TEST_CASE("schema: a section with all kinds of mistakes") {
  const testing::Folder folder;
  const auto secret = folder.write("secret", "hunter2\n");
  std::vector<KeySpec> keys = {key("root", ATOLL_CONFIG_PATH, ATOLL_CONFIG_REQUIRED), key("cache", ATOLL_CONFIG_SIZE),
                               key("password", ATOLL_CONFIG_TEXT, ATOLL_CONFIG_SECRET),
                               key("other", ATOLL_CONFIG_TEXT, ATOLL_CONFIG_SECRET)};
  keys[1].default_text = "1M";
  Problems problems;
  const auto sections =
      parse_ini("[storage:x]\nrot = /a\ncache = lots\npassword_file = " + secret + "\nother = a\nother_file = b\n",
                "x.ini", problems);
  const auto values = check_section(sections[0], keys, "/data", problems);
  const std::string all = testing::text(problems);
  CHECK(all.find("x.ini:2: [storage:x] has no key 'rot'; did you mean 'root'?") != all.npos);
  CHECK(all.find("x.ini:1: [storage:x] needs 'root = ...' (path)") != all.npos);
  CHECK(all.find("x.ini:3: cache: 'lots' is no size; write bytes") != all.npos);
  CHECK(all.find("x.ini:6: both other and other_file are set (x.ini:5)") != all.npos);
  CHECK(problems.size() == 4);
  CHECK(values.at("password").text == "hunter2");
  CHECK(values.at("password").origin.line == 4);
}

TEST_CASE("schema: a secret is never part of a message") {
  Problems problems;
  const auto sections = parse_ini("[a]\npin = hunter2\n", "x.ini", problems);
  const std::vector<KeySpec> keys = {key("pin", ATOLL_CONFIG_INTEGER, ATOLL_CONFIG_SECRET)};
  check_section(sections[0], keys, "/", problems);
  REQUIRE(problems.size() == 1);
  CHECK(problems[0].text().find("hunter2") == std::string::npos);
}

TEST_CASE("nearest: edit distance") {
  CHECK(edit_distance("", "abc") == 3);
  CHECK(edit_distance("root", "rot") == 1);
  CHECK(edit_distance("listen", "lisetn") == 1);
  CHECK(nearest("storge-posix", {"storage-posix", "auth-local"}) == "storage-posix");
  CHECK(nearest("zzz", {"storage-posix", "auth-local"}).empty());
}

}  // namespace
}  // namespace Atoll::host
