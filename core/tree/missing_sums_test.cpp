// SPDX-License-Identifier: Apache-2.0
// Checksums that the index lacks are computed from the files, and only taken over for what they are of.
#include "core/tree/missing_sums.hpp"

#include "core/base/checksum.hpp"
#include "core/sql/database.hpp"
#include "core/tree/invariants_test.hpp"
#include "core/tree/tree_engine.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <atomic>
#include <set>

using namespace Atoll;
using namespace Atoll::tree;
using test::Fixture;
namespace fs = std::filesystem;

namespace {

Sums sums_of(std::string_view bytes) {
  base::Checksums digest(base::kAllChecksums);
  digest.update(bytes);
  const auto values = digest.values();
  return Sums{base::kAllChecksums, values.sha1, values.md5, values.adler32};
}

bool equal(const Sums &a, const Sums &b) {
  return a.mask == b.mask && a.sha1 == b.sha1 && a.md5 == b.md5 && a.adler32 == b.adler32;
}

/// Opening the files of some paths fails.
class SomeUnreadable final : public PosixNamespace {
 public:
  SomeUnreadable(std::shared_ptr<PosixRoot> root, const std::atomic<bool> &failing, std::atomic<int> &tries)
      : PosixNamespace(std::move(root)), failing_(failing), tries_(tries) {}
  Result<File> open_file(std::string_view base, std::string_view path) override {
    if (path.find("bad") == std::string_view::npos || !failing_) return PosixNamespace::open_file(base, path);
    ++tries_;
    errno = EIO;
    return base::errno_error("read this disk");
  }

 private:
  const std::atomic<bool> &failing_;
  std::atomic<int> &tries_;
};

struct Summed : Fixture {
  Summed() {
    provider.options.checksum_quiet_ms = 100;
    with_rate(std::uint64_t{1} << 30);
  }
  ~Summed() { engine.reset(); }

  void with_rate(std::uint64_t rate) {
    engine.reset();
    provider.options.checksum_rate = rate;
    start();
  }
  Node put_summed(std::string_view path, std::string_view bytes) {
    UploadCommit commit;
    commit.sums = sums_of(bytes);
    return value(try_put(at(path), bytes, {}, commit));
  }
  template <class Condition>
  static void wait_until(Condition condition) {
    for (int i = 0; !condition(); ++i) {
      REQUIRE(i < 6000);
      ::usleep(10000);
    }
  }
  bool has_sums(std::string_view path) { return stat(path).sums.mask == base::kAllChecksums; }
  void wait_for(std::string_view path) {
    wait_until([&] { return has_sums(path); });
  }
  void check_sums(const std::string &path) {
    CHECK_MESSAGE(equal(stat(path).sums, sums_of(test::read_disk(disk(path)))), path);
  }
  TreeEngine &inside() { return static_cast<TreeEngine &>(*engine); }
  void lose_index() {
    engine.reset();
    for (const char *part : {"", "-wal", "-shm"}) fs::remove(provider.state + "/index.db" + part);
    start();
  }
  /// Whether this process has the file open.
  bool is_open(const std::string &path) {
    const std::string real = fs::canonical(path);
    for (const auto &entry : fs::directory_iterator("/proc/self/fd")) {
      std::error_code ignored;
      if (fs::read_symlink(entry.path(), ignored) == real) return true;
    }
    return false;
  }
};

}  // namespace

TEST_CASE("index.db is deleted: the checksums of all files are those of before, without new etags or changes") {
  Summed f;
  f.mkdir("d");
  f.mkdir("d/e");
  std::vector<std::string> paths{"x", "empty", "d/y", "d/e/large"};
  f.put_summed("x", "one");
  f.put_summed("empty", "");
  f.put_summed("d/y", "two");
  f.put_summed("d/e/large", std::string(700000, 'L'));
  for (int i = 0; i < 150; ++i) {
    paths.push_back("d/e/" + std::to_string(i));
    f.put_summed(paths.back(), std::to_string(i));
  }
  f.mkdir("gone");
  f.put_summed("gone/z", "three");
  f.put_summed("gone too", "four");
  REQUIRE(f.engine->remove(f.at("gone"), {}).ok());
  REQUIRE(f.engine->remove(f.at("gone too"), {}).ok());
  std::map<std::string, Node> before;
  for (const std::string &path : paths) before[path] = f.stat(path);
  f.with_rate(0);
  f.lose_index();
  CHECK(f.stat("x").sums.mask == 0);
  const std::string token = Fixture::value(f.engine->changes_now(f.space));
  std::map<std::string, std::string> etags;
  for (const char *path : {"", "d", "d/e"}) etags[path] = f.etag(path);

  f.with_rate(std::uint64_t{1} << 30);
  for (const std::string &path : paths) {
    f.wait_for(path);
    const Node now = f.stat(path);
    CHECK(equal(now.sums, before[path].sums));
    CHECK(now.id == before[path].id);
    CHECK(now.etag().view() == before[path].etag().view());
  }
  for (const auto &[path, etag] : etags) CHECK(f.etag(path) == etag);
  int changes = 0;
  REQUIRE(f.engine->changes_since(f.space, token, 0, [&](const ChangeRow &) { return ++changes > 0; }).ok());
  CHECK(changes == 0);

  // The trash as well: a file has them when it comes back, and what a lost folder held soon after.
  f.wait_until([&] {
    auto view = Fixture::value(f.inside().views_->lease());
    BarePlace place;
    return Fixture::value(view->bare_files(place, 1)).empty();
  });
  for (const TrashItem &item : test::trash_of(f))
    REQUIRE(f.engine->trash_restore(f.space, item.id, std::nullopt, false, {}).ok());
  CHECK(f.has_sums("gone too"));
  f.check_sums("gone too");
  f.wait_for("gone/z");
  f.check_sums("gone/z");
  test::check_space(f);
}

