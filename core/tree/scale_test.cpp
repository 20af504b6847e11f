// SPDX-License-Identifier: Apache-2.0
// Many entries, many nodes, many spaces, deep trees: memory and descriptors stay bounded. ATOLL_LONG_TESTS: the sizes
// that are promised; else a fraction of them.
#include "core/tree/test_engine.hpp"

#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

using namespace Atoll;
using namespace Atoll::tree;
using namespace Atoll::tree::test;

namespace {

bool at_length() { return std::getenv("ATOLL_LONG_TESTS") != nullptr; }

/// Bytes that were allocated and not freed.
std::size_t allocated() {
  const struct mallinfo2 info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
}

/// Memory of the process that is no cache of files, in bytes: how much it was at most while this lives.
class Resident {
 public:
  Resident()
      : begun_(now()), most_(begun_), thread_([this] {
          while (!stop_) {
            most_ = std::max(most_.load(), now());
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
          }
        }) {}
  ~Resident() {
    stop_ = true;
    thread_.join();
  }
  Resident(const Resident &) = delete;
  Resident &operator=(const Resident &) = delete;
  std::size_t more() const { return std::max(most_.load(), now()) - std::min(begun_, now()); }
  std::size_t most() const { return std::max(most_.load(), now()); }

 private:
  static std::size_t now() {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);)
      if (line.starts_with("RssAnon:")) return std::stoul(line.substr(8)) * 1024;
    return 0;
  }
  const std::size_t begun_;
  std::atomic<std::size_t> most_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

// Sanitizers need memory of their own.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kPlainMemory = false;
#else
constexpr bool kPlainMemory = true;
#endif

std::size_t descriptors() {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}));
}

/// Files as another program makes them: by far the fastest way to have many. They are taken over by rescan.
void make_files(const std::string &folder, std::size_t count) {
  std::filesystem::create_directories(folder);
  for (std::size_t i = 0; i < count; ++i) std::ofstream(folder + "/file-" + std::to_string(1'000'000 + i)) << 'x';
}

void rescan(Fixture &f) {
  const auto done = f.engine->rescan(f.space);
  REQUIRE_MESSAGE(done.ok(), done.error().message);
}

struct Clock {
  std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
  long ms() const {
    return static_cast<long>(
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start).count());
  }
};

}  // namespace

TEST_CASE("a folder with very many entries is listed and renamed with little memory") {
  const std::size_t count = at_length() ? 100'000 : 5'000;
  Fixture f;
  f.provider.options.durability = Durability::None;
  f.restart();
  make_files(f.disk("many"), count);
  rescan(f);
  const auto begun = allocated();
  auto listing = Fixture::value(f.engine->list_begin(f.at("many")));
  std::size_t seen = 0, most = 0;
  std::string last;
  bool sorted = true;
  auto step = [&] {
    return Fixture::value(listing->next([&](const NodeView &node) {
      sorted &= last < node.name;
      last = node.name;
      return ++seen % 500 != 0;
    }));
  };
  while (!step()) most = std::max(most, allocated() > begun ? allocated() - begun : 0);
  CHECK(seen == count);
  CHECK(sorted);
  // A connection to the index has a cache of 4 MiB; 100,000 entries of 200 bytes would be 20 MB.
  CHECK(most < 8u << 20);
  listing.reset();

  const auto inside = f.stat("many/file-1000000");
  const Clock clock;
  REQUIRE(f.engine->rename(f.at("many"), f.at("moved"), false, {}));
  MESSAGE("renaming a folder with " << count << " files: " << clock.ms() << " ms");
  CHECK(f.stat("moved/file-1000000").id == inside.id);
  CHECK(f.status("many/file-1000000") == Status::NotFound);
  CHECK(f.used() == count);
}

TEST_CASE("a hundred folders deep") {
  Fixture f;
  f.provider.options.durability = Durability::None;
  f.restart();
  std::string path = "d";
  f.mkdir(path);
  for (int i = 1; i < 100; ++i) f.mkdir(path += "/d");
  const std::string before = f.etag("");
  const auto file = f.put(path + "/file", "hello");
  CHECK(f.etag("") != before);
  CHECK(f.stat("").size == 5);
  std::size_t steps = 0;
  REQUIRE(f.engine->path_of(f.space, file.id, [&](const NodeView &) { return ++steps, true; }));
  CHECK(steps == 102);
  REQUIRE(f.engine->rename(f.at("d"), f.at("e"), false, {}));
  path[0] = 'e';
  CHECK(f.get(path + "/file") == "hello");
  REQUIRE(f.engine->remove(f.at("e"), {}));
  CHECK(f.used() == 0);
}

