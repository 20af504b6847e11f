// SPDX-License-Identifier: Apache-2.0
// A space that moves from one provider to another.
#include "core/sql/database.hpp"
#include "core/tree/meta.hpp"
#include "core/tree/move_fixture_test.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <thread>
#include <utility>

using namespace Atoll;
using namespace Atoll::tree;
using test::all_of;
using test::fill;
using test::Fixture;
using test::Goal;
namespace fs = std::filesystem;

namespace {

constexpr auto go_on = [](const CareLine &) { return true; };

/// What whoever keeps the list of spaces does.
Result<MoveResult> move_to(Fixture &f, Goal &goal) {
  auto moved = Care(*goal.engine).receive(f.space, *f.engine, go_on);
  if (!moved) return moved;
  CHECK(Care(*f.engine).settle_move(f.space, false).ok());
  CHECK(Care(*goal.engine).settle_move(f.space, true).ok());
  return moved;
}

/// Somebody changes the source when all of the space was built where it goes to.
class LateNamespace final : public PosixNamespace {
 public:
  LateNamespace(std::shared_ptr<PosixRoot> root, std::function<void()> &late)
      : PosixNamespace(std::move(root)), late_(late) {}
  Result<void> make_space(const SpaceId &id, std::string_view base) override {
    if (late_) std::exchange(late_, {})();
    return PosixNamespace::make_space(id, base);
  }

 private:
  std::function<void()> &late_;
};

/// Somebody is told of every file that is opened for reading.
class ReadNamespace final : public PosixNamespace {
 public:
  ReadNamespace(std::shared_ptr<PosixRoot> root, std::function<void()> told)
      : PosixNamespace(std::move(root)), told_(std::move(told)) {}
  Result<File> open_file(std::string_view base, std::string_view path) override {
    told_();
    return PosixNamespace::open_file(base, path);
  }

 private:
  const std::function<void()> told_;
};

}  // namespace

TEST_CASE("a space moves with all that belongs to it") {
  Fixture f;
  Goal goal;
  const std::string token = fill(f);
  const auto before = all_of(f);
  const auto disk = test::check_space(f);
  const auto trash = test::trash_of(f);
  const auto info = Fixture::value(f.engine->space_get(f.space));
  const std::string changes = Fixture::value(f.engine->changes_now(f.space));
  const auto moved = Fixture::value(move_to(f, goal));
  CHECK(moved.files == 3);
  CHECK(moved.folders == 2);
  CHECK(moved.bytes == 11);
  CHECK(moved.trash == 2);
  CHECK(moved.versions == 2);

  // Who still asks where it was is told nothing.
  CHECK(f.status("a/x") == Status::Unavailable);
  CHECK(f.try_put("a/x", "late").status() == Status::Unavailable);
  goal.become(f);
  for (int round = 0; round < 2; ++round) {
    CHECK(all_of(f) == before);
    CHECK(test::check_space(f) == disk);
    const auto now = Fixture::value(f.engine->space_get(f.space));
    CHECK(now.quota == 123456789);
    CHECK(now.used == info.used);
    CHECK(now.trash_used == info.trash_used);
    CHECK(now.versions_used == info.versions_used);
    CHECK(now.birth == info.birth);
    const auto items = test::trash_of(f);
    REQUIRE(items.size() == trash.size());
    for (std::size_t i = 0; i < items.size(); ++i) CHECK(items[i].id == trash[i].id);
    CHECK(f.try_put("a/b/deep", "without the token").status() == Status::Locked);
    const auto checked = Fixture::value(Care(*f.engine).check(f.space, {}, [](const CareLine &line) {
      if (line.kind == CareLine::Kind::Finding) FAIL_CHECK(line.code << " " << line.path << " " << line.text);
      return true;
    }));
    CHECK(checked.findings == 0);
    f.restart();
  }
  CHECK(f.engine->changes_since(f.space, changes, 0, [](const ChangeRow &) { return true; }).status() ==
        Status::FailedPrecondition);
  std::vector<std::uint64_t> versions;
  CHECK(f.engine
            ->versions(f.at("a/x"),
                       [&](const Version &version) {
                         versions.push_back(version.sequence);
                         return true;
                       })
            .ok());
  REQUIRE(versions.size() == 2);
  Fixture::value(f.engine->version_restore(f.at("a/x"), versions.back(), {}));
  CHECK(f.get("a/x") == "first");
  for (const TrashItem &item : trash)
    Fixture::value(f.engine->trash_restore(f.space, item.id, std::nullopt, false, {}));
  CHECK(f.get("gone/inner/y") == "in the trash");
  CHECK(f.get("single") == "one file in the trash");
  std::string value;
  CHECK(f.engine
            ->attributes(f.at("a/x"),
                         [&](std::string_view, std::string_view, std::string_view one) {
                           value = one;
                           return true;
                         })
            .ok());
  CHECK(value == std::string("bl\0e", 4));
  CHECK(f.engine->unlock(f.at("a/b"), token, std::nullopt).ok());
  // An etag that the other provider gave is not given again.
  const std::string last = f.etag("dated");
  f.put("dated", "2");
  CHECK(std::stoull(f.etag("dated").substr(16), nullptr, 16) > std::stoull(last.substr(16), nullptr, 16));
  test::check_space(f);
  CHECK(goal.clean(f.space));
}

