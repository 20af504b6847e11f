// SPDX-License-Identifier: Apache-2.0
// Changes that fail after they have begun to change the disk: done or not done, with every id, and nothing is left.
#include "core/tree/care.hpp"
#include "core/tree/failing_namespace_test.hpp"
#include "core/tree/invariants_test.hpp"
#include "core/tree/meta.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <thread>

using namespace Atoll;
using namespace Atoll::tree;
using test::FailingFixture;
using test::Fixture;

namespace {

void give_attribute(Fixture &f, const char *path) {
  const AttributeChange set{"urn:x", "a", "b"};
  REQUIRE(f.engine->attributes_patch(f.at(path), {&set, 1}, {}).ok());
}

int attributes_of(Fixture &f, const char *path) {
  int count = 0;
  auto read = f.engine->attributes(f.at(path), [&](std::string_view, std::string_view, std::string_view) {
    ++count;
    return true;
  });
  REQUIRE(read.ok());
  return count;
}

std::size_t intents_of(Fixture &f, Intent::Kind kind) {
  auto dir = Fixture::value(StateDir::open(f.provider.state));
  auto meta = Fixture::value(Meta::open(f.provider.state + "/meta.db", dir.provider()));
  std::size_t found = 0;
  for (const Intent &intent : Fixture::value(meta->intents())) found += intent.kind == kind;
  return found;
}

/// `failures`: how often in a row it fails to look at what it has done.
void fail_rename_over(int failures) {
  FailingFixture f;
  f.mkdir("a");
  f.mkdir("b");
  const Node moved = f.put("a/x", "1"), old = f.put("b/y", "22");
  f.failures.self_after_move = failures;
  CHECK(!f.engine->rename(f.at("a/x"), f.at("b/y"), true, {}));
  f.engine->settle();
  CHECK(f.failures.self == 0);
  CHECK(f.stat("b/y").id == moved.id);
  CHECK(f.get("b/y") == "1");
  CHECK(f.names("a").empty());
  const auto items = test::trash_of(f);
  REQUIRE(items.size() == 1);
  CHECK(items[0].node == old.id);
  CHECK(f.used() == 1);
  test::check_space(f);
}

}  // namespace

TEST_CASE("a rename that fails after it has happened has happened, with its ids") { fail_rename_over(1); }

TEST_CASE("what cannot be looked at after a failure is looked at again until it can be") { fail_rename_over(2); }

TEST_CASE("a restore that fails after it has happened has happened, with its id") {
  FailingFixture f;
  f.mkdir("a");
  const Node file = f.put("a/x", "1");
  REQUIRE(f.engine->remove(f.at("a/x"), {}).ok());
  const auto items = test::trash_of(f);
  REQUIRE(items.size() == 1);
  f.failures.self_after_move = 1;
  CHECK(!f.engine->trash_restore(f.space, items[0].id, std::nullopt, false, {}));
  CHECK(f.failures.self == 0);
  CHECK(f.stat("a/x").id == file.id);
  CHECK(test::trash_of(f).empty());
  test::check_space(f);
}

TEST_CASE("a version that was copied goes when its file is not replaced after all") {
  FailingFixture f;
  f.put("x", "1");
  const base::Fd held(::open(f.disk("x").c_str(), O_WRONLY | O_CLOEXEC));
  f.failures.place_over = 1;
  CHECK(!f.try_put("x", "22"));
  CHECK(f.failures.place_over == 0);
  CHECK(f.get("x") == "1");
  CHECK(Fixture::value(f.engine->space_get(f.space)).versions_used == 0);
  test::check_space(f);
  CHECK(f.try_put("x", "22").ok());
  CHECK(Fixture::value(f.engine->space_get(f.space)).versions_used == 1);
  test::check_space(f);
}

TEST_CASE("a copy that does not come to its name leaves no intent") {
  FailingFixture f;
  f.put("x", "1");
  give_attribute(f, "x");
  f.failures.place = 1;
  CHECK(!f.engine->copy(f.at("x"), f.at("y"), false, false, {}));
  CHECK(f.status("y") == Status::NotFound);
  f.engine.reset();
  CHECK(intents_of(f, Intent::Kind::Attributes) == 0);
}

TEST_CASE("a copy that cannot be made durable gets its attributes all the same") {
  FailingFixture f;
  f.put("x", "1");
  give_attribute(f, "x");
  f.failures.sync = 1;
  CHECK(!f.engine->copy(f.at("x"), f.at("y"), false, false, {}));
  CHECK(f.failures.sync == 0);
  CHECK(f.get("y") == "1");
  for (int i = 0; i < 3000 && attributes_of(f, "y") == 0; ++i) ::usleep(10000);
  CHECK(attributes_of(f, "y") == 1);
  f.engine.reset();
  CHECK(intents_of(f, Intent::Kind::Attributes) == 0);
}

TEST_CASE("a copy of a folder that fails after it has come to its name is whole") {
  FailingFixture f;
  f.mkdir("a");
  f.mkdir("a/d");
  f.put("a/d/x", "1");
  give_attribute(f, "a/d");
  give_attribute(f, "a/d/x");
  f.failures.self_after_place = 1;
  CHECK(!f.engine->copy(f.at("a"), f.at("b"), false, false, {}));
  CHECK(f.failures.self == 0);
  f.engine->settle();
  CHECK(f.get("b/d/x") == "1");
  CHECK(attributes_of(f, "b/d") == 1);
  CHECK(attributes_of(f, "b/d/x") == 1);
  test::check_space(f);
}

TEST_CASE("a change that fails while rows are made anew does not have what is left of them served") {
  FailingFixture f;
  f.mkdir("a");
  f.mkdir("b");
  f.put("a/x", "1");
  f.put("stays", "22");
  std::atomic<int> failed{0};
  std::atomic<bool> erased{false}, done{false};
  f.failures.self_failed = [&] {
    if (++failed == 2)
      while (!erased) ::usleep(1000);
  };
  f.failures.self_after_move = 2;  // in the change, and when it is looked at what has come of it
  std::thread change([&] {
    CHECK(!f.engine->rename(f.at("a/x"), f.at("b/x"), false, {}));
    done = true;
  });
  while (failed < 2) ::usleep(1000);
  const auto rebuilt = Care(*f.engine).rebuild(f.space, [&](const CareLine &) {
    if (erased.exchange(true)) return true;
    while (!done) ::usleep(1000);
    int served = 0;
    for (int i = 0; i < 50; ++i) {  // nothing comes of it, however long one looks
      served += f.status("stays") != Status::Unavailable;
      ::usleep(5000);
    }
    CHECK(served == 0);
    return true;
  });
  change.join();
  CHECK(rebuilt.ok());
  f.engine->settle();
  CHECK(f.get("b/x") == "1");
  CHECK(f.get("stays") == "22");
  test::check_space(f);
}
