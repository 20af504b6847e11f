// SPDX-License-Identifier: Apache-2.0
// Changes made beside the server, found without anybody asking: by the watcher and by the crawl.
#include "core/tree/watch.hpp"
#include "core/tree/failing_namespace_test.hpp"
#include "core/tree/invariants_test.hpp"
#include "core/tree/meta.hpp"

#include <atomic>
#include <chrono>
#include <climits>
#include <mutex>
#include <thread>

using namespace Atoll;
using namespace Atoll::tree;
using test::Fixture;
namespace fs = std::filesystem;

namespace {

/// Waits for a condition that must come true; the deadline is only there so that a failure ends.
template <class Condition>
bool comes_true(Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

struct LogLines {
  std::mutex mutex;
  std::vector<std::string> lines;
  std::size_t count(std::string_view part) {
    const std::lock_guard guard(mutex);
    return static_cast<std::size_t>(std::count_if(
        lines.begin(), lines.end(), [&](const std::string &line) { return line.find(part) != std::string::npos; }));
  }
};

/// Switches off hearing: what is noticed meanwhile is lost, as when the queue of the kernel is full.
struct Deafness {
  std::atomic<bool> on{false};
  std::atomic<std::size_t> lost{0};
};

class DeafWatch final : public Watch {
 public:
  DeafWatch(std::unique_ptr<Watch> watch, Deafness &deafness) : watch_(std::move(watch)), deafness_(deafness) {}
  int fd() const noexcept override { return watch_->fd(); }
  Added add(const NodeId &node, Folder &folder, bool recent) override { return watch_->add(node, folder, recent); }
  bool used(const NodeId &node) override { return watch_->used(node); }
  bool watches(const NodeId &node) const override { return watch_->watches(node); }
  void drop(const NodeId &node) override { watch_->drop(node); }
  std::vector<NodeId> take_left() override { return watch_->take_left(); }
  std::size_t count() const override { return watch_->count(); }
  Result<bool> read(FunctionRef<void(const Notice &)> sink) override {
    if (deafness_.on) return watch_->read([&](const Notice &) { ++deafness_.lost; });
    if (deafness_.lost.exchange(0) != 0) {
      Notice lost;
      lost.lost = true;
      sink(lost);
    }
    return watch_->read(sink);
  }

 private:
  const std::unique_ptr<Watch> watch_;
  Deafness &deafness_;
};

class DeafNamespace final : public PosixNamespace {
 public:
  DeafNamespace(std::shared_ptr<PosixRoot> root, Deafness &deafness)
      : PosixNamespace(std::move(root)), deafness_(deafness) {}
  Result<std::unique_ptr<Watch>> watch(std::size_t most) override {
    auto watch = PosixNamespace::watch(most);
    if (!watch) return watch;
    return std::unique_ptr<Watch>(std::make_unique<DeafWatch>(std::move(*watch), deafness_));
  }

 private:
  Deafness &deafness_;
};

/// A provider that hears of changes, or crawls only. Nothing is listed or opened to wait for them: the sums of the
/// index tell.
struct Neighbours : Fixture {
  explicit Neighbours(BesideOptions options, Deafness *deafness = nullptr, test::Failures *failures = nullptr) {
    if (failures != nullptr)
      provider.names = [failures](std::shared_ptr<PosixRoot> root) {
        return std::make_unique<test::FailingNamespace>(std::move(root), *failures);
      };
    if (deafness != nullptr)
      provider.names = [deafness](std::shared_ptr<PosixRoot> root) {
        return std::make_unique<DeafNamespace>(std::move(root), *deafness);
      };
    options.enabled = true;
    options.settle_ms = 20;
    provider.options.beside = options;
    provider.options.durability = Durability::None;
    provider.options.log = [this](bool, const std::string &message) {
      const std::lock_guard guard(log.mutex);
      log.lines.push_back(message);
    };
    restart();
  }
  ~Neighbours() { engine.reset(); }
  bool used_becomes(std::uint64_t bytes) {
    return comes_true([&] { return used() == bytes; });
  }
  LogLines log;
};

BesideOptions hearing() {
  BesideOptions options;
  options.crawl_rate = 100;
  options.crawl_interval_s = 100000;
  return options;
}

BesideOptions crawling() {
  BesideOptions options;
  options.watch_folders = 0;
  options.crawl_rate = 1000000;
  options.crawl_interval_s = 0;
  options.poll_interval_s = 100000;
  return options;
}

void everything(Neighbours &f) {
  for (const char *path : {"a", "a/sub", "b"}) f.mkdir(path);
  const Node x = f.put("a/x", "1"), y = f.put("a/sub/y", "22"), sub = f.stat("a/sub");
  // new, in known folders and in new ones
  test::write_disk(f.disk("a/new"), "333");
  REQUIRE(f.used_becomes(6));
  fs::create_directories(f.disk("t/u/v/w"));
  test::write_disk(f.disk("t/u/v/w/deep"), "4444");
  REQUIRE(f.used_becomes(10));
  test::write_disk(f.disk("t/u/v/later"), "55555");
  REQUIRE(f.used_becomes(15));
  // changed in place and by replacing
  test::write_disk(f.disk("a/x"), "666666");
  REQUIRE(f.used_becomes(20));
  CHECK(f.stat("a/x").id == x.id);
  test::write_disk(f.disk("a/.x"), "7");
  fs::rename(f.disk("a/.x"), f.disk("a/x"));
  REQUIRE(f.used_becomes(15));
  CHECK(f.stat("a/x").id == x.id);
  const std::string before = f.etag("a/x");
  fs::last_write_time(f.disk("a/x"), fs::file_time_type::clock::now() - std::chrono::hours(1));
  CHECK(comes_true([&] { return f.engine->stat(f.at(x.id))->etag().view() != before; }));
  // renamed: files and trees
  fs::rename(f.disk("a/sub"), f.disk("b/sub2"));
  CHECK(comes_true([&] { return f.engine->stat(f.at(y.id)).ok() && f.stat("b").size == 2; }));
  CHECK(f.engine->stat(f.at(sub.id))->name == "sub2");
  test::write_disk(f.disk("b/sub2/more"), "88888888");
  REQUIRE(f.used_becomes(23));
  // moved out, and in again
  fs::rename(f.disk("b/sub2"), f.folder.path + "/out");
  REQUIRE(f.used_becomes(13));
  CHECK(f.engine->stat(f.at(y.id)).status() == Status::NotFound);
  test::write_disk(f.folder.path + "/out/y", "999999999");
  fs::rename(f.folder.path + "/out", f.disk("back"));
  REQUIRE(f.used_becomes(30));
  CHECK(f.stat("back/y").name == "y");
  // removed
  fs::remove(f.disk("a/new"));
  fs::remove_all(f.disk("t"));
  fs::remove_all(f.disk("back"));
  REQUIRE(f.used_becomes(1));
  CHECK(f.names("") == "a b");
  test::check_space(f);
}

}  // namespace

TEST_CASE("what other programs do is heard of") {
  Neighbours f(hearing());
  everything(f);
  CHECK(f.log.count("cannot") == 0);
}

TEST_CASE("what other programs do is found by the crawl alone") {
  Neighbours f(crawling());
  everything(f);
}

namespace {

/// As NFS is: nothing is heard of what other machines do, and names cannot be exchanged.
struct Nfs : test::Failures {
  Nfs() {
    deaf = true;
    exchange = INT_MAX;
  }
};

}  // namespace

TEST_CASE("as over NFS: what other programs do is found by polling and by the crawl") {
  Nfs nfs;
  BesideOptions options;
  options.poll_interval_s = 1;
  options.crawl_rate = 1000000;
  options.crawl_interval_s = 0;
  Neighbours f(options, nullptr, &nfs);
  CHECK(f.log.count("folders cannot be watched") == 1);
  everything(f);
  // What the server itself replaces meanwhile.
  f.put("a/x", "22");
  f.mkdir("a/d");
  f.put("a/d/old", "333");
  const Node d = Fixture::value(f.engine->rename(f.at("a/d"), f.at("b"), true, {}));
  test::write_disk(f.disk("b/beside"), "4444");
  REQUIRE(f.used_becomes(2 + 3 + 4));
  CHECK(f.stat("b").id == d.id);
  Fixture::value(f.engine->copy(f.at("b"), f.at("a"), true, false, {}));
  fs::remove(f.disk("a/old"));
  REQUIRE(f.used_becomes(4 + 7));
  CHECK(f.names("a") == "beside");
  CHECK(test::trash_of(f).size() == 2);
  CHECK(nfs.exchange < INT_MAX);
  test::check_space(f);
}

TEST_CASE("as over NFS: new, moved and removed names are found by polling alone") {
  Nfs nfs;
  BesideOptions options;
  options.poll_interval_s = 1;
  options.crawl_rate = 1000;
  options.crawl_interval_s = 100000;
  Neighbours f(options, nullptr, &nfs);
  for (const char *path : {"a", "a/sub", "b"}) f.mkdir(path);
  const Node y = f.put("a/sub/y", "22");
  fs::create_directories(f.disk("t/u/v"));
  test::write_disk(f.disk("t/u/v/deep"), "4444");
  test::write_disk(f.disk("b/gone"), "1");
  REQUIRE(f.used_becomes(7));
  fs::rename(f.disk("a/sub"), f.disk("b/moved"));
  fs::remove(f.disk("b/gone"));
  test::write_disk(f.disk("t/u/v/later"), "55555");
  REQUIRE(f.used_becomes(11));
  CHECK(comes_true([&] { return f.engine->stat(f.at(y.id)).ok() && f.stat("b").size == 2; }));
  CHECK(f.stat("b/moved/y").id == y.id);
  test::check_space(f);
}

TEST_CASE("a burst moves many files between folders and every one keeps its id") {
  Neighbours f(hearing());
  f.mkdir("a");
  f.mkdir("b");
  std::map<std::string, NodeId> ids;
  for (int i = 0; i < 300; ++i) {
    const std::string name = std::to_string(i);
    ids[name] = f.put((i % 2 == 0 ? "a/" : "b/") + name, name).id;
  }
  const std::uint64_t used = f.used();
  const std::string before = f.etag("a");
  for (int i = 0; i < 300; ++i) {
    const std::string name = std::to_string(i);
    fs::rename(f.disk((i % 2 == 0 ? "a/" : "b/") + name), f.disk((i % 2 == 0 ? "b/" : "a/") + name));
  }
  test::write_disk(f.disk("end"), "x");
  REQUIRE(f.used_becomes(used + 1));
  for (const auto &[name, id] : ids) CHECK(f.stat((std::stoi(name) % 2 == 0 ? "b/" : "a/") + name).id == id);
  CHECK(f.etag("a") != before);
  test::check_space(f);
}

TEST_CASE("what was done while the server was down is found at the start") {
  for (const bool hears : {true, false}) {
    CAPTURE(hears);
    Neighbours f(hears ? hearing() : crawling());
    for (const char *path : {"a", "a/b", "c"}) f.mkdir(path);
    const Node x = f.put("a/b/x", "1");
    f.put("c/gone", "22");
    f.engine.reset();
    fs::rename(f.disk("a/b/x"), f.disk("c/x"));
    fs::remove(f.disk("c/gone"));
    test::write_disk(f.disk("a/new"), "333");
    f.start();
    REQUIRE(f.used_becomes(4));
    CHECK(f.engine->stat(f.at(x.id))->name == "x");
    CHECK(f.stat("c/x").id == x.id);
    test::check_space(f);
  }
}

TEST_CASE("a file that was changed in place while the server was down is found by the crawl") {
  BesideOptions options = hearing();
  options.crawl_rate = 1000000;
  options.crawl_interval_s = 0;
  Neighbours f(options);
  f.mkdir("a");
  f.put("a/x", "1");
  f.engine.reset();
  test::write_disk(f.disk("a/x"), "22222");
  f.start();
  CHECK(f.used_becomes(5));
}

TEST_CASE("more folders than can be watched: said once, and nothing is missed") {
  BesideOptions options = hearing();
  options.watch_folders = 5;
  options.poll_interval_s = 1;
  options.crawl_rate = 100000;
  Neighbours f(options);
  for (int i = 0; i < 20; ++i) f.mkdir("d" + std::to_string(i));
  // The first walk is over and ended without need for another one; some of the folders were looked at already.
  REQUIRE(comes_true([&] { return f.log.count("folders can be watched") == 1; }));
  std::uint64_t used = 0;
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 20; ++i) {
      test::write_disk(f.disk("d" + std::to_string(i) + "/" + std::to_string(round)), "12");
      used += 2;
    }
    REQUIRE(f.used_becomes(used));
  }
  CHECK(f.log.count("folders can be watched") == 1);
  // One that is listed is watched from then on.
  f.names("d17");
  test::write_disk(f.disk("d17/heard"), "123");
  CHECK(f.used_becomes(used + 3));
  test::check_space(f);
}

