// SPDX-License-Identifier: Apache-2.0
// atoll config check | show | keys
#include <cstdio>

#include "core/host/configuration.hpp"
#include "core/main/commands.hpp"
#include "core/main/exit_code.hpp"
#include "core/main/program.hpp"

namespace Atoll::command {
namespace {

// Prints the problems, if there are any.
int check(const Arguments &arguments, host::PluginLoader &loader, host::Configuration &out) {
  host::Problems problems;
  out = host::read_configuration(sources(arguments), loader, problems);
  for (const auto &problem : problems) std::fprintf(stderr, "%s\n", problem.text().c_str());
  return problems.empty() ? kDone : kConfig;
}

}  // namespace

int config_check(const Arguments &arguments) {
  host::PluginLoader loader(plugin_path(arguments));
  host::Configuration configuration;
  if (const int code = check(arguments, loader, configuration); code != kDone) return code;
  std::printf("The configuration is right: %zu instances.\n", configuration.instances.size());
  return kDone;
}

int config_show(const Arguments &arguments) {
  host::PluginLoader loader(plugin_path(arguments));
  host::Configuration configuration;
  if (const int code = check(arguments, loader, configuration); code != kDone) return code;
  std::fputs(host::show_configuration(configuration).c_str(), stdout);
  return kDone;
}

int config_keys(const Arguments &arguments) {
  host::PluginLoader loader(plugin_path(arguments));
  const auto text = host::keys_as_markdown(loader);
  if (!text) {
    complain(text.error().message);
    return exit_code(text.status());
  }
  std::fputs(text->c_str(), stdout);
  return kDone;
}

}  // namespace Atoll::command
