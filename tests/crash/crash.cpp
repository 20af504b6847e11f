// SPDX-License-Identifier: Apache-2.0
// Kills a process that changes a tree, at every fault point of every operation or at random under load from several
// threads, and looks at what is left after each restart.
#include "core/tree/fault_point.hpp"
#include "tests/crash/ledger.hpp"
#include "tests/crash/scenarios.hpp"
#include "tests/crash/world.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <iostream>
#include <thread>

namespace Atoll::proof {
namespace {

constexpr int kThreads = 4;
constexpr int kKills = 200;              // at least, in a run
constexpr std::size_t kSample = 4;       // points of a scenario at least, where it has them
constexpr std::size_t kTrashItems = 40;  // kept at most from one look to the next

/// Where one run of a scenario stops.
struct Stop {
  const char *name = nullptr;  ///< at the first point of this name
  long nth = 0;                ///< or at the n-th point
  bool trace = false;          ///< nowhere; says the names of all points
};

// ---- in the process that is killed ----

int words = -1;  // the pipe to the parent
std::atomic<long> points_left{0};
std::atomic<bool> all_threads{false};
thread_local bool this_thread = false;
const char *stop_at = nullptr;
bool tracing = false;
const char *meanwhile_at = nullptr;
std::function<void()> meanwhile;

void say(const std::string &line) {
  const std::string whole = line + "\n";
  if (::write(words, whole.data(), whole.size()) != static_cast<ssize_t>(whole.size())) ::_exit(4);
}

[[noreturn]] void die() {
  ::kill(::getpid(), SIGKILL);
  for (;;) ::pause();
}

void reached(const char *name) {
  if (!this_thread && !all_threads) return;
  if (meanwhile_at != nullptr && std::strcmp(name, meanwhile_at) == 0) {
    meanwhile_at = nullptr;
    this_thread = false;  // what it comes to is not counted
    meanwhile();
    this_thread = true;
  }
  if (tracing) say(std::string("~ ") + name);
  if (stop_at != nullptr && std::strcmp(name, stop_at) == 0) {
    say(std::string("! ") + name);
    die();
  }
  if (points_left.fetch_sub(1) != 1) return;
  say(std::string("! ") + name);
  die();
}

/// Counts from now on.
void arm(const Stop &stop, bool everywhere) {
  points_left = stop.nth;
  stop_at = stop.name;
  tracing = stop.trace;
  this_thread = !everywhere;
  all_threads = everywhere;
  tree::set_fault_handler(reached);
}

std::unique_ptr<tree::Engine> open_or_exit(const World &world) {
  auto engine = world.open();
  if (!engine) {
    say("* " + engine.error().message);
    ::_exit(3);
  }
  (*engine)->settle();
  return std::move(*engine);
}

void work(tree::Engine &engine, const World &world, char owner, const Operation &operation) {
  say(std::string(1, owner) + " ? " + operation.text());
  say(std::string(1, owner) + " " + operation.run(engine, world).text);
}

void spoil(const World &world, IndexFile how) {
  const std::string index = world.state + "/index.db", kept = world.state + "/kept.db";
  if (how == IndexFile::Stays) return;
  if (how == IndexFile::Older) {
    open_or_exit(world).reset();
    std::filesystem::copy_file(index, kept, std::filesystem::copy_options::overwrite_existing);
    {
      const auto engine = open_or_exit(world);
      work(*engine, world, 'p', Operation::parse("put pa/late - 13 130"));
    }
    std::filesystem::rename(kept, index);
    return;
  }
  for (const char *part : {"", "-wal", "-shm"})
    if (how == IndexFile::Lost || *part != 0) std::filesystem::remove(index + part);
  if (how == IndexFile::Garbled) {
    const base::Fd fd(::open(index.c_str(), O_WRONLY | O_CLOEXEC));
    const std::string garbage(4096, 'x');
    if (!fd || ::pwrite(fd.get(), garbage.data(), garbage.size(), 0) != 4096) ::_exit(6);
  }
}

/// One scenario, stopped in its last part.
void play(const World &world, const Scenario &scenario, const Stop &stop) {
  const bool start = scenario.phase == Phase::Start;
  if (start) {
    spoil(world, scenario.index);
    arm(stop, true);
  }
  auto engine = open_or_exit(world);
  if (!start) {
    for (const char *line : scenario.setup) work(*engine, world, 'p', Operation::parse(line));
    engine->settle();
    if (scenario.closed) {
      engine.reset();
      const Operation hurt = Operation::parse("hurt - - 0 0");
      say("p ? " + hurt.text());
      if (auto done = hurt_space(world); !done) return say("* " + done.error().message), ::_exit(3);
      say("p + - -");
      engine = open_or_exit(world);
    }
    arm(stop, scenario.phase != Phase::Operation);
    if (scenario.phase == Phase::Background) spoil(world, scenario.index);
  }
  meanwhile_at = scenario.meanwhile;
  meanwhile = [&] { work(*engine, world, 'q', Operation::parse(scenario.other)); };
  base::Fd held;
  if (scenario.held != nullptr && world.layout == Layout::Posix) held = world.open_beside(scenario.held);
  for (const char *line : scenario.work) work(*engine, world, 'p', Operation::parse(line));
  if (scenario.phase == Phase::Background) engine->settle();
  if (scenario.phase == Phase::Close) engine.reset();
  tree::set_fault_handler(nullptr);
  say("=");
  die();
}

/// Several threads at once. `n`: stops at the n-th point of any thread; 0: works until it is killed.
void load(const World &world, unsigned seed, long n) {
  const auto engine = open_or_exit(world);
  if (n != 0) arm({nullptr, n, false}, true);
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i)
    threads.emplace_back([&, i] {
      std::mt19937 random(seed * 16 + static_cast<unsigned>(i));
      const char owner = static_cast<char>('a' + i);
      for (;;) work(*engine, world, owner, Operation::random(random, owner));
    });
  for (std::thread &thread : threads) thread.join();
}

// ---- in the process that looks ----

struct Ended {
  bool finished = false;            ///< it came to its end
  std::string point;                ///< where it stopped
  std::vector<std::string> points;  ///< the names that it said
};

class Harness {
 public:
  Harness(Layout layout, unsigned seed, bool trash, bool exchange)
      : layout_(layout), seed_(seed), trash_(trash), exchange_(exchange) {
    renew();
  }

