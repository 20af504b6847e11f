// SPDX-License-Identifier: Apache-2.0
// The file system of a provider disappears under load and returns: every answer is right or Unavailable, nothing is
// lost, nothing is written where it was, and no restart is needed. As a real mount where this process may mount, and as
// a folder that is moved away and leaves an empty one.
#include "tests/crash/ledger.hpp"
#include "tests/crash/world.hpp"
#include "tests/lib/own_mounts.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <iostream>
#include <mutex>
#include <thread>

namespace Atoll::proof {
namespace {

namespace fs = std::filesystem;
constexpr int kThreads = 4, kRounds = 3;

/// The root of a world, to be taken away and brought back.
class Root {
 public:
  Root(const World &world, bool mounted) : root_(world.root), away_(world.folder + "/away"), mounted_(mounted) {
    if (!mounted_) return;
    fs::rename(root_, away_);
    fs::create_directory(root_);
    bring();
  }
  ~Root() {
    if (mounted_ && there_) ::umount2(root_.c_str(), MNT_DETACH);
  }
  Root(const Root &) = delete;
  Root &operator=(const Root &) = delete;

  void take() {
    there_ = false;
    if (mounted_) {
      must(::umount2(root_.c_str(), MNT_DETACH) == 0);
      return;
    }
    fs::rename(root_, away_);
    fs::create_directory(root_);
  }
  /// False: something was written in its place.
  bool bring() {
    const bool untouched = fs::is_empty(root_);
    there_ = true;
    if (mounted_) {
      must(::mount(away_.c_str(), root_.c_str(), nullptr, MS_BIND, nullptr) == 0);
      return untouched;
    }
    fs::remove_all(root_);
    fs::rename(away_, root_);
    return untouched;
  }

 private:
  static void must(bool fine) {
    if (fine) return;
    std::perror("mount");
    std::exit(1);
  }
  const std::string root_, away_;
  const bool mounted_;
  bool there_ = false;
};

bool unavailable(const std::string &answer) {
  return answer == "- " + std::to_string(static_cast<int>(Status::Unavailable));
}

/// Whatever is asked must be answered with Unavailable.
void all_refused(tree::Engine &engine, const World &world, std::string &problems) {
  const tree::Ref root{world.space, root_of(world.space), {}}, file{root.space, root.node, "file"};
  auto say = [&](const char *what, const auto &result) {
    if (result.status() != Status::Unavailable)
      problems += std::string(what) + " is answered with " + std::to_string(static_cast<int>(result.status())) + "\n";
  };
  say("stat", engine.stat(file));
  say("stat of nothing", engine.stat(tree::Ref{root.space, root.node, "nothing"}));
  say("list", engine.list(root, {}, 0, [](const tree::NodeView &) { return true; }));
  say("open", engine.open_read(file));
  say("versions", engine.versions(file, [](const tree::Version &) { return true; }));
  say("the trash", engine.trash_list(root.space, {}, 0, [](const tree::TrashItem &) { return true; }));
  say("space_get", engine.space_get(root.space));
  say("an upload", engine.upload_begin(file, 1, {}));
  say("rescan", engine.rescan(root.space));
  say("health", engine.health());
  for (const char *line : {"mkdir new - 0 0", "remove file - 0 0", "erase file - 0 0", "rename file other 0 0",
                           "copy file other 0 0", "mtime file - 7 0", "attribute file - 7 0", "lock file - 0 0"}) {
    const Outcome outcome = Operation::parse(line).run(engine, world);
    if (!unavailable(outcome.text)) problems += std::string(line) + " is answered with " + outcome.text + "\n";
  }
}

/// An answer of the last second may still be given.
bool soon(const std::function<bool()> &holds) {
  for (int i = 0; i < 6000; ++i) {
    if (holds()) return true;
    ::usleep(10000);
  }
  return false;
}

std::string try_root(bool mounted, unsigned seed) {
  const Scratch scratch;
  World world(Layout::Posix, scratch.path());
  Root root(world, mounted);
  Ledger ledger;
  std::string problems;
  std::unique_ptr<tree::Engine> engine;
  auto start = [&] {
    auto opened = world.open();
    if (!opened) return problems += "it does not start: " + opened.error().message + "\n", false;
    engine = std::move(*opened);
    engine->settle();
    return true;
  };
  auto look = [&] { ledger.judge(ledger.reader().read(*engine, world, problems), problems); };
  auto served = [&] { return engine->stat(tree::Ref{world.space, root_of(world.space), "file"}).ok(); };
  if (!start()) return problems;
  const Operation first = Operation::parse("put file - 1 50");
  ledger.feed("f ? " + first.text(), problems);
  ledger.feed("f " + first.run(*engine, world).text, problems);
  std::mt19937 random(seed);
  for (int round = 0; round < kRounds && problems.empty(); ++round) {
    std::mutex mutex;
    std::atomic<int> changes{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i)
      threads.emplace_back([&, i, own = static_cast<unsigned>(random())] {
        std::mt19937 mine(own);
        const char owner = static_cast<char>('a' + i);
        for (bool refused = false; !refused;) {
          const Operation operation = Operation::random(mine, owner);
          const Outcome outcome = operation.run(*engine, world);
          // It was looked for in the trash, and that could not be told.
          refused = unavailable(outcome.text) || (outcome.text == "- 0" && !served());
          const std::lock_guard guard(mutex);
          ledger.feed(std::string(1, owner) + " ? " + operation.text(), problems);
          ledger.feed(std::string(1, owner) + " " + outcome.text, problems, refused);
          ++changes;
        }
      });
    const int enough = 50 + static_cast<int>(random() % 200);
    while (changes < enough) ::usleep(1000);
    root.take();
    for (std::thread &thread : threads) thread.join();
    if (!soon([&] { return !served(); })) problems += "it is served although it is gone\n";
    all_refused(*engine, world, problems);
    if (round == kRounds - 1) {  // a server that starts now waits as well, and takes nothing for a new provider
      engine.reset();
      const auto early = world.open();
      if (early || early.status() != Status::Unavailable) problems += "it starts although it is gone\n";
    }
    if (!root.bring()) problems += "something was written where it was mounted\n";
    if (engine ? !soon(served) : !start()) problems += "it does not come back\n";
    if (problems.empty()) look();
  }
  if (!problems.empty()) return problems;
  engine.reset();
  if (start()) look();
  engine.reset();
  world.check_disk(ledger.state(), problems);
  return problems;
}

int run(int argc, char **argv) {
  unsigned seed = std::random_device{}();
  bool mounted = false;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--mount") mounted = true;
    if (word == "--seed" && i + 1 < argc) seed = static_cast<unsigned>(std::strtoul(argv[++i], nullptr, 10));
  }
  if (mounted && !testing::own_mounts()) return std::cout << "SKIPPED: no right to mount" << std::endl, 77;
  std::cout << "seed " << seed << std::endl;
  const std::string problems = try_root(mounted, seed);
  if (!problems.empty()) return std::cout << "FAILED, seed " << seed << ": " << problems << std::endl, 1;
  std::cout << "gone and back: nothing lost, nothing invented" << std::endl;
  return 0;
}

}  // namespace
}  // namespace Atoll::proof

int main(int argc, char **argv) { return Atoll::proof::run(argc, argv); }
