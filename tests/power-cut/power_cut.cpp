// SPDX-License-Identifier: Apache-2.0
// Records the order of writes, flushes and renames under a workload, and looks at what an engine makes of the disks
// that a power cut may leave.
#include "tests/crash/ledger.hpp"
#include "tests/crash/world.hpp"
#include "tests/power-cut/record.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <iostream>
#include <set>
#include <thread>

namespace Atoll::proof {
namespace {

constexpr std::size_t kEvery = 8;  // so many pending operations are left out in every combination

constexpr const char *kBefore[] = {"mkdir aa - 0 0",  "put aa/f - 1 100", "put aa/g - 2 5000", "attribute aa/f - 7 0",
                                   "lock aa/g - 0 0", "mkdir aa/d - 0 0", "put aa/d/h - 3 10", "mkdir ab - 0 0",
                                   "put ab/i - 4 20", "mkdir ba - 0 0",   "put ba/x - 5 70",   "mkdir ca - 0 0"};
constexpr const char *kWork[] = {
    "put aa/n - 9 3000",    "put aa/f - 10 30",     "mkdir aa/e - 0 0",    "rename aa/n aa/e/n 0 0",
    "rename aa/f ab/i 0 0", "copy ab/i aa/c 0 0",   "remove aa/g - 0 0",   "copy aa ac 0 0",
    "rename aa/d ab 0 0",   "attribute ac - 5 0",   "mtime ac/c - 5000 0", "lock ac/c - 0 0",
    "copy ac ab 0 0",       "attribute ac/c - 0 0", "unlock ac/c - 0 0",   "remove ac - 0 0",
    "put aa/e/n - 11 7000", "remove ab - 0 0",      "put aa/v - 21 100",   "put aa/v - 22 120",
    "revert aa/v - 0 0",    "forget aa/v - 0 0",    "remove aa/v - 0 0",   "restore aa/v - 1 0",
    "remove aa/e - 0 0",    "put aa/e - 23 50",     "restore aa/e - 2 0",  "remove aa/c - 0 0",
    "purge aa/c - 0 0",     "erase aa/e - 0 0"};

/// What may be left: all before `end`, without the pending ones that are not kept.
struct Cut {
  std::size_t end = 0;
  std::vector<std::size_t> lost;
  bool zeros = false;  ///< of lost writes the new size has come to the disk
};

/// Which steps no flush has covered before `end`.
class Pending {
 public:
  explicit Pending(const std::vector<DiskStep> &steps) : steps_(steps) {}
  void advance() {
    const DiskStep &step = steps_[at_];
    if (step.kind == DiskStep::Kind::FlushAll) {
      open_.clear();
    } else if (step.kind == DiskStep::Kind::Flush) {
      // What came before at the same name as something that is covered is covered too.
      std::vector<std::size_t> left, names;
      for (auto i = open_.rbegin(); i != open_.rend(); ++i) {
        const bool before = std::any_of(names.begin(), names.end(), [&](std::size_t j) { return meet(*i, j); });
        if (!before && !covered(steps_[*i], step.inode))
          left.push_back(*i);
        else if (steps_[*i].kind == DiskStep::Kind::Entry)
          names.push_back(*i);
      }
      open_.assign(left.rbegin(), left.rend());
    } else if (step.kind != DiskStep::Kind::Mark) {
      open_.push_back(at_);
    }
    ++at_;
  }
  const std::vector<std::size_t> &open() const noexcept { return open_; }
  /// What is lost with these: later changes of the same names. Sorted.
  std::vector<std::size_t> with_later(std::vector<std::size_t> lost) const {
    for (const std::size_t i : open_)
      if (!std::binary_search(lost.begin(), lost.end(), i) &&
          std::any_of(lost.begin(), lost.end(), [&](std::size_t j) { return j < i && meet(i, j); }))
        lost.insert(std::upper_bound(lost.begin(), lost.end(), i), i);
    return lost;
  }

