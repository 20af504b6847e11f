// SPDX-License-Identifier: Apache-2.0
#include "core/host/plugin_loader.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/host/plugin_inspect.hpp"
#include "core/host/test_support.hpp"

namespace Atoll::host {
namespace {

PluginPath path(const std::string &folder, bool devel = true) { return PluginPath{{folder}, devel}; }

std::string refusal(const std::string &name) {
  PluginLoader loader(path(TEST_PLUGINS));
  const auto plugin = loader.load(name);
  REQUIRE_FALSE(plugin.ok());
  const auto &message = plugin.error().message;
  CHECK(message.find('\n') == std::string::npos);
  return message;
}
bool holds(const std::string &text, const char *part) { return text.find(part) != std::string::npos; }

TEST_CASE("loader: a good plugin, once") {
  PluginLoader loader(path(TEST_PLUGINS));
  const auto plugin = loader.load("good");
  REQUIRE(plugin.ok());
  CHECK((*plugin)->file == TEST_PLUGINS "/good.so");
  CHECK((*plugin)->keys.size() == 3);
  CHECK((*plugin)->keys[0].name == "root");
  CHECK((*plugin)->query("atoll.registry/1") != nullptr);
  CHECK((*plugin)->query("atoll.registry/2") == nullptr);
  CHECK(*loader.load("good") == *plugin);
  CHECK(loader.load(TEST_PLUGINS "/good.so").ok());
}

TEST_CASE("loader: what is refused, and why") {
  CHECK(holds(refusal("symbol"), "exports no atoll_plugin_entry"));
  CHECK(holds(refusal("null"), "does not work with this server"));
  CHECK(holds(refusal("major"), "built for ABI 1."));
  CHECK(holds(refusal("minor"), "update the server"));
  CHECK(holds(refusal("threads"), "thread model 17"));
  CHECK(holds(refusal("id"), "no id"));
  CHECK(holds(refusal("unresolved"), "this_function_is_nowhere"));
  CHECK(holds(refusal("goood"), "did you mean 'good'?"));
  CHECK(holds(refusal("../good"), "not a relative one"));
  CHECK(holds(refusal("/nonexistent/x.so"), "No such file"));
}

TEST_CASE("loader: files and folders that others may change") {
  const testing::Folder folder;
  const std::string file = folder.path() + "/good.so";
  std::filesystem::copy_file(TEST_PLUGINS "/good.so", file);
  ::chmod(folder.path().c_str(), 0755);
  const auto message = [&](bool devel) {
    const auto good = check_plugin_file(file, devel);
    return good ? std::string() : good.error().message;
  };
  ::chmod(file.c_str(), 0755);
  CHECK(message(false) == "");
  ::chmod(file.c_str(), 0775);
  CHECK(holds(message(false), "chmod go-w"));
  CHECK(message(true) == "");
  ::chmod(file.c_str(), 0757);
  CHECK(holds(message(true), "can be written by others"));
  ::chmod(file.c_str(), 0755);
  ::chmod(folder.path().c_str(), 0777);
  CHECK(holds(message(true), "its folder can be written by others"));
  ::chmod(folder.path().c_str(), 0755);
  if (::geteuid() == 0) {
    REQUIRE(::chown(file.c_str(), 12345, 0) == 0);
    CHECK(holds(message(false), "belongs to user 12345"));
  }
  CHECK_FALSE(check_plugin_file(folder.path(), true).ok());
}

TEST_CASE("loader: lists what is there without opening it") {
  const testing::Folder folder;
  folder.write("b.so", "");
  folder.write("a.so", "");
  folder.write("readme.txt", "");
  CHECK(PluginLoader(path(folder.path())).available() == std::vector<std::string>{"a", "b"});
}

TEST_CASE("inspect: a good plugin tells about itself") {
  const auto about = inspect_plugin(TEST_PLUGINS "/good.so");
  REQUIRE(about.ok());
  CHECK(base::json_string(*about, "id") == "org.example.test");
  CHECK(base::json_array(*about, "interfaces")->getElement<std::string>(0) == "atoll.registry/1");
  CHECK(base::json_array(*about, "keys")->size() == 3);
}

TEST_CASE("inspect: bad ones do no harm") {
  CHECK(holds(inspect_plugin(TEST_PLUGINS "/symbol.so").error().message, TEST_PLUGINS "/symbol.so is refused"));
  CHECK(holds(inspect_plugin(TEST_PLUGINS "/crash.so").error().message, "ended or hung"));
  CHECK(
      holds(inspect_plugin(TEST_PLUGINS "/hang.so", std::chrono::milliseconds(300)).error().message, "ended or hung"));
  const auto nosy = inspect_plugin(TEST_PLUGINS "/nosy.so");
  REQUIRE(nosy.ok());
  CHECK(base::json_string(*nosy, "version") == "----");
  CHECK(::access("/tmp/atoll-nosy-plugin", F_OK) != 0);
  CHECK(inspect_plugin("/nonexistent.so").status() == Status::NotFound);
}

}  // namespace
}  // namespace Atoll::host
