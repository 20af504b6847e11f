// SPDX-License-Identifier: Apache-2.0
// What is removed is kept, comes back with all that it was, and goes for good when it is purged.
#include "core/tree/care.hpp"
#include "core/tree/failing_namespace_test.hpp"
#include "core/tree/invariants_test.hpp"
#include "core/tree/meta.hpp"

#include <unistd.h>

#include <atomic>
#include <thread>

using namespace Atoll;
using namespace Atoll::tree;
using test::Fixture;
using test::trash_of;
namespace fs = std::filesystem;

namespace {

const AttributeChange kColour{"urn:x", "colour", "red"};

std::string colour(Fixture &f, std::string_view path) {
  std::string found;
  REQUIRE(f.engine
              ->attributes(f.at(path),
                           [&](std::string_view, std::string_view, std::string_view value) {
                             found = value;
                             return true;
                           })
              .ok());
  return found;
}

void remove(Fixture &f, std::string_view path) { REQUIRE(f.engine->remove(f.at(path), {}).ok()); }

std::string trash_folder(const Fixture &f) { return f.provider.root + "/.atoll/spaces/" + f.space.text() + "/trash"; }

}  // namespace

TEST_CASE("what is removed is in the trash, costs no quota, and comes back as the same node") {
  Fixture f;
  f.mkdir("d");
  f.mkdir("d/e");
  const Node x = f.put("d/x", "12345"), y = f.put("d/e/y", "678");
  REQUIRE(f.engine->attributes_patch(f.at("d/e/y"), {&kColour, 1}, {}).ok());
  const Node d = f.stat("d");
  const std::string before = f.etag("d");
  Conditions asking;
  asking.account = base::random_id<AccountId>();
  REQUIRE(f.engine->remove(f.at("d"), asking).ok());
  CHECK(f.status("d") == Status::NotFound);
  CHECK(f.engine->stat(f.at(x.id)).status() == Status::NotFound);
  CHECK(f.used() == 0);
  CHECK(Fixture::value(f.engine->space_get(f.space)).trash_used == 8);
  const auto items = trash_of(f);
  REQUIRE(items.size() == 1);
  CHECK(items[0].node == d.id);
  CHECK(items[0].name == "d");
  CHECK(items[0].path.empty());
  CHECK(items[0].parent == root_of(f.space));
  CHECK(items[0].type == NodeType::Folder);
  CHECK(items[0].size == 8);
  CHECK(items[0].account == *asking.account);
  CHECK(fs::exists(trash_folder(f) + "/" + items[0].id.text() + "/e/y"));

  const Node back = Fixture::value(f.engine->trash_restore(f.space, items[0].id, std::nullopt, false, {}));
  CHECK(back.id == d.id);
  CHECK(back.created);
  CHECK(f.stat("d/x").id == x.id);
  CHECK(f.stat("d/e/y").id == y.id);
  CHECK(f.etag("d/e/y") == std::string(y.etag().view()));
  CHECK(f.etag("d") != before);
  CHECK(colour(f, "d/e/y") == "red");
  CHECK(f.get("d/x") == "12345");
  CHECK(trash_of(f).empty());
  CHECK(f.engine->trash_restore(f.space, items[0].id, std::nullopt, false, {}).status() == Status::NotFound);
  test::check_space(f);
}