 private:
  static bool covered(const DiskStep &step, ino_t inode) {
    if (step.kind != DiskStep::Kind::Entry) return step.inode == inode;
    return std::any_of(step.links.begin(), step.links.end(), [&](const auto &link) { return link.folder == inode; });
  }
  /// Both change the same name.
  bool meet(std::size_t a, std::size_t b) const {
    return std::any_of(steps_[a].links.begin(), steps_[a].links.end(), [&](const auto &one) {
      return std::any_of(steps_[b].links.begin(), steps_[b].links.end(),
                         [&](const auto &two) { return one.folder == two.folder && one.name == two.name; });
    });
  }
  const std::vector<DiskStep> &steps_;
  std::vector<std::size_t> open_;
  std::size_t at_ = 0;
};

/// Leaves out cuts that leave the same disk as an earlier one, with nothing acknowledged in between.
class Different {
 public:
  explicit Different(const std::vector<DiskStep> &steps) : steps_(steps) {}
  bool operator()(const Cut &cut) {
    std::string left;  // what is on the disk, and how much was acknowledged
    std::uint32_t said = 0;
    auto add = [&](std::size_t step) { left.append(reinterpret_cast<const char *>(&step), 4); };
    auto lost = cut.lost.begin();
    for (std::size_t i = 0; i < cut.end; ++i) {
      const DiskStep &step = steps_[i];
      const bool gone = lost != cut.lost.end() && *lost == i;
      if (gone) ++lost;
      if (step.kind == DiskStep::Kind::Mark)
        said += step.bytes.size() > 2 && step.bytes[2] != '?';
      else if (!step.flush() && !gone)
        add(i);
      else if (gone && cut.zeros && step.kind == DiskStep::Kind::Write)
        add(i | 0x80000000U);
    }
    add(said);
    return seen_.insert(std::hash<std::string>()(left)).second;
  }

