// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/state.hpp"

#include "core/tree/care.hpp"
#include "tests/crash/world.hpp"

#include <unistd.h>

namespace Atoll::proof {
namespace {

using namespace Atoll::tree;

std::string where(const std::string &path) { return path.empty() ? "the root" : path; }

std::string failed(const char *what, const std::string &path, const Error &failure) {
  return std::string(what) + " of " + where(path) + ": status " + std::to_string(static_cast<int>(failure.status)) +
         ", " + failure.message + "\n";
}

std::string brief(const std::string &content) {
  return content.substr(0, 24) + "... of " + std::to_string(content.size()) + " bytes";
}

std::string brief(const std::vector<std::string> &contents) {
  std::string text = std::to_string(contents.size());
  for (const std::string &content : contents) text += " (" + brief(content) + ")";
  return text;
}

}  // namespace

std::string read_all(int fd) {
  std::string text;
  char buffer[65536];
  for (;;) {
    const ssize_t got = ::pread(fd, buffer, sizeof buffer, static_cast<off_t>(text.size()));
    if (got <= 0) return text;
    text.append(buffer, static_cast<std::size_t>(got));
  }
}

void State::erase(const std::string &path) {
  all.erase(path);
  std::erase_if(all, [&](const auto &entry) { return entry.first.starts_with(path + "/"); });
}

void State::discard(const std::string &path) {
  if (keeps_trash && there(path)) {
    trash[path].push_back(below(path, path));
    for (auto &[inner, thing] : trash[path].back()) thing.locks = 0;
  }
  erase(path);
}

State::Tree State::below(const std::string &path, const std::string &to) const {
  Tree found;
  for (const auto &[name, thing] : all)
    if (name == path || name.starts_with(path + "/")) found[to + name.substr(path.size())] = thing;
  return found;
}

State State::of(char owner) const {
  State part;
  for (const auto &[path, thing] : all)
    if (path.front() == owner) part.all.emplace(path, thing);
  part.spaces = spaces;
  for (const auto &[path, items] : trash)
    if (path.front() == owner) part.trash.emplace(path, items);
  part.keeps_trash = keeps_trash;
  return part;
}

namespace {

/// Of the trash of one path.
std::string trash_differences(const std::string &path, const std::vector<State::Tree> &wanted,
                              const std::vector<State::Tree> &got) {
  if (wanted.size() != got.size())
    return "in the trash from " + path + ": wanted " + std::to_string(wanted.size()) + ", got " +
           std::to_string(got.size()) + "\n";
  std::string text;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    for (const auto &[inner, thing] : wanted[i]) {
      const auto found = got[i].find(inner);
      if (found == got[i].end() || found->second.folder != thing.folder || found->second.content != thing.content)
        text += "in the trash missing or another: " + inner + "\n";
      else if (inner == path && thing.id && found->second.id != thing.id)
        text += "in the trash with another id: " + inner + "\n";
    }
    for (const auto &[inner, thing] : got[i])
      if (!wanted[i].contains(inner)) text += "in the trash and not wanted: " + inner + "\n";
  }
  return text;
}

}  // namespace

std::string differences(const State &wanted, const State &got, bool spare_locks) {
  std::string text;
  for (const auto &[path, thing] : wanted.all) {
    const auto found = got.all.find(path);
    if (found == got.all.end()) {
      text += "missing: " + path + "\n";
      continue;
    }
    const Thing &other = found->second;
    if (thing.folder != other.folder) text += "of another kind: " + path + "\n";
    if (thing.content != other.content)
      text += "content of " + path + ": wanted " + brief(thing.content) + ", got " + brief(other.content) + "\n";
    if (other.versions != thing.versions)
      text += "versions of " + path + ": wanted " + brief(thing.versions) + ", got " + brief(other.versions) + "\n";
    if (thing.id && other.id != thing.id) text += "id of " + path + " changed\n";
    if (!thing.folder && thing.etag && other.etag != thing.etag)
      text += "etag of " + path + ": wanted " + *thing.etag + ", got " + other.etag.value_or("none") + "\n";
    if (thing.mtime_ns && other.mtime_ns != thing.mtime_ns) text += "mtime of " + path + " changed\n";
    if (thing.attributes != other.attributes) text += "attributes of " + path + " differ\n";
    if (thing.locks != other.locks && !(spare_locks && other.locks > thing.locks))
      text += "locks of " + path + ": wanted " + std::to_string(thing.locks) + ", got " + std::to_string(other.locks) +
              "\n";
  }
  for (const auto &[path, thing] : got.all)
    if (!wanted.there(path)) text += "not wanted: " + path + "\n";
  static const std::vector<State::Tree> nothing;
  for (const auto &[path, items] : wanted.trash) {
    const auto found = got.trash.find(path);
    text += trash_differences(path, items, found == got.trash.end() ? nothing : found->second);
  }
  for (const auto &[path, items] : got.trash)
    if (!wanted.trash.contains(path)) text += trash_differences(path, nothing, items);
  if (wanted.spaces != got.spaces) {
    text += "spaces: wanted";
    for (const auto &[id, quota] : wanted.spaces) text += " " + id + "=" + std::to_string(quota);
    text += ", got";
    for (const auto &[id, quota] : got.spaces) text += " " + id + "=" + std::to_string(quota);
    text += "\n";
  }
  return text;
}

