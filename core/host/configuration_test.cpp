// SPDX-License-Identifier: Apache-2.0
#include "core/host/configuration.hpp"

#include <doctest/doctest.h>

#include "core/host/test_support.hpp"

namespace Atoll::host {
namespace {

struct Read {
  testing::Folder folder;
  PluginLoader loader{PluginPath{{TEST_PLUGINS}, true}};
  Problems problems;
  Configuration configuration;
  std::string file;

  explicit Read(const std::string &text, std::vector<std::string> environment = {}) {
    Sources sources;
    sources.file = file = folder.write("a.ini", text);
    sources.required = true;
    sources.environment = std::move(environment);
    sources.command_line = {{"server", "data", "/srv/data/", "--data"}};
    configuration = read_configuration(sources, loader, problems);
  }
  bool tells(const std::string &line, const std::string &part) const {
    const std::string all = testing::text(problems);
    return all.find(file + ":" + line + ": ") != all.npos && all.find(part) != all.npos;
  }
};

TEST_CASE("configuration: a good one") {
  const Read read("[server]\nlisten = 127.0.0.1:1\n[registry:main]\nplugin = good\nroot = r\npassword = hunter2\n",
                  {"ATOLL__REGISTRY__MAIN__CACHE=2M"});
  CHECK(testing::text(read.problems) == "");
  CHECK(read.configuration.data == "/srv/data");
  REQUIRE(read.configuration.instances.size() == 1);
  const auto &values = read.configuration.instances[0].values;
  CHECK(values.at("root").text == "/srv/data/r");
  CHECK(values.at("cache").integer == 2 << 20);
  const std::string shown = show_configuration(read.configuration);
  CHECK(shown.find("hunter2") == shown.npos);
  CHECK(shown.find("environment ATOLL__REGISTRY__MAIN__CACHE") != shown.npos);
  CHECK(shown.find(read.file + ":5") != shown.npos);
  CHECK(shown.find("command line --data") != shown.npos);
}

TEST_CASE("configuration: all problems at once, with their places") {
  const Read read(
      "[sever]\n[server]\nlisten_on = x\nworkers = many\n[storge:home]\nplugin = good\n[registry:a]\nplugin = god\n"
      "[storage:b]\nplugin = good\n[registry:c]\n[log]\nlevel = inf\n[registry:d]\nplugin = good\nroot = r\nchache = "
      "1\n");
  CHECK(read.tells("1", "there is no section [sever]; did you mean [server]?"));
  CHECK(read.tells("3", "[server] has no key 'listen_on'"));
  CHECK(read.tells("4", "workers: 'many' is no integer"));
  CHECK(read.tells("5", "there is no section [storge:home]; did you mean [storage:home]?"));
  CHECK(read.tells("8", "did you mean 'good'?"));
  CHECK(read.tells("10", "is not a storage driver"));
  CHECK(read.tells("11", "[registry:c] needs 'plugin = ...'"));
  CHECK(read.tells("13", "did you mean 'info'?"));
  CHECK(read.tells("17", "did you mean 'cache'?"));
  CHECK(read.problems.size() == 9);
}

TEST_CASE("configuration: a need that nobody meets") {
  const Read read("[registry:a]\nplugin = need\nroot = r\n");
  CHECK(read.tells("1", "[registry:a] needs org.example.nobody/1, and no section"));
}

TEST_CASE("configuration: a disabled section is not there") {
  const Read read("[registry:a]\nplugin = nonsense\nenabled = no\n");
  CHECK(read.problems.empty());
  CHECK(read.configuration.instances.empty());
}

TEST_CASE("configuration: tables of all keys") {
  const testing::Folder folder;
  std::filesystem::copy_file(TEST_PLUGINS "/good.so", folder.path() + "/good.so");
  PluginLoader loader(PluginPath{{folder.path()}, true});
  const auto text = keys_as_markdown(loader);
  REQUIRE(text.ok());
  CHECK(text->find("| `listen` | text | `127.0.0.1:9200` |") != text->npos);
  CHECK(text->find("### `plugin = good`") != text->npos);
  CHECK(text->find("| `root` | path | required | Where it is. |") != text->npos);
  CHECK(text->find("`password_file`") != text->npos);
}

}  // namespace
}  // namespace Atoll::host