TEST_CASE("an item goes back to its folder wherever that is now, or where the caller says") {
  Fixture f;
  f.mkdir("a");
  f.mkdir("b");
  f.put("a/x", "1");
  f.put("a/y", "22");
  remove(f, "a/x");
  remove(f, "a/y");
  const auto items = trash_of(f);
  REQUIRE(items.size() == 2);
  CHECK(items[0].name == "y");  // the newest first
  CHECK(items[1].path == "a");
  REQUIRE(f.engine->rename(f.at("a"), f.at("b/a2"), false, {}).ok());
  REQUIRE(f.engine->trash_restore(f.space, items[1].id, std::nullopt, false, {}).ok());
  CHECK(f.get("b/a2/x") == "1");
  remove(f, "b/a2");
  CHECK(f.engine->trash_restore(f.space, items[0].id, std::nullopt, false, {}).status() == Status::FailedPrecondition);
  REQUIRE(f.engine->trash_restore(f.space, items[0].id, f.at("b/z"), false, {}).ok());
  CHECK(f.get("b/z") == "22");
  // Another folder that has come to the path of the old one will do.
  f.mkdir("c");
  f.put("c/w", "3");
  remove(f, "c/w");
  remove(f, "c");
  f.mkdir("c");
  REQUIRE(f.engine->trash_restore(f.space, trash_of(f)[1].id, std::nullopt, false, {}).ok());
  CHECK(f.get("c/w") == "3");
  test::check_space(f);
}

TEST_CASE("what a restore, a move or a copy replaces goes into the trash itself") {
  Fixture f;
  f.mkdir("d");
  f.put("d/in", "inside");
  f.put("x", "first");
  remove(f, "x");
  const Node second = f.put("x", "second");
  const auto item = trash_of(f)[0];
  CHECK(f.engine->trash_restore(f.space, item.id, std::nullopt, false, {}).status() == Status::AlreadyExists);
  REQUIRE(f.engine->trash_restore(f.space, item.id, std::nullopt, true, {}).ok());
  CHECK(f.get("x") == "first");
  REQUIRE(trash_of(f).size() == 1);
  CHECK(trash_of(f)[0].node == second.id);
  test::check_space(f);

  REQUIRE(f.engine->rename(f.at("x"), f.at("d"), true, {}).ok());  // a file over a folder
  CHECK(f.get("d") == "first");
  f.put("y", "why");
  REQUIRE(f.engine->rename(f.at("y"), f.at("d"), true, {}).ok());  // a file over a file
  CHECK(f.get("d") == "why");
  f.mkdir("e");
  f.put("e/in", "e");
  REQUIRE(f.engine->copy(f.at("e"), f.at("d"), true, false, {}).ok());  // a folder over a file
  CHECK(f.get("d/in") == "e");
  f.put("z", "zett");
  REQUIRE(f.engine->copy(f.at("z"), f.at("e"), true, false, {}).ok());  // a file over a folder
  CHECK(f.get("e") == "zett");
  test::check_space(f);
  std::string names;
  for (const TrashItem &one : trash_of(f)) names += one.name + ":" + std::to_string(one.size) + " ";
  CHECK(names == "e:1 d:3 d:5 d:6 x:6 ");
  for (const TrashItem &one : trash_of(f)) {
    const std::string to = "back-" + one.node.text();
    REQUIRE(f.engine->trash_restore(f.space, one.id, f.at(to), false, {}).ok());
    CHECK(f.stat(to).id == one.node);
  }
  test::check_space(f);
}

TEST_CASE("purging takes one item, or all, with bytes, attributes and records") {
  Fixture f;
  for (const char *name : {"a", "b", "c"}) {
    f.put(name, "xyz");
    REQUIRE(f.engine->attributes_patch(f.at(name), {&kColour, 1}, {}).ok());
    remove(f, name);
  }
  const auto items = trash_of(f);
  REQUIRE(items.size() == 3);
  REQUIRE(f.engine->trash_purge(f.space, items[1].id).ok());
  CHECK(trash_of(f).size() == 2);
  CHECK(f.engine->trash_purge(f.space, items[1].id).status() == Status::NotFound);
  CHECK(f.engine->trash_restore(f.space, items[1].id, std::nullopt, false, {}).status() == Status::NotFound);
  f.engine->settle();
  CHECK(!fs::exists(trash_folder(f) + "/" + items[1].id.text()));
  CHECK(fs::exists(trash_folder(f) + "/" + items[0].id.text()));
  REQUIRE(f.engine->trash_purge_all(f.space).ok());
  CHECK(trash_of(f).empty());
  CHECK(Fixture::value(f.engine->space_get(f.space)).trash_used == 0);
  f.engine->settle();
  CHECK(fs::is_empty(trash_folder(f)));
  f.engine.reset();
  auto dir = Fixture::value(StateDir::open(f.provider.state));
  auto meta = Fixture::value(Meta::open(f.provider.state + "/meta.db", dir.provider()));
  CHECK(Fixture::value(meta->nodes_with_attributes()).empty());
}

