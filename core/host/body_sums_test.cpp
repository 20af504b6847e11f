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
        const std::size_t size = std::min<std::size_t>(1 + random() % 300'000, text.size() - at);
        const std::string_view piece(text.data() + at, size);
        REQUIRE(sums.take(bytes_of(piece), [&]() -> Result<void> {
          written.append(piece);
          return {};
        }));
        at += size;
      }
      base::Checksums whole(mask);
      whole.update(text);
      CHECK(same(sums.values(), whole.values()));
      CHECK(written == text);
    }
  }
}

TEST_CASE("a write that fails is reported once nobody looks at the piece any more") {
  SideWork helpers(1);
  BodySums sums(base::kAllChecksums, helpers);
  const auto text = std::make_unique<std::string>(random_text(200'000, 1));
  const auto failed =
      sums.take(bytes_of(*text), [] { return Result<void>(error(Status::InsufficientStorage, "full")); });
  CHECK(failed.status() == Status::InsufficientStorage);
  CHECK_THROWS_AS(
      static_cast<void>(sums.take(bytes_of(*text), []() -> Result<void> { throw std::runtime_error("no"); })),
      std::runtime_error);
}

TEST_CASE("what no thread has begun is done by its owner") {
  SideWork helpers(1);
  std::promise<void> go, begun;
  SideWork::Job blocking([&] {
    begun.set_value();
    go.get_future().wait();
  });
  // The thread may not have come to its waiting yet: offer until it takes it.
  std::thread owner([&] {
    const auto started = begun.get_future();
    while (started.wait_for(std::chrono::milliseconds(1)) != std::future_status::ready) helpers.offer(blocking);
    std::atomic<bool> mine{false};
    const auto here = std::this_thread::get_id();
    SideWork::Job second([&] { mine = std::this_thread::get_id() == here; });
    helpers.offer(second);
    helpers.finish(second);
    CHECK(mine);
    go.set_value();
    helpers.finish(blocking);
  });
  owner.join();
}

TEST_CASE("an exception comes to the owner") {
  SideWork helpers(2);
  for (int i = 0; i < 50; ++i) {
    SideWork::Job job([] { throw std::runtime_error("odd"); });
    helpers.offer(job);
    CHECK_THROWS_AS(helpers.finish(job), std::runtime_error);
  }
}

TEST_CASE("many owners at once") {
  SideWork helpers(2);
  std::atomic<int> done{0};
  std::vector<std::thread> owners;
  for (int i = 0; i < 6; ++i) {
    owners.emplace_back([&] {
      for (int round = 0; round < 300; ++round) {
        SideWork::Job job([&] { ++done; });
        helpers.offer(job);
        helpers.finish(job);
      }
    });
  }
  for (auto &owner : owners) owner.join();
  CHECK(done == 1800);
}
