// SPDX-License-Identifier: Apache-2.0
// Finds, judges and loads plugins. Nothing is ever unloaded.
#pragma once

#include <atoll/abi/plugin.h>
#include <atoll/sdk/result.hpp>

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "core/host/schema.hpp"

namespace Atoll::host {

/// A plugin that is loaded and whose descriptor was found good. Lives as long as the loader.
struct LoadedPlugin {
  std::string name;  ///< as configured: "storage-posix", or the absolute path
  std::string file;
  const atoll_plugin *descriptor = nullptr;
  std::vector<KeySpec> keys;
  std::vector<std::string> needs;  ///< interface ids
  /// Held around each call into it when its thread model is SERIAL. Recursive: a call may come back through the host.
  mutable std::recursive_mutex serial;

  const void *query(const char *interface_id) const { return descriptor->query(interface_id); }
};

/// Where plugins are looked for.
struct PluginPath {
  std::vector<std::string> folders;  ///< the first that has the file wins
  /// A developer's tree: files and folders may be writable by their group, as umask 002 makes them.
  bool devel = false;
};

/// [start-up]
class PluginLoader {
 public:
  explicit PluginLoader(PluginPath path) : path_(std::move(path)) {}

  /// By name or absolute path; a second time gives the same one. The error is one line that says what to do.
  Result<const LoadedPlugin *> load(const std::string &name);
  /// The names of all files NAME.so in the folders, sorted. None of them is opened.
  std::vector<std::string> available() const;
  /// The file that `name` stands for, with owner and permissions found good.
  Result<std::string> locate(const std::string &name) const;
  const PluginPath &path() const { return path_; }

 private:
  PluginPath path_;
  std::vector<std::unique_ptr<LoadedPlugin>> loaded_;
};

/// Whether file and folder can only be changed by root and this user. The error says what to do.
Result<void> check_plugin_file(const std::string &file, bool devel);

/// Opens a shared object, asks its entry for the descriptor and judges it. Runs the plugin's constructors.
Result<const atoll_plugin *> open_plugin(const std::string &file);

/// The schema of a descriptor in owned form; refuses what no host could check.
Result<std::vector<KeySpec>> schema_of(const atoll_plugin &plugin);

}  // namespace Atoll::host