  /// A new, empty provider.
  void renew() {
    scratch_ = std::make_unique<Scratch>();
    world_ = std::make_unique<World>(layout_, scratch_->path());
    world_->options.checkpoint_seconds = 1;
    world_->options.trash.keep = trash_;
    world_->exchange = exchange_;
    ledger_ = Ledger(trash_);
  }
  World &world() { return *world_; }

  /// Runs `body` in another process. `kill_after`: killed once it has said so many lines; 0: it stops by itself.
  Ended run(const std::function<void()> &body, std::size_t kill_after) {
    int ends[2];
    if (::pipe(ends) != 0) fail("pipe");
    const pid_t pid = ::fork();
    if (pid < 0) fail("fork");
    if (pid == 0) {
      ::close(ends[0]);
      words = ends[1];
      body();
      ::_exit(5);
    }
    ::close(ends[1]);
    Ended ended;
    std::string rest, problems;
    std::size_t lines = 0;
    char buffer[65536];
    for (ssize_t got; (got = ::read(ends[0], buffer, sizeof buffer)) > 0;) {
      rest.append(buffer, static_cast<std::size_t>(got));
      for (std::size_t end; (end = rest.find('\n')) != std::string::npos; rest.erase(0, end + 1)) {
        const std::string line = rest.substr(0, end);
        if (line.front() != '~') history_.push_back(line);
        if (line == "=")
          ended.finished = true;
        else if (line.front() == '~')
          ended.points.push_back(line.substr(2));
        else if (line.front() == '!')
          ended.point = line.substr(2);
        else if (line.front() == '*')
          problems += "it could not start: " + line.substr(2) + "\n";
        else
          ledger_.feed(line, problems);
        if (++lines == kill_after) ::kill(pid, SIGKILL);
      }
    }
    ::close(ends[0]);
    int status = 0;
    ::waitpid(pid, &status, 0);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
      problems += "the process ended by itself, with status " + std::to_string(status) + "\n";
    if (!problems.empty()) fail(problems);
    if (!ended.finished) ++kills_;
    return ended;
  }