TEST_CASE("what other programs make or change gets its checksums, and then it is quiet") {
  Summed f;
  f.put_summed("x", "one");
  test::write_disk(f.disk("new"), "from outside");
  f.list("");
  f.wait_for("new");
  f.check_sums("new");
  const std::uint64_t passes = f.inside().sums_->passes();
  f.put_summed("y", "two");
  f.mkdir("d");
  REQUIRE(f.engine->rename(f.at("y"), f.at("d/y"), false, {}).ok());
  CHECK(f.inside().sums_->passes() <= passes + 1);  // the one that computed it may not have been at its end

  test::write_disk(f.disk("x"), "changed outside");
  CHECK(f.get("x") == "changed outside");
  CHECK(f.stat("x").sums.mask == 0);
  f.wait_for("x");
  f.check_sums("x");
  f.put("bare", "no checksums came with it");
  f.wait_for("bare");
  f.check_sums("bare");
  test::check_space(f);
}

TEST_CASE("files without checksums are found by an index of their own") {
  Summed f;
  f.engine.reset();
  auto database = Fixture::value(sql::Database::open(f.provider.state + "/index.db"));
  auto plan = Fixture::value(
      database.prepare("EXPLAIN QUERY PLAN SELECT " TREE_ROW_COLUMNS
                       " FROM node INDEXED BY node_bare WHERE type=1 AND sums IS NULL AND (parent,name)>(x'','')"
                       " ORDER BY parent,name LIMIT 64"));
  auto rows = plan.query();
  REQUIRE(Fixture::value(rows.next()));
  const std::string text(rows.text(3));
  CHECK_MESSAGE(text.find("SEARCH node USING") != text.npos, text);
  CHECK_FALSE(Fixture::value(rows.next()));  // no sorting
}

TEST_CASE("a file that is changed while it is read gets no wrong checksum, even if its time is set back") {
  Summed f;
  f.with_rate(0);
  std::string content(2 << 20, 'a');
  for (int attempt = 0;; ++attempt) {
    REQUIRE(attempt < 20);
    const std::string name = "x" + std::to_string(attempt), path = f.disk(name);
    f.put(name, content);
    struct stat old {};
    REQUIRE(::stat(path.c_str(), &old) == 0);
    f.with_rate(1 << 20);  // it takes about two seconds
    f.wait_until([&] { return f.is_open(path) || f.has_sums(name); });
    ::usleep(300000);
    {
      const base::Fd other(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
      REQUIRE(other);
      REQUIRE(::pwrite(other.get(), "b", 1, 0) == 1);
      REQUIRE(::pwrite(other.get(), "c", 1, (2 << 20) - 1) == 1);
      const timespec times[2] = {{0, UTIME_OMIT}, old.st_mtim};
      REQUIRE(::futimens(other.get(), times) == 0);
    }
    const bool in_time = f.is_open(path);
    if (!in_time) {  // this machine was slower than the reading: once more
      f.with_rate(0);
      continue;
    }
    f.wait_until([&] { return !f.is_open(path); });
    f.with_rate(std::uint64_t{1} << 30);
    f.wait_for(name);
    f.check_sums(name);
    break;
  }
}

TEST_CASE("a file that somebody has open for writing is left alone until he closes it") {
  Summed f;
  f.with_rate(0);
  f.put("x", "one");
  f.put("y", "two");
  base::Fd other(::open(f.disk("x").c_str(), O_WRONLY | O_CLOEXEC));
  REQUIRE(other);
  f.with_rate(std::uint64_t{1} << 30);
  f.wait_for("y");
  const std::uint64_t passes = f.inside().sums_->passes();
  f.wait_until([&] { return f.inside().sums_->passes() > passes + 1; });
  CHECK_FALSE(f.has_sums("x"));
  REQUIRE(::pwrite(other.get(), "ONE", 3, 0) == 3);
  other.reset();
  CHECK(f.get("x") == "ONE");
  f.wait_for("x");
  f.check_sums("x");
}

TEST_CASE("what cannot be read is tried again later and keeps nobody from the rest; a restart goes on") {
  Summed f;
  std::atomic<bool> failing{true};
  std::atomic<int> tries{0};
  f.provider.names = [&](std::shared_ptr<PosixRoot> root) {
    return std::make_unique<SomeUnreadable>(std::move(root), failing, tries);
  };
  f.with_rate(0);
  f.put("a bad one", "bad");
  std::vector<std::string> names;
  for (int i = 0; i < 200; ++i) {
    names.push_back("n" + std::to_string(i));
    f.put(names.back(), std::to_string(i));
  }
  f.with_rate(4 << 20);  // some hundred files a second
  f.wait_for("n0");
  f.with_rate(std::uint64_t{1} << 30);
  for (const std::string &name : names) {
    f.wait_for(name);
    f.check_sums(name);
  }
  f.wait_until([&] { return tries > 0; });
  CHECK(f.stat("a bad one").sums.mask == 0);
  failing = false;
  f.wait_for("a bad one");
  f.check_sums("a bad one");
}

TEST_CASE("with a rate of 0 no checksums are computed") {
  Summed f;
  f.with_rate(0);
  CHECK_FALSE(f.inside().sums_);
  f.put("x", "one");
  f.restart();
  CHECK(f.stat("x").sums.mask == 0);
}
