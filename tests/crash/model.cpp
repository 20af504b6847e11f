// SPDX-License-Identifier: Apache-2.0
// Random changes from several threads, compared with a model after each batch. Between batches the engine starts again,
// and index.db is lost or damaged in several ways: ids and etags of files stay, no etag of a folder comes back.
#include "tests/crash/ledger.hpp"
#include "tests/crash/world.hpp"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <mutex>
#include <thread>

namespace Atoll::proof {
namespace {

constexpr int kThreads = 4;
const std::string kUnavailable = "- " + std::to_string(static_cast<int>(Status::Unavailable));
const std::string kLocked = "- " + std::to_string(static_cast<int>(Status::Locked));
const std::string kNoRoom = "- " + std::to_string(static_cast<int>(Status::InsufficientStorage));
namespace fs = std::filesystem;

enum class Between : std::uint8_t {
  Nothing,
  Restart,
  Delete,
  Truncate,
  Garbage,
  Header,
  Log,
  DeleteBeforeEnd,  ///< deleted, and the engine ended without having met it
  DeleteInUse,      ///< the next batch goes on over it
  GarbageInUse,
};
constexpr unsigned kBetweens = 10;

void damage(const std::string &index, Between how, std::mt19937 &random) {
  auto write_at = [](const std::string &path, std::uint64_t at, const std::string &bytes) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(at));
    file << bytes;
  };
  const std::uint64_t size = fs::exists(index) ? fs::file_size(index) : 0;
  switch (how) {
    case Between::Delete:
    case Between::DeleteBeforeEnd:
    case Between::DeleteInUse:
      for (const char *part : {"", "-wal", "-shm"}) fs::remove(index + part);
      break;
    case Between::Truncate:
      fs::resize_file(index, random() % (size + 1));
      break;
    case Between::Garbage:
    case Between::GarbageInUse:
      for (std::uint64_t at = 4096; at < size; at += 4096)
        if (random() % 2) write_at(index, at, std::string(4096, static_cast<char>(random())));
      break;
    case Between::Header:
      write_at(index, 0, std::string(100, 'x'));
      break;
    case Between::Log:
      std::ofstream(index + "-wal", std::ios::binary) << std::string(50000, 'w');
      break;
    default:
      break;
  }
}