  /// Starts again, and compares.
  void verify(const std::string &what) {
    std::string problems;
    {
      auto engine = world_->open();
      if (!engine) fail(what + ": it does not start: " + engine.error().message);
      (*engine)->settle();
      const bool snapshot = std::any_of(ledger_.unfinished().begin(), ledger_.unfinished().end(),
                                        [](const auto &one) { return one.second.kind == Operation::Kind::Snapshot; });
      const bool again = make_up(**engine, problems);
      const State got = ledger_.reader().read(**engine, *world_, problems);
      if (again) ledger_.spare_copies(got);
      ledger_.judge(got, problems);
      if (snapshot) world_->check_snapshot(ledger_.state(), problems);
      if (problems.empty() && got.trash_ids.size() > kTrashItems) empty_trash(**engine, problems);
    }
    world_->check_disk(ledger_.state(), problems);
    if (!problems.empty()) fail(what + ":\n" + problems);
    history_.clear();
  }

  [[noreturn]] void fail(const std::string &text) const {
    std::cout << "FAILED, seed " << seed_ << ", in " << scratch_->path() << ": " << text << "since the last look:\n";
    const std::size_t first = history_.size() > 60 ? history_.size() - 60 : 0;
    for (std::size_t i = first; i < history_.size(); ++i) std::cout << "  " << history_[i] << "\n";
    std::cout.flush();
    std::exit(1);
  }

  int kills() const noexcept { return kills_; }
  std::size_t acknowledged() const noexcept { return ledger_.acknowledged(); }

 private:
  /// What an admin does about work that was not done to its end. True: some was done once more.
  bool make_up(tree::Engine &engine, std::string &problems) {
    const auto unfinished = ledger_.unfinished();
    bool again = false;
    for (const auto &[owner, operation] : unfinished) {
      if (const std::string trouble = operation.make_up(engine, *world_); !trouble.empty())
        problems += operation.text() + " is not made up for: " + trouble + "\n";
      if (operation.after() == Operation::After::Again) {
        ledger_.feed(std::string(1, owner) + " + - -", problems);
        again = true;
      }
      engine.settle();
    }
    return again;
  }
  void empty_trash(tree::Engine &engine, std::string &problems) {
    if (auto done = engine.trash_purge_all(world_->space); !done) problems += done.error().message + "\n";
    engine.settle();
    ledger_.trash_emptied();
    ledger_.judge(ledger_.reader().read(engine, *world_, problems), problems);
  }

