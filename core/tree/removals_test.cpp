// SPDX-License-Identifier: Apache-2.0
// A mass disappearance is held back until the admin confirms it, or until what was gone is back.
#include "core/tree/invariants_test.hpp"
#include "core/tree/meta.hpp"

using namespace Atoll;
using namespace Atoll::tree;
using test::Fixture;
namespace fs = std::filesystem;

namespace {

/// A space with ten folders of files, none of them durable so that the test is short.
struct Full : Fixture {
  explicit Full(int files_in_folder = 15) {
    engine.reset();
    provider.options.durability = Durability::None;
    provider.options.checkpoint_seconds = 1;
    start();
    for (int number = 0; number < 10; ++number) {
      const std::string name = "d" + std::to_string(number);
      fs::create_directory(disk(name));
      for (int file = 0; file < files_in_folder; ++file) test::write_disk(disk(name + "/" + std::to_string(file)), "1");
    }
    REQUIRE(engine->rescan(space).ok());
    everything = used();
    REQUIRE(everything == static_cast<std::uint64_t>(10 * files_in_folder));
  }
  void hide(int from, int to) {
    fs::create_directory(folder.path + "/hidden");
    for (int i = from; i < to; ++i) fs::rename(disk("d" + std::to_string(i)), hidden(i));
  }
  void bring_back(int from, int to) {
    for (int i = from; i < to; ++i) fs::rename(hidden(i), disk("d" + std::to_string(i)));
  }
  std::string hidden(int i) const { return folder.path + "/hidden/" + std::to_string(i); }
  bool serves() { return engine->stat(at("")).ok(); }
  void check_held() {
    CHECK(engine->stat(at("d0")).status() == Status::Unavailable);
    CHECK(engine->list(at(""), {}, 0, [](const NodeView &) { return true; }).status() == Status::Unavailable);
    CHECK(engine->open_read(at("d0/1")).status() == Status::Unavailable);
    CHECK(engine->stat(at("nothing")).status() == Status::Unavailable);
    CHECK(try_put("new", "1").status() == Status::Unavailable);
    CHECK(engine->space_get(space).status() == Status::Unavailable);
    const auto well = engine->health();
    REQUIRE_FALSE(well.ok());
    CHECK(well.error().message.find("einstein") != std::string::npos);
    CHECK(well.error().message.find("confirm") != std::string::npos);
    CHECK(well.error().reason == ATOLL_REASON_HELD_BACK);
    const auto refused = engine->stat(at("d0"));
    CHECK(refused.error().reason == ATOLL_REASON_HELD_BACK);
  }
  /// The background looks again and again.
  bool served_again() {
    for (int i = 0; i < 3000; ++i) {
      if (serves()) return true;
      ::usleep(10000);
    }
    return false;
  }
  std::uint64_t everything = 0;
};

}  // namespace

TEST_CASE("more than the share gone at once is held back, over a restart, until the admin confirms") {
  Full f;
  const NodeId kept = f.stat("d9/3").id;
  f.hide(0, 8);
  CHECK(f.engine->rescan(f.space).status() == Status::Unavailable);
  f.check_held();
  CHECK(f.engine->health().error().message.starts_with("at least 120 files"));  // exactly 120
  CHECK(f.engine->confirm_removals(base::random_id<SpaceId>()).status() == Status::NotFound);
  f.restart();
  f.check_held();
  REQUIRE(f.engine->confirm_removals(f.space).ok());
  CHECK(f.engine->health().ok());
  CHECK(f.used() == 30);
  CHECK(f.names("") == "d8 d9");
  CHECK(f.stat("d9/3").id == kept);
  CHECK(f.engine->confirm_removals(f.space).status() == Status::FailedPrecondition);
  test::check_space(f);
  f.restart();
  CHECK(f.used() == 30);
  // What was confirmed counts no more.
  fs::remove(f.disk("d8/1"));
  CHECK(f.list("d8").size() == 14);
}

TEST_CASE("a start without holding back removes what was held back") {
  Full f;
  f.hide(0, 8);
  CHECK(f.engine->rescan(f.space).status() == Status::Unavailable);
  f.engine.reset();
  f.provider.options.mass_delete_share = 0;
  f.start();
  REQUIRE(f.served_again());
  CHECK(f.names("") == "d8 d9");
  CHECK(f.engine->health().ok());
  test::check_space(f);
}

TEST_CASE("what was gone comes back and nothing was ever removed") {
  Full f;
  const NodeId id = f.stat("d0/3").id;
  const std::string etag = f.etag("d0/3");
  f.hide(0, 8);
  CHECK(f.engine->list(f.at(""), {}, 0, [](const NodeView &) { return true; }).status() == Status::Unavailable);
  f.check_held();
  f.bring_back(0, 8);
  REQUIRE(f.served_again());
  CHECK(f.used() == f.everything);
  CHECK(f.stat("d0/3").id == id);
  CHECK(f.etag("d0/3") == etag);
  test::check_space(f);
}

