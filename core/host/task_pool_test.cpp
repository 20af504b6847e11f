// SPDX-License-Identifier: Apache-2.0
#include "core/host/task_pool.hpp"

#include <doctest/doctest.h>

#include <atomic>

#include "core/host/gate.hpp"
#include "core/host/test_support.hpp"

namespace Atoll::host {
namespace {

using std::chrono::milliseconds;

TEST_CASE("tasks: run now and later, in the order of their times") {
  TaskPool pool(1);
  const int owner = 0;
  CHECK_FALSE(pool.run(&owner, milliseconds(0), [] {}));
  pool.admit(&owner);
  std::atomic<int> order{0}, first{0}, second{0};
  CHECK(pool.run(&owner, milliseconds(30), [&] { second = ++order; }));
  CHECK(pool.run(&owner, milliseconds(0), [&] { first = ++order; }));
  CHECK(testing::eventually([&] { return order == 2; }));
  CHECK(first == 1);
  CHECK(second == 2);
}

TEST_CASE("tasks: dismiss waits for what runs and drops the rest") {
  TaskPool pool;
  const int owner = 0, other = 0;
  pool.admit(&owner);
  pool.admit(&other);
  std::atomic<bool> began{false}, go{false}, ended{false}, never{false}, others{false};
  pool.run(&owner, milliseconds(0), [&] {
    began = true;
    while (!go) std::this_thread::yield();
    ended = true;
  });
  pool.run(&owner, std::chrono::hours(1), [&] { never = true; });
  CHECK(testing::eventually([&] { return began.load(); }));
  pool.run(&other, milliseconds(0), [&] {
    others = true;
    go = true;
  });
  pool.dismiss(&owner);
  CHECK(ended);
  CHECK(others);
  CHECK_FALSE(never);
  CHECK_FALSE(pool.run(&owner, milliseconds(0), [] {}));
  pool.dismiss(&other);
}

TEST_CASE("gate: closes when all have left") {
  Gate gate;
  CHECK_FALSE(gate.enter());
  CHECK(gate.close(milliseconds(0)));
  gate.open();
  CHECK(gate.enter());
  CHECK(gate.inside() == 1);
  CHECK_FALSE(gate.close(milliseconds(1)));
  CHECK_FALSE(gate.enter());
  std::thread last([&] { gate.leave(); });
  CHECK(gate.close(std::chrono::seconds(20)));
  last.join();
}

TEST_CASE("gate: many threads") {
  Gate gate;
  gate.open();
  std::atomic<int> inside{0};
  std::atomic<bool> closed{false}, wrong{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      while (gate.enter()) {
        ++inside;
        if (closed) wrong = true;
        --inside;
        gate.leave();
      }
    });
  std::this_thread::yield();
  CHECK(gate.close(std::chrono::seconds(20)));
  closed = true;
  for (auto &thread : threads) thread.join();
  CHECK(inside == 0);
  CHECK_FALSE(wrong);
}

}  // namespace
}  // namespace Atoll::host
