// SPDX-License-Identifier: Apache-2.0
// Check and rebuild.
#include "core/tree/care_test.hpp"
#include "core/sql/database.hpp"
#include "core/tree/failing_namespace_test.hpp"
#include "core/tree/invariants_test.hpp"

#include <sys/xattr.h>

#include <atomic>
#include <random>
#include <thread>

using namespace Atoll;
using namespace Atoll::tree;
using namespace Atoll::tree::test;
namespace fs = std::filesystem;

namespace {

/// Damages a database behind the engine's back.
void damage(Fixture &f, const std::string &statement, const char *name = "index.db") {
  f.engine.reset();
  {
    auto database = Fixture::value(sql::Database::open(f.provider.state + "/" + name));
    REQUIRE(database.exec(statement).ok());
  }
  f.start();
}

/// 150 files in ten folders, of which all but two folders are gone from the disk; the engine does not know it.
void lose_most(Fixture &f) {
  look_at_nothing(f);
  for (int folder = 0; folder < 10; ++folder) {
    f.mkdir("d" + std::to_string(folder));
    for (int file = 0; file < 15; ++file) f.put("d" + std::to_string(folder) + "/" + std::to_string(file), "1");
  }
  for (int folder = 0; folder < 8; ++folder) fs::remove_all(f.disk("d" + std::to_string(folder)));
}

}  // namespace

TEST_CASE("a check finds what is wrong, and a repair puts it right") {
  Fixture f;
  look_at_nothing(f);
  f.mkdir("a");
  f.mkdir("a/b");
  f.put("a/b/x", "12345");
  f.put("a/y", "1");
  CHECK(findings(f).empty());

  test::write_disk(f.disk("a/b/new"), "beside");
  fs::remove(f.disk("a/y"));
  test::write_disk(f.disk("a/b/x"), "other");
  const std::string wrong = findings(f);
  CHECK(wrong == "differs a/b/x, missing-on-disk a/y, missing-row a/b/new");
  CHECK(findings(f) == wrong);  // dry
  CheckResult result;
  CHECK(findings(f, true, &result) == "differs a/b/x!, missing-on-disk a/y!, missing-row a/b/new!");
  CHECK(result.repaired == 3);
  CHECK(test::read_disk(result.undo_log).find("\"missing-on-disk\"") != std::string::npos);
  CHECK(findings(f).empty());
  test::check_space(f);

  damage(f, "UPDATE node SET size=size+7 WHERE name='b'");
  CHECK(findings(f) == "wrong-size a, wrong-size a/b");
  CHECK(findings(f, true).find("wrong-size a/b!") != std::string::npos);
  CHECK(findings(f).empty());
  test::check_space(f);

  const std::string file = f.disk("a/b/x");
  char identity[64];
  const ssize_t size = ::getxattr(f.disk("a/b/new").c_str(), "user.atoll.id", identity, sizeof identity);
  if (size > 0) {
    REQUIRE(::setxattr(file.c_str(), "user.atoll.id", identity, static_cast<std::size_t>(size), 0) == 0);
    CHECK(findings(f) == "wrong-identity a/b/x");
    CHECK(findings(f, true) == "wrong-identity a/b/x!");
    REQUIRE(::removexattr(file.c_str(), "user.atoll.id") == 0);
    CHECK(findings(f) == "no-identity a/b/x");
    CHECK(findings(f, true) == "no-identity a/b/x!");
    CHECK(findings(f).empty());
  }

  const AttributeChange colour{"urn:x", "colour", "blue"};
  CHECK(f.engine->attributes_patch(f.at("a"), {&colour, 1}, {}).ok());
  damage(f, "UPDATE node SET flags=0");
  CHECK(findings(f) == "unmarked-attributes a");
  CHECK(findings(f, true) == "unmarked-attributes a!");
  CHECK(findings(f).empty());
  fs::create_directories(f.provider.root + "/.atoll/spaces/" + f.space.text() + "/trash");
  test::write_disk(f.provider.root + "/.atoll/spaces/" + f.space.text() + "/trash/stray", "?");
  CHECK(findings(f) == "orphan-in-trash stray");
  CHECK(findings(f, true) == "orphan-in-trash stray");
  fs::remove(f.provider.root + "/.atoll/spaces/" + f.space.text() + "/trash/stray");
  damage(f,
         "INSERT INTO attribute(node,ns,name,space,value) SELECT randomblob(16),'urn:x','n',id,x'31' FROM space;"
         "INSERT INTO lock(token,space,node,kind,deep,owner,account,account_name,expires_ns)"
         " SELECT 'token',id,randomblob(16),1,0,'','0123456789abcdef','somebody',9000000000000000000 FROM space",
         "meta.db");
  CHECK(findings(f) == "dangling-attributes , dangling-lock ");
  CHECK(findings(f, true, &result) == "dangling-attributes !, dangling-lock !");
  CHECK(test::read_disk(result.undo_log).find("\"token\"") != std::string::npos);
  CHECK(findings(f).empty());
  CHECK(Care(*f.engine).check(base::random_id<SpaceId>(), {}, quiet).status() == Status::NotFound);
}