TEST_CASE("folders that empty one after the other are one disappearance") {
  Full f;
  bool held = false;
  int listed = 0;
  for (; listed < 10 && !held; ++listed) {
    const std::string name = "d" + std::to_string(listed);
    fs::remove_all(f.disk(name));
    fs::create_directory(f.disk(name));
    held = f.engine->list(f.at(name), {}, 0, [](const NodeView &) { return true; }).status() == Status::Unavailable;
  }
  CHECK(held);
  CHECK(listed == 6);  // the sixth makes it more than half
  f.check_held();
  REQUIRE(f.engine->confirm_removals(f.space).ok());
  CHECK(f.used() == 60);
  test::check_space(f);
}

TEST_CASE("programs that write new files in place of old ones lose nothing") {
  Full f;
  for (int round = 0; round < 8; ++round) {
    for (int file = 0; file < 60; ++file) {
      const std::string name = "d0/t" + std::to_string(file) + "." + std::to_string(round);
      test::write_disk(f.disk(name), "22");
      if (round > 0) fs::remove(f.disk("d0/t" + std::to_string(file) + "." + std::to_string(round - 1)));
    }
    CHECK(f.list("d0").size() == 75);
  }
  CHECK(f.used() == f.everything + 120);
  // Beside them a loss is still one.
  f.hide(1, 9);
  CHECK(f.engine->rescan(f.space).status() == Status::Unavailable);
  f.check_held();
}

TEST_CASE("moves, small spaces, small losses and removals by clients are not held back") {
  Full f;
  fs::create_directory(f.disk("moved"));
  for (int i = 0; i < 9; ++i) {
    const std::string name = "d" + std::to_string(i);
    fs::rename(f.disk(name), f.disk("moved/" + name));
  }
  REQUIRE(f.engine->rescan(f.space).ok());
  CHECK(f.used() == f.everything);
  for (int i = 0; i < 4; ++i) fs::remove_all(f.disk("moved/d" + std::to_string(i)));
  REQUIRE(f.engine->rescan(f.space).ok());
  CHECK(f.used() == f.everything - 60);
  REQUIRE(f.engine->remove(f.at("moved"), {}, false).ok());
  CHECK(f.used() == 15);
  CHECK(f.engine->health().ok());

  Full small(10);
  small.hide(0, 10);
  REQUIRE(small.engine->rescan(small.space).ok());
  CHECK(small.used() == 0);
}

TEST_CASE("temporary files that come and go are no disappearance, and hide none") {
  Full f;
  fs::create_directory(f.disk("temporary"));
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < 50; ++i) test::write_disk(f.disk("temporary/" + std::to_string(round * 50 + i)), "1");
    REQUIRE(f.engine->rescan(f.space).ok());
    CHECK(f.used() == f.everything + 50);
    for (int i = 0; i < 50; ++i) fs::remove(f.disk("temporary/" + std::to_string(round * 50 + i)));
    REQUIRE(f.engine->rescan(f.space).ok());
    CHECK(f.used() == f.everything);
  }
  f.hide(0, 4);
  CHECK(f.engine->rescan(f.space).status() == Status::Unavailable);  // 60, and the 50 of a moment ago, of 200
  f.check_held();
}

TEST_CASE("what went a short time before a restart counts") {
  Full f;
  f.hide(0, 4);
  REQUIRE(f.engine->rescan(f.space).ok());
  f.restart();
  for (int i = 4; i < 8; ++i) fs::remove_all(f.disk("d" + std::to_string(i)));
  CHECK(f.engine->rescan(f.space).status() == Status::Unavailable);
  f.check_held();
}

TEST_CASE("the admin sets the share") {
  Full f;
  f.engine.reset();
  f.provider.options.mass_delete_share = 10;
  f.start();
  f.hide(0, 2);
  CHECK(f.engine->rescan(f.space).status() == Status::Unavailable);
  f.engine.reset();
  f.provider.options.mass_delete_share = 0;
  f.start();
  REQUIRE(f.served_again());
  CHECK(f.used() == 120);
}

TEST_CASE("an index that is rebuilt lacks too much against the last count of the files") {
  Full f;
  f.engine.reset();
  f.provider.options.beside.enabled = true;
  f.provider.options.beside.crawl_rate = 1000000;
  f.provider.options.beside.crawl_interval_s = 0;
  f.start();
  const auto note = [&] {
    f.engine.reset();
    auto dir = Fixture::value(StateDir::open(f.provider.state));
    auto meta = Fixture::value(Meta::open(f.provider.state + "/meta.db", dir.provider()));
    return Fixture::value(meta->note("files." + f.space.text()));
  };
  int tries = 0;
  while (note() != "150") {
    REQUIRE(++tries < 1000);
    f.start();
    ::usleep(20000);
  }
  f.provider.options.beside.enabled = false;
  f.hide(0, 8);
  for (const char *part : {"", "-wal", "-shm"}) fs::remove(f.provider.state + "/index.db" + part);
  f.engine = f.provider.open();
  f.engine->settle();
  f.check_held();
  f.bring_back(0, 8);
  REQUIRE(f.served_again());
  CHECK(f.used() == f.everything);
}
