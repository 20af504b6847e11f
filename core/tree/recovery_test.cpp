// SPDX-License-Identifier: Apache-2.0
// What is left after a server was killed, and after the index was lost.
#include "core/tree/invariants_test.hpp"
#include "core/tree/meta.hpp"

#include <signal.h>
#include <sys/wait.h>

#include <fstream>
#include <random>

using namespace Atoll;
using namespace Atoll::tree;
using test::Fixture;
namespace fs = std::filesystem;

namespace {

/// Works until it is killed. Says on the pipe what it is about to do, and what was acknowledged.
[[noreturn]] void child(const test::Provider &provider, const SpaceId &space, unsigned seed, int pipe) {
  auto opened = provider.try_open();
  if (!opened) ::_exit(3);
  auto &engine = **opened;
  engine.settle();
  std::mt19937 random(seed);
  auto say = [&](const std::string &line) {
    if (::write(pipe, line.data(), line.size()) != static_cast<ssize_t>(line.size())) ::_exit(4);
  };
  for (int i = 0;; ++i) {
    const std::string name = "d" + std::to_string(random() % 3) + "/f" + std::to_string(random() % 8);
    const Ref at{space, root_of(space), name};
    if (random() % 5 == 0) {
      say("? - " + name + "\n");
      if (engine.remove(at, {})) say("! - " + name + "\n");
    } else {
      const std::string content = std::to_string(seed) + ":" + std::to_string(i) + std::string(random() % 3000, 'x');
      say("? + " + name + " " + content + "\n");
      auto upload = engine.upload_begin(at, content.size(), {});
      if (!upload || !(*upload)->write(0, content)) ::_exit(5);
      if ((*upload)->commit({}, {})) say("! + " + name + " " + content + "\n");
    }
  }
}

}  // namespace

TEST_CASE("a killed server leaves whole files, every acknowledged one, and exact sums") {
  const unsigned seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  Fixture f;
  for (const char *name : {"d0", "d1", "d2"}) f.mkdir(name);
  std::map<std::string, std::string> acknowledged;
  for (int round = 0; round < 6; ++round) {
    f.engine.reset();
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const pid_t pid = ::fork();
    REQUIRE(pid >= 0);
    if (pid == 0) {
      ::close(ends[0]);
      child(f.provider, f.space, seed + static_cast<unsigned>(round), ends[1]);
    }
    ::close(ends[1]);
    // Killed after a number of lines, not after a time.
    std::string text;
    const std::size_t lines = 1 + random() % 60;
    std::size_t seen = 0;
    char buffer[4096];
    bool killed = false;
    for (;;) {
      const ssize_t got = ::read(ends[0], buffer, sizeof buffer);
      if (got <= 0) break;
      text.append(buffer, static_cast<std::size_t>(got));
      seen += static_cast<std::size_t>(std::count(buffer, buffer + got, '\n'));
      if (seen >= lines && !killed) {
        ::kill(pid, SIGKILL);
        killed = true;
      }
    }
    ::close(ends[0]);
    int status = 0;
    ::waitpid(pid, &status, 0);
    REQUIRE(WIFSIGNALED(status));
    std::istringstream stream(text);
    std::string open_name, open_content, sign, what, name, content;
    bool open_removal = false;
    for (std::string line; std::getline(stream, line);) {
      std::istringstream words(line);
      content.clear();
      words >> sign >> what >> name >> content;
      if (sign == "?") {
        open_name = name;
        open_content = content;
        open_removal = what == "-";
      } else {
        open_name.clear();
        if (what == "+")
          acknowledged[name] = content;
        else
          acknowledged.erase(name);
      }
    }
    f.start();
    const auto all = test::check_space(f);
    for (const auto &[path, want] : acknowledged) {
      if (path == open_name) continue;
      const auto found = all.find(path);
      REQUIRE_MESSAGE(found != all.end(), path);
      CHECK(found->second == want);
    }
    for (const auto &[path, have] : all) {
      if (path.ends_with("/")) continue;
      const bool known = acknowledged.contains(path) && acknowledged[path] == have;
      CHECK_MESSAGE((known || (path == open_name && (have == open_content || open_removal))), path);
    }
    // What was under way either happened or not; from here on it is what it is.
    if (!open_name.empty()) {
      if (all.contains(open_name))
        acknowledged[open_name] = all.at(open_name);
      else
        acknowledged.erase(open_name);
    }
    CHECK(fs::is_empty(f.provider.root + "/.atoll/spaces/" + f.space.text() + "/staging"));
  }
}

