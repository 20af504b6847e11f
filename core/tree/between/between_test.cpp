// SPDX-License-Identifier: Apache-2.0
// What other requests do between the announcement of a change and the change.
#include "core/tree/fault_point.hpp"
#include "core/tree/invariants_test.hpp"

#include <functional>

using namespace Atoll;
using namespace Atoll::tree;
using test::Fixture;

namespace {

/// Runs something once when the next announcement is durable, or before it is made, in the thread that makes it.
class Between {
 public:
  explicit Between(std::function<void()> what, std::string_view when = "announce.durable") {
    what_ = std::move(what);
    when_ = when;
    set_fault_handler([](const char *name) {
      if (name == when_ && what_) std::exchange(what_, nullptr)();
    });
  }
  ~Between() {
    set_fault_handler(nullptr);
    CHECK_FALSE(what_);  // it was reached
    what_ = nullptr;
  }

 private:
  static inline std::function<void()> what_;
  static inline std::string_view when_;
};

std::vector<std::string> in_trash(Fixture &f) {
  std::vector<std::string> names;
  REQUIRE(f.engine->trash_list(f.space, {}, 0, [&](const TrashItem &item) {
    names.push_back(item.name);
    return true;
  }));
  return names;
}

std::size_t versions_of(Fixture &f, std::string_view path) {
  std::size_t count = 0;
  REQUIRE(f.engine->versions(f.at(path), [&](const Version &) {
    ++count;
    return true;
  }));
  return count;
}

SpaceInfo info(Fixture &f) { return Fixture::value(f.engine->space_get(f.space)); }

}  // namespace

TEST_CASE("a file that is overwritten by somebody else meanwhile: both old contents are versions") {
  Fixture f;
  f.put("x", "one");
  f.put("y", "1");
  {
    const Between between([&] { f.put("x", "between"); });
    f.put("x", "three");
  }
  CHECK(f.get("x") == "three");
  CHECK(versions_of(f, "x") == 2);
  CHECK(info(f).versions_used == 3 + 7);
  {
    const Between between([&] { f.put("x", "before"); }, "announce.begin");
    f.put("x", "fifth");
  }
  CHECK(versions_of(f, "x") == 4);
  CHECK(info(f).versions_used == 3 + 7 + 5 + 6);
  {
    const Between between([&] { Fixture::value(f.engine->rename(f.at("x"), f.at("z"), false, {})); });
    f.put("x", "new");
  }
  CHECK(versions_of(f, "x") == 0);
  CHECK(versions_of(f, "z") == 4);
  {
    const Between between([&] { REQUIRE(f.engine->remove(f.at("y"), {}, true).ok()); });
    f.put("y", "2");
  }
  CHECK(versions_of(f, "y") == 0);
  CHECK(info(f).versions_used == 3 + 7 + 5 + 6);
  f.restart();
  CHECK(info(f).versions_used == 3 + 7 + 5 + 6);
  test::check_space(f);
}

TEST_CASE("what is to be removed and changes meanwhile") {
  Fixture f;
  for (const char *name : {"a", "b", "c", "d"}) f.put(name, name);
  {
    const Between between([&] { Fixture::value(f.engine->rename(f.at("a"), f.at("a2"), false, {})); });
    CHECK(f.engine->remove(f.at("a"), {}, false).status() == Status::NotFound);
  }
  CHECK(in_trash(f).empty());
  CHECK(info(f).trash_used == 0);
  {
    const Between between([&] { REQUIRE(f.engine->remove(f.at("b"), {}, false).ok()); });
    CHECK(f.engine->remove(f.at("b"), {}, false).status() == Status::NotFound);
  }
  CHECK(in_trash(f) == std::vector<std::string>{"b"});
  {
    const Between between([&] { REQUIRE(f.engine->trash_purge_all(f.space).ok()); });
    REQUIRE(f.engine->remove(f.at("c"), {}, false).ok());
  }
  CHECK(in_trash(f) == std::vector<std::string>{"c"});  // it went when the trash was empty already
  CHECK(info(f).trash_used == 1);
  {
    const Between between([&] { f.put("d", "other"); });
    REQUIRE(f.engine->remove(f.at("d"), {}, false).ok());
  }
  CHECK(in_trash(f) == std::vector<std::string>{"d", "c"});
  CHECK(info(f).trash_used == 5 + 1);
  f.restart();
  CHECK(info(f).trash_used == 5 + 1);
  CHECK(f.names("") == "a2");
  test::check_space(f);
}
