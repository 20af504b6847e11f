// SPDX-License-Identifier: Apache-2.0
// A tree as a map: what the engine is compared with.
#pragma once

#include "core/tree/invariants_test.hpp"

namespace Atoll::tree::test {

/// Paths to contents; folders end with a slash.
class Model {
 public:
  std::map<std::string, std::string> all;

  bool folder(const std::string &path) const { return path.empty() || all.contains(path + "/"); }
  bool file(const std::string &path) const { return all.contains(path); }
  bool there(const std::string &path) const { return folder(path) || file(path); }
  static std::string parent(const std::string &path) {
    const auto slash = path.rfind('/');
    return slash == std::string::npos ? "" : path.substr(0, slash);
  }
  static bool below(const std::string &path, const std::string &folder) {
    return folder.empty() || path.starts_with(folder + "/");
  }
  void erase(const std::string &path) {
    all.erase(path);
    std::erase_if(all, [&](const auto &entry) { return entry.first.starts_with(path + "/"); });
  }
  void copy(const std::string &from, const std::string &to, bool shallow) {
    std::map<std::string, std::string> more;
    if (file(from))
      more[to] = all[from];
    else
      for (const auto &[path, content] : all)
        if (path == from + "/" || (!shallow && path.starts_with(from + "/")))
          more[to + path.substr(from.size())] = content;
    erase(to);
    all.insert(more.begin(), more.end());
  }
};

}  // namespace Atoll::tree::test
