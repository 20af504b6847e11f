// SPDX-License-Identifier: Apache-2.0
// What must hold of every space at any time, compared with the disk.
#pragma once

#include "core/tree/test_engine.hpp"

#include <map>
#include <set>

namespace Atoll::tree::test {

/// Walks the whole space: sizes of folders are sums, `used` is the sum of all files, ids are unique, every file has on
/// disk what its record says, and nothing is on disk that is not listed. Gives path -> content of all files ("/" at the
/// end for folders).
inline std::map<std::string, std::string> check_space(Fixture &f) {
  std::map<std::string, std::string> all;
  std::set<std::string> ids;
  auto walk = [&](auto &self, const std::string &path) -> std::uint64_t {
    std::uint64_t sum = 0;
    for (const Node &node : f.list(path)) {
      const std::string inner = path.empty() ? node.name : path + "/" + node.name;
      CHECK_MESSAGE(ids.insert(node.id.text()).second, "id twice: ", inner);
      if (node.folder()) {
        all[inner + "/"] = "";
        const std::uint64_t below = self(self, inner);
        CHECK_MESSAGE(below == node.size, "size of folder ", inner);
        sum += below;
      } else {
        const std::string content = f.get(inner);
        CHECK_MESSAGE(content.size() == node.size, "size of ", inner);
        CHECK_MESSAGE(content == read_disk(f.disk(inner)), "content of ", inner);
        sum += node.size;
        all[inner] = content;
      }
    }
    return sum;
  };
  CHECK(walk(walk, "") == f.used());
  std::set<std::string> on_disk;
  for (const auto &entry : std::filesystem::recursive_directory_iterator(f.disk("")))
    on_disk.insert(entry.path().string().substr(f.disk("").size()) + (entry.is_directory() ? "/" : ""));
  for (const std::string &path : on_disk) CHECK_MESSAGE(all.contains(path), "only on disk: ", path);
  CHECK(on_disk.size() == all.size());
  return all;
}

}  // namespace Atoll::tree::test