TEST_CASE("a permanent removal leaves nothing, and without a trash every removal is one") {
  Fixture f;
  f.put("a", "1");
  REQUIRE(f.engine->remove(f.at("a"), {}, true).ok());
  CHECK(trash_of(f).empty());
  f.provider.options.trash.keep = false;
  f.restart();
  f.put("a", "1");
  f.put("b", "2");
  REQUIRE(f.engine->rename(f.at("b"), f.at("a"), true, {}).ok());
  remove(f, "a");
  CHECK(trash_of(f).empty());
  test::check_space(f);
}

TEST_CASE("the trash is listed in pages") {
  Fixture f;
  for (int i = 0; i < 7; ++i) {
    f.put(std::to_string(i), "x");
    remove(f, std::to_string(i));
  }
  std::string seen;
  Uuid before;
  for (int page = 0; page < 4; ++page) {
    REQUIRE(f.engine
                ->trash_list(f.space, before, 3,
                             [&](const TrashItem &item) {
                               seen += item.name;
                               before = item.id;
                               return true;
                             })
                .ok());
    seen += "|";
  }
  CHECK(seen == "654|321|0||");
  SpaceId other = base::random_id<SpaceId>();
  CHECK(f.engine->trash_list(other, {}, 0, [](const TrashItem &) { return true; }).status() == Status::NotFound);
  CHECK(f.engine->trash_purge_all(other).status() == Status::NotFound);
}

TEST_CASE("restoring obeys the quota and locks") {
  Fixture f;
  f.put("a", "12345");
  remove(f, "a");
  f.put("b", "12345");
  REQUIRE(f.engine->space_set_quota(f.space, 8).ok());
  const auto item = trash_of(f)[0];
  CHECK(f.engine->trash_restore(f.space, item.id, std::nullopt, false, {}).status() == Status::InsufficientStorage);
  CHECK(trash_of(f).size() == 1);
  REQUIRE(f.engine->space_set_quota(f.space, 10).ok());
  Lock wanted;
  wanted.deep = true;
  const Lock lock = Fixture::value(f.engine->lock(f.at(""), wanted, 0, {}));
  CHECK(f.engine->trash_restore(f.space, item.id, std::nullopt, false, {}).status() == Status::Locked);
  const std::string_view token = lock.token;
  Conditions holds;
  holds.lock_tokens = {&token, 1};
  REQUIRE(f.engine->trash_restore(f.space, item.id, std::nullopt, false, holds).ok());
  CHECK(f.used() == 10);
}

TEST_CASE("the trash survives the loss of the index, with ids, attributes and what is below a folder") {
  Fixture f;
  f.mkdir("d");
  f.mkdir("d/e");
  const Node y = f.put("d/e/y", "678"), x = f.put("x", "1");
  REQUIRE(f.engine->attributes_patch(f.at("d/e/y"), {&kColour, 1}, {}).ok());
  const Node d = f.stat("d");
  remove(f, "d");
  remove(f, "x");
  f.engine.reset();
  for (const char *part : {"", "-wal", "-shm"}) fs::remove(f.provider.state + "/index.db" + part);
  f.start();
  CHECK(Fixture::value(f.engine->space_get(f.space)).trash_used == 4);
  auto items = trash_of(f);
  REQUIRE(items.size() == 2);
  for (const TrashItem &item : items) REQUIRE(f.engine->trash_restore(f.space, item.id, std::nullopt, false, {}).ok());
  CHECK(f.stat("d").id == d.id);
  CHECK(f.stat("d/e/y").id == y.id);
  CHECK(f.etag("d/e/y") == std::string(y.etag().view()));
  CHECK(f.etag("x") == std::string(x.etag().view()));
  CHECK(colour(f, "d/e/y") == "red");
  test::check_space(f);
}