TEST_CASE("a change within one tick of the clock after a look is found where folders are polled") {
  BesideOptions options = hearing();
  options.watch_folders = 0;
  options.poll_interval_s = 1;
  Neighbours f(options);
  f.mkdir("d");
  test::write_disk(f.disk("first"), "1");
  REQUIRE(f.used_becomes(1));  // the first walk and the crawl are over
  // Old files, so that nobody looks again for their sake.
  const std::string file = f.folder.path + "/file";
  test::write_disk(file, "22");
  fs::last_write_time(file, fs::file_time_type::clock::now() - std::chrono::hours(1));
  const auto tick = fs::last_write_time(f.disk("d"));
  fs::rename(file, f.disk("d/file"));
  fs::last_write_time(f.disk("d"), tick);
  CHECK(f.used_becomes(3));
}

TEST_CASE("a file that is being written while its folder makes room for another to be watched") {
  BesideOptions options = hearing();
  options.watch_folders = 2;
  options.poll_interval_s = 1;
  Neighbours f(options);
  f.mkdir("a");
  f.mkdir("b");
  std::ofstream file(f.disk("a/x"), std::ios::binary);
  file << "1" << std::flush;
  CHECK(f.names("a") == "x");
  for (const char *path : {"", "b", "", "b"}) f.names(path);
  REQUIRE(f.used_becomes(1));
  file << "23" << std::flush;
  file.close();
  CHECK(f.used_becomes(3));
}

