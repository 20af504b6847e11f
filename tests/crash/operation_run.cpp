// SPDX-License-Identifier: Apache-2.0
// What an operation asks of an engine, or does to the files beside it.
#include "core/sql/database.hpp"
#include "core/tree/care.hpp"
#include "tests/crash/operation.hpp"

#include <fcntl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

namespace Atoll::proof {
namespace {

using namespace Atoll::tree;
using Kind = Operation::Kind;
namespace fs = std::filesystem;

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
      AttributeChange change{kAttributeSpace, kAttributeName, std::nullopt};
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

}  // namespace Atoll::proof