 private:
  const std::vector<DiskStep> &steps_;
  std::set<std::size_t> seen_;
};

/// Everything that is left of each prefix, with and without what is pending, and `samples` of what is in between; 0:
/// all of that.
std::vector<Cut> cuts_of(const std::vector<DiskStep> &steps, std::mt19937 &random, std::size_t samples) {
  std::vector<Cut> plain, bare, mixed;
  Pending pending(steps);
  for (std::size_t end = 0; end <= steps.size(); ++end) {
    const auto &open = pending.open();
    plain.push_back({end, {}, false});
    if (!open.empty()) bare.push_back({end, open, false});
    if (!open.empty()) mixed.push_back({end, open, true});
    const bool look =
        end == steps.size() || steps[end].flush() || (end > 0 && steps[end - 1].kind == DiskStep::Kind::Mark);
    if (look && !open.empty()) {
      const std::size_t last = std::min(open.size(), kEvery);
      for (unsigned mask = 1; mask < (1u << last); ++mask) {
        Cut cut{end, {}, random() % 2 == 0};
        for (std::size_t i = 0; i < last; ++i)
          if (mask & (1u << i)) cut.lost.push_back(open[open.size() - last + i]);
        cut.lost = pending.with_later(std::move(cut.lost));
        mixed.push_back(std::move(cut));
      }
      for (int sample = 0; open.size() > kEvery && sample < 64; ++sample) {
        Cut cut{end, {}, random() % 2 == 0};
        for (const std::size_t i : open)
          if (random() % 2) cut.lost.push_back(i);
        cut.lost = pending.with_later(std::move(cut.lost));
        mixed.push_back(std::move(cut));
      }
    }
    if (end < steps.size()) pending.advance();
  }
  std::cout << steps.size() << " steps: " << plain.size() << " prefixes, " << bare.size()
            << " without all that is pending, " << mixed.size() << " in between" << std::endl;
  Different different(steps);
  std::vector<Cut> chosen;
  for (auto *kind : {&plain, &bare})
    for (Cut &cut : *kind)
      if (different(cut)) chosen.push_back(std::move(cut));
  const std::size_t prefixes = chosen.size();
  std::shuffle(mixed.begin(), mixed.end(), random);
  for (Cut &cut : mixed) {
    if (samples != 0 && chosen.size() - prefixes == samples) break;
    if (different(cut)) chosen.push_back(std::move(cut));
  }
  std::cout << chosen.size() << " different disks are tried, " << prefixes << " of them of whole prefixes" << std::endl;
  return chosen;
}

/// Files that are deleted while the step that took them from their place in the tree may still be lost: then a file
/// system that does not keep the order could leave the name without the bytes. Empty when there are none.
std::string deleted_too_soon(const std::vector<DiskStep> &steps) {
  Pending pending(steps);
  std::set<ino_t> moved;  // what was set aside with all below it is taken apart there
  std::string found;
  for (std::size_t i = 0; i < steps.size(); ++i, pending.advance()) {
    const auto &links = steps[i].links;
    if (links.size() == 2)
      for (const auto &link : links) moved.insert(link.to);
    if (links.size() != 1 || links[0].to != 0) continue;
    for (const std::size_t j : pending.open()) {
      const auto &before = steps[j].links;
      if (before.size() != 2) continue;
      for (const std::size_t side : {0, 1}) {
        const auto &there = before[side], &from = before[1 - side];
        if (there.folder == links[0].folder && there.name == links[0].name && there.to != 0 &&
            !moved.contains(from.folder))
          found += "step " + std::to_string(i) + " deletes what step " + std::to_string(j) + " took from " + from.name +
                   " in " + std::to_string(from.folder) + "\n";
      }
    }
  }
  return found;
}

std::string name_of(const DiskStep &step) {
  static constexpr const char *kNames[] = {"entry", "write", "truncate",  "xattr", "mode",
                                           "time",  "flush", "flush all", "mark"};
  std::string text = kNames[static_cast<int>(step.kind)];
  if (step.kind == DiskStep::Kind::Mark) return text + " " + step.bytes;
  text += " inode " + std::to_string(step.inode);
  if (step.kind == DiskStep::Kind::Write)
    text += " at " + std::to_string(step.offset) + ", " + std::to_string(step.bytes.size()) + " bytes";
  for (const auto &link : step.links)
    text += " " + link.name + " in " + std::to_string(link.folder) + " is " + std::to_string(link.to) + ";";
  return text;
}

/// Empty when all is well.
std::string try_cut(const DiskImage &base, const std::vector<DiskStep> &steps, const Cut &cut, Ledger ledger) {
  DiskImage image = base;
  std::string problems;
  for (std::size_t i = 0; i < cut.end; ++i) {
    const DiskStep &step = steps[i];
    if (step.kind == DiskStep::Kind::Mark) {
      ledger.feed(step.bytes, problems);
    } else if (!std::binary_search(cut.lost.begin(), cut.lost.end(), i)) {
      image.apply(step);
    } else if (cut.zeros && step.kind == DiskStep::Kind::Write) {
      image.apply_empty(step);
    }
  }
  const Scratch scratch(true);
  World world(Layout::Posix, scratch.path() + "/disk", false);
  show_inodes(image.write(world.folder));
  {
    auto engine = world.open();
    if (!engine) {
      problems += "it does not start: " + engine.error().message + "\n";
    } else {
      (*engine)->settle();
      const State got = ledger.reader().read(**engine, world, problems);
      ledger.judge(got, problems);
    }
  }
  show_inodes({});
  if (problems.empty()) world.check_disk(ledger.state(), problems);
  if (!problems.empty() && std::getenv("ATOLL_TEST_KEEP") != nullptr) image.write(scratch.path() + "/before");
  return problems;
}

void work(tree::Engine &engine, const World &world, char owner, const Operation &operation) {
  record_mark(std::string(1, owner) + " ? " + operation.text());
  record_mark(std::string(1, owner) + " " + operation.run(engine, world).text);
}

int run(int argc, char **argv) {
  std::size_t samples = 300;
  unsigned seed = std::random_device{}();
  bool all = false;
  std::size_t shown = 40;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string word = argv[i];
    if (word == "--all") all = true;  // does not end at the first failure; how many steps are shown of each
    if (word == "--all") shown = std::strtoul(argv[i + 1], nullptr, 10);
    if (word == "--cuts") samples = std::strtoul(argv[i + 1], nullptr, 10);
    if (word == "--seed") seed = static_cast<unsigned>(std::strtoul(argv[i + 1], nullptr, 10));
  }
  std::cout << "seed " << seed << std::endl;
  std::mt19937 random(seed);
  const Scratch scratch;
  World world(Layout::Posix, scratch.path() + "/disk");
  world.options.checkpoint_seconds = 1;
  world.keeps_order = false;
  Ledger ledger;
  std::string problems;
  auto open = [&] {
    auto engine = world.open();
    if (!engine) problems += engine.error().message;
    return engine ? std::move(*engine) : nullptr;
  };
  {
    const auto engine = open();
    if (!engine) return std::cout << problems << std::endl, 1;
    engine->settle();
    for (const char *line : kBefore) {
      const Operation operation = Operation::parse(line);
      const std::string owner(1, operation.from.front());
      ledger.feed(owner + " ? " + operation.text(), problems);
      ledger.feed(owner + " " + operation.run(*engine, world).text, problems);
    }
    ledger.judge(ledger.reader().read(*engine, world, problems), problems);
  }
  if (!problems.empty()) return std::cout << "FAILED: before any cut: " << problems << std::endl, 1;