  const Layout layout_;
  const unsigned seed_;
  const bool trash_, exchange_;
  std::unique_ptr<Scratch> scratch_;
  std::unique_ptr<World> world_;
  Ledger ledger_;
  std::vector<std::string> history_;
  int kills_ = 0;
};

/// Which scenarios are played.
enum class Which : std::uint8_t {
  All,
  Removals,      ///< where something is replaced or removed
  Replacements,  ///< where something is replaced
};

/// All scenarios of a kind. `each`: stops at each single point of each; else at a sample of them, which has every point
/// of the program in it. The points at which it stopped are added to `stopped`.
void every_point(Harness &harness, std::set<std::string> &stopped, Which which, bool each, std::mt19937 &chance) {
  for (const Scenario &scenario : scenarios()) {
    const std::string_view name = scenario.name;
    if (which != Which::Replacements && name.ends_with("by way of the trash")) continue;
    const bool replaces = name.find("over") != name.npos;
    if (which == Which::Replacements && !replaces) continue;
    if (which == Which::Removals && !replaces && name.find("remov") == name.npos) continue;
    if (scenario.posix && harness.world().layout != Layout::Posix) continue;
    auto once = [&](const Stop &stop) {
      if (scenario.phase == Phase::Start) {
        if (scenario.first) {
          harness.renew();
        } else {
          // An end in the middle of work, for the start to deal with.
          Scenario before{.name = scenario.name, .phase = Phase::Operation, .setup = scenario.setup};
          before.work.assign(1, before.setup.back());
          before.setup.pop_back();
          harness.run([&] { play(harness.world(), before, {scenario.until}); }, 0);
        }
      }
      const Ended ended = harness.run([&] { play(harness.world(), scenario, stop); }, 0);
      harness.verify(std::string(scenario.name) + ", point " + std::to_string(stop.nth) + " " + ended.point);
      if (!ended.point.empty()) stopped.insert(ended.point);
      return ended;
    };
    const Ended all = once({nullptr, 0, true});
    if (!all.finished) harness.fail(std::string(scenario.name) + " does not end");
    if (each) {
      // Until one comes to its end: a second run may have more points than the first.
      for (long n = 1; !once({nullptr, n}).finished;) ++n;
    }
    // What other threads do may come in another order than it did before; a name is met all the same.
    const std::set<std::string> names(all.points.begin(), all.points.end());
    std::vector<std::string> chosen, others;
    for (const std::string &point : names) (stopped.contains(point) ? others : chosen).push_back(point);
    std::shuffle(others.begin(), others.end(), chance);
    for (std::size_t i = 0; !each && i < others.size() && chosen.size() < kSample; ++i) chosen.push_back(others[i]);
    for (const std::string &point : chosen) once({point.c_str()});
  }
}

void at_random(Harness &harness, unsigned seed, int rounds) {
  std::mt19937 random(seed);
  for (int round = 0; round < rounds; ++round) {
    const unsigned own = static_cast<unsigned>(random());
    const std::size_t lines = random() % 2 ? 2 + random() % 400 : 0;
    const long point = lines ? 0 : 1 + static_cast<long>(random() % 3000);
    harness.run([&] { load(harness.world(), own, point); }, lines);
    if (random() % 4 == 0) {  // and again while it recovers
      const Scenario again{.name = "start", .phase = Phase::Start};
      const long n = 1 + static_cast<long>(random() % 30);
      harness.run([&] { play(harness.world(), again, {nullptr, n}); }, 0);
    }
    harness.verify("round " + std::to_string(round) + " with seed " + std::to_string(own));
  }
}

int run(int argc, char **argv) {
  Layout layout = Layout::Posix;
  int rounds = 60, at_least = kKills;
  bool points = true, each = false, exchange = true;
  unsigned seed = std::random_device{}();
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    auto value = [&] { return i + 1 < argc ? argv[++i] : "0"; };
    if (word == "--list") {
      for (const std::string &point : tree::fault_points()) std::cout << point << "\n";
      return 0;
    }
    if (word == "--rounds")
      rounds = std::atoi(value());
    else if (word == "--at-least")
      at_least = std::atoi(value());
    else if (word == "--seed")
      seed = static_cast<unsigned>(std::strtoul(value(), nullptr, 10));
    else if (word == "--no-points")
      points = false;
    else if (word == "--each")
      each = true;
    else if (word == "--blob")
      layout = Layout::Blob;
    else if (word == "--no-exchange")
      exchange = false;
    else {
      std::cerr << "crash [--blob] [--rounds N] [--seed S] [--no-points] [--each] [--no-exchange] [--at-least KILLS] "
                   "[--list]\n";
      return 2;
    }
  }
  std::cout << "seed " << seed << std::endl;
  std::mt19937 random(seed);
  Harness harness(layout, seed, true, exchange);
  int kills = 0;
  if (points) {
    std::set<std::string> stopped;
    every_point(harness, stopped, exchange ? Which::All : Which::Replacements, each, random);
    Harness without_trash(layout, seed, false, exchange);
    every_point(without_trash, stopped, exchange ? Which::Removals : Which::Replacements, each, random);
    kills = without_trash.kills();
    std::string missed, wrong;
    const std::vector<std::string> all = tree::fault_points();
    for (const std::string &point : all) {
      const char *const never = why_never(point, layout);
      if (!stopped.contains(point) && never == nullptr && of_no_exchange(point) != exchange) missed += " " + point;
      if (stopped.contains(point) && never != nullptr) wrong += " " + point;
    }
    std::cout << harness.kills() + kills << " kills at " << stopped.size() << " of " << all.size() << " points"
              << std::endl;
    if (!missed.empty())
      harness.fail("points that no scenario reaches; give them one in scenarios.cpp:" + missed + "\n");
    if (!wrong.empty()) harness.fail("points that are reached, although scenarios.cpp says never:" + wrong + "\n");
  }
  harness.renew();
  at_random(harness, seed, rounds);
  kills += harness.kills();
  if (kills < at_least) harness.fail("only " + std::to_string(kills) + " kills\n");
  std::cout << kills << " kills in all, " << harness.acknowledged()
            << " acknowledged changes under load: nothing lost, nothing half done" << std::endl;
  return 0;
}

}  // namespace
}  // namespace Atoll::proof

int main(int argc, char **argv) { return Atoll::proof::run(argc, argv); }
