// SPDX-License-Identifier: Apache-2.0
// For the tests of this folder: a folder of one's own, plugins made of classes, waiting for a condition.
#pragma once

#include <atoll/abi/plugin.h>
#include <stdlib.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>

#include "core/host/configuration.hpp"
#include "core/host/plugin_loader.hpp"

namespace Atoll::host::testing {

/// A temporary folder, removed at the end.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "atoll-host-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder &) = delete;
  Folder &operator=(const Folder &) = delete;

  const std::string &path() const { return path_; }
  std::string write(const std::string &name, const std::string &text) const {
    const auto file = std::filesystem::path(path_) / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
    return file.string();
  }

 private:
  std::string path_;
};

/// A plugin as the loader would give it, from a descriptor in this program.
inline std::unique_ptr<LoadedPlugin> loaded(const atoll_plugin *descriptor, const std::string &name) {
  auto plugin = std::make_unique<LoadedPlugin>();
  plugin->name = name;
  plugin->descriptor = descriptor;
  if (auto keys = schema_of(*descriptor)) plugin->keys = std::move(*keys);
  std::string words = descriptor->needs ? descriptor->needs : "";
  for (std::size_t at = 0; at < words.size();) {
    const auto end = std::min(words.find(' ', at), words.size());
    if (end > at) plugin->needs.push_back(words.substr(at, end - at));
    at = end + 1;
  }
  return plugin;
}

/// Waits until f() is true, at most 20 seconds.
template <class F>
bool eventually(F f) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!f()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

/// All problems, one a line.
inline std::string text(const Problems &problems) {
  std::string out;
  for (const auto &problem : problems) out += problem.text() + "\n";
  return out;
}

}  // namespace Atoll::host::testing
