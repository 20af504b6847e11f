// SPDX-License-Identifier: Apache-2.0
// index.db is deleted, replaced or damaged while it is in use: it is made anew, and until then nothing is told.
#include "core/tree/failing_namespace_test.hpp"
#include "core/tree/invariants_test.hpp"
#include "core/tree/meta.hpp"

#include <fcntl.h>

#include <functional>
#include <set>

using namespace Atoll;
using namespace Atoll::tree;
using test::Fixture;
namespace fs = std::filesystem;

namespace {

struct Served : Fixture {
  explicit Served(int files = 600) : count(static_cast<std::size_t>(files) + 1) {
    provider.options.checkpoint_seconds = 1;
    provider.options.durability = Durability::None;
    provider.options.log = [this](bool, const std::string &line) {
      const std::lock_guard guard(mutex);
      lines.push_back(line);
    };
    restart();
    mkdir("d");
    mkdir("d/e");
    for (int i = 0; i < files; ++i) put("d/" + std::string(100, 'n') + std::to_string(i), "1");
    file = put("d/e/y", "22");
    const AttributeChange set{"urn:x", "a", "b"};
    REQUIRE(engine->attributes_patch(at("d/e/y"), {&set, 1}, {}).ok());
    put("gone", "333");
    gone = stat("gone");
    REQUIRE(engine->remove(at("gone"), {}).ok());
    engine->settle();
    for (const char *path : {"", "d", "d/e"}) folders.insert(etag(path));
  }
  ~Served() { engine.reset(); }
  std::string index() const { return provider.state + "/index.db"; }
  bool said(const char *what) {
    const std::lock_guard guard(mutex);
    return std::any_of(lines.begin(), lines.end(),
                       [&](const std::string &line) { return line.find(what) != line.npos; });
  }

  /// Asks on and on: what is there is there, or cannot be told.
  void wait_until_renewed() {
    for (int i = 0;; ++i) {
      REQUIRE(i < 3000);
      const auto node = engine->stat(at("d/e/y"));
      if (!node)
        REQUIRE(node.status() == Status::Unavailable);
      else
        REQUIRE(node->id == file.id);
      std::size_t seen = 0;
      const auto listed = engine->list(at("d"), {}, 0, [&](const NodeView &) { return ++seen > 0; });
      if (!listed)
        REQUIRE(listed.status() == Status::Unavailable);
      else
        REQUIRE(seen == count);
      if (said("made anew from the files") && node && listed) return;
      ::usleep(10000);
    }
  }
  void check() {
    engine->settle();
    CHECK(stat("d/e/y").id == file.id);
    CHECK(etag("d/e/y") == file.etag().view());
    CHECK(stat("d/e/y").has_attributes);
    CHECK(list("d").size() == count);
    for (const char *path : {"", "d", "d/e"}) CHECK(folders.insert(etag(path)).second);
    const auto items = test::trash_of(*this);
    REQUIRE(items.size() == 1);
    CHECK(items[0].node == gone.id);
    test::check_space(*this);
    CHECK(try_put("new", "4444").ok());
    engine.reset();
    {
      const std::lock_guard guard(mutex);
      lines.clear();
    }
    start();
    CHECK_FALSE(said("anew"));
    CHECK_FALSE(said("rebuilt"));
    CHECK(get("new") == "4444");
    CHECK(etag("d/e/y") == file.etag().view());
    test::check_space(*this);
  }

  const std::size_t count;  // of what is in d
  Node file, gone;
  std::set<std::string> folders;
  std::mutex mutex;
  std::vector<std::string> lines;  // guarded by mutex
};

}  // namespace

TEST_CASE("index.db deleted while it is in use is made anew") {
  Served f;
  for (const char *part : {"", "-wal", "-shm"}) fs::remove(f.index() + part);
  f.wait_until_renewed();
  f.check();
}

TEST_CASE("index.db replaced while it is in use is made anew") {
  Served f;
  test::write_disk(f.index() + ".other", std::string(8192, 'j'));
  fs::rename(f.index() + ".other", f.index());
  f.wait_until_renewed();
  f.check();
}

TEST_CASE("index.db damaged while it is in use is made anew") {
  Served f;
  const std::uint64_t size = fs::file_size(f.index());
  const base::Fd fd(::open(f.index().c_str(), O_WRONLY | O_CLOEXEC));
  for (std::uint64_t at = 4096; at < size; at += 4096)
    REQUIRE(::pwrite(fd.get(), std::string(4096, 'j').data(), 4096, static_cast<off_t>(at)) == 4096);
  f.wait_until_renewed();
  f.check();
}

TEST_CASE("index.db damaged somewhere inside before a start is made anew") {
  Served f;
  f.engine.reset();
  const std::uint64_t size = fs::file_size(f.index());
  {
    const base::Fd fd(::open(f.index().c_str(), O_WRONLY | O_CLOEXEC));
    for (std::uint64_t at = 4096; at < size; at += 4096)
      REQUIRE(::pwrite(fd.get(), std::string(4096, 'j').data(), 4096, static_cast<off_t>(at)) == 4096);
  }
  f.start();
  CHECK(f.said("made anew"));
  f.check();
}

TEST_CASE("index.db damaged in a page that only the recovery of a space comes to is made anew") {
  Served f(150);
  const std::uint64_t pages = fs::file_size(f.index()) / 4096;
  const NodeId folder = f.stat("d").id;
  for (std::uint64_t page = 1; page < pages; ++page) {
    CAPTURE(page);
    f.engine.reset();
    {
      auto dir = Fixture::value(StateDir::open(f.provider.state));
      auto meta = Fixture::value(Meta::open(f.provider.state + "/meta.db", dir.provider()));
      Intent intent;
      intent.space = f.space;
      intent.folder = folder;
      REQUIRE(meta->add_intents({&intent, 1}).ok());
      REQUIRE(meta->begin_run().ok());  // and no clean end
    }
    {
      const base::Fd fd(::open(f.index().c_str(), O_WRONLY | O_CLOEXEC));
      REQUIRE(::pwrite(fd.get(), std::string(4096, 'j').data(), 4096, static_cast<off_t>(page * 4096)) == 4096);
    }
    f.start();
    bool served = false;
    for (int i = 0; i < 3000 && !served; ++i) {
      const auto node = f.engine->stat(f.at("d/e/y"));
      if (node)
        CHECK(node->id == f.file.id);
      else
        CHECK(node.status() == Status::Unavailable);
      std::size_t seen = 0;
      served =
          node && f.engine->list(f.at("d"), {}, 0, [&](const NodeView &) { return ++seen > 0; }) && seen == f.count;
      if (!served) ::usleep(10000);
    }
    REQUIRE(served);
  }
  // The background may come to the page later, and has it made anew then.
  f.restart();
  CHECK(f.etag("d/e/y") == f.file.etag().view());
}