void Reader::remember(const std::string &id, const std::string &etag) {
  Etags &known = etags_[id];
  known.seen.insert(etag);
  known.last = etag;
}

void Reader::see(const NodeView &node, const std::string &path, std::string &problems) {
  Etags &known = etags_[node.id.text()];
  const std::string etag(node.etag().view());
  if (etag == known.last) return;
  if (!known.seen.insert(etag).second) problems += "an etag of " + where(path) + " came back: " + etag + "\n";
  known.last = etag;
}

namespace {

/// The same listing in steps, as PROPFIND asks for it: the second time it may be one that was kept.
void in_steps(Engine &engine, const SpaceId &space, const std::string &path, const std::vector<Node> &children,
              std::string &problems) {
  const Ref folder{space, root_of(space), path};
  for (int round = 0; round < 2; ++round) {
    if (const auto itself = engine.stat(folder); !itself) problems += failed("stat", path, itself.error());
    auto listing = engine.list_begin(folder);
    if (!listing) {
      problems += failed("list_begin", path, listing.error());
      return;
    }
    std::size_t count = 0;
    bool same = true;
    const auto end = (*listing)->next([&](const NodeView &view) {
      same = same && count < children.size() && view.name == children[count].name && view.id == children[count].id &&
             view.sequence == children[count].sequence && view.size == children[count].size;
      ++count;
      return true;
    });
    if (!end || !same || count != children.size()) problems += "a listing in steps differs: " + where(path) + "\n";
  }
}

}  // namespace

std::uint64_t Reader::walk(Engine &engine, const SpaceId &space, const std::string &path, State &state,
                           std::set<std::string> &ids, std::string &problems) {
  std::vector<Node> children;
  const auto listed = engine.list(Ref{space, root_of(space), path}, {}, 0, [&](const NodeView &view) {
    Node node;
    static_cast<NodeFacts &>(node) = view;
    node.name = view.name;
    children.push_back(std::move(node));
    return true;
  });
  if (!listed)
    problems += failed("list", path, listed.error());
  else
    in_steps(engine, space, path, children, problems);
  std::uint64_t sum = 0;
  for (const Node &node : children) {
    const std::string inner = path.empty() ? node.name : path + "/" + node.name;
    const Ref ref{space, root_of(space), inner};
    if (!ids.insert(node.id.text()).second) problems += "an id is there twice: " + inner + "\n";
    NodeView view;
    static_cast<NodeFacts &>(view) = node;
    see(view, inner, problems);
    const auto same = engine.stat(ref);
    if (!same)
      problems += failed("stat", inner, same.error());
    else if (same->id != node.id || same->etag().view() != node.etag().view() || same->size != node.size)
      problems += "stat and listing differ: " + inner + "\n";
    Thing &thing = state.all[inner];
    thing.folder = node.folder();
    thing.id = node.id.text();
    thing.etag = std::string(node.etag().view());
    if (!node.folder()) thing.mtime_ns = node.mtime_ns;
    const auto attributes =
        engine.attributes(ref, [&](std::string_view ns, std::string_view name, std::string_view value) {
          thing.attributes[std::string(ns) + " " + std::string(name)] = value;
          return true;
        });
    if (!attributes) problems += failed("attributes", inner, attributes.error());
    // The flag only spares a look: it may be there in vain.
    if (!node.has_attributes && !thing.attributes.empty())
      problems += "the flag for attributes is wrong: " + inner + "\n";
    const auto locks = engine.locks(ref);
    if (!locks)
      problems += failed("locks", inner, locks.error());
    else
      for (const Lock &lock : *locks) thing.locks += lock.node == node.id;
    if (node.folder()) {
      const std::uint64_t inside = walk(engine, space, inner, state, ids, problems);
      if (inside != node.size)
        problems += "size of the folder " + inner + " is " + std::to_string(node.size) + ", the sum is " +
                    std::to_string(inside) + "\n";
      sum += inside;
      continue;
    }
    sum += node.size;
    auto open = engine.open_read(ref);
    if (!open) {
      problems += failed("open", inner, open.error());
      continue;
    }
    thing.content = read_all(open->fd.get());
    std::vector<std::uint64_t> sequences;
    const auto versions = engine.versions(ref, [&](const Version &version) {
      sequences.push_back(version.sequence);
      return true;
    });
    if (!versions) problems += failed("versions", inner, versions.error());
    for (const std::uint64_t sequence : sequences) {
      const auto version = engine.version_open(ref, sequence);
      if (!version)
        problems += failed("a version", inner, version.error());
      else
        thing.versions.push_back(read_all(version->fd.get()));
    }
    if (thing.content.size() != node.size || open->node.id != node.id)
      problems += "what is opened differs from the record: " + inner + "\n";
  }
  return sum;
}

