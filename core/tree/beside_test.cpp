// SPDX-License-Identifier: Apache-2.0
// Changes made beside the server, hostile trees, and what must not be taken for a removal.
#include "core/tree/identity.hpp"
#include "core/tree/test_engine.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

using namespace Atoll;
using namespace Atoll::tree;
using test::Fixture;
namespace fs = std::filesystem;

TEST_CASE("what another program does appears") {
  Fixture f;
  f.mkdir("d");
  const Node x = f.put("d/x", "1");
  const std::string root = f.etag("");
  test::write_disk(f.disk("d/new"), "12345");
  CHECK(f.names("d") == "new x");
  CHECK(f.get("d/new") == "12345");
  CHECK(f.used() == 6);
  CHECK(f.etag("") != root);
  // seen without a listing
  test::write_disk(f.disk("d/direct"), "12");
  CHECK(f.get("d/direct") == "12");
  fs::create_directories(f.disk("t/u/v"));
  test::write_disk(f.disk("t/u/v/w"), "123");
  CHECK(f.get("t/u/v/w") == "123");
  CHECK(f.used() == 11);
  // changed in place
  const std::string before = f.etag("d/x");
  test::write_disk(f.disk("d/x"), "changed");
  CHECK(f.get("d/x") == "changed");
  CHECK(f.stat("d/x").id == x.id);
  CHECK(f.etag("d/x") != before);
  CHECK(f.used() == 17);
  // replaced by a new file, as editors do
  test::write_disk(f.disk("d/.tmp"), "edited");
  fs::rename(f.disk("d/.tmp"), f.disk("d/x"));
  CHECK(f.names("d") == "direct new x");
  CHECK(f.stat("d/x").id == x.id);
  CHECK(f.get("d/x") == "edited");
  // removed
  fs::remove(f.disk("d/x"));
  fs::remove_all(f.disk("t"));
  CHECK(f.engine->open_read(f.at("d/x")).status() == Status::NotFound);
  CHECK(f.names("") == "d");
  CHECK(f.used() == 7);
}

TEST_CASE("many at once") {
  Fixture f;
  f.engine.reset();
  f.provider.options.mass_delete_share = 0;
  f.provider.options.durability = Durability::None;
  f.start();
  fs::create_directory(f.disk("many"));
  for (int i = 0; i < 2500; ++i) test::write_disk(f.disk("many/" + std::to_string(i)), "12");
  CHECK(f.list("many").size() == 2500);
  CHECK(f.used() == 5000);
  for (int i = 0; i < 2200; ++i) fs::remove(f.disk("many/" + std::to_string(i)));
  f.put("many/ours", "123");
  CHECK(f.list("many").size() == 301);
  CHECK(f.used() == 603);
  CHECK(f.engine->remove(f.at("many"), {}, true).ok());
  f.engine->settle();
  CHECK(fs::is_empty(f.provider.root + "/.atoll/spaces/" + f.space.text() + "/aside"));
}

TEST_CASE("ids survive a rename beside the server") {
  Fixture f;
  f.mkdir("a");
  f.mkdir("b");
  f.mkdir("a/sub");
  const Node x = f.put("a/x", "1"), y = f.put("a/sub/y", "22"), sub = f.stat("a/sub");
  fs::rename(f.disk("a/x"), f.disk("a/z"));
  CHECK(f.names("a") == "sub z");
  CHECK(f.stat("a/z").id == x.id);
  CHECK(f.stat("a/z").etag().view() == x.etag().view());
  fs::rename(f.disk("a/z"), f.disk("b/z"));
  fs::rename(f.disk("a/sub"), f.disk("b/sub2"));
  REQUIRE(f.engine->rescan(f.space).ok());
  CHECK(f.stat("b/z").id == x.id);
  CHECK(f.stat("b/sub2").id == sub.id);
  CHECK(f.stat("b/sub2/y").id == y.id);
  CHECK(f.stat("b/sub2/y").etag().view() == y.etag().view());
  CHECK(f.stat("b").size == 3);
  CHECK(f.stat("a").size == 0);
  CHECK(f.used() == 3);
  fs::rename(f.disk("b"), f.disk("a/b"));
  REQUIRE(f.engine->rescan(f.space).ok());
  CHECK(f.stat("a/b/sub2/y").id == y.id);
  CHECK(f.used() == 3);
}