TEST_CASE("a space moves there and back, and lives here as before") {
  Fixture f;
  Goal goal;
  fill(f);
  const auto before = all_of(f);
  for (int round = 0; round < 2; ++round) {
    Fixture::value(move_to(f, goal));
    CHECK(goal.engine->space_get(f.space).ok());
    goal.become(f);
    CHECK(all_of(f) == before);
  }
  test::check_space(f);
  CHECK(goal.clean(f.space));
  CHECK(Care(*goal.engine).unsettled_moves().ok());
  CHECK(Fixture::value(Care(*goal.engine).unsettled_moves()).empty());
  CHECK(Fixture::value(Care(*f.engine).unsettled_moves()).empty());
}

TEST_CASE("between the copy and the decision it can be read in both places and written in none") {
  Fixture f;
  Goal goal;
  fill(f);
  const auto before = all_of(f);
  CHECK(Care(*goal.engine).receive(f.space, *f.engine, go_on).ok());
  CHECK(f.get("a/x") == "third!");
  CHECK(f.try_put("a/x", "4").status() == Status::Unavailable);
  CHECK(f.engine->mkdir(f.at("new"), {}).status() == Status::Unavailable);
  CHECK(f.engine->remove(f.at("a"), {}).status() == Status::Unavailable);
  CHECK(f.engine->trash_purge_all(f.space).status() == Status::Unavailable);
  CHECK(f.engine->space_set_quota(f.space, 1).status() == Status::Unavailable);
  CHECK(f.engine->space_remove(f.space).status() == Status::Unavailable);
  CHECK(Care(*goal.engine).receive(f.space, *f.engine, go_on).status() == Status::Unavailable);

  SUBCASE("it stays") {
    CHECK(Care(*goal.engine).settle_move(f.space, false).ok());
    CHECK(Care(*f.engine).settle_move(f.space, true).ok());
    CHECK(all_of(f) == before);
    CHECK(goal.clean(f.space));
    f.put("a/y", "4");
    test::check_space(f);
  }
  SUBCASE("a restart of both, then it goes") {
    f.engine.reset();
    goal.engine.reset();
    goal.engine = goal.provider.open();
    f.start();
    CHECK(Fixture::value(Care(*f.engine).unsettled_moves()).size() == 1);
    CHECK(Fixture::value(Care(*goal.engine).unsettled_moves()).size() == 1);
    goal.engine->settle();
    CHECK(Care(*f.engine).settle_move(f.space, false).ok());
    CHECK(Care(*goal.engine).settle_move(f.space, true).ok());
    goal.become(f);
    CHECK(all_of(f) == before);
    test::check_space(f);
    CHECK(goal.clean(f.space));
  }
}

