// SPDX-License-Identifier: Apache-2.0
// Small changes of several requests in one commit of the index.
#include "core/tree/writer_lock.hpp"

#include "core/tree/invariants_test.hpp"

#include <sqlite3.h>

#include <atomic>
#include <mutex>
#include <thread>

namespace Atoll::tree {
namespace {

using Coming = WriterLock::Coming;
using Part = WriterLock::Part;

/// An index with a space, and a view of what is committed.
struct SharedIndex {
  SharedIndex() {
    auto opened = Index::open(folder.path + "/index.db");
    REQUIRE(opened.ok());
    index = std::move(*opened);
    auto transaction = index->begin_write(space);
    REQUIRE(transaction.ok());
    REQUIRE(index->insert_root(space, 1).ok());
    REQUIRE(transaction->commit().ok());
    auto seen = IndexView::open(folder.path + "/index.db");
    REQUIRE(seen.ok());
    view = std::move(*seen);
  }

  Result<void> insert(const char *name) {
    Row row;
    row.id = base::random_id<NodeId>();
    row.name = name;
    row.type = NodeType::File;
    return index->insert(parent_key(root_of(space)), row);
  }
  void left(const char *name, Part &part, Coming &coming) {
    REQUIRE(part.begin(space).ok());
    REQUIRE(insert(name).ok());
    REQUIRE(part.leave(coming).ok());
  }
  /// Names of what is committed.
  std::string names() {
    std::string text;
    REQUIRE(view->children(root_of(space), {}, 0, [&](const NodeView &row, std::uint64_t) {
      text += row.name;
      return true;
    }));
    return text;
  }

  test::TempFolder folder;
  const SpaceId space = base::random_id<SpaceId>();
  std::unique_ptr<Index> index;
  std::unique_ptr<IndexView> view;
  WriterLock lock{index};
};

/// The next commits of databases that are opened while it lives, and whose path ends like this, fail.
class FailingCommits {
 public:
  explicit FailingCommits(std::string_view ending) {
    ending_ = ending;
    failures_ = 0;
    sqlite3_auto_extension(reinterpret_cast<void (*)()>(&opened));
  }
  ~FailingCommits() {
    failures_ = 0;
    sqlite3_cancel_auto_extension(reinterpret_cast<void (*)()>(&opened));
  }
  void fail(int times) { failures_ = times; }
  int left() const { return failures_; }

