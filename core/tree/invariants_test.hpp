// SPDX-License-Identifier: Apache-2.0
// What must hold of every space at any time, compared with the disk.
#pragma once

#include "core/tree/test_engine.hpp"

#include <map>
#include <set>

namespace Atoll::tree::test {

/// All items of the trash, the newest first.
inline std::vector<TrashItem> trash_of(Fixture &f) {
  std::vector<TrashItem> items;
  const auto listed = f.engine->trash_list(f.space, {}, 0, [&](const TrashItem &item) {
    items.push_back(item);
    return true;
  });
  if (!listed) FAIL(listed.error().message);
  return items;
}

/// What is in the trash is on disk under the id of its item and nothing else is; the sums are exact.
inline void check_trash(Fixture &f) {
  f.engine->settle();  // what was purged is gone
  const std::string folder = f.provider.root + "/.atoll/spaces/" + f.space.text() + "/trash";
  std::set<std::string> listed, there;
  std::uint64_t bytes = 0;
  for (const TrashItem &item : trash_of(f)) {
    CHECK_MESSAGE(listed.insert(item.id.text()).second, "trash item twice: ", item.name);
    CHECK_MESSAGE(f.engine->stat(f.at(item.node)).status() == Status::NotFound, "in the trash and alive: ", item.name);
    bytes += item.size;
  }
  if (std::filesystem::exists(folder))
    for (const auto &entry : std::filesystem::directory_iterator(folder)) there.insert(entry.path().filename());
  CHECK(listed == there);
  CHECK(bytes == Fixture::value(f.engine->space_get(f.space)).trash_used);
}

/// Every version on disk is counted.
inline void check_versions(Fixture &f) {
  const std::string folder = f.provider.root + "/.atoll/spaces/" + f.space.text() + "/versions";
  std::uint64_t bytes = 0;
  if (std::filesystem::exists(folder))
    for (const auto &entry : std::filesystem::recursive_directory_iterator(folder))
      if (entry.is_regular_file()) bytes += entry.file_size();
  CHECK(bytes == Fixture::value(f.engine->space_get(f.space)).versions_used);
}

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
  check_trash(f);
  check_versions(f);
  return all;
}

}  // namespace Atoll::tree::test