TEST_CASE("a move that is stopped or cannot be done leaves nothing behind") {
  Fixture f;
  Goal goal;
  fill(f);
  const auto before = all_of(f);
  SUBCASE("by a copied tree with the same ids in another space") {
    fs::create_directories(goal.provider.root + "/personal/curie/copy");
    CHECK(std::system(("cp -a " + f.disk("a") + " " + goal.provider.root + "/personal/curie/copy/").c_str()) == 0);
    CHECK(goal.engine->rescan(goal.own).ok());
    CHECK(Care(*goal.engine).receive(f.space, *f.engine, go_on).status() == Status::FailedPrecondition);
  }
  SUBCASE("by a folder of that space that nobody knows") {
    CHECK(std::system(
              ("cp -a " + f.provider.root + "/personal/einstein " + goal.provider.root + "/personal/").c_str()) == 0);
    CHECK(Care(*goal.engine).receive(f.space, *f.engine, go_on).status() == Status::AlreadyExists);
    CHECK(fs::exists(goal.provider.root + "/personal/einstein/a/x"));
    fs::remove_all(goal.provider.root + "/personal/einstein");
  }
  SUBCASE("by the goal that is the place itself") {
    CHECK(Care(*f.engine).receive(f.space, *f.engine, go_on).status() == Status::AlreadyExists);
  }
  CHECK(Fixture::value(Care(*goal.engine).unsettled_moves()).empty());
  CHECK(Fixture::value(Care(*f.engine).unsettled_moves()).empty());
  CHECK(goal.clean(f.space));
  CHECK(all_of(f) == before);
  f.put("a/y", "4");
  test::check_space(f);
  if (fs::exists(goal.provider.root + "/personal/curie/copy")) {
    CHECK(goal.engine->remove(Ref{goal.own, root_of(goal.own), "copy"}, {}, true).ok());
  }
  CHECK(move_to(f, goal).ok());
}

TEST_CASE("a move that is refused for an id leaves the node alone that has it") {
  Fixture f;
  Goal goal;
  f.put("a", "1");
  const NodeId id = f.stat("a").id;
  CHECK(std::system(("cp -a " + f.disk("a") + " " + goal.provider.root + "/personal/curie/own/").c_str()) == 0);
  CHECK(goal.engine->rescan(goal.own).ok());
  const Ref copy{goal.own, root_of(goal.own), "own/a"};
  REQUIRE(Fixture::value(goal.engine->stat(copy)).id == id);
  const AttributeChange colour{"urn:x", "colour", "red"};
  REQUIRE(goal.engine->attributes_patch(copy, {&colour, 1}, {}).ok());
  REQUIRE(f.engine->remove(f.at("a"), {}).ok());
  CHECK(Care(*goal.engine).receive(f.space, *f.engine, go_on).status() == Status::FailedPrecondition);
  goal.engine->settle();
  const auto still = goal.engine->stat(copy);
  REQUIRE(still.ok());
  CHECK(still->id == id);
  CHECK(still->has_attributes);
  int attributes = 0;
  CHECK(goal.engine
            ->attributes(copy,
                         [&](std::string_view, std::string_view, std::string_view) {
                           ++attributes;
                           return true;
                         })
            .ok());
  CHECK(attributes == 1);
  CHECK(test::trash_of(f).size() == 1);
}

TEST_CASE("what another program wrote a moment ago moves as well") {
  Fixture f;
  Goal goal;
  f.engine.reset();
  f.provider.options.beside.settle_ms = 3'600'000;
  f.start();
  fill(f);
  test::write_disk(f.disk("a/b/young"), "by another program");
  fs::create_directories(f.disk("folder/inner"));
  test::write_disk(f.disk("folder/inner/young"), "as well");
  fs::remove(f.disk("dated"));
  test::write_disk(f.disk("a/x"), "other bytes");
  CHECK(move_to(f, goal).ok());
  goal.become(f);
  CHECK(f.get("a/b/young") == "by another program");
  CHECK(f.get("folder/inner/young") == "as well");
  CHECK(f.get("a/x") == "other bytes");
  CHECK(f.names("") == "a folder");
  test::check_space(f);
}