TEST_CASE("what is too old or too much for the trash goes by itself, the oldest first") {
  Fixture f;
  f.provider.options.checkpoint_seconds = 1;
  f.provider.options.trash.bytes = 10;
  f.restart();
  for (const char *name : {"a", "b", "c"}) {
    f.put(name, "12345");
    remove(f, name);
  }
  auto wait_for = [&](std::size_t count) {
    while (trash_of(f).size() > count) ::usleep(10000);
    CHECK(trash_of(f).size() == count);
  };
  wait_for(2);
  CHECK(trash_of(f)[1].name == "b");
  f.provider.options.trash.seconds = 1;
  f.restart();
  wait_for(0);
  f.engine->settle();
  CHECK(fs::is_empty(trash_folder(f)));
}

TEST_CASE("a trash item that somebody took away beside the server is gone, and nothing else with it") {
  Fixture f;
  f.put("a", "1");
  f.put("b", "2");
  remove(f, "a");
  remove(f, "b");
  const auto items = trash_of(f);
  fs::remove(trash_folder(f) + "/" + items[0].id.text());
  CHECK(f.engine->trash_restore(f.space, items[0].id, std::nullopt, false, {}).status() == Status::NotFound);
  CHECK(trash_of(f).size() == 1);
  REQUIRE(f.engine->trash_restore(f.space, items[1].id, std::nullopt, false, {}).ok());
  test::check_space(f);
}

TEST_CASE("a removed space takes its trash along") {
  Fixture f;
  f.put("a", "1");
  remove(f, "a");
  REQUIRE(f.engine->space_remove(f.space).ok());
  f.engine->settle();
  CHECK(!fs::exists(trash_folder(f)));
}

TEST_CASE("a check takes no attributes of what comes back from the trash meanwhile") {
  test::TellingFixture f;
  f.mkdir("a");
  f.put("a/x", "1");
  const AttributeChange colour{"urn:x", "colour", "red"};
  REQUIRE(f.engine->attributes_patch(f.at("a/x"), {&colour, 1}, {}).ok());
  REQUIRE(f.engine->remove(f.at("a"), {}).ok());
  std::filesystem::remove(f.provider.state + "/index.db");  // a new one does not know what is in the trash
  f.engine->settle();
  const Uuid item = test::trash_of(f).at(0).id;
  std::thread restore;
  std::atomic<bool> checked{false}, back{false};
  f.other = [&](std::string_view what, std::string_view path) {
    if (what != "open" || path != "a" || checked) return;
    back = true;
    while (!checked) ::usleep(1000);
  };
  f.told = [&](std::string_view what, std::string_view) {
    if (what != "kept" || restore.joinable()) return;
    restore = std::thread([&] { CHECK(f.engine->trash_restore(f.space, item, std::nullopt, false, {}).ok()); });
    while (!back) ::usleep(1000);
  };
  CheckOptions options;
  options.repair = true;
  CHECK(Care(*f.engine).check(f.space, options, [](const CareLine &) { return true; }).ok());
  f.told = nullptr;
  checked = true;
  REQUIRE(restore.joinable());
  restore.join();
  int attributes = 0;
  CHECK(f.engine
            ->attributes(f.at("a/x"),
                         [&](std::string_view, std::string_view, std::string_view) {
                           ++attributes;
                           return true;
                         })
            .ok());
  CHECK(attributes == 1);
}
