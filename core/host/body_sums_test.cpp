// SPDX-License-Identifier: Apache-2.0
// Checksums beside the writing, and the threads that help with them.
#include "core/host/body_sums.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>

using namespace Atoll;
using namespace Atoll::host;

namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::byte *>(text.data()), text.size()};
}

std::string random_text(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::string text(size, '\0');
  std::generate(text.begin(), text.end(), [&] { return static_cast<char>(random()); });
  return text;
}

bool same(const base::Checksums::Values &a, const base::Checksums::Values &b) {
  return a.sha1 == b.sha1 && a.md5 == b.md5 && a.adler32 == b.adler32;
}

}  // namespace

TEST_CASE("the sums are those of the whole, whoever computes them") {
  const unsigned seed = std::random_device{}();
  INFO("seed " << seed);
  const std::string text = random_text(3'000'000, seed);
  std::mt19937 random(seed);
  for (const unsigned threads : {0u, 1u, 3u}) {
    SideWork helpers(threads);
    for (unsigned mask = 0; mask <= base::kAllChecksums; ++mask) {
      BodySums sums(mask, helpers);
      CHECK(sums.mask() == mask);
      std::string written;
      for (std::size_t at = 0; at < text.size();) {
        const std::size_t size = std::min<std::size_t>(1 + random() % 100'000, text.size() - at);
        std::string piece(text, at, size);
        const bool held = random() % 4 != 0;
        const auto block = std::make_shared<std::string>(piece);
        net::BodyPiece given{bytes_of(held ? *block : piece), held ? block : nullptr};
        REQUIRE(sums.take(std::move(given), [&]() -> Result<void> {
          written.append(piece);
          return {};
        }));
        if (!held) piece.assign(size, 'x');  // nobody may look at it any more
        if (random() % 8 == 0) REQUIRE(sums.take({}, [] { return Result<void>(error(Status::Internal, "no piece")); }));
        at += size;
      }
      base::Checksums whole(mask);
      whole.update(text);
      CHECK(same(sums.values(), whole.values()));
      CHECK(written == text);
    }
  }
}

TEST_CASE("no more than a few pieces are held, and none when the client pauses without help") {
  const auto block = std::make_shared<std::string>(random_text(100'000, 1));
  const auto write = [] { return Result<void>(); };
  for (const unsigned threads : {0u, 2u}) {
    SideWork helpers(threads);
    BodySums sums(base::kAllChecksums, helpers);
    for (int i = 0; i < 50; ++i) {
      REQUIRE(sums.take({bytes_of(*block), block}, write));
      CHECK(block.use_count() <= 1 + static_cast<long>(BodySums::kAhead));
    }
    REQUIRE(sums.take({}, write));
    if (threads == 0) CHECK(block.use_count() == 1);
    static_cast<void>(sums.values());
    CHECK(block.use_count() == 1);
  }
}

TEST_CASE("a write that fails is reported, and nobody looks at the pieces any more") {
  SideWork helpers(1);
  const auto block = std::make_shared<std::string>(random_text(200'000, 1));
  BodySums sums(base::kAllChecksums, helpers);
  for (int i = 0; i < 5; ++i) REQUIRE(sums.take({bytes_of(*block), block}, [] { return Result<void>(); }));
  const auto failed =
      sums.take({bytes_of(*block), block}, [] { return Result<void>(error(Status::InsufficientStorage, "full")); });
  CHECK(failed.status() == Status::InsufficientStorage);
  CHECK(block.use_count() == 1);
  CHECK_THROWS_AS(
      static_cast<void>(sums.take({bytes_of(*block), block}, []() -> Result<void> { throw std::runtime_error("no"); })),
      std::runtime_error);
}

TEST_CASE("sums that nobody wants any more let their pieces go") {
  SideWork helpers(1);
  const auto block = std::make_shared<std::string>(random_text(100'000, 1));
  for (int round = 0; round < 50; ++round) {
    {
      BodySums sums(base::kAllChecksums, helpers);
      for (int i = 0; i < round % 8; ++i) REQUIRE(sums.take({bytes_of(*block), block}, [] { return Result<void>(); }));
    }
    CHECK(block.use_count() == 1);
  }
}

TEST_CASE("what no thread has begun is done by its owner") {
  SideWork helpers(1);
  std::promise<void> go, begun;
  const auto started = begun.get_future();
  SideWork::Strand blocking(helpers);
  blocking.add([&] {
    begun.set_value();
    go.get_future().wait();
  });
  // The thread may not have come to its waiting yet: offer until it takes it.
  while (started.wait_for(std::chrono::milliseconds(1)) != std::future_status::ready) blocking.offer();
  CHECK(blocking.helped());
  SideWork::Strand second(helpers);
  std::string order;
  std::atomic<bool> mine{true};
  const auto here = std::this_thread::get_id();
  for (const char c : {'a', 'b', 'c', 'd'}) {
    second.add([&, c] {
      order += c;
      if (std::this_thread::get_id() != here) mine = false;
    });
    second.offer();
  }
  CHECK_FALSE(second.helped());
  second.settle(1);
  CHECK(order == "abc");
  CHECK(second.left() == 1);
  second.settle();
  CHECK(order == "abcd");
  CHECK(mine);
  go.set_value();
  blocking.settle();
}

TEST_CASE("an exception comes to the owner, once") {
  SideWork helpers(2);
  for (int i = 0; i < 50; ++i) {
    SideWork::Strand strand(helpers);
    strand.add([] { throw std::runtime_error("odd"); });
    strand.offer();
    CHECK_THROWS_AS(strand.settle(), std::runtime_error);
    strand.settle();
  }
}

TEST_CASE("many owners at once, each in order") {
  SideWork helpers(2);
  std::atomic<int> done{0}, wrong{0};
  std::vector<std::thread> owners;
  for (int i = 0; i < 6; ++i) {
    owners.emplace_back([&] {
      SideWork::Strand strand(helpers);
      int next = 0;
      for (int round = 0; round < 300; ++round) {
        strand.add([&, round] {
          if (next++ != round) ++wrong;
          ++done;
        });
        strand.offer();
        if (round % 5 == 0) strand.settle(static_cast<std::size_t>(round % 3));
      }
      strand.settle();
    });
  }
  for (auto &owner : owners) owner.join();
  CHECK(done == 1800);
  CHECK(wrong == 0);
}
