// SPDX-License-Identifier: Apache-2.0
// What is left after a server was killed, and after the index was lost.
#include "core/tree/index.hpp"
#include "core/tree/killed_test.hpp"
#include "core/tree/meta.hpp"
#include "core/tree/tree_model_test.hpp"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <fstream>
#include <random>
#include <set>

using namespace Atoll;
using namespace Atoll::tree;
using test::Fixture;
namespace fs = std::filesystem;

namespace {

/// One step of the work that is killed: what it asks the engine for, and what it does to the model.
struct RandomStep {
  enum Kind { Put, Mkdir, Remove, Rename, Copy } kind;
  std::string from, to, content;

  static RandomStep random(std::mt19937 &random, unsigned seed, int number) {
    auto name = [&] {
      std::string text = "d" + std::to_string(random() % 3);
      for (unsigned depth = random() % 3; depth > 0; --depth) text += "/" + std::to_string(random() % 3);
      return text;
    };
    static constexpr Kind kKinds[] = {Put, Put, Put, Put, Mkdir, Mkdir, Remove, Rename, Rename, Rename, Copy};
    return {kKinds[random() % 11], name(), name(),
            std::to_string(seed) + ":" + std::to_string(number) + std::string(random() % 3000, 'x')};
  }

  bool run(Engine &engine, const SpaceId &space) const {
    const Ref a{space, root_of(space), from}, b{space, root_of(space), to};
    switch (kind) {
      case Mkdir:
        return engine.mkdir(a, {}).ok();
      case Remove:
        return engine.remove(a, {}).ok();
      case Rename:
        return engine.rename(a, b, true, {}).ok();
      case Copy:
        return engine.copy(a, b, true, false, {}).ok();
      default:
        break;
    }
    auto upload = engine.upload_begin(a, content.size(), {});
    return upload && (*upload)->write(0, content) && (*upload)->commit({}, {});
  }

  void apply(test::Model &model) const {
    switch (kind) {
      case Put:
        model.all[from] = content;
        break;
      case Mkdir:
        model.all[from + "/"] = "";
        break;
      case Remove:
        model.erase(from);
        break;
      case Rename:
        model.copy(from, to, false);
        model.erase(from);
        break;
      case Copy:
        model.copy(from, to, false);
        break;
    }
  }
};

/// Works until it is killed. Says with one byte that it is about to do a step, and with another how it ended.
[[noreturn]] void child(const test::Provider &provider, const SpaceId &space, unsigned seed, int pipe) {
  auto opened = provider.try_open();
  if (!opened) ::_exit(3);
  (*opened)->settle();
  std::mt19937 random(seed);
  auto say = [&](char word) {
    if (::write(pipe, &word, 1) != 1) ::_exit(4);
  };
  for (int i = 0;; ++i) {
    const RandomStep step = RandomStep::random(random, seed, i);
    say('?');
    say(step.run(**opened, space) ? '+' : '-');
  }
}

}  // namespace