TEST_CASE("copies and hard links beside the server do not get the id of another node") {
  Fixture f;
  f.mkdir("d");
  const Node x = f.put("d/x", "1");
  const std::string copy = "cp -a '" + f.disk("d") + "' '" + f.disk("e") + "'";
  REQUIRE(std::system(copy.c_str()) == 0);
  fs::create_hard_link(f.disk("d/x"), f.disk("d/hard"));
  REQUIRE(f.engine->rescan(f.space).ok());
  CHECK(f.stat("d/x").id == x.id);
  CHECK(f.stat("e/x").id != x.id);
  CHECK(f.stat("d/hard").id != x.id);
  CHECK(f.stat("e").id != f.stat("d").id);
  CHECK(f.used() == 3);
}

TEST_CASE("a forged identity steals nothing") {
  Fixture f;
  const Node x = f.put("x", "1");
  test::write_disk(f.disk("y"), "22");
  auto forge = [&](const std::string &path, const Identity &identity) {
    const auto bytes = encode_identity(identity);
    REQUIRE(::setxattr(path.c_str(), kIdentityName, bytes.data(), bytes.size(), 0) == 0);
  };
  forge(f.disk("y"), Identity{x.id, x.sequence, 2, 0, 0});
  CHECK(f.stat("y").id != x.id);
  CHECK(f.stat("x").id == x.id);
  // a known inode keeps its id, whatever is written into it
  const Node y = f.stat("y");
  const NodeId wished = base::random_id<NodeId>();
  forge(f.disk("y"), Identity{wished, 1, 2, 0, 0});
  fs::rename(f.disk("y"), f.disk("z"));
  CHECK(f.names("") == "x z");
  CHECK(f.stat("z").id == y.id);
  // the id of a root, and no id at all
  test::write_disk(f.disk("r"), "");
  forge(f.disk("r"), Identity{root_of(f.space), 1, 0, 0, 0});
  CHECK(f.stat("r").id != root_of(f.space));
  test::write_disk(f.disk("n"), "");
  REQUIRE(::setxattr(f.disk("n").c_str(), kIdentityName, "junk", 4, 0) == 0);
  CHECK_FALSE(f.stat("n").id.none());
}

TEST_CASE("hostile trees: nothing is followed, nothing hangs, nothing leaves the space") {
  Fixture f;
  f.mkdir("d");
  f.put("d/x", "1");
  test::TempFolder outside;
  test::write_disk(outside.path + "/secret", "secret");
  fs::create_symlink("/etc/passwd", f.disk("passwd"));
  fs::create_directory_symlink(outside.path, f.disk("out"));
  fs::create_directory_symlink("..", f.disk("d/up"));
  fs::create_directory_symlink(".", f.disk("loop"));
  REQUIRE(::mkfifo(f.disk("fifo").c_str(), 0600) == 0);
  REQUIRE(::mkfifo(f.disk("d/fifo").c_str(), 0600) == 0);
  if (::geteuid() == 0) REQUIRE(::mknod(f.disk("device").c_str(), S_IFCHR | 0600, makedev(1, 5)) == 0);
  std::ofstream(f.disk("bad\xff")) << "x";
  REQUIRE(f.engine->rescan(f.space).ok());
  CHECK(f.names("") == "d");
  CHECK(f.names("d") == "x");
  for (const char *path : {"passwd", "out", "out/secret", "loop", "loop/d", "fifo", "d/up", "d/up/d", "device"}) {
    CHECK(f.status(path) == Status::NotFound);
    CHECK(f.engine->open_read(f.at(path)).status() == Status::NotFound);
  }
  CHECK(f.try_put("passwd", "x").status() == Status::PermissionDenied);
  CHECK(f.try_put("fifo", "x").status() == Status::PermissionDenied);
  CHECK(f.try_put("out/new", "x").status() == Status::FailedPrecondition);
  CHECK(f.engine->mkdir(f.at("loop"), {}).status() == Status::PermissionDenied);
  // a folder that turns into a link while it is known
  f.mkdir("swap");
  f.put("swap/secret", "mine");
  fs::rename(f.disk("swap"), f.disk("kept"));
  fs::create_directory_symlink(outside.path, f.disk("swap"));
  CHECK(f.engine->open_read(f.at("swap/secret")).status() == Status::NotFound);
  CHECK(f.try_put("swap/new", "x").status() == Status::FailedPrecondition);
  CHECK_FALSE(fs::exists(outside.path + "/new"));
  CHECK(f.get("kept/secret") == "mine");
  // a removal takes the links, not what they lead to
  fs::create_directory_symlink(outside.path, f.disk("kept/link"));
  CHECK(f.engine->remove(f.at("kept"), {}, true).ok());
  f.engine->settle();
  CHECK(test::read_disk(outside.path + "/secret") == "secret");
  CHECK(fs::is_empty(f.provider.root + "/.atoll/spaces/" + f.space.text() + "/aside"));
}