TEST_CASE("a check while others write finds nothing") {
  Fixture f;
  f.engine.reset();
  f.provider.options.durability = Durability::None;
  f.start();
  const unsigned seed = std::random_device{}();
  INFO("seed " << seed);
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (unsigned number = 0; number < 3; ++number)
    threads.emplace_back([&, number] {
      std::mt19937 random(seed + number);
      while (!stop) {
        const std::string a(1, static_cast<char>('a' + random() % 4)), b = a + "/" + std::to_string(random() % 5);
        static_cast<void>(f.engine->mkdir(f.at(a), {}).ok());
        static_cast<void>(f.try_put(b, std::string(random() % 100, 'x')).ok());
        if (random() % 5 == 0) static_cast<void>(f.engine->remove(f.at(a), {}).ok());
        if (random() % 5 == 0) static_cast<void>(f.engine->rename(f.at(b), f.at("moved"), true, {}).ok());
      }
    });
  for (int round = 0; round < 20; ++round) CHECK(findings(f).empty());
  stop = true;
  for (std::thread &thread : threads) thread.join();
}

TEST_CASE("a check ends when nobody wants it any more, also between two entries") {
  Fixture f;
  look_at_nothing(f);
  for (int i = 0; i < 5; ++i) f.put(std::to_string(i), "1");
  CheckOptions slow;
  slow.entries_per_second = 1;
  std::uint64_t done = 0;
  const auto checked = Care(*f.engine).check(f.space, slow, [&](const CareLine &line) {
    CHECK(line.kind == CareLine::Kind::Progress);
    done = line.done;
    return false;
  });
  CHECK(checked.status() == Status::Cancelled);
  CHECK(done == 6);
  test::write_disk(f.disk("beside"), "1");
  CHECK(Care(*f.engine).check(f.space, {}, [](const CareLine &) { return false; }).status() == Status::Cancelled);
}

TEST_CASE("a repair does not remove what is held back, and of a space that is held back nothing can be told") {
  Fixture f;
  lose_most(f);
  CheckOptions repair;
  repair.repair = true;
  CHECK(Care(*f.engine).check(f.space, {}, quiet).ok());
  CHECK(Care(*f.engine).check(f.space, repair, quiet).status() == Status::Unavailable);
  CHECK(f.status("d9/1") == Status::Unavailable);
  CHECK(Care(*f.engine).check(f.space, {}, quiet).status() == Status::Unavailable);
  CHECK(Care(*f.engine).rebuild(f.space, quiet).status() == Status::Unavailable);
  CHECK(f.engine->confirm_removals(f.space).ok());
  CHECK(f.used() == 30);
  CHECK(findings(f).empty());
}

TEST_CASE("an index made anew does not take a disk that is half gone for the truth") {
  Fixture f;
  lose_most(f);
  CHECK(Care(*f.engine).rebuild(f.space, quiet).status() == Status::Unavailable);
  CHECK(f.status("d0") == Status::Unavailable);
  CHECK(f.status("d9/1") == Status::Unavailable);
  f.restart();
  CHECK(f.status("d0") == Status::Unavailable);
  CHECK(f.engine->confirm_removals(f.space).ok());
  CHECK(f.status("d0") == Status::NotFound);
  CHECK(f.used() == 30);
  test::check_space(f);
}

