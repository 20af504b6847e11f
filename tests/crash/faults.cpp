// SPDX-License-Identifier: Apache-2.0
// A disk that fails: each call of an operation that reads, writes, flushes or renames fails once, with EIO or ENOSPC.
// The operation is done or refused, wholly; afterwards all goes on without a restart, and a restart finds the same.
#undef _FILE_OFFSET_BITS  // plain names stay plain; all sizes have 64 bits here anyway
#include "tests/crash/ledger.hpp"
#include "tests/crash/scenarios.hpp"
#include "tests/crash/world.hpp"

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <iostream>

namespace Atoll::proof {
namespace {

enum Call : unsigned {
  kRead = 1,
  kWrite = 2,
  kFlush = 4,
  kRename = 8,
  kMake = 16,
  kLook = 32,
  kList = 64,
  kIdentity = 128
};

// Set by the thread whose calls fail; other threads are left alone.
thread_local unsigned failing = 0;
thread_local long calls_left = 0;
thread_local int error_number = 0;
thread_local bool hit = false;

// The same for all threads but the one that makes the changes.
std::atomic<unsigned> others_failing{0};
std::atomic<long> others_left{0};
std::atomic<bool> others_hit{false};
thread_local bool changes = false;

bool fails(Call call) {
  if (!changes && (others_failing & call) != 0 && --others_left == 0) {
    others_hit = true;
    errno = EIO;
    return true;
  }
  if ((failing & call) == 0 || --calls_left != 0) return false;
  hit = true;
  errno = error_number;
  return true;
}

}  // namespace
}  // namespace Atoll::proof

// ---- in place of the C library's, for this program and its libraries
// -------------------------------------------------
#define SEEN_BY_LIBRARIES __attribute__((visibility("default")))
#define FAIL(call) \
  if (Atoll::proof::fails(Atoll::proof::call)) return -1

extern "C" {
SEEN_BY_LIBRARIES ssize_t pwrite64(int fd, const void *bytes, size_t size, off_t at) {
  FAIL(kWrite);
  return ::syscall(SYS_pwrite64, fd, bytes, size, at);
}
SEEN_BY_LIBRARIES ssize_t write(int fd, const void *bytes, size_t size) {
  if (fd > 2) FAIL(kWrite);
  return ::syscall(SYS_write, fd, bytes, size);
}
SEEN_BY_LIBRARIES ssize_t pread64(int fd, void *bytes, size_t size, off_t at) {
  FAIL(kRead);
  return ::syscall(SYS_pread64, fd, bytes, size, at);
}
SEEN_BY_LIBRARIES int fstat64(int fd, struct stat64 *facts) noexcept {
  FAIL(kLook);
  return static_cast<int>(::syscall(SYS_newfstatat, fd, "", facts, AT_EMPTY_PATH));
}
SEEN_BY_LIBRARIES int fstatat64(int at, const char *path, struct stat64 *facts, int flags) noexcept {
  FAIL(kLook);
  return static_cast<int>(::syscall(SYS_newfstatat, at, path, facts, flags));
}
SEEN_BY_LIBRARIES ssize_t fgetxattr(int fd, const char *name, void *value, size_t size) noexcept {
  FAIL(kLook);
  return ::syscall(SYS_fgetxattr, fd, name, value, size);
}
SEEN_BY_LIBRARIES dirent64 *readdir64(DIR *dir) {
  static const auto real = reinterpret_cast<dirent64 *(*)(DIR *)>(::dlsym(RTLD_NEXT, "readdir64"));
  if (Atoll::proof::fails(Atoll::proof::kList)) return nullptr;
  return real(dir);
}
SEEN_BY_LIBRARIES int ftruncate64(int fd, off_t size) noexcept {
  FAIL(kWrite);
  return static_cast<int>(::syscall(SYS_ftruncate, fd, size));
}
SEEN_BY_LIBRARIES int fsetxattr(int fd, const char *name, const void *value, size_t size, int flags) noexcept {
  FAIL(kWrite);
  FAIL(kIdentity);
  return static_cast<int>(::syscall(SYS_fsetxattr, fd, name, value, size, flags));
}
SEEN_BY_LIBRARIES int fsync(int) {
  FAIL(kFlush);
  return 0;
}
SEEN_BY_LIBRARIES int fdatasync(int) {
  FAIL(kFlush);
  return 0;
}
SEEN_BY_LIBRARIES int syncfs(int) noexcept {
  FAIL(kFlush);
  return 0;
}
SEEN_BY_LIBRARIES int renameat2(int from_at, const char *from, int to_at, const char *to, unsigned flags) noexcept {
  FAIL(kRename);
  return static_cast<int>(::syscall(SYS_renameat2, from_at, from, to_at, to, flags));
}
SEEN_BY_LIBRARIES int renameat(int from_at, const char *from, int to_at, const char *to) noexcept {
  FAIL(kRename);
  return static_cast<int>(::syscall(SYS_renameat2, from_at, from, to_at, to, 0));
}
SEEN_BY_LIBRARIES int mkdirat(int at, const char *path, mode_t mode) noexcept {
  FAIL(kMake);
  return static_cast<int>(::syscall(SYS_mkdirat, at, path, mode));
}
}

