// SPDX-License-Identifier: Apache-2.0
#include "core/tree/sync_rounds.hpp"

#include "core/tree/journal.hpp"
#include "core/tree/test_engine.hpp"

#include <atomic>
#include <future>
#include <thread>

namespace Atoll::tree {
namespace {

/// A run of a round that lasts until it is let go.
struct HeldRun {
  std::promise<void> begun, go;
  std::atomic<int> runs{0};
  Result<void> operator()() {
    ++runs;
    begun.set_value();
    go.get_future().wait();
    return {};
  }
};

void until_inside(const SyncRounds &rounds, unsigned wanted) {
  while (rounds.inside() < wanted) std::this_thread::yield();
}

}  // namespace

TEST_CASE("sync rounds: all that wait while a round runs share the next one") {
  SyncRounds rounds;
  HeldRun held;
  std::atomic<int> runs{0};
  std::thread first([&] { CHECK(rounds.wait(1, held)); });
  held.begun.get_future().wait();
  std::vector<std::thread> others;
  for (int i = 0; i < 8; ++i)
    others.emplace_back([&] {
      CHECK(rounds.wait(1, [&]() -> Result<void> {
        ++runs;
        return {};
      }));
    });
  until_inside(rounds, 9);
  CHECK(runs == 0);  // the round that is under way began before they came
  held.go.set_value();
  first.join();
  for (auto &other : others) other.join();
  CHECK(held.runs == 1);
  CHECK(runs == 1);
  CHECK(rounds.inside() == 0);
}

TEST_CASE("sync rounds: another key does not wait") {
  SyncRounds rounds;
  HeldRun held;
  std::thread first([&] { CHECK(rounds.wait(1, held)); });
  held.begun.get_future().wait();
  bool ran = false;
  CHECK(rounds.wait(2, [&]() -> Result<void> {
    ran = true;
    return {};
  }));
  CHECK(ran);
  held.go.set_value();
  first.join();
}

TEST_CASE("sync rounds: whoever fails, every wait ends, and an Ok means a whole run since the call") {
  SyncRounds rounds;
  std::atomic<std::uint64_t> clock{0}, last_whole{0};  // last_whole: when the newest run began that ended well
  std::atomic<int> fine{0}, wrong{0};
  constexpr int kThreads = 8, kWaits = 3000;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < kWaits; ++i) {
        const std::uint64_t called = ++clock;
        const auto done = rounds.wait(7, [&]() -> Result<void> {
          const std::uint64_t begun = ++clock;
          if ((i + t) % 3 == 0) std::this_thread::yield();
          if ((i * 7 + t) % 5 == 0) return error(Status::Unavailable, "this run fails");
          last_whole = begun;
          return {};
        });
        if (!done) continue;
        ++fine;
        if (last_whole < called) ++wrong;
      }
    });
  for (auto &thread : threads) thread.join();
  CHECK(wrong == 0);
  CHECK(fine >= kThreads * kWaits / 2);
  CHECK(rounds.inside() == 0);
}

TEST_CASE("sync rounds: a failure is its thread's own, the others try for themselves") {
  SyncRounds rounds;
  HeldRun held;
  std::thread first([&] { CHECK(rounds.wait(1, held)); });
  held.begun.get_future().wait();
  std::atomic<int> tries{0}, failed{0}, fine{0};
  std::vector<std::thread> others;
  for (int i = 0; i < 4; ++i)
    others.emplace_back([&] {
      auto done = rounds.wait(1, [&]() -> Result<void> {
        if (++tries <= 2) return error(Status::Unavailable, "no");
        return {};
      });
      ++(done ? fine : failed);
    });
  until_inside(rounds, 5);
  held.go.set_value();
  first.join();
  for (auto &other : others) other.join();
  CHECK(tries == 3);
  CHECK(failed == 2);
  CHECK(fine == 2);
}

TEST_CASE("sync rounds: under load every thread sees a run that began after it asked") {
  SyncRounds rounds;
  std::atomic<std::uint64_t> clock{0}, newest{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 6; ++i)
    threads.emplace_back([&] {
      for (int n = 0; n < 500; ++n) {
        const std::uint64_t asked = ++clock;
        CHECK(rounds.wait(7, [&]() -> Result<void> {
          newest = clock.load();  // never two at once, so this only grows
          return {};
        }));
        CHECK(newest.load() >= asked);
      }
    });
  for (auto &thread : threads) thread.join();
}

TEST_CASE("journal: intents that come together are noted together, and each is there before its owner goes on") {
  test::TempFolder folder;
  auto meta = Meta::open(folder.path + "/meta.db", base::random_id<Uuid>());
  REQUIRE(meta);
  Journal journal(**meta);
  const auto space = base::random_id<SpaceId>();
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int n = 0; n < 10; ++n) {
        const NodeId ids[] = {base::random_id<NodeId>(), base::random_id<NodeId>()};
        CHECK_FALSE(journal.open(ids));
        REQUIRE(journal.intend(space, ids));
        CHECK(journal.open(ids));
        const auto noted = (*meta)->intents();
        REQUIRE(noted);
        for (const NodeId &id : ids)
          CHECK(std::count_if(noted->begin(), noted->end(), [&](const Intent &one) { return one.folder == id; }) == 1);
      }
    });
  for (auto &thread : threads) thread.join();
  CHECK(journal.open_count() == 80);
  REQUIRE(journal.close_round([]() -> Result<bool> { return true; }));
  CHECK(journal.open_count() == 0);
  CHECK((*meta)->intents()->empty());
}

}  // namespace Atoll::tree
