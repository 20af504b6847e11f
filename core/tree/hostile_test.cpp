// SPDX-License-Identifier: Apache-2.0
// Trees that somebody made to harm, while folders are watched and crawled.
#include "core/tree/identity.hpp"
#include "core/tree/invariants_test.hpp"
#include "tests/unit/skip.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

using namespace Atoll;
using namespace Atoll::tree;
using test::Fixture;
namespace fs = std::filesystem;

namespace {

struct Hostile : Fixture {
  Hostile() {
    provider.options.beside.enabled = true;
    provider.options.beside.settle_ms = 10;
    provider.options.beside.crawl_rate = 1000000;
    provider.options.beside.crawl_interval_s = 0;
    provider.options.durability = Durability::None;
    restart();
    SpaceSpec spec;
    spec.id = other;
    spec.name = "Solar";
    if (!engine->space_create(spec)) FAIL("no other space");
  }
  ~Hostile() { engine.reset(); }
  bool used_becomes(std::uint64_t bytes) {
    for (int i = 0; i < 6000; ++i) {
      if (used() == bytes) return true;
      ::usleep(10000);
    }
    return false;
  }
  SpaceId other = base::random_id<SpaceId>();
  std::string solar(const std::string &path) const { return provider.root + "/projects/Solar/" + path; }
};

}  // namespace

TEST_CASE("links, loops, pipes, devices and odd names are no nodes, however they come") {
  Hostile f;
  test::write_disk(f.solar("secret"), "theirs");
  fs::create_directories(f.disk("t/u"));
  fs::create_symlink("/etc/passwd", f.disk("t/passwd"));
  fs::create_directory_symlink("/etc", f.disk("t/etc"));
  fs::create_directory_symlink(f.solar(""), f.disk("t/solar"));
  fs::create_symlink(f.solar("secret"), f.disk("t/u/secret"));
  fs::create_directory_symlink("..", f.disk("t/u/up"));
  fs::create_directory_symlink("self", f.disk("t/self"));
  REQUIRE(::mkfifo(f.disk("t/u/fifo").c_str(), 0666) == 0);
  if (::geteuid() == 0) REQUIRE(::mknod(f.disk("t/null").c_str(), S_IFCHR | 0666, makedev(1, 3)) == 0);
  std::ofstream(f.disk("t/bad\xff\xfe")) << "x";
  fs::create_directory(f.disk("t/folder\xc3"));
  test::write_disk(f.disk("t/u/good"), "12345");
  REQUIRE(f.used_becomes(5));
  CHECK(f.names("t") == "u");
  CHECK(f.names("t/u") == "good");
  for (const char *path :
       {"t/etc/passwd", "t/solar/secret", "t/u/secret", "t/u/up/u/good", "t/self", "t/u/fifo", "t/null"})
    CHECK(f.status(path) == Status::NotFound);
  // A file, and a folder, that become links while they are known and watched.
  fs::remove(f.disk("t/u/good"));
  fs::create_symlink("/etc/passwd", f.disk("t/u/good"));
  REQUIRE(f.used_becomes(0));
  test::write_disk(f.disk("t/u/more"), "123");
  REQUIRE(f.used_becomes(3));
  fs::rename(f.disk("t/u"), f.folder.path + "/away");
  fs::create_directory_symlink(f.solar(""), f.disk("t/u"));
  REQUIRE(f.used_becomes(0));
  CHECK(f.status("t/u/secret") == Status::NotFound);
  CHECK(f.names("t").empty());
  CHECK(test::read_disk(f.solar("secret")) == "theirs");
}

