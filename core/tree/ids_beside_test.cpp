// SPDX-License-Identifier: Apache-2.0
// What becomes of ids when files are moved, copied, replaced and brought back beside the server.
#include "core/tree/identity.hpp"
#include "core/tree/invariants_test.hpp"

#include <sys/xattr.h>

using namespace Atoll;
using namespace Atoll::tree;
using test::Fixture;
namespace fs = std::filesystem;

namespace {

void set_attribute(Fixture &f, std::string_view path) {
  const AttributeChange set{"urn:x", "colour", "green"};
  REQUIRE(f.engine->attributes_patch(f.at(path), {&set, 1}, {}).ok());
}

std::string attribute(Fixture &f, std::string_view path) {
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

}  // namespace

TEST_CASE("a file renamed beside the server keeps its id, whichever folder is listed first") {
  for (const bool old_first : {true, false}) {
    CAPTURE(old_first);
    Fixture f;
    f.mkdir("a");
    f.mkdir("b");
    const Node x = f.put("a/x", "12");
    set_attribute(f, "a/x");
    fs::rename(f.disk("a/x"), f.disk("b/y"));
    CHECK(f.names(old_first ? "a" : "b") == (old_first ? "" : "y"));
    f.engine->settle();  // what is done in the background must not forget it
    CHECK(f.names(old_first ? "b" : "a") == (old_first ? "y" : ""));
    CHECK(f.stat("b/y").id == x.id);
    CHECK(f.etag("b/y") == x.etag().view());
    CHECK(attribute(f, "b/y") == "green");
    CHECK(f.stat("a").size == 0);
    CHECK(f.stat("b").size == 2);
    test::check_space(f);
    REQUIRE(f.engine->rescan(f.space).ok());
    f.engine->settle();
    CHECK(f.stat("b/y").id == x.id);
    CHECK(attribute(f, "b/y") == "green");
  }
}

TEST_CASE("a tree renamed beside the server keeps all ids, whichever folder is listed first") {
  for (const bool old_first : {true, false}) {
    CAPTURE(old_first);
    Fixture f;
    for (const char *path : {"a", "a/t", "a/t/u", "b"}) f.mkdir(path);
    const Node x = f.put("a/t/x", "12"), y = f.put("a/t/u/y", "345"), t = f.stat("a/t"), u = f.stat("a/t/u");
    set_attribute(f, "a/t/u/y");
    fs::rename(f.disk("a/t"), f.disk("b/t2"));
    test::write_disk(f.disk("b/t2/u/new"), "6789");  // while nobody knows where it is
    f.names(old_first ? "a" : "b");
    f.engine->settle();
    f.names(old_first ? "b" : "a");
    CHECK(f.stat("b/t2").id == t.id);
    CHECK(f.stat("b/t2/u").id == u.id);
    CHECK(f.stat("b/t2/x").id == x.id);
    CHECK(f.stat("b/t2/u/y").id == y.id);
    CHECK(f.etag("b/t2/u/y") == y.etag().view());
    CHECK(attribute(f, "b/t2/u/y") == "green");
    CHECK(f.names("b/t2/u") == "new y");
    CHECK(f.names("a").empty());
    CHECK(f.used() == 9);
    test::check_space(f);
  }
}

TEST_CASE("what was below a folder that is gone keeps its id when it turns up elsewhere") {
  Fixture f;
  for (const char *path : {"a", "a/t", "b"}) f.mkdir(path);
  const Node x = f.put("a/t/x", "12"), t = f.stat("a/t");
  fs::rename(f.disk("a/t/x"), f.disk("b/x"));
  fs::remove(f.disk("a/t"));
  CHECK(f.names("a").empty());
  f.engine->settle();
  CHECK(f.names("b") == "x");
  CHECK(f.stat("b/x").id == x.id);
  CHECK(f.engine->stat(f.at(t.id)).status() == Status::NotFound);
  CHECK(f.used() == 2);
  test::check_space(f);
  REQUIRE(f.engine->rescan(f.space).ok());
  f.engine->settle();
  CHECK(f.stat("b/x").id == x.id);
  CHECK(f.used() == 2);
}

TEST_CASE("what vanished is forgotten once all of the space was looked at, and comes back with its id from a backup") {
  Fixture f;
  f.mkdir("a");
  const Node x = f.put("a/x", "12"), y = f.put("a/y", "3");
  set_attribute(f, "a/x");
  const std::string copy = "cp -a '" + f.disk("a") + "' '" + f.folder.path + "/backup'";
  REQUIRE(std::system(copy.c_str()) == 0);
  fs::remove_all(f.disk("a"));
  CHECK(f.names("").empty());
  CHECK(f.engine->stat(f.at(x.id)).status() == Status::NotFound);
  const std::string back = "cp -a '" + f.folder.path + "/backup' '" + f.disk("b") + "'";
  REQUIRE(std::system(back.c_str()) == 0);
  CHECK(f.names("b") == "x y");
  CHECK(f.stat("b/x").id == x.id);
  CHECK(attribute(f, "b/x") == "green");
  CHECK(f.stat("b/y").id == y.id);
  CHECK(f.used() == 3);
  test::check_space(f);
  fs::remove_all(f.disk("b"));
  REQUIRE(f.engine->rescan(f.space).ok());
  REQUIRE(f.engine->rescan(f.space).ok());
  f.engine->settle();
  REQUIRE(std::system(back.c_str()) == 0);
  CHECK(f.names("b") == "x y");
  CHECK(f.stat("b/x").id == x.id);
  CHECK(attribute(f, "b/x").empty());
}

TEST_CASE("an id that was copied while its file is gone for a moment belongs to one of them") {
  Fixture f;
  const Node x = f.put("x", "12");
  REQUIRE(std::system(("cp -a '" + f.disk("x") + "' '" + f.disk("y") + "'").c_str()) == 0);
  REQUIRE(std::system(("cp -a '" + f.disk("x") + "' '" + f.disk("z") + "'").c_str()) == 0);
  fs::remove(f.disk("x"));
  CHECK(f.names("") == "y z");
  CHECK(f.stat("y").id != f.stat("z").id);
  test::check_space(f);
}

TEST_CASE("programs that save by replacing keep the node") {
  Fixture f;
  const Node x = f.put("m", "old");
  auto check = [&](const std::string &names, std::string_view content) {
    CHECK(f.names("") == names);
    CHECK(f.stat("m").id == x.id);
    CHECK(f.get("m") == content);
    test::check_space(f);
  };
  // a new file over the old one, without its attributes; the new one may have been seen before
  test::write_disk(f.disk(".m.tmp"), "one");
  fs::rename(f.disk(".m.tmp"), f.disk("m"));
  check("m", "one");
  test::write_disk(f.disk(".m.tmp"), "two!");
  CHECK(f.names("") == ".m.tmp m");
  fs::rename(f.disk(".m.tmp"), f.disk("m"));
  check("m", "two!");
  // the old one set aside under a name that sorts before or after it, and kept
  for (const char *aside : {"a", "z"}) {
    CAPTURE(aside);
    fs::rename(f.disk("m"), f.disk(aside));
    test::write_disk(f.disk("m"), std::string("three ") + aside);
    check(*aside == 'a' ? "a m" : "a m z", std::string("three ") + aside);
    CHECK(f.stat(aside).id != x.id);
  }
}

TEST_CASE("a file moved to another space beside the server is a new node there") {
  Fixture f;
  SpaceSpec spec;
  spec.id = base::random_id<SpaceId>();
  spec.name = "Solar";
  REQUIRE(f.engine->space_create(spec).ok());
  const std::string other = f.provider.root + "/projects/Solar/";
  for (const bool old_first : {true, false}) {
    CAPTURE(old_first);
    const Node x = f.put("x", "12");
    fs::rename(f.disk("x"), other + "x");
    if (old_first) {
      CHECK(f.names("").empty());
      f.engine->settle();
    }
    const auto moved = f.engine->stat(Ref{spec.id, root_of(spec.id), "x"});
    REQUIRE(moved.ok());
    CHECK(moved->id != x.id);
    CHECK(f.names("").empty());
    fs::remove(other + "x");
    REQUIRE(f.engine->rescan(spec.id).ok());
  }
}
