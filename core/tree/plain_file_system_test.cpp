// SPDX-License-Identifier: Apache-2.0
// A file system that has no extended attributes and does not tell its size: ramfs, where the tests may mount it.
#include "core/sql/database.hpp"
#include "core/tree/invariants_test.hpp"
#include "tests/unit/skip.hpp"

#include <sys/mount.h>

#include <chrono>
#include <thread>

using namespace Atoll;
using namespace Atoll::tree;
using test::Fixture;
namespace fs = std::filesystem;

namespace {

/// Mounted over the storage root as long as it lives.
class RamFs {
 public:
  void mount(const std::string &root) {
    if (::mount("none", root.c_str(), "ramfs", 0, "") != 0) return Atoll::testing::skip("no right to mount a ramfs");
    root_ = root;
  }
  ~RamFs() {
    if (!root_.empty()) ::umount2(root_.c_str(), MNT_DETACH);
  }
  bool mounted() const { return !root_.empty(); }

 private:
  std::string root_;
};

std::map<std::string, std::string> ids_and_etags(Fixture &f) {
  std::map<std::string, std::string> all;
  auto walk = [&](auto &self, const std::string &path) -> void {
    for (const Node &node : f.list(path)) {
      const std::string inner = path.empty() ? node.name : path + "/" + node.name;
      all[inner] = node.id.text() + (node.folder() ? "" : " " + std::string(node.etag().view()));
      if (node.folder()) self(self, inner);
    }
  };
  walk(walk, "");
  return all;
}

void without_index(Fixture &f) {
  f.engine.reset();
  for (const char *part : {"", "-wal", "-shm"}) fs::remove(f.provider.state + "/index.db" + part);
  f.engine = f.provider.open();
  f.engine->settle();
}

}  // namespace

TEST_CASE("without extended attributes ids and etags survive the loss of the index" * Atoll::testing::mounts()) {
  RamFs ram;
  Fixture f([&](const std::string &root) { ram.mount(root); });
  if (!ram.mounted()) return;
  for (const char *path : {"a", "a/b", "c"}) f.mkdir(path);
  f.put("a/x", "1");
  f.put("a/b/y", "22");
  f.put("a/b/y", "333");
  f.put("c/z", "4444");
  Fixture::value(f.engine->rename(f.at("a/b"), f.at("c/b"), false, {}));
  Fixture::value(f.engine->copy(f.at("c"), f.at("copy"), false, false, {}));
  Fixture::value(f.engine->set_mtime(f.at("c/z"), 1'000'000'000'000'000'000, {}));
  test::write_disk(f.disk("beside"), "55555");
  fs::create_directory(f.disk("folder"));
  REQUIRE(f.engine->rescan(f.space).ok());
  const auto before = ids_and_etags(f);
  CHECK(before.size() == 12);
  const std::uint64_t used = f.used();
  without_index(f);
  CHECK(ids_and_etags(f) == before);
  CHECK(f.used() == used);
  test::check_space(f);
  // What was renamed or changed while the server was down.
  f.engine.reset();
  fs::rename(f.disk("a/x"), f.disk("c/x"));
  fs::rename(f.disk("c/b"), f.disk("b"));
  test::write_disk(f.disk("c/z"), "changed");
  f.start();
  without_index(f);
  auto after = ids_and_etags(f);
  CHECK(after["c/x"] == before.at("a/x"));
  CHECK(after["b"] == before.at("c/b"));
  CHECK(after["b/y"] == before.at("c/b/y"));
  CHECK(after["c/z"] != before.at("c/z"));
  test::check_space(f);
}

TEST_CASE("without extended attributes a new file is not taken for an old one, and forgotten ids are no burden" *
          Atoll::testing::mounts()) {
  RamFs ram;
  Fixture f([&](const std::string &root) { ram.mount(root); });
  if (!ram.mounted()) return;
  const Node x = f.put("x", "12");
  fs::remove(f.disk("x"));
  REQUIRE(f.engine->rescan(f.space).ok());  // whose times are coarse: a listing in the same tick would not see it
  CHECK(f.names("").empty());
  test::write_disk(f.disk("new"), "12");
  CHECK(f.stat("new").id != x.id);
  const Node gone = f.put("gone", "3");
  REQUIRE(f.engine->remove(f.at("gone"), {}, true).ok());
  f.engine->settle();
  // No row has its id any more, whatever inode it had.
  sql::Database database = Fixture::value(sql::Database::open(f.provider.state + "/identities.db"));
  auto statement = Fixture::value(database.prepare("SELECT count(*) FROM identity WHERE id=?1"));
  auto rows = statement.query(gone.id);
  REQUIRE(Fixture::value(rows.next()));
  CHECK(rows.integer(0) == 0);
}

TEST_CASE("without extended attributes ids survive renames beside the server, versions and trash work" *
          Atoll::testing::mounts()) {
  RamFs ram;
  Fixture f([&](const std::string &root) { ram.mount(root); });
  if (!ram.mounted()) return;
  f.engine.reset();
  f.provider.options.beside.enabled = true;
  f.provider.options.beside.settle_ms = 10;
  f.start();
  f.mkdir("a");
  f.mkdir("a/t");
  const Node x = f.put("a/x", "12"), y = f.put("a/t/y", "345");
  fs::rename(f.disk("a/x"), f.disk("z"));
  fs::rename(f.disk("a/t"), f.disk("t"));
  test::write_disk(f.disk("end"), "6");
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (f.used() != 6 && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  CHECK(f.used() == 6);
  CHECK(f.stat("z").id == x.id);
  CHECK(f.stat("t/y").id == y.id);
  f.put("z", "newer");
  std::vector<Version> versions;
  REQUIRE(f.engine
              ->versions(f.at("z"),
                         [&](const Version &version) {
                           versions.push_back(version);
                           return true;
                         })
              .ok());
  REQUIRE(versions.size() == 1);
  Fixture::value(f.engine->version_restore(f.at("z"), versions[0].sequence, {}));
  CHECK(f.get("z") == "12");
  CHECK(f.stat("z").id == x.id);
  REQUIRE(f.engine->remove(f.at("t"), {}, false).ok());
  Uuid item;
  REQUIRE(f.engine
              ->trash_list(f.space, {}, 1,
                           [&](const TrashItem &found) {
                             item = found.id;
                             return true;
                           })
              .ok());
  Fixture::value(f.engine->trash_restore(f.space, item, std::nullopt, false, {}));
  CHECK(f.stat("t/y").id == y.id);
  test::check_space(f);
}