TEST_CASE("an index that is gone, damaged or old is rebuilt: ids and etags of files stay") {
  Fixture f;
  f.mkdir("d");
  f.mkdir("d/e");
  const Node x = f.put("x", "1"), y = f.put("d/e/y", "22"), e = f.stat("d/e");
  const AttributeChange set{"urn:x", "a", "b"};
  REQUIRE(f.engine->attributes_patch(f.at("x"), {&set, 1}, {}).ok());
  std::set<std::string> folder_etags{f.etag(""), f.etag("d"), f.etag("d/e")};
  const std::string index = f.provider.state + "/index.db";
  auto check = [&] {
    CHECK(f.stat("x").id == x.id);
    CHECK(f.stat("x").etag().view() == x.etag().view());
    CHECK(f.stat("x").has_attributes);
    CHECK(f.stat("d/e/y").id == y.id);
    CHECK(f.stat("d/e/y").etag().view() == y.etag().view());
    CHECK(f.stat("d/e").id == e.id);
    for (const char *path : {"", "d", "d/e"}) CHECK(folder_etags.insert(f.etag(path)).second);
    test::check_space(f);
  };
  f.engine.reset();
  for (const char *part : {"", "-wal", "-shm"}) fs::remove(index + part);
  f.start();
  check();
  f.engine.reset();
  test::write_disk(index, std::string(8192, 'j'));
  f.start();
  check();
  f.engine.reset();
  fs::copy_file(index, index + ".old");
  f.start();
  const Node z = f.put("z", "333");
  folder_etags.insert(f.etag(""));
  f.engine.reset();
  fs::rename(index + ".old", index);
  f.start();
  check();
  CHECK(f.stat("z").id == z.id);
  CHECK(f.stat("z").etag().view() == z.etag().view());
}

TEST_CASE("an index that lost its last commits catches up from the open intents") {
  Fixture f;
  f.mkdir("a");
  f.mkdir("b");
  f.mkdir("c");
  f.mkdir("c/sub");
  const Node x = f.put("a/x", "1"), y = f.put("a/y", "22"), sub = f.stat("c/sub");
  f.put("b/w", "4444");
  f.put("a/gone", "x");
  f.engine.reset();
  // The state of the index now comes back after what follows, as a power cut may do with synchronous=NORMAL.
  const std::string index = f.provider.state + "/index.db";
  fs::copy_file(index, index + ".before");
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const pid_t pid = ::fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    auto opened = f.provider.try_open();
    if (!opened) ::_exit(3);
    f.engine = std::move(*opened);
    std::string report;
    auto note = [&](const Node &node) { report += node.id.text() + " " + std::string(node.etag().view()) + "\n"; };
    note(*f.engine->rename(f.at("a/x"), f.at("b/x2"), false, {}));
    note(*f.engine->rename(f.at("a/y"), f.at("b/w"), true, {}));
    note(*f.engine->mkdir(f.at("b/n"), {}));
    note(*f.try_put("b/n/deep", "55555"));
    note(*f.engine->rename(f.at("c/sub"), f.at("b/n/sub"), false, {}));
    if (!f.engine->remove(f.at("a/gone"), {})) ::_exit(4);
    if (::write(ends[1], report.data(), report.size()) < 0) ::_exit(5);
    ::kill(::getpid(), SIGKILL);
  }
  ::close(ends[1]);
  std::string report;
  char buffer[4096];
  for (ssize_t got; (got = ::read(ends[0], buffer, sizeof buffer)) > 0;)
    report.append(buffer, static_cast<std::size_t>(got));
  ::close(ends[0]);
  int status = 0;
  ::waitpid(pid, &status, 0);
  REQUIRE(WIFSIGNALED(status));
  for (const char *part : {"", "-wal", "-shm"}) fs::remove(index + part);
  fs::rename(index + ".before", index);
  f.start();
  CHECK(f.names("a").empty());
  CHECK(f.names("b") == "n w x2");
  CHECK(f.names("b/n") == "deep sub");
  CHECK(f.get("b/n/deep") == "55555");
  CHECK(f.get("b/w") == "22");
  CHECK(f.stat("b/x2").id == x.id);
  CHECK(f.stat("b/w").id == y.id);
  CHECK(f.stat("b/n/sub").id == sub.id);
  test::check_space(f);
  CHECK(f.used() == 8);
  std::istringstream words(report);
  for (const std::string path : {"b/x2", "b/w", "b/n", "b/n/deep", "b/n/sub"}) {
    std::string id, etag;
    words >> id >> etag;
    CHECK_MESSAGE(f.stat(path).id.text() == id, path);
    if (!f.stat(path).folder() || f.stat(path).id == sub.id)
      CHECK_MESSAGE(f.etag(path) == etag, path);
    else
      CHECK_MESSAGE(f.etag(path) != etag, path);
  }
}

TEST_CASE("a space that was announced and not made before a crash is made") {
  Fixture f;
  f.engine.reset();
  {
    auto dir = Fixture::value(StateDir::open(f.provider.state));
    auto meta = Fixture::value(Meta::open(f.provider.state + "/meta.db", dir.provider()));
    SpaceRecord record;
    record.info.id = base::random_id<SpaceId>();
    record.info.folder = "projects/Solar";
    record.info.name = "Solar";
    record.making = true;
    REQUIRE(meta->put_space(record).ok());
  }
  f.start();
  int seen = 0;
  REQUIRE(f.engine->space_list([&](const SpaceInfo &) { return ++seen > 0; }).ok());
  CHECK(seen == 2);
  CHECK(fs::is_directory(f.provider.root + "/projects/Solar"));
}