void Reader::read_trash(Engine &engine, const World &world, State &state, const std::set<std::string> &ids,
                        std::uint64_t used, std::string &problems) {
  std::vector<TrashItem> items;
  const auto listed = engine.trash_list(world.space, {}, 0, [&](const TrashItem &item) {
    items.push_back(item);
    return true;
  });
  if (!listed) problems += failed("the trash", "", listed.error());
  std::uint64_t sum = 0;
  for (auto item = items.rbegin(); item != items.rend(); ++item) {
    const std::string path = item->path.empty() ? item->name : item->path + "/" + item->name;
    if (ids.contains(item->node.text())) problems += "in the trash and in the tree: " + path + "\n";
    State::Tree tree;
    std::uint64_t bytes = 0;
    for (auto &[inner, thing] : world.trashed(item->id)) {
      bytes += thing.content.size();
      tree.emplace(path + inner, std::move(thing));
    }
    if (tree.empty())
      problems += "in the trash by record only: " + path + "\n";
    else
      tree[path].id = item->node.text();
    if (bytes != item->size) problems += "another size in the trash: " + path + "\n";
    sum += item->size;
    state.trash_ids.insert(item->id.text());
    state.trash[path].push_back(std::move(tree));
  }
  if (used != sum)
    problems += "used by the trash is " + std::to_string(used) + ", the sum is " + std::to_string(sum) + "\n";
}

State Reader::read(Engine &engine, const World &world, std::string &problems) {
  const SpaceId &space = world.space;
  State state;
  const auto spaces = engine.space_list([&](const SpaceInfo &info) {
    if (info.id != space) state.spaces[info.id.text()] = info.quota;
    return true;
  });
  if (!spaces) problems += failed("the list of spaces", "", spaces.error());
  for (const auto &[id, quota] : state.spaces) {
    const SpaceId other = *SpaceId::parse(id);
    const auto root = engine.stat(Ref{other, root_of(other), {}});
    if (!root) problems += failed("stat", "space " + id, root.error());
  }
  std::set<std::string> ids;
  const std::uint64_t sum = walk(engine, space, "", state, ids, problems);
  const auto info = engine.space_get(space);
  if (!info)
    problems += failed("space_get", "", info.error());
  else if (info->used != sum)
    problems += "used is " + std::to_string(info->used) + ", the sum is " + std::to_string(sum) + "\n";
  if (info) {
    state.versions_used = info->versions_used;
    read_trash(engine, world, state, ids, info->trash_used, problems);
  }
  const auto root = engine.stat(Ref{space, root_of(space), {}});
  if (!root) {
    problems += failed("stat", "", root.error());
  } else {
    NodeView view;
    static_cast<NodeFacts &>(view) = *root;
    see(view, "", problems);
  }
  const auto checked = Care(engine).check(space, {}, [&](const CareLine &line) {
    if (line.kind == CareLine::Kind::Finding && !(spares_attributes_ && line.code == "dangling-attributes"))
      problems += "a check finds " + std::string(line.code) + " " + std::string(line.path) + ": " +
                  std::string(line.text) + "\n";
    return true;
  });
  if (!checked) problems += failed("a check", "", checked.error());
  return state;
}

}  // namespace Atoll::proof
