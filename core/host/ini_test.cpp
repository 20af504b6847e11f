// SPDX-License-Identifier: Apache-2.0
#include "core/host/ini.hpp"

#include <doctest/doctest.h>

#include "core/host/test_support.hpp"

namespace Atoll::host {
namespace {

TEST_CASE("ini: sections, keys, comments and places") {
  Problems problems;
  const auto sections = parse_ini(
      "\xef\xbb\xbf# a comment\r\n[server]\r\nlisten = 127.0.0.1:9200\r\n; another\n\n[storage:home]\n  root=/srv/a b "
      "\n"
      "secret = a#b;c\nquoted = \"  x \"\nempty =\n[server]\nworkers = 3\n",
      "a.ini", problems);
  CHECK(testing::text(problems) == "");
  REQUIRE(sections.size() == 2);
  CHECK(sections[0].name == "server");
  CHECK(sections[0].settings.at("listen").text == "127.0.0.1:9200");
  CHECK(sections[0].settings.at("listen").origin.text() == "a.ini:3");
  CHECK(sections[0].settings.at("workers").origin.line == 12);
  CHECK(sections[1].origin.text() == "a.ini:6");
  CHECK(sections[1].settings.at("root").text == "/srv/a b");
  CHECK(sections[1].settings.at("secret").text == "a#b;c");
  CHECK(sections[1].settings.at("quoted").text == "  x ");
  CHECK(sections[1].settings.at("empty").text.empty());
}

TEST_CASE("ini: every mistake is told with its line") {
  Problems problems;
  parse_ini("early = 1\n[Server]\nx = 1\n[a]\nno equals\nkey = 1\nkey = 2\nBad Key = 1\n[open\ny = 1\n[b:c:d]\n",
            "b.ini", problems);
  REQUIRE(problems.size() == 7);
  CHECK(problems[0].text().find("b.ini:1: 'early' stands before") == 0);
  CHECK(problems[1].text().find("b.ini:2: 'Server' is no section name") == 0);
  CHECK(problems[2].text().find("b.ini:5: 'no equals' is neither") == 0);
  CHECK(problems[3].text().find("b.ini:7: 'key' is set twice in [a], first in line 6") == 0);
  CHECK(problems[4].text().find("b.ini:8: 'Bad Key' is no key") == 0);
  CHECK(problems[5].text().find("b.ini:9: a section header ends with ']'") == 0);
  CHECK(problems[6].text().find("b.ini:11: 'b:c:d' is no section name") == 0);
}

TEST_CASE("ini: what is no text") {
  Problems problems;
  parse_ini(std::string_view("[a]\nx = \xff\ny = \0z\n", 17), "c.ini", problems);
  REQUIRE(problems.size() == 2);
  CHECK(problems[0].origin.line == 2);
  CHECK(problems[1].origin.line == 3);
}

TEST_CASE("ini: names") {
  CHECK(valid_section_name("storage:home-2"));
  CHECK(valid_section_name("storage:my_files"));
  for (const char *bad : {"", "storage:", ":x", "a b", "storage:a__b", "Storage:x", "a:b:c", "-a"}) {
    CAPTURE(bad);
    CHECK_FALSE(valid_section_name(bad));
  }
  CHECK(valid_key_name("state_dir"));
  CHECK_FALSE(valid_key_name("state-dir"));
  CHECK_FALSE(valid_key_name("1st"));
  CHECK_FALSE(valid_key_name("a__b"));
}

}  // namespace
}  // namespace Atoll::host
