// SPDX-License-Identifier: Apache-2.0
// Names in one folder that differ only in case or normal form.
#include "core/base/name_key.hpp"
#include "core/tree/tree_engine.hpp"
#include "core/tree/try.hpp"

#include <unordered_map>

namespace Atoll::tree {
namespace {

constexpr std::uint64_t kTold = 5;

}  // namespace

Result<void> TreeEngine::names_differ(const Space &space) {
  const Steady steady(space);
  std::uint64_t found = 0;
  std::string told;
  struct Todo {
    NodeId id;
    std::string path;  // of the folder, with a slash at its end
  };
  std::vector<Todo> todo{{root_of(space.info.id), {}}};
  while (!todo.empty()) {
    const Todo next = std::move(todo.back());
    todo.pop_back();
    std::unordered_map<std::string, std::string> names;  // by their keys
    TRY_ASSIGN(auto view, views_->lease());
    TRY(view->children(next.id, {}, 0, [&](const NodeView &child, std::uint64_t) {
      if (child.folder()) todo.push_back({child.id, next.path + std::string(child.name) + "/"});
      const auto [at, fresh] = names.emplace(base::name_key(child.name), child.name);
      if (fresh) return true;
      if (++found <= kTold)
        told += (told.empty() ? "" : ", ") + next.path + at->second + " and " + next.path + std::string(child.name);
      return true;
    }));
    TRY(steady.holds());
  }
  if (found == 0) return {};
  if (found > kTold) told += ", and " + std::to_string(found - kTold) + " more";
  return error(Status::FailedPrecondition,
               "names in one folder differ only in case or normal form: " + told + "; rename these first");
}

}  // namespace Atoll::tree