 private:
  static int opened(sqlite3 *database, const char **, const sqlite3_api_routines *) {
    const char *path = sqlite3_db_filename(database, "main");
    if (path && std::string_view(path).ends_with(ending_)) sqlite3_commit_hook(database, &refuses, nullptr);
    return SQLITE_OK;
  }
  static int refuses(void *) {
    int left = failures_;
    while (left > 0 && !failures_.compare_exchange_weak(left, left - 1)) continue;
    return left > 0;
  }
  static inline std::string_view ending_;
  static inline std::atomic<int> failures_{0};
};

}  // namespace

TEST_CASE("writer lock: a change is committed at once when no other is coming") {
  SharedIndex s;
  Coming coming(s.lock);
  Part part(s.lock);
  s.left("a", part, coming);
  CHECK(s.names() == "a");
  CHECK(part.ended().ok());
}

TEST_CASE("writer lock: while more are coming than wait, the commit is left to them") {
  SharedIndex s;
  Coming one(s.lock), two(s.lock), three(s.lock), four(s.lock);
  Part a(s.lock);
  s.left("a", a, one);
  CHECK(s.names().empty());
  {
    Part b(s.lock);
    s.left("b", b, two);  // as many as are still coming
    CHECK(s.names() == "ab");
    CHECK(b.ended().ok());
  }
  CHECK(a.ended().ok());
}

TEST_CASE("writer lock: who locks it as a mutex sees all") {
  SharedIndex s;
  Coming one(s.lock), two(s.lock), three(s.lock);
  Part a(s.lock);
  s.left("a", a, one);
  {
    const std::lock_guard guard(s.lock);
    CHECK(s.names() == "a");
  }
  CHECK(a.ended().ok());
}

TEST_CASE("writer lock: a change that is not left to others commits what was left to it") {
  SharedIndex s;
  Coming one(s.lock), two(s.lock), three(s.lock);
  Part a(s.lock);
  s.left("a", a, one);
  Part b(s.lock);
  REQUIRE(b.begin(s.space).ok());
  REQUIRE(s.insert("b").ok());
  REQUIRE(b.commit().ok());
  CHECK(s.names() == "ab");
  CHECK(a.ended().ok());
}

TEST_CASE("writer lock: a change that fails takes no other with it") {
  SharedIndex s;
  Coming one(s.lock), two(s.lock), three(s.lock);
  Part a(s.lock);
  s.left("a", a, one);
  {
    Part b(s.lock);
    REQUIRE(b.begin(s.space).ok());
    REQUIRE(s.insert("b").ok());
    CHECK_FALSE(s.insert("b"));
  }
  CHECK(s.names().empty());
  {
    Part c(s.lock);
    s.left("c", c, two);
    CHECK(c.ended().ok());
  }
  CHECK(a.ended().ok());
  CHECK(s.names() == "ac");
}

TEST_CASE("writer lock: an undone change that is alone has not happened") {
  SharedIndex s;
  {
    Part a(s.lock);
    REQUIRE(a.begin(s.space).ok());
    REQUIRE(s.insert("a").ok());
  }
  const std::lock_guard guard(s.lock);
  CHECK(s.names().empty());
  auto transaction = s.index->begin_write(s.space);  // there is none that is open
  CHECK(transaction.ok());
}

TEST_CASE("writer lock: nobody waits for a change that is given up") {
  SharedIndex s;
  Coming one(s.lock);
  Part a(s.lock);
  {
    Coming two(s.lock), three(s.lock);
    s.left("a", a, one);
    CHECK(s.names().empty());
  }
  CHECK(s.names() == "a");
  CHECK(a.ended().ok());
}

TEST_CASE("writer lock: who waits for long commits himself") {
  SharedIndex s;
  Coming one(s.lock), two(s.lock), three(s.lock);
  Part a(s.lock);
  s.left("a", a, one);
  CHECK(a.ended().ok());
  CHECK(s.names() == "a");
}

TEST_CASE("writer lock: the failure of a commit is told to all whose changes were in it") {
  FailingCommits commits("/index.db");
  SharedIndex s;
  Coming one(s.lock), two(s.lock), three(s.lock), four(s.lock);
  Part a(s.lock);
  s.left("a", a, one);
  commits.fail(1);
  {
    Part b(s.lock);
    REQUIRE(b.begin(s.space).ok());
    REQUIRE(s.insert("b").ok());
    CHECK_FALSE(b.leave(two));
  }
  CHECK_FALSE(a.ended());
  CHECK(s.names().empty());
  Part c(s.lock);
  s.left("c", c, three);
  CHECK(c.ended().ok());
  CHECK(s.names() == "c");
}

TEST_CASE("uploads whose common commit fails are taken over from the disk, and nobody is told what is not so") {
  FailingCommits commits("/index.db");
  test::Fixture f;
  f.mkdir("d");
  constexpr int kThreads = 8, kFiles = 20;
  std::atomic<int> refused{0}, at_once{0};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread)
    threads.emplace_back([&, thread] {
      for (int n = 0; n < kFiles; ++n) {
        if (thread == 0 && n % 5 == 2) commits.fail(1);
        const std::string path = "d/" + std::to_string(thread) + "-" + std::to_string(n);
        if (!f.try_put(path, "12345")) {
          ++refused;
          continue;
        }
        const auto seen = f.engine->stat(f.at(path));  // what is acknowledged is there
        if (!seen && seen.status() != Status::Unavailable) ++at_once;
      }
    });
  for (auto &thread : threads) thread.join();
  CHECK(at_once == 0);
  CHECK(refused > 0);
  commits.fail(0);
  f.engine->settle();
  const auto files = test::check_space(f);
  CHECK(files.size() >= static_cast<std::size_t>(kThreads * kFiles - refused));
  CHECK(f.used() == 5 * (files.size() - 1));
}

}  // namespace Atoll::tree