TEST_CASE("what another program changes in the last moment ends a move") {
  Fixture f;
  std::function<void()> late;
  Goal goal;
  goal.engine.reset();
  goal.provider.names = [&](std::shared_ptr<PosixRoot> root) {
    return std::make_unique<LateNamespace>(std::move(root), late);
  };
  goal.engine = goal.provider.open();
  fill(f);
  SUBCASE("by a new file") {
    late = [&] { test::write_disk(f.disk("a/b/late"), "late"); };
  }
  SUBCASE("by a file that is written in place") {
    late = [&] { test::write_disk(f.disk("a/b/deep"), "late"); };
  }
  CHECK(Care(*goal.engine).receive(f.space, *f.engine, go_on).status() == Status::Unavailable);
  CHECK(!late);
  CHECK(goal.clean(f.space));
  CHECK(f.engine->rescan(f.space).ok());
  const auto before = test::check_space(f);
  CHECK(std::count_if(before.begin(), before.end(), [](const auto &one) { return one.second == "late"; }) == 1);
  CHECK(move_to(f, goal).ok());
  goal.become(f);
  CHECK(test::check_space(f) == before);
  goal.engine.reset();
}

TEST_CASE("what a crash leaves of a space that was arriving is gone after the next start") {
  Fixture f;
  Goal goal;
  fill(f);
  const auto before = all_of(f);
  CHECK(Care(*goal.engine).receive(f.space, *f.engine, go_on).ok());
  // As if it had stopped just before meta.db was told.
  goal.engine.reset();
  {
    auto database = Fixture::value(sql::Database::open(goal.provider.state + "/meta.db"));
    for (const char *table : {"space", "attribute", "lock", "trash", "version"}) {
      auto statement = Fixture::value(database.prepare("DELETE FROM " + std::string(table) + " WHERE " +
                                                       (std::string(table) == "space" ? "id" : "space") + "=?1"));
      CHECK(statement.run_with(f.space).ok());
    }
    CHECK(database.exec("UPDATE setting SET value='' WHERE name='clean'").ok());
  }
  goal.engine = goal.provider.open();
  CHECK(goal.clean(f.space));
  CHECK(Fixture::value(Care(*goal.engine).unsettled_moves()).empty());
  CHECK(goal.engine->space_get(f.space).status() == Status::NotFound);
  CHECK(Care(*f.engine).settle_move(f.space, true).ok());
  CHECK(all_of(f) == before);
  CHECK(move_to(f, goal).ok());
  goal.become(f);
  CHECK(all_of(f) == before);
  test::check_space(f);
}

TEST_CASE("while a space is copied others come and go where it goes to") {
  Fixture f;
  Goal goal;
  fill(f);
  f.engine.reset();
  // Somebody looks at the source for as long as it takes to make a space there.
  int made = 1;
  f.provider.names = [&](std::shared_ptr<PosixRoot> root) {
    return std::make_unique<ReadNamespace>(std::move(root), [&] {
      if (made++ != 0) return;
      std::thread other([&] {
        SpaceSpec spec;
        spec.id = base::random_id<SpaceId>();
        spec.name = "meanwhile";
        spec.type = SpaceType::Personal;
        CHECK(goal.engine->space_create(spec).ok());
        CHECK(goal.engine->space_remove(spec.id).ok());
        ++made;
      });
      other.join();
    });
  };
  f.start();
  const auto before = all_of(f);
  made = 0;
  CHECK(move_to(f, goal).ok());
  CHECK(made > 1);
  f.provider.names = goal.provider.names;
  goal.become(f);
  CHECK(all_of(f) == before);
  test::check_space(f);
  goal.engine.reset();
}

TEST_CASE("a space that comes to be where another of its id is on its way to stays, and the other as well") {
  Fixture f;
  Goal goal;
  fill(f);
  f.engine.reset();
  bool made = true;
  f.provider.names = [&](std::shared_ptr<PosixRoot> root) {
    return std::make_unique<ReadNamespace>(std::move(root), [&] {
      if (std::exchange(made, true)) return;
      SpaceSpec spec;
      spec.id = f.space;
      spec.name = "einstein";
      spec.type = SpaceType::Personal;
      CHECK(goal.engine->space_create(spec).ok());
      CHECK(goal.engine->mkdir(Ref{f.space, root_of(f.space), "of the other"}, {}).ok());
    });
  };
  f.start();
  const auto before = all_of(f);
  made = false;
  CHECK(Care(*goal.engine).receive(f.space, *f.engine, go_on).status() == Status::AlreadyExists);
  CHECK(all_of(f) == before);
  CHECK(goal.engine->stat(Ref{f.space, root_of(f.space), "of the other"}).ok());
  f.engine.reset();
}

