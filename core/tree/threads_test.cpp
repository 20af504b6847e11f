// SPDX-License-Identifier: Apache-2.0
// Many threads on the same names.
#include "core/tree/invariants_test.hpp"

#include <atomic>
#include <random>
#include <thread>

using namespace Atoll;
using namespace Atoll::tree;
using test::Fixture;

TEST_CASE("threads that write, move, copy, remove and list at the same time") {
  Fixture f;
  f.engine.reset();
  f.provider.options.durability = Durability::None;
  f.start();
  const unsigned seed = std::random_device{}();
  INFO("seed " << seed);
  for (const char *name : {"a", "b", "c"}) f.mkdir(name);
  std::atomic<int> odd{0};
  auto work = [&](unsigned number) {
    std::mt19937 random(seed + number);
    auto path = [&] {
      std::string text(1, static_cast<char>('a' + random() % 3));
      text += "/" + std::to_string(random() % 6);
      if (random() % 4 == 0) text += "/" + std::to_string(random() % 3);
      return text;
    };
    auto fine = [&](Status status) {
      if (status != Status::Ok && status != Status::NotFound && status != Status::FailedPrecondition &&
          status != Status::AlreadyExists && status != Status::PermissionDenied && status != Status::Unavailable)
        ++odd;
    };
    for (int i = 0; i < 60; ++i) {
      const std::string a = path(), b = path();
      switch (random() % 8) {
        case 0:
        case 1:
          fine(f.try_put(a, std::string(random() % 5000, 'x')).status());
          break;
        case 2:
          fine(f.engine->mkdir(f.at(a), {}).status());
          break;
        case 3:
          fine(f.engine->remove(f.at(a), {}).status());
          break;
        case 4:
          fine(f.engine->rename(f.at(a), f.at(b), random() % 2 == 0, {}).status());
          break;
        case 5:
          fine(f.engine->copy(f.at(a), f.at(b), random() % 2 == 0, false, {}).status());
          break;
        case 6: {
          std::string before;
          bool sorted = true;
          fine(f.engine
                   ->list(f.at(a.substr(0, 1)), {}, 0,
                          [&](const NodeView &node) {
                            sorted &= before < node.name;
                            before = node.name;
                            return true;
                          })
                   .status());
          if (!sorted) ++odd;
          break;
        }
        default: {
          auto open = f.engine->open_read(f.at(a));
          fine(open.status());
          if (open) {
            std::string text(open->node.size + 1, 0);
            if (::pread(open->fd.get(), text.data(), text.size(), 0) != static_cast<ssize_t>(open->node.size)) ++odd;
          }
        }
      }
    }
  };
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < 6; ++i) threads.emplace_back(work, i);
  for (std::thread &thread : threads) thread.join();
  CHECK(odd == 0);
  const auto before = test::check_space(f);
  f.engine->settle();
  f.restart();
  CHECK(test::check_space(f) == before);
}

TEST_CASE("of several conditional writes at the same time exactly one wins") {
  Fixture f;
  for (int round = 0; round < 5; ++round) {
    std::atomic<int> won{0}, lost{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
      threads.emplace_back([&, i] {
        Conditions none{};
        none.none_match_any = true;
        const auto put = f.try_put("x" + std::to_string(round), std::string(1, static_cast<char>('0' + i)), none);
        if (put)
          ++won;
        else if (put.status() == Status::Aborted)
          ++lost;
      });
    for (std::thread &thread : threads) thread.join();
    CHECK(won == 1);
    CHECK(lost == 3);
  }
  f.put("shared", "0");
  std::atomic<int> done{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int added = 0; added < 5;) {
        auto open = f.engine->open_read(f.at("shared"));
        if (!open) continue;
        std::string text(open->node.size, 0);
        if (::pread(open->fd.get(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) continue;
        const Etag etag = open->node.etag();
        const std::string_view match[] = {etag.view()};
        Conditions same{};
        same.if_match = match;
        if (f.try_put("shared", std::to_string(std::stoi(text) + 1), same)) ++added, ++done;
      }
    });
  for (std::thread &thread : threads) thread.join();
  CHECK(f.get("shared") == "20");
}
