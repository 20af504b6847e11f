// SPDX-License-Identifier: Apache-2.0
// atoll plugin list | show
#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "core/host/plugin_inspect.hpp"
#include "core/host/plugin_loader.hpp"
#include "core/main/commands.hpp"
#include "core/main/exit_code.hpp"
#include "core/main/print.hpp"
#include "core/main/program.hpp"

namespace Atoll::command {
namespace {

void print_keys(const base::JsonArray &keys) {
  if (!keys || keys->size() == 0) return;
  std::printf("keys:\n");
  for (unsigned i = 0; i < keys->size(); ++i) {
    const auto key = keys->getObject(i);
    const auto fallback = base::json_string(key, "default");
    const std::string note = base::json_boolean(key, "required").value_or(false) ? ", required"
                             : fallback ? ", default " + (fallback->empty() ? "empty" : *fallback)
                                        : "";
    std::printf("  %s (%s%s)\n      %s\n", text(key, "name").c_str(), text(key, "type").c_str(), note.c_str(),
                text(key, "description").c_str());
  }
}

}  // namespace

int plugin_list(const Arguments &arguments) {
  const host::PluginLoader loader(plugin_path(arguments));
  const auto names = loader.available();
  Table table({"NAME", "VERSION", "SUMMARY"});
  int code = kDone;
  for (const auto &name : names) {
    const auto file = loader.locate(name);
    const auto about = file ? host::inspect_plugin(*file) : Result<base::JsonObject>(file.error());
    if (about) {
      table.add({name, text(*about, "version"), text(*about, "summary")});
    } else {
      table.add({name, "-", about.error().message});
      code = kFailed;
    }
  }
  table.print(arguments.has("--json"));
  return code;
}

int plugin_show(const Arguments &arguments) {
  const host::PluginLoader loader(plugin_path(arguments));
  std::string file = arguments.words[0];
  std::error_code failed;
  if (std::filesystem::exists(file, failed)) {
    file = std::filesystem::absolute(file, failed).string();
  } else {
    const auto found = loader.locate(file);
    if (!found) {
      complain(found.error().message);
      return exit_code(found.status());
    }
    file = *found;
  }
  const auto about = host::inspect_plugin(file);
  if (!about) {
    complain(about.error().message);
    return exit_code(about.status());
  }
  if (arguments.has("--json")) {
    print_json(*about);
    return kDone;
  }
  for (const char *key : {"id", "version", "licence", "summary", "abi", "abi_required", "thread_model", "needs"})
    std::printf("%-14s %s\n", key, text(*about, key).c_str());
  std::string interfaces;
  if (const auto list = base::json_array(*about, "interfaces"))
    for (unsigned i = 0; i < list->size(); ++i) interfaces += (i ? " " : "") + list->getElement<std::string>(i);
  std::printf("%-14s %s\n", "interfaces", interfaces.c_str());
  print_keys(base::json_array(*about, "keys"));
  if (const auto good = host::check_plugin_file(file, loader.path().devel); !good)
    std::printf("\nThis server would not load it: %s\n", good.error().message.c_str());
  return kDone;
}

}  // namespace Atoll::command