int run(int argc, char **argv) {
  Layout layout = Layout::Posix;
  int batches = 30, changes = 100;
  bool exchange = true;
  unsigned seed = std::random_device{}();
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    auto value = [&] { return i + 1 < argc ? argv[++i] : "0"; };
    if (word == "--blob") layout = Layout::Blob;
    if (word == "--no-exchange") exchange = false;
    if (word == "--batches") batches = std::atoi(value());
    if (word == "--changes") changes = std::atoi(value());
    if (word == "--seed") seed = static_cast<unsigned>(std::strtoul(value(), nullptr, 10));
  }
  std::cout << "seed " << seed << std::endl;
  std::mt19937 random(seed);
  const Scratch scratch;
  World world(layout, scratch.path());
  world.options.checkpoint_seconds = 1;
  world.options.checksum_rate = 1u << 26;
  world.options.checksum_quiet_ms = 1;
  world.exchange = exchange;
  // What is kept is what the model keeps, whatever the quota is.
  world.options.versions.count = 0;
  world.options.versions.bytes = world.options.trash.bytes = std::uint64_t{1} << 40;
  Ledger ledger;
  std::string problems;
  std::unique_ptr<tree::Engine> engine;
  auto start = [&] {
    auto opened = world.open();
    if (!opened) {
      problems += "it does not start: " + opened.error().message + "\n";
      return false;
    }
    engine = std::move(*opened);
    engine->settle();
    return true;
  };
  if (!start()) return std::cout << "FAILED: " << problems << std::endl, 1;
  const std::string index = world.state + "/index.db";
  // Where a damage is met late, the space is Unavailable until the index is made anew.
  auto served = [&] {
    const tree::Ref root{world.space, root_of(world.space), {}};
    return engine->list(root, {}, 0, [](const tree::NodeView &) { return true; }).ok();
  };
  auto look = [&] {
    for (int tries = 0;; ++tries) {
      std::string trouble;
      engine->settle();
      const State got = ledger.reader().read(*engine, world, trouble);
      if (tries < 1000 && trouble.find(": status 15") != trouble.npos) {
        ::usleep(10000);
        continue;
      }
      problems += trouble;
      return ledger.judge(got, problems);
    }
  };
  // A quota holds to the byte, whoever else was at it.
  auto probe_quota = [&] {
    std::uint64_t used = 0;
    auto say = [&](const Operation &operation, const Outcome &outcome) {
      ledger.feed("z ? " + operation.text(), problems);
      ledger.feed("z " + outcome.text, problems);
    };
    auto step = [&](const char *text, bool fits) {
      const Operation operation = Operation::parse(text);
      const Outcome outcome = operation.run(*engine, world);
      if (fits || outcome.text != kNoRoom) say(operation, outcome);
      if (outcome.done != fits) problems += std::string(text) + " with 10 bytes left: " + outcome.text + "\n";
    };
    if (const auto info = engine->space_get(world.space)) used = info->used;
    if (auto set = engine->space_set_quota(world.space, used + 10); !set) problems += set.error().message + "\n";
    step("put za - 1 11", false);
    step("put za - 2 10", true);
    step("put zb - 3 1", false);
    step("copy za zb 0 0", false);
    step("put za - 4 9", true);
    step("put zb - 5 1", true);
    step("revert za - 0 0", false);
    step("remove za - 0 0", true);
    step("put zc - 6 9", true);
    step("restore za - 1 0", false);
    for (const char *text :
         {"remove zb - 0 0", "remove zc - 0 0", "purge za - 0 0", "purge zb - 0 0", "purge zc - 0 0"})
      step(text, true);
    if (auto set = engine->space_set_quota(world.space, tree::kNoQuota); !set) problems += set.error().message + "\n";
  };
  std::uint64_t no_room = 0;
  bool doubtful = false;  // index.db may be damaged
  for (int batch = 0; batch < batches; ++batch) {
    std::mutex mutex;
    std::vector<std::thread> threads;
    // With little room, with other programs, or neither.
    const bool little = random() % 4 == 0;
    if (little && doubtful) {  // what is refused then is refused for want of room
      engine.reset();
      damage(index, Between::Delete, random);
      if (!start()) break;
      doubtful = false;
    }
    const bool beside = !little && layout == Layout::Posix && random() % 2 == 0;
    std::uint64_t quota = tree::kNoQuota;
    if (little) {
      if (const auto info = engine->space_get(world.space)) quota = info->used + random() % 20000;
      if (auto set = engine->space_set_quota(world.space, quota); !set) problems += set.error().message + "\n";
    }
    for (int i = 0; i < kThreads; ++i)
      threads.emplace_back([&, i, own = static_cast<unsigned>(random())] {
        std::mt19937 mine(own);
        const char owner = static_cast<char>('a' + i);
        for (int n = 0, refused = 0; n < changes && !refused; ++n) {
          const Operation operation = Operation::random(mine, owner, beside);
          const Outcome outcome = operation.run(*engine, world);
          // Locks that cannot be read are not presented either.
          refused = doubtful &&
                    (outcome.text == kUnavailable || outcome.text == kLocked || (outcome.text == "- 0" && !served()));
          const std::lock_guard guard(mutex);
          if (little && outcome.text == kNoRoom) {
            ++no_room;  // and then nothing has happened
            continue;
          }
          ledger.feed(std::string(1, owner) + " ? " + operation.text(), problems);
          ledger.feed(std::string(1, owner) + " " + outcome.text, problems, refused);
        }
      });
    for (std::thread &thread : threads) thread.join();
    look();
    if (little && problems.empty()) {
      const auto info = engine->space_get(world.space);
      if (!info || info->used > quota) problems += "more is used than the quota allows\n";
      probe_quota();
      look();
    }
    const auto between = static_cast<Between>(random() % kBetweens);
    if (between >= Between::DeleteBeforeEnd) damage(index, between, random);
    doubtful = doubtful || between > Between::Restart;
    if (between != Between::Nothing && between < Between::DeleteInUse && problems.empty()) {
      engine.reset();
      if (between != Between::DeleteBeforeEnd) damage(index, between, random);
      if (start()) look();
      if (between == Between::Delete || between == Between::DeleteBeforeEnd) doubtful = false;  // it is a new one
    }
    if (!problems.empty()) {
      std::cout << "FAILED, seed " << seed << ", batch " << batch << ", between " << static_cast<int>(between)
                << ", in " << scratch.path() << ":\n"
                << problems << std::endl;
      return 1;
    }
  }
  engine.reset();
  world.check_disk(ledger.state(), problems);
  if (!problems.empty()) return std::cout << "FAILED: " << problems << std::endl, 1;
  std::cout << batches << " batches of " << kThreads << " x " << changes << " changes agree with the model, "
            << ledger.acknowledged() << " were done, " << no_room << " refused for want of room" << std::endl;
  return 0;
}

}  // namespace
}  // namespace Atoll::proof

int main(int argc, char **argv) { return Atoll::proof::run(argc, argv); }
