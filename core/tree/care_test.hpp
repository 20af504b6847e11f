// SPDX-License-Identifier: Apache-2.0
// What the tests of Care share.
#pragma once

#include "core/tree/care.hpp"
#include "core/tree/test_engine.hpp"

#include <map>
#include <set>

namespace Atoll::tree::test {

inline constexpr auto quiet = [](const CareLine &) { return true; };

/// "code path!" and so on; "!" for what was repaired.
inline std::string findings(Fixture &f, bool repair = false, CheckResult *result = nullptr) {
  std::set<std::string> all;
  CheckOptions options;
  options.repair = repair;
  const auto checked = Care(*f.engine).check(f.space, options, [&](const CareLine &line) {
    if (line.kind == CareLine::Kind::Finding)
      all.insert(std::string(line.code) + " " + std::string(line.path) + (line.repaired ? "!" : ""));
    return true;
  });
  const CheckResult value = Fixture::value(checked);
  if (result) *result = value;
  CHECK(value.findings == all.size());
  std::string text;
  for (const std::string &one : all) text += (text.empty() ? "" : ", ") + one;
  return text;
}

/// Starts again without looking whether folders were changed beside the engine.
inline void look_at_nothing(Fixture &f) {
  f.engine.reset();
  f.provider.options.revalidate = false;
  f.provider.options.durability = Durability::None;
  f.start();
}

inline std::map<std::string, std::string> ids(Fixture &f) {
  std::map<std::string, std::string> all;
  auto walk = [&](auto &self, const std::string &path) -> void {
    for (const Node &node : f.list(path)) {
      const std::string inner = path.empty() ? node.name : path + "/" + node.name;
      all[inner] = node.id.text() + (node.folder() ? std::string() : " " + std::string(node.etag().view()));
      if (node.folder()) self(self, inner);
    }
  };
  walk(walk, "");
  return all;
}

}  // namespace Atoll::tree::test