TEST_CASE("folders that the server makes, copies and brings back are heard of from then on") {
  Neighbours f(hearing());
  std::vector<std::string> folders;
  for (int i = 0; i < 40; ++i) {
    const std::string top = "n" + std::to_string(i);
    for (const char *below : {"", "/a", "/a/b"}) {
      f.mkdir(top + below);
      folders.push_back(top + below);
      if (i % 3 == 0) f.names(top + below);  // watched for that
    }
    if (i % 4 == 1) {
      const std::string copy = "c" + std::to_string(i);
      Fixture::value(f.engine->copy(f.at(top), f.at(copy), false, false, {}));
      if (i % 3 == 0) f.names(copy);
      for (const char *below : {"", "/a", "/a/b"}) folders.push_back(copy + below);
    }
    if (i % 4 == 2) {
      Uuid item;
      REQUIRE(f.engine->remove(f.at(top), {}, false).ok());
      const auto listed = f.engine->trash_list(f.space, {}, 1, [&](const TrashItem &found) {
        item = found.id;
        return true;
      });
      REQUIRE(listed.ok());
      Fixture::value(f.engine->trash_restore(f.space, item, std::nullopt, false, {}));
    }
  }
  std::uint64_t used = 0;
  for (const std::string &folder : folders) {
    test::write_disk(f.disk(folder + "/file"), "12");
    used += 2;
  }
  CHECK(f.used_becomes(used));
  test::check_space(f);
}