  const DiskImage base(world.folder);
  record_start(world.folder);
  auto engine = open();
  if (!engine) return std::cout << problems << std::endl, 1;
  engine->settle();
  for (const char *line : kWork) work(*engine, world, 'a', Operation::parse(line));
  std::vector<std::thread> threads;
  for (const char owner : {'b', 'c'})
    threads.emplace_back([&, owner] {
      std::mt19937 own(seed + static_cast<unsigned>(owner));
      for (int i = 0; i < 25; ++i) work(*engine, world, owner, Operation::random(own, owner));
    });
  for (std::thread &thread : threads) thread.join();
  const std::vector<DiskStep> steps = record_stop();
  if (const std::string wrong = deleted_too_soon(steps); !wrong.empty())
    return std::cout << "FAILED, seed " << seed << ": " << wrong << std::endl, 1;
  engine.reset();  // SQLite knows files by their inodes, and those of the copies look like these

  std::size_t tried = 0;
  std::set<std::string> seen;
  for (const Cut &cut : cuts_of(steps, random, samples)) {
    const std::string wrong = try_cut(base, steps, cut, ledger);
    ++tried;
    if (wrong.empty() || !seen.insert(wrong).second) continue;
    std::cout << "FAILED, seed " << seed << ": after " << cut.end << " of " << steps.size() << " steps: " << wrong
              << "the last of them:\n";
    for (std::size_t i = cut.end > shown ? cut.end - shown : 0; i < cut.end; ++i)
      std::cout << (std::binary_search(cut.lost.begin(), cut.lost.end(), i) ? "  lost " : "       ") << i << " "
                << name_of(steps[i]) << "\n";
    std::cout << "in all " << cut.lost.size() << " are lost" << (cut.zeros ? ", writes leave zeros" : "") << std::endl;
    if (!all) return 1;
  }
  if (!seen.empty()) return 1;
  std::cout << tried << " power cuts: everything acknowledged is there, nothing half done" << std::endl;
  return 0;
}

}  // namespace
}  // namespace Atoll::proof

int main(int argc, char **argv) { return Atoll::proof::run(argc, argv); }
