// SPDX-License-Identifier: Apache-2.0
#include "core/main/program.hpp"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "core/base/text.hpp"
#include "core/host/builtin_keys.hpp"

namespace Atoll::command {
namespace {

namespace fs = std::filesystem;

fs::path own_folder() {
  std::error_code failed;
  const auto self = fs::read_symlink("/proc/self/exe", failed);
  return failed ? fs::path() : self.parent_path();
}

// The build tree that this program lies in, or an empty path.
fs::path build_tree() {
  const auto folder = own_folder();
  if (folder.empty()) return {};
  const auto tree = folder.parent_path().parent_path();
  std::error_code failed;
  return fs::exists(tree / "CMakeCache.txt", failed) && fs::is_directory(tree / "plugins", failed) ? tree : fs::path();
}

std::string absolute(const std::string &path) {
  std::error_code failed;
  const auto full = fs::absolute(path, failed);
  return failed ? path : full.lexically_normal().string();
}

}  // namespace

std::string_view version() { return ATOLL_VERSION; }

host::PluginPath plugin_path(const Arguments &arguments) {
  host::PluginPath out;
  const auto tree = build_tree();
  out.devel = !tree.empty() || arguments.has("--devel");
  if (const char *more = std::getenv("ATOLL_PLUGIN_PATH"); more && *more) {
    if (out.devel) {
      for (const auto folder : base::split(more, ':'))
        if (!folder.empty()) out.folders.push_back(absolute(std::string(folder)));
    } else {
      complain("ATOLL_PLUGIN_PATH is ignored without --devel");
    }
  }
  if (!tree.empty()) {
    out.folders.push_back((tree / "plugins").string());
    return out;
  }
  // Beside an installation that was moved, its own plugins; else where the build said.
  const auto beside = (own_folder() / ATOLL_PLUGIN_DIR_FROM_BIN).lexically_normal();
  std::error_code failed;
  out.folders.push_back(fs::is_directory(beside, failed) ? beside.string() : ATOLL_PLUGIN_DIR);
  return out;
}

host::Sources sources(const Arguments &arguments) {
  host::Sources out;
  const char *from_environment = std::getenv("ATOLL_CONFIG");
  if (arguments.has("--config")) {
    out.file = absolute(arguments.get("--config"));
    out.required = true;
  } else if (from_environment && *from_environment) {
    out.file = absolute(from_environment);
    out.required = true;
  } else if (build_tree().empty()) {
    const auto beside = (own_folder() / ATOLL_CONFIG_FROM_BIN).lexically_normal();
    std::error_code failed;
    out.file = fs::exists(beside, failed) ? beside.string() : ATOLL_CONFIG_FILE;
  }
  out.environment = host::process_environment();
  const auto override = [&](const char *flag, const char *key) {
    if (arguments.has(flag)) out.command_line.push_back({"server", key, arguments.get(flag), flag});
  };
  override("--data", "data");
  override("--listen", "listen");
  override("--metrics-listen", "metrics_listen");
  return out;
}

std::string data_folder(const Arguments &arguments) {
  if (arguments.has("--data")) return absolute(arguments.get("--data"));
  host::Problems ignored;
  for (const auto &section : host::merge_settings(sources(arguments), ignored))
    if (section.name == "server")
      if (const auto data = section.settings.find("data"); data != section.settings.end())
        return absolute(data->second.text);
  for (const auto &key : host::server_keys())
    if (key.name == "data") return *key.default_text;
  return "/var/lib/atoll";
}

void complain(std::string_view text) {
  std::fprintf(stderr, "atoll: %.*s\n", static_cast<int>(text.size()), text.data());
}

}  // namespace Atoll::command