namespace Atoll::proof {
namespace {

struct Kind {
  const char *name;
  unsigned calls;
  int error;
};
constexpr long kStep = 8;  // of so many calls one fails
constexpr Kind kKinds[] = {{"read, EIO", kRead, EIO},         {"write, EIO", kWrite, EIO},
                           {"write, ENOSPC", kWrite, ENOSPC}, {"flush, EIO", kFlush, EIO},
                           {"rename, EIO", kRename, EIO},     {"rename, ENOSPC", kRename, ENOSPC},
                           {"mkdir, ENOSPC", kMake, ENOSPC},  {"look, EIO", kLook, EIO},
                           {"list, EIO", kList, EIO},         {"identity, EIO", kIdentity, EIO}};

/// Statuses that say "the disk failed", and nothing about the tree.
bool right_status(const std::string &answer, int error) {
  if (answer.front() == '+') return true;
  const auto status = static_cast<Status>(std::atoi(answer.c_str() + 2));
  if (status == Status::Unavailable || status == Status::Internal || status == Status::DataLoss) return true;
  return error == ENOSPC && status == Status::InsufficientStorage;
}

int run(int argc, char **argv) {
  Layout layout = Layout::Posix;
  bool list = false, each = false, background = false;
  changes = true;
  unsigned seed = std::random_device{}();
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--blob") layout = Layout::Blob;
    if (word == "--list") list = true;
    if (word == "--each") each = true;
    if (word == "--background") background = true;  // not the change fails, but what other threads do after it
    if (word == "--seed" && i + 1 < argc) seed = static_cast<unsigned>(std::strtoul(argv[++i], nullptr, 10));
  }
  std::cout << "seed " << seed << std::endl;
  std::mt19937 random(seed);
  // Each call, or a sample.
  std::uniform_int_distribution<long> first(1, each ? 1 : kStep), step_of(1, each ? 1 : 2 * kStep - 1);
  const Scratch scratch;
  World world(layout, scratch.path());
  world.options.beside.enabled = background && layout == Layout::Posix;
  world.options.beside.settle_ms = 1;
  Ledger ledger;
  ledger.reader().spare_attributes();
  std::string problems;
  auto opened = world.open();
  if (!opened) return std::cout << "FAILED: " << opened.error().message << std::endl, 1;
  auto engine = std::move(*opened);
  engine->settle();
  int faults = 0, refused = 0;
  for (const Scenario &scenario : scenarios()) {
    if ((scenario.phase != Phase::Operation && !(background && scenario.phase == Phase::Background)) ||
        scenario.index != IndexFile::Stays || scenario.closed || scenario.meanwhile != nullptr)
      continue;
    const Operation work = Operation::parse(scenario.work.front());
    // What is not all or nothing, and is done again until it is done, or takes two servers.
    if (work.after() == Operation::After::Again || work.kind == Operation::Kind::Receive) continue;
    if (scenario.posix && layout != Layout::Posix) continue;
    for (const Kind &kind : kKinds) {
      for (long n = first(random);; n += step_of(random)) {
        auto step = [&](const char *line, bool broken) {
          const Operation operation = Operation::parse(line);
          ledger.feed("p ? " + operation.text(), problems);
          hit = false;
          if (broken && background) {
            others_left = n;
            others_hit = false;
            others_failing = kind.calls;
          }
          const Outcome outcome = operation.run(*engine, world, [&] {
            if (!broken || background) return;
            calls_left = n;
            error_number = kind.error;
            failing = kind.calls;
          });
          failing = 0;
          if (broken && background) {
            engine->settle();
            others_failing = 0;
          }
          ledger.feed("p " + outcome.text, problems, broken && (hit || (background && others_hit)));
          return outcome;
        };
        for (const char *line : scenario.setup) step(line, false);
        const State before = ledger.state();
        const Outcome outcome = step(scenario.work.front(), true);
        const bool was_hit = background ? others_hit.load() : hit;
        engine->settle();
        if (const std::string trouble = work.make_up(*engine, world); !trouble.empty()) problems += trouble + "\n";
        engine->settle();
        if (hit && !right_status(outcome.text, kind.error)) problems += "wrong answer: " + outcome.text + "\n";
        const State got = ledger.reader().read(*engine, world, problems);
        if (hit) ledger.spare_copies(got);
        // Nothing is in the way of taking back a time.
        if (hit && !outcome.done && kind.calls == kIdentity && work.kind == Operation::Kind::Mtime)
          problems += differences(before, got, false);
        ledger.judge(got, problems);
        if (problems.empty() && ledger.state().trash_ids.size() > 40) {
          if (auto done = engine->trash_purge_all(world.space); !done) problems += done.error().message + "\n";
          engine->settle();
          ledger.trash_emptied();
          ledger.judge(ledger.reader().read(*engine, world, problems), problems);
        }
        if (was_hit && problems.empty()) {
          ++faults;
          refused += outcome.done ? 0 : 1;
          if (faults % 16 == 0) {  // and the same after a restart
            engine.reset();
            auto again = world.open();
            if (!again) {
              problems += "it does not start: " + again.error().message + "\n";
            } else {
              engine = std::move(*again);
              engine->settle();
              ledger.judge(ledger.reader().read(*engine, world, problems), problems);
            }
          }
        }
        if (!problems.empty()) {
          std::cout << "FAILED: " << scenario.name << ", " << kind.name << " at call " << n << ": " << outcome.text
                    << "\n"
                    << problems << std::endl;
          if (!list) return 1;
          problems.clear();
        }
        if (!was_hit) break;
      }
    }
  }
  engine.reset();
  if (problems.empty()) world.check_disk(ledger.state(), problems);
  if (!problems.empty()) return std::cout << "FAILED: " << problems << std::endl, 1;
  std::cout << faults << " faults of the disk, " << refused << " of them refused: all or nothing each time"
            << std::endl;
  return 0;
}

}  // namespace
}  // namespace Atoll::proof

int main(int argc, char **argv) { return Atoll::proof::run(argc, argv); }