TEST_CASE("a change of ours does not hide one made beside the server") {
  Fixture f;
  f.mkdir("d");
  test::write_disk(f.disk("d/beside"), "1");
  f.put("d/ours", "2");
  CHECK(f.names("d") == "beside ours");
}

TEST_CASE("a missing mount is an outage and never a removal") {
  Fixture f;
  f.mkdir("d");
  const Node x = f.put("d/x", "1");
  const std::string marker = f.provider.root + "/.atoll/marker";
  fs::rename(marker, marker + ".away");
  fs::rename(f.disk("d"), f.provider.root + "/d.away");
  CHECK(f.engine->open_read(f.at("d/x")).status() == Status::Unavailable);
  CHECK(f.engine->stat(f.at("d/nope")).status() == Status::Unavailable);
  CHECK(f.engine->rescan(f.space).status() == Status::Unavailable);
  CHECK(f.engine->stat(f.at("d/x")).status() == Status::Unavailable);
  CHECK(f.engine->health().status() == Status::Unavailable);
  CHECK(f.try_put("new", "1").status() == Status::Unavailable);
  CHECK(f.engine->space_get(f.space).status() == Status::Unavailable);
  CHECK(f.engine->space_list([](const SpaceInfo &) { return true; }).status() == Status::Unavailable);
  fs::rename(f.provider.root + "/d.away", f.disk("d"));
  fs::rename(marker + ".away", marker);
  CHECK(f.get("d/x") == "1");
  CHECK(f.stat("d/x").id == x.id);

  // the whole root is away, as after a umount: the empty mount point is not taken for an empty storage
  f.engine.reset();
  fs::rename(f.provider.root, f.provider.root + ".away");
  CHECK(f.provider.try_open().status() == Status::Unavailable);
  fs::create_directory(f.provider.root);
  CHECK(f.provider.try_open().status() == Status::Unavailable);
  CHECK(fs::is_empty(f.provider.root));
  fs::remove(f.provider.root);
  fs::rename(f.provider.root + ".away", f.provider.root);
  f.start();
  CHECK(f.get("d/x") == "1");

  // it goes and comes back while the server runs
  fs::rename(f.provider.root, f.provider.root + ".away");
  fs::create_directory(f.provider.root);
  CHECK(f.engine->open_read(f.at("d/nope")).status() == Status::Unavailable);
  CHECK(f.engine->list(f.at("d"), {}, 0, [](const NodeView &) { return true; }).status() == Status::Unavailable);
  fs::remove(f.provider.root);
  fs::rename(f.provider.root + ".away", f.provider.root);
  CHECK(f.get("d/x") == "1");
  // only the space's own folder is missing
  fs::rename(f.disk(""), f.provider.root + "/einstein.away");
  CHECK(f.engine->open_read(f.at("d/x")).status() == Status::Unavailable);
  CHECK(f.engine->list(f.at(""), {}, 0, [](const NodeView &) { return true; }).status() == Status::Unavailable);
  CHECK(f.engine->list(f.at("d"), {}, 0, [](const NodeView &) { return true; }).status() == Status::Unavailable);
  fs::rename(f.provider.root + "/einstein.away", f.disk(""));
  CHECK(f.names("d") == "x");
}

TEST_CASE("roots and state folders belong together, one server at a time") {
  Fixture f;
  f.put("x", "1");
  CHECK(f.provider.try_open().status() == Status::FailedPrecondition);
  test::Provider other(f.folder.path + "/other");
  other.root = f.provider.root;
  fs::create_directories(other.state);
  CHECK(other.try_open().status() == Status::FailedPrecondition);
  f.engine.reset();
  CHECK(other.try_open().status() == Status::FailedPrecondition);
  // somebody's files are not taken over
  test::TempFolder full;
  test::Provider taken(full.path);
  test::write_disk(taken.root + "/mine", "x");
  CHECK(taken.try_open().status() == Status::FailedPrecondition);
  CHECK_FALSE(fs::exists(taken.root + "/.atoll"));
  // meta.db is not made anew
  fs::rename(f.provider.state + "/meta.db", f.provider.state + "/meta.away");
  CHECK(f.provider.try_open().status() == Status::DataLoss);
  fs::rename(f.provider.state + "/meta.away", f.provider.state + "/meta.db");
  f.start();
  CHECK(f.get("x") == "1");
}