TEST_CASE("when notices are lost everything is looked at and nothing is removed for it") {
  Deafness deafness;
  Neighbours f(hearing(), &deafness);
  std::vector<NodeId> ids;
  for (int i = 0; i < 8; ++i) {
    f.mkdir("d" + std::to_string(i));
    ids.push_back(f.put("d" + std::to_string(i) + "/x", "1").id);
  }
  test::write_disk(f.disk("heard"), "1");
  REQUIRE(f.used_becomes(9));
  deafness.on = true;
  for (int i = 0; i < 8; ++i) test::write_disk(f.disk("d" + std::to_string(i) + "/new"), "22");
  fs::rename(f.disk("d1/x"), f.disk("d6/moved"));
  fs::rename(f.disk("d7/x"), f.disk("d2/moved"));
  fs::rename(f.disk("d3"), f.disk("d4/d3"));
  fs::remove(f.disk("d5/x"));
  test::write_disk(f.disk("d0/x"), "333");  // does not change its folder
  fs::create_directory(f.disk("more"));
  test::write_disk(f.disk("more/y"), "4444");
  REQUIRE(comes_true([&] { return deafness.lost > 0; }));
  deafness.on = false;
  test::write_disk(f.disk("end"), "");
  REQUIRE(comes_true([&] { return f.log.count("too much was changed") > 0; }));
  REQUIRE(f.used_becomes(30));
  CHECK(f.stat("d6/moved").id == ids[1]);
  CHECK(f.stat("d2/moved").id == ids[7]);
  CHECK(f.stat("d4/d3/x").id == ids[3]);
  CHECK(f.names("d5") == "new");
  test::write_disk(f.disk("more/later"), "55555");
  CHECK(f.used_becomes(35));
  test::check_space(f);
}