TEST_CASE("what can be no node is kept where the space was") {
  Fixture f;
  Goal goal;
  fill(f);
  fs::create_symlink("/etc/passwd", f.disk("a/link"));
  fs::create_directory_symlink(".", f.disk("loop"));
  REQUIRE(::mkfifo(f.disk("a/b/fifo").c_str(), 0600) == 0);
  test::write_disk(f.disk("a/bad\xff"), "badly named");
  fs::create_directory(f.disk("a/b/worse\xff"));
  test::write_disk(f.disk("a/b/worse\xff/inside"), "below a bad name");
  // One of them is in the trash.
  f.mkdir("old");
  f.put("old/x", "1");
  fs::create_symlink("x", f.disk("old/link"));
  REQUIRE(f.engine->remove(f.at("old"), {}).ok());
  const std::string item = test::trash_of(f).at(0).id.text();
  REQUIRE(f.engine->rescan(f.space).ok());
  const auto before = all_of(f);
  const auto moved = Care(*goal.engine).receive(f.space, *f.engine, go_on);
  REQUIRE_MESSAGE(moved.ok(), moved.error().message);
  CHECK(moved->left == 6);
  const std::string place = f.provider.root + "/" + moved->left_in;
  CHECK_FALSE(fs::exists(place));
  REQUIRE(Care(*f.engine).settle_move(f.space, false).ok());
  REQUIRE(Care(*goal.engine).settle_move(f.space, true).ok());
  f.engine->settle();
  CHECK(fs::read_symlink(place + "/files/a/link") == "/etc/passwd");
  CHECK(fs::is_symlink(place + "/files/loop"));
  CHECK(fs::is_fifo(place + "/files/a/b/fifo"));
  CHECK(test::read_disk(place + "/files/a/bad\xff") == "badly named");
  CHECK(test::read_disk(place + "/files/a/b/worse\xff/inside") == "below a bad name");
  CHECK(fs::is_symlink(place + "/trash/" + item + "/link"));
  goal.become(f);
  CHECK(all_of(f) == before);
  test::check_space(f);
  CHECK(goal.clean(f.space));
  // There and back, and away once more: nothing is in the way.
  REQUIRE(Care(*goal.engine).receive(f.space, *f.engine, go_on).ok());
  REQUIRE(Care(*f.engine).settle_move(f.space, false).ok());
  REQUIRE(Care(*goal.engine).settle_move(f.space, true).ok());
  goal.become(f);
  fs::create_symlink("/etc/shadow", f.disk("a/link"));
  const auto again = Care(*goal.engine).receive(f.space, *f.engine, go_on);
  REQUIRE(again.ok());
  CHECK(again->left == 1);
  CHECK(again->left_in != moved->left_in);
  REQUIRE(Care(*f.engine).settle_move(f.space, false).ok());
  CHECK(fs::read_symlink(f.provider.root + "/" + again->left_in + "/files/a/link") == "/etc/shadow");
  CHECK(fs::read_symlink(place + "/files/a/link") == "/etc/passwd");
  goal.engine.reset();
}

