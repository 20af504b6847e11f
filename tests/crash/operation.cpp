// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/operation.hpp"

#include "core/tree/care.hpp"

#include <algorithm>
#include <iterator>
#include <sstream>

namespace Atoll::proof {
namespace {

using namespace Atoll::tree;
using Kind = Operation::Kind;

constexpr const char *kWords[] = {"put",       "mkdir", "remove",  "rename", "copy",      "shallow",    "mtime",
                                  "attribute", "lock",  "refresh", "unlock", "space-add", "space-drop", "space-quota",
                                  "restore",   "purge", "erase",   "revert", "forget",    "rebuild"};
constexpr std::string_view kSpace = "urn:proof", kName = "a";

std::string parent_of(const std::string &path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

std::string answer(const Result<Node> &node) {
  if (!node) return "- " + std::to_string(static_cast<int>(node.status()));
  return "+ " + node->id.text() + " " + std::string(node->etag().view());
}
std::string answer(const Result<void> &done) {
  return done ? "+ - -" : "- " + std::to_string(static_cast<int>(done.status()));
}

std::optional<Uuid> trashed(Engine &engine, const SpaceId &space, const std::string &path) {
  std::optional<Uuid> found;
  (void)engine.trash_list(space, {}, 0, [&](const TrashItem &item) {
    if ((item.path.empty() ? item.name : item.path + "/" + item.name) != path) return true;
    found = item.id;
    return false;
  });
  return found;
}

std::optional<std::uint64_t> newest_version(Engine &engine, const Ref &ref) {
  std::optional<std::uint64_t> found;
  (void)engine.versions(ref, [&](const Version &version) {
    found = version.sequence;
    return false;
  });
  return found;
}

/// Every lock that applies, so that none is in the way.
std::vector<std::string> tokens_of(Engine &engine, const SpaceId &space, const std::string &path) {
  std::vector<std::string> tokens;
  for (std::string at = path;; at = parent_of(at)) {
    if (const auto locks = engine.locks(Ref{space, root_of(space), at}))
      for (const Lock &lock : *locks) tokens.push_back(lock.token);
    if (at.empty()) return tokens;
  }
}

void tokens_below(Engine &engine, const SpaceId &space, const std::string &path, std::vector<std::string> &tokens) {
  std::vector<std::string> inside;
  (void)engine.list(Ref{space, root_of(space), path}, {}, 0, [&](const NodeView &node) {
    inside.push_back(path + "/" + std::string(node.name));
    return true;
  });
  for (const std::string &inner : inside) {
    if (const auto locks = engine.locks(Ref{space, root_of(space), inner}))
      for (const Lock &lock : *locks) tokens.push_back(lock.token);
    tokens_below(engine, space, inner, tokens);
  }
}

}  // namespace

std::string Operation::text() const {
  std::ostringstream text;
  text << kWords[static_cast<int>(kind)] << ' ' << from << ' ' << to << ' ' << number << ' ' << size;
  return text.str();
}

Operation Operation::parse(const std::string &text) {
  std::istringstream words(text);
  std::string word;
  Operation operation;
  words >> word >> operation.from >> operation.to >> operation.number >> operation.size;
  const auto found =
      std::find_if(std::begin(kWords), std::end(kWords), [&](const char *known) { return word == known; });
  operation.kind = static_cast<Kind>(found - std::begin(kWords));
  return operation;
}

Operation Operation::random(std::mt19937 &random, char owner) {
  static constexpr Kind kKinds[] = {Kind::Put,    Kind::Put,    Kind::Put,     Kind::Put,     Kind::Put,
                                    Kind::Mkdir,  Kind::Mkdir,  Kind::Remove,  Kind::Rename,  Kind::Rename,
                                    Kind::Rename, Kind::Copy,   Kind::Shallow, Kind::Mtime,   Kind::Attribute,
                                    Kind::Lock,   Kind::Unlock, Kind::Remove,  Kind::Restore, Kind::Restore,
                                    Kind::Purge,  Kind::Erase};
  auto name = [&] {
    std::string text{owner, static_cast<char>('a' + random() % 3)};
    for (unsigned depth = static_cast<unsigned>(random() % 3); depth > 0; --depth)
      text += std::string("/") + static_cast<char>('a' + random() % 3);
    return text;
  };
  Operation operation;
  operation.kind = kKinds[random() % std::size(kKinds)];
  operation.from = name();
  if (operation.kind == Kind::Rename || operation.kind == Kind::Copy || operation.kind == Kind::Shallow)
    operation.to = name();
  operation.number = operation.kind == Kind::Attribute ? random() % 4
                     : operation.kind == Kind::Restore ? 1 + random() % 2
                                                       : random();
  operation.size = random() % 8 == 0 ? random() % 200000 : random() % 3000;
  return operation;
}

bool Operation::fine(const State &state) const {
  auto folder = [&](const std::string &path) {
    const auto found = state.all.find(path);
    return path.empty() || (found != state.all.end() && found->second.folder);
  };
  auto below = [](const std::string &path, const std::string &above) { return path.starts_with(above + "/"); };
  switch (kind) {
    case Kind::Put:
      return folder(parent_of(from)) && !folder(from);
    case Kind::Mkdir:
      return folder(parent_of(from)) && !state.there(from);
    case Kind::Rename:
    case Kind::Copy:
    case Kind::Shallow:
      return state.there(from) && folder(parent_of(to)) && from != to && !below(to, from) &&
             !(state.there(to) && below(from, to));
    case Kind::Refresh:
    case Kind::Unlock:
      return state.there(from) && state.all.at(from).locks > 0;
    case Kind::SpaceAdd:
    case Kind::Rebuild:
      return true;
    case Kind::Restore:
      return state.trash.contains(from) && folder(parent_of(from)) && (number == 2 || !state.there(from));
    case Kind::Purge:
      return state.trash.contains(from);
    case Kind::Revert:
    case Kind::Forget:
      return state.there(from) && state.all.at(from).previous.has_value();
    case Kind::SpaceDrop:
    case Kind::SpaceQuota:
      return state.spaces.contains(from);
    default:
      return state.there(from);
  }
}

std::string Operation::content() const {
  std::string text;
  text.reserve(size + 32);
  for (std::uint64_t block = 0; text.size() < size; ++block)
    text += std::to_string(number) + ":" + std::to_string(block) + ";";
  text.resize(size);
  return text;
}

Outcome Operation::run(Engine &engine, const SpaceId &space, const std::function<void()> &begin) const {
  const Ref a{space, root_of(space), from}, b{space, root_of(space), to};
  const bool two = to != "-";
  std::vector<std::string> held = tokens_of(engine, space, from);
  if (two)
    for (std::string &token : tokens_of(engine, space, to)) held.push_back(std::move(token));
  if (kind == Kind::Remove || kind == Kind::Erase || kind == Kind::Restore || two) {
    tokens_below(engine, space, from, held);
    if (two) tokens_below(engine, space, to, held);
  }
  const std::vector<std::string_view> tokens(held.begin(), held.end());
  Conditions conditions;
  conditions.lock_tokens = tokens;
  auto say = [](const auto &result) { return Outcome{result.ok(), answer(result)}; };
  auto status = [](const auto &result) {
    return Outcome{result.ok(),
                   result ? std::string("+ - -") : "- " + std::to_string(static_cast<int>(result.status()))};
  };
  const bool looks = kind == Kind::Refresh || kind == Kind::Unlock || kind == Kind::Restore || kind == Kind::Purge ||
                     kind == Kind::Revert || kind == Kind::Forget;
  if (begin && !looks) begin();
  switch (kind) {
    case Kind::Put: {
      const std::string bytes = content();
      auto upload = engine.upload_begin(a, bytes.size(), conditions);
      if (!upload) return status(upload);
      if (auto written = (*upload)->write(0, bytes); !written) return say(written);
      UploadCommit commit;
      commit.size = bytes.size();
      return say((*upload)->commit(commit, conditions));
    }
    case Kind::Mkdir:
      return say(engine.mkdir(a, conditions));
    case Kind::Remove:
      return say(engine.remove(a, conditions));
    case Kind::Rename:
      return say(engine.rename(a, b, true, conditions));
    case Kind::Copy:
      return say(engine.copy(a, b, true, false, conditions));
    case Kind::Shallow:
      return say(engine.copy(a, b, true, true, conditions));
    case Kind::Mtime:
      return say(engine.set_mtime(a, static_cast<std::int64_t>(number % 1000000) * 1'000'000'000, conditions));
    case Kind::Attribute: {
      const std::string value = std::to_string(number);
      AttributeChange change{kSpace, kName, std::nullopt};
      if (number != 0) change.value = value;
      return say(engine.attributes_patch(a, {&change, 1}, conditions));
    }
    case Kind::Lock: {
      Lock wanted;
      wanted.kind = LockKind::Shared;
      return status(engine.lock(a, wanted, 0, conditions));
    }
    case Kind::Refresh:
    case Kind::Unlock: {
      const auto node = engine.stat(a);
      if (!node) return status(node);
      const auto locks = engine.locks(a);
      if (!locks) return status(locks);
      for (const Lock &lock : *locks) {
        if (lock.node != node->id) continue;
        if (begin) begin();
        if (kind == Kind::Unlock) return say(engine.unlock(a, lock.token, std::nullopt));
        return status(engine.lock_refresh(a, lock.token, 0, std::nullopt));
      }
      return {false, "- 0"};
    }
    case Kind::Restore:
    case Kind::Purge: {
      const auto item = trashed(engine, space, from);
      if (!item) return {false, "- 0"};
      if (begin) begin();
      if (kind == Kind::Purge) return say(engine.trash_purge(space, *item));
      return say(
          engine.trash_restore(space, *item, number != 0 ? std::optional(a) : std::nullopt, number == 2, conditions));
    }
    case Kind::Erase:
      return say(engine.remove(a, conditions, true));
    case Kind::Revert:
    case Kind::Forget: {
      const auto version = newest_version(engine, a);
      if (!version) return {false, "- 0"};
      if (begin) begin();
      if (kind == Kind::Forget) return say(engine.version_remove(a, *version));
      return say(engine.version_restore(a, *version, conditions));
    }
    case Kind::Rebuild:
      return say(Care(engine).rebuild(space, [](const CareLine &) { return true; }));
    case Kind::SpaceAdd: {
      SpaceSpec spec;
      spec.id = *SpaceId::parse(from);
      spec.name = from;
      spec.quota = kNoQuota;
      return say(engine.space_create(spec));
    }
    case Kind::SpaceDrop:
      return say(engine.space_remove(*SpaceId::parse(from)));
    case Kind::SpaceQuota:
      return say(engine.space_set_quota(*SpaceId::parse(from), number));
  }
  return {};
}

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
      if (!thing.content.empty()) thing.previous = thing.content;  // nothing is no version
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
      if (thing.previous) thing.content = *thing.previous;
      thing.previous.reset();
      if (!before.empty()) thing.previous = before;
      thing.mtime_ns.reset();
      tell(thing, true);
      break;
    }
    case Kind::Forget:
      state.all[from].previous.reset();
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
      std::optional<std::string> previous = over ? before->second.previous : std::nullopt;
      if (over && !before->second.content.empty()) previous = before->second.content;
      for (auto &[path, thing] : copied) {
        thing.locks = 0;
        thing.id.reset();
        thing.etag.reset();
        thing.previous.reset();
        if (thing.folder) thing.mtime_ns.reset();
      }
      if (!over) state.discard(to);
      copied[to].id = kept;
      copied[to].locks = locks;
      copied[to].previous = previous;
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
      const std::string key = std::string(kSpace) + " " + std::string(kName);
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

}  // namespace Atoll::proof
