// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/operation.hpp"

#include "core/sql/database.hpp"
#include "core/tree/care.hpp"

#include <fcntl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <iterator>
#include <sstream>

namespace Atoll::proof {
namespace {

using namespace Atoll::tree;
using Kind = Operation::Kind;
namespace fs = std::filesystem;

constexpr const char *kWords[] = {
    "put",       "mkdir",      "remove",      "rename",        "copy",        "shallow",      "mtime",
    "attribute", "lock",       "refresh",     "unlock",        "space-add",   "space-drop",   "space-quota",
    "restore",   "purge",      "erase",       "revert",        "forget",      "rebuild",      "empty",
    "rescan",    "beside-put", "beside-move", "beside-remove", "beside-fill", "beside-empty", "confirm",
    "hurt",      "repair",     "snapshot",    "space-restore", "receive"};
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

std::optional<std::uint64_t> version_of(Engine &engine, const Ref &ref, std::uint64_t number) {
  std::vector<std::uint64_t> all;
  (void)engine.versions(ref, [&](const Version &version) {
    all.push_back(version.sequence);
    return true;
  });
  if (all.empty()) return std::nullopt;
  return all[number % all.size()];
}

/// The same content over itself makes a version or none, depending on whether its checksum is known by then.
bool same_file(Engine &engine, const Ref &a, const Ref &b) {
  const auto one = engine.open_read(a), two = engine.open_read(b);
  return one && two && one->node.id != two->node.id && read_all(one->fd.get()) == read_all(two->fd.get());
}

constexpr auto go_on = [](const CareLine &) { return true; };

/// A space that is made at another provider moves here.
Result<void> receive(Engine &engine, const World &world, const SpaceId &id) {
  World source(world.layout, world.folder + "/source");
  source.space = id;
  auto from = source.open();
  if (!from) return std::move(from).error();
  for (const char *line :
       {"mkdir a - 0 0", "put a/f - 1 100", "put a/f - 2 200", "attribute a/f - 3 0", "put g - 3 10", "remove g - 0 0"})
    if (const Outcome done = Operation::parse(line).run(**from, source); !done.done)
      return error(Status::Internal, std::string(line) + " " + done.text);
  (*from)->settle();
  if (const auto info = (*from)->space_get(id); info && world.layout == Layout::Posix) {
    // What no move takes along.
    const std::string link = source.root + "/" + info->folder + "/a/link";
    if (::symlink("f", link.c_str()) != 0 && errno != EEXIST) return base::errno_error("make a symbolic link");
  }
  auto moved = Care(engine).receive(id, **from, go_on);
  if (!moved) return std::move(moved).error();
  if (auto done = Care(**from).settle_move(id, false); !done) return done;
  return Care(engine).settle_move(id, true);
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

Result<void> hurt_space(const World &world) {
  const fs::path inner = world.beside("pb/e/i");
  std::error_code failed;
  fs::remove(world.beside("pa/g"), failed);
  char identity[64];
  const ssize_t size = ::getxattr(world.beside("pa/d/h").c_str(), "user.atoll.id", identity, sizeof identity);
  if (failed || size <= 0 || !world.write_beside("pa/x", "beside") || !world.write_beside("pa/f", "another") ||
      ::setxattr(inner.c_str(), "user.atoll.id", identity, static_cast<std::size_t>(size), 0) != 0 ||
      ::removexattr(world.beside("pb/e").c_str(), "user.atoll.id") != 0)
    return error(Status::Internal, "the files cannot be changed");
  auto index = sql::Database::open(world.state + "/index.db");
  if (!index) return std::move(index).error();
  if (auto done = index->exec("UPDATE node SET size=size+7 WHERE name='d'; UPDATE node SET flags=0"); !done)
    return done;
  auto meta = sql::Database::open(world.state + "/meta.db");
  if (!meta) return std::move(meta).error();
  return meta->exec(
      "INSERT INTO attribute(node,ns,name,space,value) SELECT randomblob(16),'urn:x','n',id,x'31' FROM space;"
      "INSERT INTO lock(token,space,node,kind,deep,owner,account,account_name,expires_ns)"
      " SELECT hex(randomblob(16)),id,randomblob(16),1,0,'','0123456789abcdef','somebody',9000000000000000000"
      " FROM space");
}

Operation::After Operation::after() const {
  switch (kind) {
    case Kind::Rescan:
    case Kind::BesidePut:
    case Kind::BesideMove:
    case Kind::BesideRemove:
    case Kind::BesideFill:
      return After::Look;
    case Kind::BesideEmpty:
    case Kind::Confirm:
    case Kind::Repair:
    case Kind::SpaceRestore:
      return After::Again;
    default:
      return After::Nothing;
  }
}

std::string Operation::make_up(Engine &engine, const World &world) const {
  if (after() == After::Nothing) return {};
  auto told = [](const Result<void> &done) { return done ? std::string() : done.error().message; };
  if (after() == After::Look) return told(engine.rescan(world.space));
  if (kind == Kind::BesideEmpty || kind == Kind::Confirm) {
    if (kind == Kind::BesideEmpty)
      for (const auto &entry : fs::directory_iterator(world.beside(from))) fs::remove(entry.path());
    auto looked = engine.rescan(world.space);
    if (!looked) looked = engine.confirm_removals(world.space);
    return told(looked);
  }
  const Outcome again = run(engine, world);
  return again.done ? std::string() : text() + " once more: " + again.text;
}

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

Operation Operation::random(std::mt19937 &random, char owner, bool beside) {
  static constexpr Kind kKinds[] = {
      Kind::Put,     Kind::Put,     Kind::Put,       Kind::Put,        Kind::Put,         Kind::Mkdir,
      Kind::Mkdir,   Kind::Remove,  Kind::Rename,    Kind::Rename,     Kind::Rename,      Kind::Copy,
      Kind::Shallow, Kind::Mtime,   Kind::Attribute, Kind::Lock,       Kind::Unlock,      Kind::Remove,
      Kind::Restore, Kind::Restore, Kind::Purge,     Kind::Erase,      Kind::Revert,      Kind::Revert,
      Kind::Forget,  Kind::Refresh, Kind::BesidePut, Kind::BesideMove, Kind::BesideRemove};
  constexpr std::size_t kOurs = std::size(kKinds) - 3;
  auto name = [&] {
    std::string text{owner, static_cast<char>('a' + random() % 3)};
    for (unsigned depth = static_cast<unsigned>(random() % 3); depth > 0; --depth)
      text += std::string("/") + static_cast<char>('a' + random() % 3);
    return text;
  };
  Operation operation;
  operation.kind = kKinds[random() % (beside ? std::size(kKinds) : kOurs)];
  operation.from = name();
  if (operation.kind == Kind::Rename || operation.kind == Kind::Copy || operation.kind == Kind::Shallow ||
      operation.kind == Kind::BesideMove)
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
    case Kind::Copy:
    case Kind::Shallow:
      if (state.there(from) && state.there(to) && from != to && !folder(from) && !folder(to) &&
          state.all.at(from).content == state.all.at(to).content)
        return false;
      [[fallthrough]];
    case Kind::Rename:
      return state.there(from) && folder(parent_of(to)) && from != to && !below(to, from) &&
             !(state.there(to) && below(from, to));
    case Kind::Refresh:
    case Kind::Unlock:
      return state.there(from) && state.all.at(from).locks > 0;
    case Kind::SpaceAdd:
    case Kind::Rebuild:
    case Kind::Empty:
    case Kind::Rescan:
    case Kind::Confirm:
    case Kind::Hurt:
    case Kind::Repair:
    case Kind::Snapshot:
    case Kind::SpaceRestore:
      return true;
    case Kind::Receive:
      return !state.spaces.contains(from);
    case Kind::BesidePut:
      return folder(parent_of(from)) && !folder(from);
    case Kind::BesideMove:
      return state.there(from) && folder(parent_of(to)) && !state.there(to) && !below(to, from);
    case Kind::BesideFill:
    case Kind::BesideEmpty:
      return folder(from);
    case Kind::Restore:
      return state.trash.contains(from) && folder(parent_of(from)) && (number == 2 || !state.there(from));
    case Kind::Purge:
      return state.trash.contains(from);
    case Kind::Revert:
    case Kind::Forget: {
      if (!state.there(from) || state.all.at(from).versions.empty()) return false;
      const Thing &thing = state.all.at(from);
      return kind == Kind::Forget || thing.versions[number % thing.versions.size()] != thing.content;
    }
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

Outcome Operation::run(Engine &engine, const World &world, const std::function<void()> &begin) const {
  const SpaceId &space = world.space;
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
  const bool others = after() == After::Look && kind != Kind::Rescan;
  if (begin && !looks && !others) begin();
  auto rescan = [&] {  // what the other program does is done
    if (begin && others) begin();
    return say(engine.rescan(space));
  };
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
      if (same_file(engine, a, b)) return {false, "- 0"};
      return say(engine.copy(a, b, true, false, conditions));
    case Kind::Shallow:
      if (same_file(engine, a, b)) return {false, "- 0"};
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
        const auto refreshed = engine.lock_refresh(a, lock.token, 0, std::nullopt);
        if (refreshed && refreshed->expires_ns <= lock.expires_ns) return {false, "- 0"};
        return status(refreshed);
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
      const auto version = version_of(engine, a, number);
      if (!version) return {false, "- 0"};
      if (kind == Kind::Revert) {
        const auto now = engine.open_read(a), then = engine.version_open(a, *version);
        if (now && then && read_all(now->fd.get()) == read_all(then->fd.get())) return {false, "- 0"};
      }
      if (begin) begin();
      if (kind == Kind::Forget) return say(engine.version_remove(a, *version));
      return say(engine.version_restore(a, *version, conditions));
    }
    case Kind::Rebuild:
      return say(Care(engine).rebuild(space, go_on));
    case Kind::Empty:
      return say(engine.trash_purge_all(space));
    case Kind::Rescan:
      return rescan();
    case Kind::BesidePut:
      if (!fs::is_directory(world.beside(from)) && world.write_beside(from, content())) return rescan();
      return {false, "- 0"};
    case Kind::BesideMove:
      if (::renameat2(AT_FDCWD, world.beside(from).c_str(), AT_FDCWD, world.beside(to).c_str(), RENAME_NOREPLACE) == 0)
        return rescan();
      return {false, "- 0"};
    case Kind::BesideRemove: {
      std::error_code failed;
      if (fs::remove_all(world.beside(from), failed) != 0 && !failed) return rescan();
      return {false, "- 0"};
    }
    case Kind::BesideFill:
      for (std::uint64_t i = 0; i < number; ++i)
        if (!world.write_beside(from + "/" + std::to_string(i), std::to_string(i))) return {false, "- 0"};
      return rescan();
    case Kind::BesideEmpty: {
      std::error_code failed;
      for (const auto &entry : fs::directory_iterator(world.beside(from))) fs::remove(entry.path(), failed);
      const auto looked = engine.rescan(space);
      return {looked.status() == Status::Unavailable, looked.status() == Status::Unavailable ? "+ - -" : "- 0"};
    }
    case Kind::Confirm:
      return say(engine.confirm_removals(space));
    case Kind::Hurt:
      return say(hurt_space(world));
    case Kind::Repair: {
      CheckOptions options;
      options.repair = true;
      const auto checked = Care(engine).check(space, options, go_on);
      if (checked && checked->repaired != checked->findings) return {false, "- 0"};
      return status(checked);
    }
    case Kind::Snapshot: {
      std::error_code failed;
      fs::remove_all(world.folder + "/snapshot", failed);
      return status(Care(engine).snapshot(space, world.folder + "/snapshot", go_on));
    }
    case Kind::SpaceRestore:
      return status(Care(engine).restore(space, world.folder + "/snapshot", "", go_on));
    case Kind::Receive: {
      std::error_code failed;
      fs::remove_all(world.folder + "/source", failed);
      return say(receive(engine, world, *SpaceId::parse(from)));
    }
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