TEST_CASE("a space moves when its copied files have their attributes") {
  Fixture f;
  Goal goal;
  fill(f);
  f.engine.reset();
  const Uuid provider = Fixture::value(StateDir::open(f.provider.state)).provider();
  f.start();
  auto meta = Fixture::value(Meta::open(f.provider.state + "/meta.db", provider));
  Intent intent;
  intent.kind = Intent::Kind::Attributes;
  intent.space = f.space;
  intent.folder = f.stat("a/x").id;
  intent.name = "copy";
  intent.inode = 4711;
  REQUIRE(meta->add_intents({&intent, 1}).ok());
  const NodeId copy = f.put("copy", "1").id;
  const AttributeChange old{"urn:x", "old", "1"};  // for the index to know that there are some
  REQUIRE(f.engine->attributes_patch(f.at(copy), {&old, 1}, {}).ok());
  bool copied = false;
  const auto moved = Care(*goal.engine).receive(f.space, *f.engine, [&](const CareLine &) {
    if (std::exchange(copied, true)) return true;
    const std::pair<NodeId, NodeId> pair{intent.folder, copy};
    CHECK(meta->copy_attributes(f.space, {&pair, 1}).ok());
    CHECK(meta->close_attributes_intents(f.space, intent.folder, intent.inode).ok());
    return true;
  });
  CHECK(moved.ok());
  CHECK(copied);
  int attributes = 0;
  CHECK(goal.engine
            ->attributes(f.at(copy),
                         [&](std::string_view, std::string_view name, std::string_view) {
                           attributes += name == "colour";
                           return true;
                         })
            .ok());
  CHECK(attributes == 1);
}

TEST_CASE("what is noted of a move that ended long ago removes nothing of another space") {
  Fixture f;
  fill(f);
  const auto before = all_of(f);
  f.engine.reset();
  {
    auto database = Fixture::value(sql::Database::open(f.provider.state + "/meta.db"));
    auto statement =
        Fixture::value(database.prepare("INSERT INTO setting(name,value) VALUES(?1,'in personal/einstein')"));
    CHECK(statement.run_with("note.move." + base::random_id<SpaceId>().text()).ok());
  }
  f.start();
  CHECK(Fixture::value(Care(*f.engine).unsettled_moves()).empty());
  CHECK(all_of(f) == before);
  test::check_space(f);
}

TEST_CASE("a space that is removed before its move was settled leaves no note of it") {
  Fixture f;
  Goal goal;
  fill(f);
  CHECK(Care(*goal.engine).receive(f.space, *f.engine, go_on).ok());
  CHECK(Care(*f.engine).settle_move(f.space, false).ok());
  CHECK(Fixture::value(Care(*goal.engine).unsettled_moves()).size() == 1);
  CHECK(goal.engine->space_remove(f.space).ok());
  CHECK(Fixture::value(Care(*goal.engine).unsettled_moves()).empty());
  CHECK(goal.clean(f.space));
}

TEST_CASE("what is acknowledged while a space moves is there afterwards") {
  Fixture f;
  Goal goal;
  f.engine.reset();
  f.provider.options.durability = Durability::None;
  f.start();
  for (int folder = 0; folder < 5; ++folder) {
    f.mkdir("d" + std::to_string(folder));
    for (int file = 0; file < 30; ++file) f.put("d" + std::to_string(folder) + "/" + std::to_string(file), "before");
  }
  std::atomic<bool> stop{false};
  std::atomic<int> refused{0}, wrong{0};
  std::vector<std::map<std::string, std::string>> acknowledged(2);
  std::vector<std::thread> threads;
  for (unsigned number = 0; number < 2; ++number)
    threads.emplace_back([&, number] {
      for (int i = 0; !stop; ++i) {
        const std::string path = "d" + std::to_string(i % 5) + "/t" + std::to_string(number) + "-" + std::to_string(i);
        const auto put = f.try_put(path, path);
        if (put)
          acknowledged[number][path] = path;
        else
          ++(put.status() == Status::Unavailable ? refused : wrong);
        const auto old = "d" + std::to_string(i % 5) + "/" + std::to_string(i % 30);
        const auto read = f.engine->stat(f.at(old));
        if (!read && read.status() != Status::Unavailable) ++wrong;
      }
    });
  const auto moved = move_to(f, goal);
  CHECK(moved.ok());
  for (int before = refused; refused == before;) std::this_thread::yield();  // they see that it is gone
  stop = true;
  for (std::thread &thread : threads) thread.join();
  CHECK(wrong == 0);
  goal.become(f);
  for (const auto &all : acknowledged)
    for (const auto &[path, text] : all) CHECK(f.get(path) == text);
  test::check_space(f);
}
