// SPDX-License-Identifier: Apache-2.0
// A power cut may take the last commits of the index: what the server itself moved, replaced or removed before is known
// from the disk and from meta.db.
#include "core/sql/damage.hpp"
#include "core/tree/failing_namespace_test.hpp"
#include "core/tree/invariants_test.hpp"
#include "core/tree/killed_test.hpp"
#include "core/tree/meta.hpp"
#include "core/tree/view_pool.hpp"

#include <functional>
#include <set>

using namespace Atoll;
using namespace Atoll::tree;
using test::Fixture;
namespace fs = std::filesystem;

namespace {

/// Does `work` in a server that is killed after it, and brings back the index as it was before.
void lose_commits(Fixture &f, const std::function<bool()> &work) {
  f.engine.reset();
  const std::string index = f.provider.state + "/index.db";
  fs::copy_file(index, index + ".before", fs::copy_options::overwrite_existing);
  test::killed_after(f, work);
  for (const char *part : {"", "-wal", "-shm"}) fs::remove(index + part);
  fs::rename(index + ".before", index);
  f.start();
}

/// More files than a mass disappearance begins with, most of them in one folder.
struct Many : Fixture {
  explicit Many(bool trash) {
    provider.options.trash.keep = trash;
    provider.options.durability = Durability::Crash;
    restart();
    mkdir("most");
    for (int i = 0; i < 130; ++i) test::write_disk(disk("most/" + std::to_string(i)), "1");
    put("other", "1");
    REQUIRE(engine->rescan(space).ok());
    REQUIRE(used() == 131);
  }
  void check_removed() {
    CHECK(engine->health().ok());
    CHECK(names("") == "other");
    CHECK(used() == 1);
    test::check_space(*this);
  }
};

}  // namespace

TEST_CASE("a folder that replaced one which was written to before keeps its id, and the replaced one its") {
  Fixture f;
  f.mkdir("a");
  f.mkdir("b");
  const Node inner = f.mkdir("a/inner"), old = f.stat("b");
  const Node file = f.put("a/inner/file", "22");
  lose_commits(f, [&] {
    // The replaced folder is looked at first: its intent is the oldest.
    return f.try_put("b/last", "333") && f.engine->rename(f.at("a/inner"), f.at("b"), true, {});
  });
  CHECK(f.stat("b").id == inner.id);
  CHECK(f.names("b") == "file");
  CHECK(f.stat("b/file").id == file.id);
  CHECK(f.names("a").empty());
  const auto items = test::trash_of(f);
  REQUIRE(items.size() == 1);
  CHECK(items[0].node == old.id);
  const Node back = Fixture::value(f.engine->trash_restore(f.space, items[0].id, f.at("c"), false, {}));
  CHECK(back.id == old.id);
  CHECK(f.get("c/last") == "333");
  test::check_space(f);
}

TEST_CASE("a copy of a folder that replaced another one is a node of its own") {
  Fixture f;
  f.mkdir("a");
  f.put("a/file", "1");
  const Node old = f.mkdir("b");
  f.put("b/old", "22");
  lose_commits(f, [&] { return f.engine->copy(f.at("a"), f.at("b"), true, false, {}).ok(); });
  CHECK(f.names("b") == "file");
  CHECK(f.stat("b").id != old.id);
  const auto items = test::trash_of(f);
  REQUIRE(items.size() == 1);
  CHECK(items[0].node == old.id);
  const Node back = Fixture::value(f.engine->trash_restore(f.space, items[0].id, f.at("c"), false, {}));
  CHECK(back.id == old.id);
  CHECK(f.get("c/old") == "22");
  test::check_space(f);
}

TEST_CASE("a file that was overwritten and then moved onto another one keeps its id") {
  Fixture f;
  f.mkdir("a");
  f.mkdir("b");
  const Node moved = f.put("a/f", "1"), old = f.put("b/i", "22");
  lose_commits(f, [&] { return f.try_put("a/f", "333") && f.engine->rename(f.at("a/f"), f.at("b/i"), true, {}); });
  CHECK(f.stat("b/i").id == moved.id);
  CHECK(f.get("b/i") == "333");
  CHECK(f.names("a").empty());
  const auto items = test::trash_of(f);
  REQUIRE(items.size() == 1);
  CHECK(items[0].node == old.id);
  CHECK(f.used() == 3);
  test::check_space(f);
}

TEST_CASE("no etag of a folder comes back that an index had which was lost") {
  Fixture f;
  f.mkdir("a");
  f.mkdir("b");
  f.put("b/x", "1");
  std::set<std::string> a{f.etag("a")}, b{f.etag("b")}, root{f.etag("")};
  const std::string report = f.folder.path + "/etags";
  lose_commits(f, [&] {
    std::string text;
    auto note = [&] { text += f.etag("a") + " " + f.etag("b") + " " + f.etag("") + "\n"; };
    if (!f.try_put("a/y", "22")) return false;
    note();
    if (!f.engine->remove(f.at("a/y"), {}) || !f.engine->remove(f.at("b"), {})) return false;
    std::optional<Uuid> item;
    (void)f.engine->trash_list(f.space, {}, 0, [&](const TrashItem &one) {
      if (one.name == "b") item = one.id;
      return true;
    });
    if (!item || !f.engine->trash_restore(f.space, *item, std::nullopt, false, {})) return false;
    note();
    test::write_disk(report, text);
    return true;
  });
  std::istringstream words(test::read_disk(report));
  for (std::string one, two, three; words >> one >> two >> three;) {
    a.insert(one);
    b.insert(two);
    root.insert(three);
  }
  CHECK(a.size() == 3);
  CHECK(f.names("a").empty());
  CHECK(f.names("b") == "x");
  CHECK_FALSE(a.contains(f.etag("a")));
  CHECK_FALSE(b.contains(f.etag("b")));
  CHECK_FALSE(root.contains(f.etag("")));
  test::check_space(f);
}

