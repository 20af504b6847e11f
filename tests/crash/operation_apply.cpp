// SPDX-License-Identifier: Apache-2.0
// What an operation makes of the model.
#include "tests/crash/operation.hpp"

#include <sstream>

namespace Atoll::proof {
namespace {

using namespace Atoll::tree;
using Kind = Operation::Kind;

/// What was removed since comes back as the same nodes, what is new goes into the trash.
void apply_snapshot(State &state) {
  std::map<std::string, Thing> now;  // by id, also out of the trash
  std::set<std::string> wanted;
  for (const auto &[path, thing] : state.all)
    if (thing.id) now[*thing.id] = thing;
  for (const auto &[path, thing] : state.snapshot)
    if (thing.id) wanted.insert(*thing.id);
  for (auto &[path, items] : state.trash)
    std::erase_if(items, [&](const State::Tree &tree) {
      const auto top = tree.find(path);
      if (top == tree.end() || !top->second.id || !wanted.contains(*top->second.id)) return false;
      for (const auto &[inner, thing] : tree)
        if (thing.id) now[*thing.id] = thing;
      return true;
    });
  std::erase_if(state.trash, [](const auto &items) { return items.second.empty(); });
  State::Tree all = state.snapshot;
  std::vector<std::string> others;
  for (const auto &[path, thing] : state.all) {
    if (thing.id && wanted.contains(*thing.id)) continue;
    const auto there = all.find(path);
    if (there == all.end() || there->second.folder != thing.folder || now.contains(there->second.id.value_or("")))
      others.push_back(path);
    else
      there->second.id = thing.id;  // it stays, with what the snapshot has
  }
  for (const std::string &path : others)
    if (state.there(path)) state.discard(path);
  for (auto &[path, thing] : all) {
    const auto found = now.find(thing.id.value_or(""));
    const Thing was = found == now.end() ? Thing() : found->second;
    thing.locks = was.locks;
    thing.versions = was.versions;
    if (found == now.end()) thing.id.reset();
    if (found != now.end() && was.content == thing.content && was.id == state.snapshot.at(path).id) continue;
    thing.etag.reset();
    if (!was.content.empty()) thing.versions.insert(thing.versions.begin(), was.content);
  }
  state.all = std::move(all);
}

}  // namespace

void Operation::apply(State &state, const std::string &outcome) const {
  std::istringstream words(outcome);
  std::string sign, id, etag;
  words >> sign >> id >> etag;
  const bool known = !id.empty() && id != "-";
  auto tell = [&](Thing &thing, bool same_node) {
    thing.etag.reset();
    if (!same_node) thing.id.reset();
    if (!known) return;
    thing.id = id;
    thing.etag = etag;
  };
  switch (kind) {
    case Kind::Put: {
      const bool there = state.there(from);
      Thing &thing = state.all[from];
      if (!thing.content.empty())
        thing.versions.insert(thing.versions.begin(), thing.content);  // nothing is no version
      thing.content = content();
      thing.mtime_ns.reset();
      tell(thing, there);
      break;
    }
    case Kind::Mkdir:
      state.all[from].folder = true;
      tell(state.all[from], false);
      break;
    case Kind::Remove:
      state.discard(from);
      break;
    case Kind::Erase:
      state.erase(from);
      break;
    case Kind::Restore:
    case Kind::Purge: {
      auto &items = state.trash[from];
      State::Tree tree;
      if (!items.empty()) {
        tree = std::move(items.back());
        items.pop_back();
      }
      if (items.empty()) state.trash.erase(from);
      if (kind == Kind::Purge) break;
      state.discard(from);
      state.all.merge(tree);
      if (known) tell(state.all[from], true);
      break;
    }
    case Kind::Revert: {
      Thing &thing = state.all[from];
      const std::string before = thing.content;
      if (!thing.versions.empty()) {
        const auto chosen = thing.versions.begin() + static_cast<std::ptrdiff_t>(number % thing.versions.size());
        thing.content = *chosen;
        thing.versions.erase(chosen);
      }
      if (!before.empty()) thing.versions.insert(thing.versions.begin(), before);
      thing.mtime_ns.reset();
      tell(thing, true);
      break;
    }
    case Kind::Forget:
      if (auto &versions = state.all[from].versions; !versions.empty())
        versions.erase(versions.begin() + static_cast<std::ptrdiff_t>(number % versions.size()));
      break;
    case Kind::Rename: {
      auto moved = state.below(from, to);
      for (auto &[path, thing] : moved) thing.locks = 0;  // RFC 4918, 7.5
      state.discard(to);
      state.erase(from);
      state.all.merge(moved);
      if (known) tell(state.all[to], true);
      break;
    }
    case Kind::Copy:
    case Kind::Shallow: {
      auto copied = state.below(from, to);
      if (kind == Kind::Shallow && copied[to].folder)
        std::erase_if(copied, [&](auto &entry) { return entry.first != to; });
      const auto before = state.all.find(to);
      const bool over = before != state.all.end() && !before->second.folder && !copied[to].folder;
      const std::optional<std::string> kept = over ? before->second.id : std::nullopt;
      const unsigned locks = over ? before->second.locks : 0;
      auto versions = over ? before->second.versions : std::vector<std::string>();
      if (over && !before->second.content.empty()) versions.insert(versions.begin(), before->second.content);
      for (auto &[path, thing] : copied) {
        thing.locks = 0;
        thing.id.reset();
        thing.etag.reset();
        thing.versions.clear();
        if (thing.folder) thing.mtime_ns.reset();
      }
      if (!over) state.discard(to);
      copied[to].id = kept;
      copied[to].locks = locks;
      copied[to].versions = std::move(versions);
      state.erase(to);
      state.all.merge(copied);
      if (known) tell(state.all[to], true);
      break;
    }
    case Kind::Mtime: {
      Thing &thing = state.all[from];
      if (!thing.folder) thing.mtime_ns = static_cast<std::int64_t>(number % 1000000) * 1'000'000'000;
      tell(thing, true);
      break;
    }
    case Kind::Attribute: {
      auto &attributes = state.all[from].attributes;
      const std::string key = std::string(kAttributeSpace) + " " + std::string(kAttributeName);
      if (number == 0)
        attributes.erase(key);
      else
        attributes[key] = std::to_string(number);
      break;
    }
    case Kind::Lock:
      ++state.all[from].locks;
      break;
    case Kind::Refresh:
    case Kind::Rebuild:
    case Kind::Rescan:
    case Kind::Confirm:
    case Kind::Repair:
      break;
    case Kind::Empty:
      state.trash.clear();
      break;
    case Kind::BesidePut: {
      const bool there = state.there(from);
      Thing &thing = state.all[from];
      thing.content = content();
      thing.mtime_ns.reset();
      tell(thing, there);
      break;
    }
    case Kind::BesideMove: {
      auto moved = state.below(from, to);
      state.erase(from);
      state.all.merge(moved);
      break;
    }
    case Kind::BesideRemove:
      state.erase(from);
      break;
    case Kind::BesideFill:
      for (std::uint64_t i = 0; i < number; ++i) state.all[from + "/" + std::to_string(i)].content = std::to_string(i);
      break;
    case Kind::BesideEmpty:
      std::erase_if(state.all, [&](const auto &entry) { return entry.first.starts_with(from + "/"); });
      break;
    case Kind::Hurt:
      state.erase("pa/g");
      for (const auto &[path, text] : {std::pair("pa/x", "beside"), std::pair("pa/f", "another")}) {
        Thing &thing = state.all[path];
        thing.content = text;
        thing.mtime_ns.reset();
        thing.etag.reset();
      }
      break;
    case Kind::Snapshot:
      state.snapshot = state.all;
      break;
    case Kind::SpaceRestore:
      apply_snapshot(state);
      break;
    case Kind::Receive:
      state.spaces[from] = kNoQuota;
      break;
    case Kind::Unlock:
      --state.all[from].locks;
      break;
    case Kind::SpaceAdd:
      state.spaces[from] = kNoQuota;
      break;
    case Kind::SpaceDrop:
      state.spaces.erase(from);
      break;
    case Kind::SpaceQuota:
      state.spaces[from] = number;
      break;
  }
}

bool Operation::apply_nearly(const State &before, State &state) const {
  if (kind != Kind::Revert || !fine(before)) return false;
  // The version whose content the file has again goes last.
  const Thing &was = before.all.at(from);
  const std::size_t chosen = number % was.versions.size(), at = chosen + (was.content.empty() ? 0 : 1);
  auto &versions = state.all[from].versions;
  versions.insert(versions.begin() + static_cast<std::ptrdiff_t>(at), was.versions[chosen]);
  return true;
}

}  // namespace Atoll::proof