TEST_CASE("while rows are made anew nothing is said to be gone") {
  Fixture f;
  look_at_nothing(f);
  f.mkdir("a");
  f.mkdir("a/b");
  std::vector<NodeId> files;
  for (int i = 0; i < 40; ++i) files.push_back(f.put("a/b/" + std::to_string(i), "1").id);
  std::atomic<bool> stop{false};
  std::atomic<int> copies{0};
  std::vector<std::thread> threads;
  auto told = [](Status status) { return status == Status::Ok || status == Status::Unavailable; };
  for (int number = 0; number < 2; ++number)
    threads.emplace_back([&] {
      while (!stop) {
        CHECK(told(f.engine->stat(f.at("a/b/7")).status()));
        CHECK(told(f.engine->stat(f.at(files[9])).status()));
        CHECK(told(f.engine->open_read(f.at(files[11])).status()));
        int count = 0;
        const auto listed = f.engine->list(f.at("a/b"), {}, 0, [&](const NodeView &) { return ++count > 0; });
        CHECK(told(listed.status()));
        if (listed) CHECK(count == 40);
        const auto space = f.engine->space_get(f.space);
        CHECK(told(space.status()));
      }
    });
  threads.emplace_back([&] {
    for (int i = 0; !stop; ++i) {
      const std::string name = "copy" + std::to_string(i);
      if (!f.engine->copy(f.at("a"), f.at(name), false, false, {})) continue;
      ++copies;
      while (!stop) {
        int count = 0;
        const std::string path = name + "/b";
        if (!f.engine->list(f.at(path), {}, 0, [&](const NodeView &) { return ++count > 0; })) continue;
        CHECK(count == 40);
        break;
      }
      while (!stop && !f.engine->remove(f.at(name), {}, true)) continue;
    }
  });
  for (int round = 0; round < 15; ++round) {
    for (int before = copies; copies == before && round % 5 == 0;) std::this_thread::yield();
    CHECK(Care(*f.engine).rebuild(f.space, quiet).ok());
  }
  stop = true;
  for (std::thread &thread : threads) thread.join();
  for (int i = 0; i < 40; ++i) CHECK(f.stat("a/b/" + std::to_string(i)).id == files[static_cast<std::size_t>(i)]);
  CHECK(findings(f).empty());
  test::check_space(f);
}

TEST_CASE("rows that were being made anew at a crash are made by the next start") {
  Fixture f;
  look_at_nothing(f);
  f.mkdir("a");
  f.put("a/x", "1");
  f.put("a/y", "22");
  const auto before = ids(f);
  const std::string token = Fixture::value(f.engine->changes_now(f.space));
  f.engine.reset();
  const std::string meta = f.provider.state + "/meta.db";
  REQUIRE(Fixture::value(sql::Database::open(meta)).exec("INSERT INTO rebuilding SELECT id FROM space").ok());
  damage(f, "DELETE FROM node WHERE name='x'; UPDATE node SET size=size-1 WHERE type=2");
  CHECK(ids(f) == before);
  CHECK(f.used() == 3);
  CHECK(findings(f).empty());
  CHECK(f.engine->changes_since(f.space, token, 0, [](const ChangeRow &) { return true; }).status() ==
        Status::FailedPrecondition);
  f.engine.reset();  // now the index is durable
  {
    auto database = Fixture::value(sql::Database::open(meta));
    auto *const left = Fixture::value(database.cached("SELECT count(*) FROM rebuilding"));
    auto rows = left->query();
    REQUIRE(Fixture::value(rows.next()));
    CHECK(rows.integer(0) == 0);
  }
  f.start();
}

TEST_CASE("rows made anew keep ids and the etags of files") {
  Fixture f;
  f.mkdir("a");
  f.put("a/x", "1");
  f.mkdir("a/deep");
  f.put("a/deep/y", "22");
  const AttributeChange colour{"urn:x", "colour", "blue"};
  CHECK(f.engine->attributes_patch(f.at("a/x"), {&colour, 1}, {}).ok());
  const auto before = ids(f);
  const std::string etag = f.etag(""), inner = f.etag("a");
  const std::string token = Fixture::value(f.engine->changes_now(f.space));
  Status during = Status::Ok;
  CHECK(Care(*f.engine)
            .rebuild(f.space,
                     [&](const CareLine &) {
                       during = f.engine->stat(f.at("a/x")).status();
                       return true;
                     })
            .ok());
  CHECK(during == Status::Unavailable);
  CHECK(ids(f) == before);
  CHECK(f.etag("") != etag);
  CHECK(f.etag("a") != inner);
  CHECK(f.stat("a/x").has_attributes);
  CHECK(f.used() == 3);
  CHECK(f.engine->changes_since(f.space, token, 0, [](const ChangeRow &) { return true; }).status() ==
        Status::FailedPrecondition);
  test::check_space(f);
  CHECK(findings(f).empty());
  f.restart();
  CHECK(ids(f) == before);
}