TEST_CASE("a copied tree and forged ids steal nothing from anybody") {
  Hostile f;
  f.mkdir("t");
  f.mkdir("t/u");
  const Node x = f.put("t/x", "1"), y = f.put("t/u/y", "22"), t = f.stat("t"), u = f.stat("t/u");
  REQUIRE(std::system(("cp -a '" + f.disk("t") + "' '" + f.disk("a") + "'").c_str()) == 0);
  REQUIRE(std::system(("cp -a '" + f.disk("t") + "' '" + f.solar("t") + "'").c_str()) == 0);
  REQUIRE(f.used_becomes(6));
  CHECK(f.stat("t").id == t.id);
  CHECK(f.stat("t/u").id == u.id);
  CHECK(f.stat("t/x").id == x.id);
  CHECK(f.stat("t/u/y").id == y.id);
  std::set<std::string> ids;
  for (const char *path : {"t", "t/u", "t/x", "t/u/y", "a", "a/u", "a/x", "a/u/y"}) ids.insert(f.stat(path).id.text());
  for (const char *path : {"t", "t/u", "t/x", "t/u/y"}) {
    const auto node = f.engine->stat(Ref{f.other, root_of(f.other), path});
    REQUIRE(node.ok());
    ids.insert(node->id.text());
  }
  CHECK(ids.size() == 12);
  // The id of another's file, of a root, of a file in the trash.
  const Node secret = Fixture::value(f.try_put(Ref{f.other, root_of(f.other), "secret"}, "theirs"));
  const Node binned = f.put("binned", "333");
  REQUIRE(f.engine->remove(f.at("binned"), {}, false).ok());
  int number = 0;
  for (const NodeId &id : {secret.id, root_of(f.space), root_of(f.other), binned.id, x.id}) {
    const std::string name = "forged" + std::to_string(number++);
    const std::string path = f.folder.path + "/" + name;
    test::write_disk(path, "");
    const auto bytes = encode_identity(Identity{id, ~std::uint64_t{0} >> 1, 0, 0, 0});
    REQUIRE(::setxattr(path.c_str(), kIdentityName, bytes.data(), bytes.size(), 0) == 0);
    fs::rename(path, f.disk(name));
    CHECK(f.stat(name).id != id);
  }
  CHECK(f.stat("t/x").id == x.id);
  CHECK(Fixture::value(f.engine->stat(Ref{f.other, root_of(f.other), "secret"})).id == secret.id);
  test::check_space(f);
}

TEST_CASE("a very deep tree is taken over, read and moved, and goes again") {
  Hostile f;
  constexpr int kDepth = 300;
  base::Fd at(::open(f.disk("").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  std::string path;
  for (int i = 0; i < kDepth; ++i) {
    const std::string name = "folder-with-a-long-name-" + std::to_string(i);
    REQUIRE(::mkdirat(at.get(), name.c_str(), 0755) == 0);
    at.reset(::openat(at.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    REQUIRE(at);
    path += (path.empty() ? "" : "/") + name;
  }
  const base::Fd file(::openat(at.get(), "deep", O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
  REQUIRE(base::write_all(file.get(), "12345").ok());
  REQUIRE(f.used_becomes(5));
  CHECK(path.size() > 4096);
  CHECK(f.get(path + "/deep") == "12345");
  fs::rename(f.disk("folder-with-a-long-name-0"), f.disk("moved"));
  CHECK(f.get("moved" + path.substr(path.find('/')) + "/deep") == "12345");
  fs::rename(f.disk("moved"), f.folder.path + "/gone");
  CHECK(f.used_becomes(0));
}

TEST_CASE("a mount point inside of a space is no node" * Atoll::testing::mounts()) {
  Hostile f;
  fs::create_directory(f.disk("mount"));
  if (::mount("none", f.disk("mount").c_str(), "tmpfs", 0, "size=1m") != 0)
    return Atoll::testing::skip("no right to mount a disk");
  test::write_disk(f.disk("mount/inside"), "333");
  test::write_disk(f.disk("beside"), "22");
  const bool found = f.used_becomes(2);
  const Status status = f.status("mount/inside");
  const std::string names = f.names("");
  ::umount2(f.disk("mount").c_str(), MNT_DETACH);
  CHECK(found);
  CHECK(status == Status::NotFound);
  CHECK(names == "beside");
}
