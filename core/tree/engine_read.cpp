// SPDX-License-Identifier: Apache-2.0
// The reading half of the engine: stat, list, path_of, open_read.
#include "core/base/path.hpp"
#include "core/tree/beside.hpp"
#include "core/tree/change.hpp"
#include "core/tree/try.hpp"

#include <algorithm>
#include <cerrno>

namespace Atoll::tree {
namespace {

constexpr int kAttempts = 4;

/// Where a path of names ends: at a node, or at a folder that lacks the next name.
struct Descent {
  Located located;
  std::string_view missing;
  bool gone = false;  // the start is not there
};

Result<Descent> descend(IndexView &view, const Ref &ref) {
  Descent descent;
  Located &at = descent.located;
  TRY_ASSIGN(auto row, view.by_id(ref.node));
  if (ref.node == root_of(ref.space)) {
    at.chain.push_back({ref.node, {}});
  } else if (row) {
    TRY_ASSIGN(auto chain, view.chain(ref.space, ref.node));
    if (!chain)
      row.reset();
    else
      at.chain = std::move(*chain);
  }
  if (!row) {
    descent.gone = true;
    return descent;
  }
  at.row = std::move(*row);
  std::string_view path = ref.path;
  while (!path.empty()) {
    const std::size_t slash = std::min(path.find('/'), path.size());
    const std::string_view name = path.substr(0, slash);
    std::optional<Row> next;
    if (at.row.folder()) {
      TRY_ASSIGN(next, view.child(at.row.id, name));
    }
    if (!next) {
      descent.missing = name;
      return descent;
    }
    path.remove_prefix(std::min(slash + 1, path.size()));
    at.chain.push_back({next->id, next->name});
    at.row = std::move(*next);
  }
  return descent;
}

/// What a failed open of something that the index has means for the caller.
bool contradicts(const Error &failure) {
  return failure.sys_errno == ENOENT || failure.sys_errno == ENOTDIR || failure.sys_errno == ELOOP;
}

Error unreadable(Error failure) {
  if (failure.status == Status::PermissionDenied || failure.status == Status::NotFound)
    failure.status = Status::Unavailable;
  return failure;
}

NodeId parent_or_self(const Located &located) {
  return located.chain.size() > 1 ? located.chain[located.chain.size() - 2].id : located.row.id;
}

}  // namespace

Result<void> names_valid(std::string_view path) {
  while (!path.empty()) {
    const std::size_t slash = std::min(path.find('/'), path.size());
    if (!base::valid_name(path.substr(0, slash)))
      return error(Status::InvalidArgument, "a name in the path is empty, too long, or not valid UTF-8");
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  return {};
}

Node TreeEngine::node_of(const SpaceId &space, const Row &row, std::span<const NodeId> way) const {
  Node node = row;
  node.space = space;
  if (node.root()) {
    if (const SpacePtr shown = known(space)) node.fingerprint = shown->fingerprint;
  }
  node.locked = locks_->any(space) && !locks_->applying(space, way).empty();
  return node;
}

Result<void> TreeEngine::reading(const Ref &ref, FunctionRef<Result<void>(IndexView &, Located &)> body) {
  return reading_state(ref, [&](IndexState &state, Located &located) { return body(*state.view, located); });
}

Result<void> TreeEngine::reading_state(const Ref &ref, FunctionRef<Result<void>(IndexState &, Located &)> body) {
  TRY(names_valid(ref.path));
  for (int attempt = 1;; ++attempt) {
    TRY_ASSIGN(const SpacePtr space, serving(ref.space));
    Descent descent;
    {
      const Steady steady(*space);
      TRY_ASSIGN(auto view, views_->lease());
      TRY_ASSIGN(auto snapshot, view->begin());
      TRY_ASSIGN(descent, descend(*view, ref));
      TRY(steady.holds());
      if (!descent.gone && descent.missing.empty()) {
        IndexState state{std::move(view), std::move(snapshot)};
        return body(state, descent.located);
      }
    }
    const std::string what = descent.gone ? "node" : std::string(descent.missing);
    if (descent.gone || !descent.located.row.folder()) {
      TRY(names_->prove(true));
      return error(Status::NotFound, "there is no such " + (descent.gone ? what : "file or folder: " + what));
    }
    // The index has no such name. That is a proof only if the truth has none either.
    NodeId stale = descent.located.row.id;
    auto folder = names_->open(space->info.folder, descent.located.path());
    if (folder) {
      TRY_ASSIGN(const auto entry, (*folder)->look(descent.missing));
      if (!entry || entry->kind == EntryKind::Other) {
        TRY(names_->prove(true));
        return error(Status::NotFound, "there is no such file or folder: " + what);
      }
    } else {
      if (!contradicts(folder.error())) return unreadable(std::move(folder).error());
      stale = parent_or_self(descent.located);
    }
    if (attempt == kAttempts)
      return error(Status::Unavailable, "the folder is being changed by another program; try again");
    TRY(reconcile(space, stale, false));
  }
}

Result<void> TreeEngine::reading_place(const Ref &ref, FunctionRef<Result<void>(IndexView &, Target &)> body) {
  TRY(names_valid(ref.path));
  const std::size_t slash = ref.path.rfind('/');
  const bool deep = slash != std::string_view::npos;
  bool found = false;
  auto done = reading(Ref{ref.space, ref.node, deep ? ref.path.substr(0, slash) : std::string_view()},
                      [&](IndexView &view, Located &parent) -> Result<void> {
                        found = true;
                        if (!parent.row.folder())
                          return error(Status::FailedPrecondition, parent.row.name + " is a file, not a folder");
                        Target target;
                        target.name = deep ? ref.path.substr(slash + 1) : ref.path;
                        TRY_ASSIGN(target.row, view.child(parent.row.id, target.name));
                        target.parent = std::move(parent);
                        return body(view, target);
                      });
  if (done || found || done.status() != Status::NotFound || !known(ref.space)) return done;
  return error(Status::FailedPrecondition, done.error().message);
}

Result<std::shared_ptr<const Found>> TreeEngine::locate(const Ref &ref) {
  const Generations &generations = index_->generations();
  const std::uint64_t generation = generations.now(ref.space);
  const bool settled = Generations::settled(generation);
  if (settled) {
    if (auto found = places_.find(ref, generation)) {
      TRY(serving(ref.space));
      return found;
    }
  }
  const auto fresh = std::make_shared<Found>();
  TRY(reading(ref, [&](IndexView &, Located &located) -> Result<void> {
    fresh->way = ids_of(located.chain);
    fresh->path = located.path();
    fresh->parent = parent_or_self(located);
    fresh->row = std::move(located.row);
    return {};
  }));
  // Read between two looks at the generation: if it is the same one, this is its state.
  if (settled && generations.now(ref.space) == generation) places_.keep(ref, generation, fresh);
  return std::shared_ptr<const Found>(fresh);
}

Result<Node> TreeEngine::stat(const Ref &ref) {
  TRY_ASSIGN(const auto found, locate(ref));
  return node_of(ref.space, found->row, found->way);
}

Result<bool> TreeEngine::in_step(const SpacePtr &space, const NodeId &id) {
  const std::lock_guard guard(writer_);
  TRY_ASSIGN(const auto row, index_->by_id(id));
  TRY_ASSIGN(auto chain, index_->chain(space->info.id, id));
  if (!row || !chain) return false;
  Located located;
  located.chain = std::move(*chain);
  auto folder = names_->open(space->info.folder, located.path());
  if (!folder) return false;
  TRY_ASSIGN(const Entry self, (*folder)->self());
  return self.inode == row->inode && self.mtime_ns == row->mtime_ns;
}

Result<bool> TreeEngine::as_the_truth(const Space &space, const Row &row, std::string_view path) {
  TRY_ASSIGN(const auto folder, names_->open(space.info.folder, path));
  if (beside_) beside_->used(row.id, *folder);
  TRY_ASSIGN(const Entry self, folder->self());
  return self.inode == row.inode && self.mtime_ns == row.mtime_ns;
}

Result<void> TreeEngine::reading_folder(const Ref &ref, FunctionRef<Result<void>(IndexState &, Located &)> body) {
  for (int attempt = 1;; ++attempt) {
    std::optional<NodeId> stale;
    TRY(reading_state(ref, [&](IndexState &state, Located &located) -> Result<void> {
      const Row &row = located.row;
      if (!row.folder()) return error(Status::FailedPrecondition, row.name + " is a file, not a folder");
      if (options_.revalidate && attempt < kAttempts) {
        const SpacePtr space = known(ref.space);
        if (!space) return error(Status::Unavailable, "the space is being taken away");
        auto same = as_the_truth(*space, row, located.path());
        if (!same) {
          if (!contradicts(same.error())) return unreadable(std::move(same).error());
          stale = parent_or_self(located);
          return {};
        }
        if (!*same) {
          stale = row.id;
          return {};
        }
      }
      return body(state, located);
    }));
    if (!stale) return {};
    TRY_ASSIGN(const SpacePtr space, serving(ref.space));
    TRY_ASSIGN(const bool same, in_step(space, *stale));
    if (!same) TRY(reconcile(space, *stale, false));
  }
}

Result<void> TreeEngine::path_of(const SpaceId &space, const NodeId &node, FunctionRef<bool(const NodeView &)> sink) {
  return reading(Ref{space, node, {}}, [&](IndexView &view, Located &located) -> Result<void> {
    const auto way = ids_of(located.chain);
    for (std::size_t depth = way.size(); depth > 0; --depth) {
      std::optional<Row> row = located.row;
      if (depth != way.size()) {
        TRY_ASSIGN(row, view.by_id(way[depth - 1]));
      }
      if (!row) return view.damaged("the index lacks a folder");
      const Node shown = node_of(space, *row, std::span(way).first(depth));
      NodeView record;
      static_cast<NodeFacts &>(record) = shown;
      record.name = shown.name;
      if (!sink(record)) return {};
    }
    return {};
  });
}

Result<OpenFile> TreeEngine::open_read(const Ref &ref) {
  for (int attempt = 1;; ++attempt) {
    TRY_ASSIGN(const auto found, locate(ref));
    const Row &row = found->row;
    if (row.folder())
      return error(Status::FailedPrecondition, (row.name.empty() ? "the root" : row.name) + " is a folder, not a file");
    TRY_ASSIGN(const SpacePtr space, serving(ref.space));
    auto file = names_->open_file(space->info.folder, found->path);
    if (file) {
      const Entry &entry = file->entry;
      if (entry.inode == row.inode && entry.size == row.size && entry.mtime_ns == row.mtime_ns)
        return OpenFile{node_of(ref.space, row, found->way), std::move(file->fd)};
    } else if (!contradicts(file.error())) {
      return unreadable(std::move(file).error());
    }
    // Replaced between the two looks, or changed beside the server.
    if (attempt == kAttempts)
      return error(Status::Unavailable, "the file is being changed by another program; try again");
    TRY(reconcile(space, found->parent, false));
  }
}

}  // namespace Atoll::tree