TEST_CASE("the crawl goes on after a restart where it was") {
  Neighbours f(crawling());
  std::map<std::string, std::string> folders;  // id to path
  for (int i = 0; i < 20; ++i) {
    const std::string path = std::to_string(i);
    folders[f.mkdir(path).id.text()] = path;
    f.put(path + "/x", "1");
    // Long ago, or the first walk would not trust their times.
    fs::last_write_time(f.disk(path), fs::file_time_type::clock::now() - std::chrono::hours(1));
    f.names(path);
  }
  f.engine.reset();
  // In place, so that no folder's time tells.
  for (int i = 0; i < 20; ++i) test::write_disk(f.disk(std::to_string(i) + "/x"), "22");
  const auto place = std::next(folders.begin(), 16);
  {
    auto dir = Fixture::value(StateDir::open(f.provider.state));
    auto meta = Fixture::value(Meta::open(f.provider.state + "/meta.db", dir.provider()));
    REQUIRE(meta->set_note("crawl", place->first + " 1 1").ok());
  }
  f.provider.options.beside.crawl_interval_s = 100000;  // no other round
  f.start();
  CHECK(f.used_becomes(23));
  f.engine.reset();
  f.provider.options.beside.enabled = false;
  f.start();
  for (const auto &[id, path] : folders) CHECK(f.stat(path).size == (id > place->first ? 2 : 1));
}

TEST_CASE("requests go on while other programs change the files") {
  Neighbours f(hearing());
  f.mkdir("ours");
  fs::create_directory(f.disk("theirs"));
  std::thread other([&] {
    for (int i = 0; i < 1500; ++i) {
      const std::string name = f.disk("theirs/" + std::to_string(i % 50));
      test::write_disk(name, std::to_string(i));
      if (i % 3 == 0) fs::rename(name, name + "r");
    }
  });
  for (int i = 0; i < 200; ++i) {
    const std::string path = "ours/" + std::to_string(i);
    f.put(path, std::to_string(i));
    CHECK(f.get(path) == std::to_string(i));
  }
  other.join();
  test::write_disk(f.disk("theirs/end"), "x");
  std::uint64_t on_disk = 0;
  for (const auto &entry : fs::recursive_directory_iterator(f.disk("")))
    if (entry.is_regular_file()) on_disk += entry.file_size();
  CHECK(f.used_becomes(on_disk));
  test::check_space(f);
}