TEST_CASE("many spaces: the state of all roots, few descriptors, little memory") {
  const std::size_t count = at_length() ? 10'000 : 300;
  Fixture f;
  f.provider.options.durability = Durability::None;
  f.restart();
  const auto handles = descriptors();
  const auto begun = allocated();
  std::vector<SpaceId> spaces;
  for (std::size_t i = 0; i < count; ++i) {
    SpaceSpec spec;
    spec.id = base::random_id<SpaceId>();
    spec.name = "space " + std::to_string(i);
    REQUIRE(f.engine->space_create(spec));
    spaces.push_back(spec.id);
    if (i % 100 == 0) REQUIRE(f.try_put(Ref{spec.id, root_of(spec.id), "file"}, "x"));
  }
  CHECK(descriptors() <= handles + 4);
  CHECK(allocated() < begun + (16u << 20) + count * 2000);
  const auto etags = [&] {
    std::vector<std::string> all;
    REQUIRE(f.engine->space_list([&](const SpaceInfo &info) {
      all.emplace_back(info.root_etag().view());
      return true;
    }));
    std::sort(all.begin(), all.end());
    return all;
  };
  Clock clock;
  const auto before = etags();
  MESSAGE("root etags of " << count << " spaces: " << clock.ms() << " ms");
  CHECK(before.size() == count + 1);
  CHECK(std::adjacent_find(before.begin(), before.end()) == before.end());
  clock = {};
  f.restart();
  MESSAGE("start with " << count << " spaces: " << clock.ms() << " ms");
  CHECK(etags() == before);
  CHECK(descriptors() <= handles + 4);
}

TEST_CASE("many readers at once leave no more descriptors than are kept") {
  Fixture f;
  f.provider.options.readers = 4;
  f.restart();
  for (int i = 0; i < 20; ++i) f.put(std::to_string(i), "x");
  const auto few = descriptors();
  // Database, log and index of the log of each that is kept. Of each that is closed while others hold locks SQLite
  // keeps one descriptor, and gives it to the next that is opened: so there are never more of those than were open at
  // once.
  constexpr int kKept = 4, kThreads = 16;
  const auto most = few + 3 * kKept + (kThreads - kKept);
  for (int burst = 0; burst < 4; ++burst) {
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i)
      threads.emplace_back([&] {
        for (int round = 0; round < 50; ++round)
          static_cast<void>(f.engine->list(f.at(""), {}, 0, [](const NodeView &) { return true; }));
      });
    for (auto &thread : threads) thread.join();
    // The background may have one for a moment.
    const Clock clock;
    while (descriptors() > most && clock.ms() < 60000) std::this_thread::yield();
    CHECK(descriptors() <= most);
  }
}

TEST_CASE("a start looks at what was open, not at all nodes") {
  const std::size_t folders = at_length() ? 1000 : 20, files = at_length() ? 1000 : 50;
  Fixture f;
  f.provider.options.durability = Durability::None;
  f.restart();
  for (std::size_t i = 0; i < folders; ++i) make_files(f.disk("folder " + std::to_string(i)), files);
  const Resident memory;
  Clock clock;
  const auto begun = allocated();
  rescan(f);
  MESSAGE("taking over " << folders * files << " files: " << clock.ms() << " ms");
  CHECK(allocated() < begun + (48u << 20));
  f.put("folder 1/last", "x");
  const auto last = f.stat("folder 1/last");
  const std::uint64_t used = f.used();

  f.engine.reset();
  clock = {};
  f.start();
  MESSAGE("start after a clean end, with " << folders * files << " files: " << clock.ms() << " ms");
  CHECK(f.used() == used);

  // The folders as a killed server leaves them: copied while it runs.
  f.put("folder 2/last", "x");
  TempFolder copy;
  namespace fs = std::filesystem;
  f.engine->settle();
  fs::copy(f.provider.state, copy.path + "/state", fs::copy_options::recursive);
  fs::remove(copy.path + "/state/lock");
  f.engine.reset();
  fs::remove_all(f.provider.state);
  fs::rename(copy.path + "/state", f.provider.state);
  clock = {};
  f.engine = f.provider.open();
  MESSAGE("start after a kill, with " << folders * files << " files: " << clock.ms() << " ms");
  f.engine->settle();
  MESSAGE("and all is served again: " << clock.ms() << " ms");
  CHECK(f.used() == used + 1);
  CHECK(f.stat("folder 1/last").id == last.id);
  CHECK(f.list("folder 2").size() == files + 1);
  MESSAGE("memory that is no cache of files: " << (memory.most() >> 20) << " MiB at most");
  // Two engines one after the other, with the caches of their connections; a million nodes would be hundreds of MB.
  if (kPlainMemory) CHECK(memory.more() < (128u << 20));
}