TEST_CASE("a killed server leaves whole files, everything acknowledged, nothing half done, and exact sums") {
  const char *fixed = std::getenv("ATOLL_TEST_SEED");
  const unsigned seed = fixed ? static_cast<unsigned>(std::strtoul(fixed, nullptr, 10)) : std::random_device{}();
  const char *many = std::getenv("ATOLL_TEST_KILLS");
  const int kills = many ? std::atoi(many) : 12;
  INFO("ATOLL_TEST_SEED=" << seed);
  std::mt19937 random(seed);
  Fixture f;
  test::Model model;
  std::set<std::string> acknowledged;  // every content that ever was
  for (const char *name : {"d0", "d1", "d2"}) {
    f.mkdir(name);
    model.all[std::string(name) + "/"] = "";
  }
  for (int round = 0; round < kills; ++round) {
    CAPTURE(round);
    f.engine.reset();
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const unsigned child_seed = static_cast<unsigned>(random());
    const pid_t pid = ::fork();
    REQUIRE(pid >= 0);
    if (pid == 0) {
      ::close(ends[0]);
      child(f.provider, f.space, child_seed, ends[1]);
    }
    ::close(ends[1]);
    // Killed after a number of words, not after a time.
    std::string words;
    const std::size_t wanted = 1 + random() % 80;
    char word = 0;
    bool killed = false;
    while (::read(ends[0], &word, 1) == 1) {
      words.push_back(word);
      if (words.size() >= wanted && !killed) {
        ::kill(pid, SIGKILL);
        killed = true;
      }
    }
    ::close(ends[0]);
    int status = 0;
    ::waitpid(pid, &status, 0);
    REQUIRE(WIFSIGNALED(status));
    std::mt19937 again(child_seed);
    test::Model after = model;
    std::string open_step;
    for (std::size_t i = 0; i * 2 < words.size(); ++i) {
      const RandomStep step = RandomStep::random(again, child_seed, static_cast<int>(i));
      model = after;
      const bool ended = i * 2 + 1 < words.size();
      if (step.kind == RandomStep::Put && ended && words[i * 2 + 1] == '+') acknowledged.insert(step.content);
      if (!ended || words[i * 2 + 1] == '+') step.apply(after);
      if (ended)
        model = after;
      else
        open_step = std::to_string(step.kind) + " " + step.from + " " + step.to;
    }
    CAPTURE(open_step);
    f.start();
    const auto all = test::check_space(f);
    CHECK((all == model.all || all == after.all));
    model.all = all;  // what was under way either happened or not; from here on it is what it is
    const std::string staging = f.provider.root + "/.atoll/spaces/" + f.space.text() + "/staging";
    CHECK((!fs::exists(staging) || fs::is_empty(staging)));
    // What was overwritten is a version, what was removed or replaced is in the trash.
    std::set<std::string> there;
    for (const auto &entry : fs::recursive_directory_iterator(f.provider.root))
      if (entry.is_regular_file() && entry.path().string().find("/aside/") == std::string::npos)
        there.insert(test::read_disk(entry.path()));
    std::size_t lost = 0;
    for (const std::string &content : acknowledged) lost += !there.contains(content);
    CHECK(lost == 0);
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
  const std::string report_file = f.folder.path + "/report";
  test::killed_after(f, [&] {
    std::string report;
    auto note = [&](const Node &node) { report += node.id.text() + " " + std::string(node.etag().view()) + "\n"; };
    note(*f.engine->rename(f.at("a/x"), f.at("b/x2"), false, {}));
    note(*f.engine->rename(f.at("a/y"), f.at("b/w"), true, {}));
    note(*f.engine->mkdir(f.at("b/n"), {}));
    note(*f.try_put("b/n/deep", "55555"));
    note(*f.engine->rename(f.at("c/sub"), f.at("b/n/sub"), false, {}));
    test::write_disk(report_file, report);
    return f.engine->remove(f.at("a/gone"), {}).ok();
  });
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
  // What went is in the trash, and came there with its node.
  const auto items = test::trash_of(f);
  REQUIRE(items.size() == 2);
  CHECK(items[0].name == "gone");
  CHECK(items[1].name == "w");
  for (const TrashItem &item : items) {
    const Node back = Fixture::value(f.engine->trash_restore(f.space, item.id, f.at("c/" + item.name), false, {}));
    CHECK(back.id == item.node);
  }
  CHECK(f.get("c/gone") == "x");
  CHECK(f.get("c/w") == "4444");
  std::istringstream words(test::read_disk(report_file));
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

TEST_CASE("a space that a client removed is gone after a crash in between") {
  Fixture f;
  const SpaceId other = base::random_id<SpaceId>();
  SpaceSpec spec;
  spec.id = other;
  spec.type = SpaceType::Project;
  spec.name = "Solar";
  REQUIRE(f.engine->space_create(spec).ok());
  const std::string folder = f.provider.root + "/" + Fixture::value(f.engine->space_get(other)).folder;
  REQUIRE(fs::is_directory(folder));
  f.engine.reset();
  {
    auto dir = Fixture::value(StateDir::open(f.provider.state));
    auto meta = Fixture::value(Meta::open(f.provider.state + "/meta.db", dir.provider()));
    for (SpaceRecord &record : Fixture::value(meta->spaces())) {
      record.removing = record.info.id == other;
      REQUIRE(meta->put_space(record).ok());
    }
  }
  f.start();
  CHECK(f.engine->space_get(other).status() == Status::NotFound);
  CHECK(!fs::exists(folder));
  REQUIRE(f.engine->space_create(spec).ok());
  CHECK(f.engine->list(Ref{other, root_of(other), {}}, {}, 0, [](const NodeView &) { return true; }).ok());
  f.restart();
  CHECK(f.engine->space_get(other).ok());
}

TEST_CASE("a copy that came to its name before a crash gets the attributes of its source") {
  Fixture f;
  f.mkdir("d");
  const Node source = f.put("source", "1"), copy = f.put("d/copy", "1"), other = f.put("d/other", "1");
  AttributeChange set{"urn:x", "a", "b"};
  REQUIRE(f.engine->attributes_patch(f.at("source"), {&set, 1}, {}).ok());
  set.value = "kept";
  REQUIRE(f.engine->attributes_patch(f.at("d/other"), {&set, 1}, {}).ok());
  f.engine.reset();
  {
    auto dir = Fixture::value(StateDir::open(f.provider.state));
    auto meta = Fixture::value(Meta::open(f.provider.state + "/meta.db", dir.provider()));
    Intent intents[2];
    for (Intent &intent : intents) {
      intent.kind = Intent::Kind::Attributes;
      intent.space = f.space;
      intent.folder = source.id;
      intent.path = "d";
    }
    struct stat facts {};
    REQUIRE(::stat(f.disk("d/copy").c_str(), &facts) == 0);
    intents[0].name = "copy";
    intents[0].inode = facts.st_ino;
    intents[1].name = "other";  // it never came there
    intents[1].inode = 1;
    REQUIRE(meta->add_intents(intents).ok());
  }
  f.start();
  auto value = [&](const char *path) {
    std::string found = "none";
    CHECK(f.engine
              ->attributes(f.at(path),
                           [&](std::string_view, std::string_view, std::string_view text) {
                             found = text;
                             return true;
                           })
              .ok());
    return found;
  };
  CHECK(value("d/copy") == "b");
  CHECK(f.stat("d/copy").has_attributes);
  CHECK(f.stat("d/copy").id == copy.id);
  CHECK(value("d/other") == "kept");
  CHECK(f.stat("d/other").id == other.id);
}

TEST_CASE("a copy that was under way at a crash keeps its ids and attributes where it came to its name") {
  Fixture f;
  const Node there = f.mkdir("there"), inside = f.put("there/x", "1"), lost = f.put("lost", "22");
  const AttributeChange set{"urn:x", "a", "b"};
  for (const char *path : {"there/x", "lost"}) REQUIRE(f.engine->attributes_patch(f.at(path), {&set, 1}, {}).ok());
  f.engine.reset();
  fs::remove(f.disk("lost"));
  {  // as it was before its last step: the rows are there, and hang nowhere
    auto index = Fixture::value(Index::open(f.provider.state + "/index.db"));
    auto transaction = Fixture::value(index->begin_write_any());
    for (const NodeId &node : {there.id, lost.id})
      REQUIRE(index->attach(node, parent_key(Place::Nursery), node.text()).ok());
    REQUIRE(index->bump(root_of(f.space), 1, -3).ok());
    REQUIRE(transaction.commit().ok());
    auto dir = Fixture::value(StateDir::open(f.provider.state));
    auto meta = Fixture::value(Meta::open(f.provider.state + "/meta.db", dir.provider()));
    Intent intent;
    intent.space = f.space;
    intent.folder = root_of(f.space);
    REQUIRE(meta->add_intents({&intent, 1}).ok());
  }
  f.start();
  CHECK(f.stat("there").id == there.id);
  CHECK(f.stat("there/x").id == inside.id);
  CHECK(f.stat("there/x").has_attributes);
  CHECK(f.names("") == "there");
  test::check_space(f);
  f.engine.reset();
  auto dir = Fixture::value(StateDir::open(f.provider.state));
  auto meta = Fixture::value(Meta::open(f.provider.state + "/meta.db", dir.provider()));
  const auto nodes = Fixture::value(meta->nodes_with_attributes());
  REQUIRE(nodes.size() == 1);
  CHECK(nodes[0] == inside.id);
}

TEST_CASE("a space can be made again as soon as it was removed, and is empty") {
  Fixture f;
  const SpaceId other = base::random_id<SpaceId>();
  SpaceSpec spec;
  spec.id = other;
  spec.type = SpaceType::Project;
  spec.name = "Solar";
  for (int i = 0; i < 5; ++i) {
    REQUIRE(f.engine->space_create(spec).ok());
    REQUIRE(f.try_put(Ref{other, root_of(other), "x"}, "1", {}).ok());
    CHECK(Fixture::value(f.engine->space_get(other)).used == 1);
    REQUIRE(f.engine->space_remove(other).ok());
  }
  REQUIRE(f.engine->space_create(spec).ok());
  f.engine->settle();
  CHECK(Fixture::value(f.engine->space_get(other)).used == 0);
  CHECK(f.engine->stat(Ref{other, root_of(other), "x"}).status() == Status::NotFound);
}