TEST_CASE("what a client removed for good is no mass disappearance") {
  Many f(false);
  lose_commits(f, [&] { return f.engine->remove(f.at("most"), {}).ok(); });
  f.check_removed();
}

TEST_CASE("what was removed and purged is no mass disappearance") {
  Many f(true);
  lose_commits(f, [&] {
    if (!f.engine->remove(f.at("most"), {}) || !f.engine->trash_purge_all(f.space)) return false;
    f.engine->settle();
    return true;
  });
  f.check_removed();
}

TEST_CASE("what others removed while the server was down is still held back") {
  Many f(false);
  lose_commits(f, [&] { return f.try_put("most/new", "1").ok(); });
  REQUIRE(f.used() == 132);
  f.engine.reset();
  fs::remove_all(f.disk("most"));
  f.start();
  CHECK(f.engine->rescan(f.space).status() == Status::Unavailable);
}

TEST_CASE("a lock that a crash left of what is in the trash does not come back with it") {
  Fixture f;
  const Node file = f.put("file", "1");
  Lock wanted;
  const Lock lock = Fixture::value(f.engine->lock(f.at("file"), wanted, 0, {}));
  const std::string_view token = lock.token;
  Conditions holds;
  holds.lock_tokens = {&token, 1};
  REQUIRE(f.engine->remove(f.at("file"), holds).ok());
  f.engine.reset();
  {
    auto dir = Fixture::value(StateDir::open(f.provider.state));
    auto meta = Fixture::value(Meta::open(f.provider.state + "/meta.db", dir.provider()));
    REQUIRE(meta->put_lock(lock).ok());
    REQUIRE(meta->begin_run().ok());  // and no clean end
  }
  f.start();
  const auto items = test::trash_of(f);
  REQUIRE(items.size() == 1);
  REQUIRE(f.engine->trash_restore(f.space, items[0].id, std::nullopt, false, {}).ok());
  CHECK(f.stat("file").id == file.id);
  CHECK(Fixture::value(f.engine->locks(f.at("file"))).empty());
  CHECK(f.try_put("file", "22").ok());
}

TEST_CASE("a copy during which the index is lost does not have it made anew twice") {
  test::TellingFixture f;
  f.mkdir("a");
  f.mkdir("a/b");
  f.put("a/b/x", "1");
  const std::string index = f.provider.state + "/index.db";
  std::optional<FileId> anew;
  f.told = [&](std::string_view what, std::string_view path) {
    if (anew || what != "open" || path != "a/b") return;
    anew = FileId();
    fs::remove(index);
    f.engine->settle();
    anew = file_at(index);
  };
  CHECK(f.engine->copy(f.at("a"), f.at("c"), false, false, {}).status() == Status::Unavailable);
  f.told = nullptr;
  REQUIRE(anew);
  f.engine->settle();
  CHECK(file_at(index) == anew);
  CHECK(f.names("") == "a");
  test::check_space(f);
}

TEST_CASE("what a connection finds damaged in a file that was replaced says nothing of the new one") {
  Fixture f;
  f.engine.reset();
  const std::string index = fs::canonical(f.provider.state).string() + "/index.db";
  ViewPool pool(index, 2);
  auto old = std::make_unique<ViewPool::Lease>(Fixture::value(pool.lease()));
  CHECK(!pool.old_leases());
  pool.close();
  pool.reopen();
  CHECK(pool.old_leases());
  sql::note_damage(index);
  old.reset();
  CHECK(!pool.old_leases());
  CHECK(!sql::damaged(index));
  {
    const auto lease = Fixture::value(pool.lease());
    sql::note_damage(index);
  }
  CHECK(sql::damaged(index));
  sql::forget_damage(index);
}

TEST_CASE("attributes and versions of what only a lost index knew go with the trash") {
  Fixture f;
  const AttributeChange colour{"urn:x", "colour", "blue"};
  f.mkdir("a");
  for (const char *path : {"a/x", "stays"}) {
    f.put(path, "1");
    f.put(path, "22");
    REQUIRE(f.engine->attributes_patch(f.at(path), {&colour, 1}, {}).ok());
  }
  REQUIRE(f.engine->remove(f.at("a"), {}).ok());
  const NodeId stays = f.stat("stays").id;
  auto records = [&] {
    auto meta = Fixture::value(
        Meta::open(f.provider.state + "/meta.db", Fixture::value(StateDir::open(f.provider.state)).provider()));
    return Fixture::value(meta->nodes_with_records(f.space)).size();
  };
  f.engine.reset();
  for (const char *part : {"", "-wal", "-shm"}) fs::remove(f.provider.state + "/index.db" + part);
  f.start();
  // What is in the trash could come back.
  f.engine.reset();
  CHECK(records() == 2);
  f.start();
  REQUIRE(f.engine->trash_purge_all(f.space).ok());
  f.engine->settle();
  f.engine.reset();
  CHECK(records() == 1);
  f.start();
  CHECK(f.stat("stays").id == stays);
  CHECK(f.stat("stays").has_attributes);
  test::check_space(f);
}
