// SPDX-License-Identifier: Apache-2.0
#include "core/host/settings.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "core/host/test_support.hpp"

namespace Atoll::host {
namespace {

const Setting *find(const std::vector<Section> &sections, const std::string &name, const std::string &key) {
  for (const auto &section : sections)
    if (section.name == name)
      if (const auto at = section.settings.find(key); at != section.settings.end()) return &at->second;
  return nullptr;
}

TEST_CASE("settings: later layers win, and each value knows where it is from") {
  const testing::Folder folder;
  Sources sources;
  sources.file = folder.write("atoll.ini",
                              "[server]\nlisten = a\ndata = a\nrealm = a\nworkers = 1\n[storage:my-disk]\nroot = a\n");
  const auto second = folder.write("conf.d/20-b.ini", "[server]\ndata = c\nrealm = c\nworkers = 2\n");
  folder.write("conf.d/10-a.ini", "[server]\ndata = b\n[http:x]\nplugin = p\n");
  folder.write("conf.d/notes.txt", "not read");
  sources.environment = {"ATOLL__SERVER__REALM=d",          "ATOLL__SERVER__WORKERS=3",
                         "ATOLL__STORAGE__MY_DISK__ROOT=d", "ATOLL__AUTH__NEW__PLUGIN=q",
                         "ATOLL_ADMIN_PASSWORD=ignored",    "HOME=/"};
  sources.command_line = {{"server", "workers", "4", "--workers"}};
  Problems problems;
  const auto merged = merge_settings(sources, problems);
  CHECK(testing::text(problems) == "");
  CHECK(find(merged, "server", "listen")->text == "a");
  CHECK(find(merged, "server", "data")->origin.text() == second + ":2");
  CHECK(find(merged, "server", "realm")->origin.text() == "environment ATOLL__SERVER__REALM");
  CHECK(find(merged, "server", "workers")->text == "4");
  CHECK(find(merged, "server", "workers")->origin.text() == "command line --workers");
  CHECK(find(merged, "storage:my-disk", "root")->text == "d");
  CHECK(find(merged, "http:x", "plugin")->text == "p");
  CHECK(find(merged, "auth:new", "plugin")->text == "q");
  CHECK_FALSE(find(merged, "storage:home", "plugin"));  // a file takes the place of what is built in
}

TEST_CASE("settings: without a file the defaults are built in") {
  Sources sources;
  sources.file = "/nonexistent/atoll.ini";
  sources.environment = {"ATOLL__STORAGE__HOME__ROOT=/srv"};
  Problems problems;
  const auto merged = merge_settings(sources, problems);
  CHECK(problems.empty());
  CHECK(find(merged, "storage:home", "plugin")->text == "storage-posix");
  CHECK(find(merged, "storage:home", "plugin")->origin.text() == "built in");
  CHECK(find(merged, "storage:home", "root")->text == "/srv");

  sources.required = true;
  merge_settings(sources, problems);
  REQUIRE(problems.size() == 1);
  CHECK(problems[0].text().find("/nonexistent/atoll.ini") == 0);
}

TEST_CASE("settings: names of variables") {
  CHECK(environment_name("storage:home", "root") == "ATOLL__STORAGE__HOME__ROOT");
  CHECK(environment_name("server", "max_head") == "ATOLL__SERVER__MAX_HEAD");
  Sources sources;
  sources.environment = {"ATOLL__LISTEN=1", "ATOLL__A__B__C__D=1", "ATOLL__SERVER__=1"};
  Problems problems;
  merge_settings(sources, problems);
  CHECK(problems.size() == 3);
}

}  // namespace
}  // namespace Atoll::host
