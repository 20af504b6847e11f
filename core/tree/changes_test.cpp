// SPDX-License-Identifier: Apache-2.0
// The change log: what is told, what is refused, and that a listing plus the log is the present tree.
#include "core/tree/invariants_test.hpp"
#include "core/tree/killed_test.hpp"

#include <atomic>
#include <condition_variable>
#include <random>
#include <thread>

using namespace Atoll;
using namespace Atoll::tree;
using test::Fixture;
namespace fs = std::filesystem;

namespace {

std::string now(Fixture &f) { return Fixture::value(f.engine->changes_now(f.space)); }

/// "C a, M b" and so on for the rows after a token, which then is the one after them.
std::string told(Fixture &f, std::string &token) {
  std::string text;
  std::uint64_t last = 0;
  const auto end = Fixture::value(f.engine->changes_since(f.space, token, 0, [&](const ChangeRow &row) {
    CHECK(row.position > last);
    last = row.position;
    text += (text.empty() ? "" : ", ") + std::string(1, "?CWMRAD"[static_cast<int>(row.kind)]) + " " +
            std::string(row.name);
    return true;
  }));
  CHECK(!end.more);
  token = end.token;
  return text;
}

/// Somebody who has listed a space once and then only reads the log.
class Follower {
 public:
  explicit Follower(Fixture &f) : f_(f) {}

  void list_all() {
    token_ = now(f_);
    nodes_.clear();
    list(root_of(f_.space));
  }
  /// False: the token was refused.
  bool follow() {
    for (;;) {
      std::vector<std::pair<ChangeRow, std::string>> rows;
      const auto end = f_.engine->changes_since(f_.space, token_, 7, [&](const ChangeRow &row) {
        rows.emplace_back(row, row.name);
        return true;
      });
      if (!end && end.status() == Status::FailedPrecondition) return false;
      token_ = Fixture::value(end).token;
      for (auto &[row, name] : rows) apply(row, name);
      if (!end->more) return true;
    }
  }
  /// Path -> id and etag of files, id of folders.
  std::map<std::string, std::string> tree() const {
    std::map<std::string, std::string> all;
    for (const auto &[id, known] : nodes_) {
      std::string path = known.name;
      NodeId up = known.parent;
      while (up != root_of(f_.space)) {
        const auto found = nodes_.find(up);
        if (found == nodes_.end()) {
          path.clear();  // below something that is gone
          break;
        }
        path = found->second.name + "/" + path;
        up = found->second.parent;
      }
      if (!path.empty()) CHECK(all.emplace(path, id.text() + " " + known.etag).second);
    }
    return all;
  }
  static std::map<std::string, std::string> present(Fixture &f) {
    std::map<std::string, std::string> all;
    auto walk = [&](auto &self, const std::string &path) -> void {
      for (const Node &node : f.list(path)) {
        const std::string inner = path.empty() ? node.name : path + "/" + node.name;
        all[inner] = node.id.text() + " " + etag_of(node);
        if (node.folder()) self(self, inner);
      }
    };
    walk(walk, "");
    return all;
  }

 private:
  struct Known {
    NodeId parent;
    std::string name, etag;
  };
  static std::string etag_of(const NodeFacts &node) {
    return node.folder() ? std::string() : std::string(node.etag().view());
  }
  void list(const NodeId &folder) {
    std::vector<NodeId> inside;
    const auto listed = f_.engine->list(f_.at(folder), {}, 0, [&](const NodeView &node) {
      nodes_[node.id] = {folder, std::string(node.name), etag_of(node)};
      if (node.folder()) inside.push_back(node.id);
      return true;
    });
    if (!listed) CHECK(listed.status() == Status::NotFound);  // gone meanwhile: the log will say so
    for (const NodeId &id : inside) list(id);
  }
  void look(const ChangeRow &row, const std::string &name) {
    Known &known = nodes_[row.node];
    known.parent = row.parent;
    known.name = name;
    const auto node = f_.engine->stat(f_.at(row.node));
    if (node) known.etag = etag_of(*node);
  }
  void apply(const ChangeRow &row, const std::string &name) {
    switch (row.kind) {
      case ChangeKind::Created:
      case ChangeKind::Moved:
        look(row, name);
        if (row.type == NodeType::Folder) list(row.node);
        break;
      case ChangeKind::Content:
        look(row, name);
        break;
      case ChangeKind::Removed:
        nodes_.erase(row.node);
        break;
      case ChangeKind::Doubtful:
        std::erase_if(nodes_, [&](const auto &entry) { return entry.second.parent == row.node; });
        list(row.node);
        break;
      case ChangeKind::Attributes:
        break;
    }
  }

  Fixture &f_;
  std::string token_;
  std::map<NodeId, Known> nodes_;
};

}  // namespace

TEST_CASE("a space that is made while logs are thinned has its log") {
  Fixture f;
  for (int run = 0; run < 20; ++run) {
    f.engine.reset();
    f.engine = f.provider.open();  // the first round of the background comes at once
    for (int i = 0; i < 5; ++i) {
      SpaceSpec spec;
      spec.id = base::random_id<SpaceId>();
      spec.name = std::to_string(run) + " " + std::to_string(i);
      REQUIRE(f.engine->space_create(spec).ok());
      CHECK(f.engine->changes_now(spec.id).ok());
      if (i != 0) CHECK(f.engine->space_remove(spec.id).ok());
    }
  }
}

TEST_CASE("every kind of change is told once") {
  Fixture f;
  std::string token = now(f);
  CHECK(told(f, token).empty());
  f.mkdir("a");
  const Node x = f.put("x", "1");
  f.put("x", "22");
  CHECK(told(f, token) == "C a, C x, W x");
  Fixture::value(f.engine->rename(f.at("x"), f.at("a/y"), false, {}));
  CHECK(f.engine->set_mtime(f.at("a/y"), 1'000'000'000, {}).ok());
  const AttributeChange colour{"urn:x", "colour", "blue"};
  CHECK(f.engine->attributes_patch(f.at("a"), {&colour, 1}, {}).ok());
  CHECK(told(f, token) == "M y, W y, A a");
  Fixture::value(f.engine->copy(f.at("a"), f.at("b"), false, false, {}));
  Fixture::value(f.engine->copy(f.at("a/y"), f.at("b/y"), true, false, {}));
  CHECK(told(f, token) == "C b, W y");
  f.put("b/z", "3");
  Fixture::value(f.engine->rename(f.at("a"), f.at("b"), true, {}));
  CHECK(f.engine->remove(f.at("b"), {}).ok());
  CHECK(told(f, token) == "C z, R b, M b, R b");
  CHECK(f.engine->mkdir(f.at("no/folder"), {}).status() == Status::FailedPrecondition);
  CHECK(f.engine->remove(f.at("nothing"), {}).status() == Status::NotFound);
  CHECK(told(f, token).empty());

  test::write_disk(f.disk("new"), "beside the server");
  fs::create_directories(f.disk("deep/er"));
  CHECK(f.engine->rescan(f.space).ok());
  CHECK(told(f, token) == "C deep, C new, C er");
  fs::rename(f.disk("new"), f.disk("deep/er/moved"));
  CHECK(f.engine->rescan(f.space).ok());
  CHECK(told(f, token) == "M moved");
  test::write_disk(f.disk("deep/er/moved"), "other content");
  CHECK(f.engine->rescan(f.space).ok());
  CHECK(told(f, token) == "W moved");
  fs::remove_all(f.disk("deep"));
  CHECK(f.engine->rescan(f.space).ok());
  CHECK(told(f, token) == "R deep");
  f.restart();
  f.put("after", "");
  CHECK(told(f, token) == "C after");
  CHECK(x.size == 1);

  std::vector<Uuid> items;
  CHECK(f.engine->remove(f.at("after"), {}).ok());
  CHECK(f.engine
            ->trash_list(f.space, {}, 0,
                         [&](const TrashItem &item) {
                           items.push_back(item.id);
                           return true;
                         })
            .ok());
  REQUIRE(!items.empty());
  f.put("other", "");
  Fixture::value(f.engine->trash_restore(f.space, items[0], f.at("other"), true, {}));
  CHECK(told(f, token) == "R after, C other, R other, C other");
}

TEST_CASE("pages, and what is refused") {
  Fixture f;
  const std::string start = now(f);
  for (int i = 0; i < 5; ++i) f.put("f" + std::to_string(i), "x");
  std::string token = start;
  std::string names;
  for (int page = 0; page < 3; ++page) {
    const auto end = Fixture::value(f.engine->changes_since(f.space, token, 2, [&](const ChangeRow &row) {
      names += row.name;
      return true;
    }));
    CHECK(end.more == (page < 2));
    token = end.token;
  }
  CHECK(names == "f0f1f2f3f4");
  CHECK(token == now(f));
  auto nothing = [](const ChangeRow &) { return true; };
  for (const char *bad : {"", ":", "x:1", "1:", "1:2:3", "-1:1", "1:ffffffffffffffff", "11111111111111111:1"})
    CHECK(f.engine->changes_since(f.space, bad, 0, nothing).status() == Status::InvalidArgument);
  CHECK(f.engine->changes_since(base::random_id<SpaceId>(), token, 0, nothing).status() == Status::NotFound);
  CHECK(f.engine->changes_since(f.space, "fffff:1", 0, nothing).status() == Status::FailedPrecondition);

  // Only the last rows are kept.
  f.engine.reset();
  f.provider.options.change_log.rows = 2;
  f.start();
  f.engine->settle();
  f.engine.reset();  // closes the round that thins
  f.start();
  CHECK(f.engine->changes_since(f.space, start, 0, nothing).status() == Status::FailedPrecondition);
  CHECK(f.engine->changes_keep_cursor(f.space, "me", start).status() == Status::FailedPrecondition);
  CHECK(f.engine->changes_since(f.space, token, 0, nothing).ok());

  // An index that was made anew has another epoch.
  f.engine.reset();
  fs::remove(f.provider.state + "/index.db");
  f.start();
  CHECK(f.engine->changes_since(f.space, token, 0, nothing).status() == Status::FailedPrecondition);
  CHECK(f.engine->changes_since(f.space, now(f), 0, nothing).ok());
}

TEST_CASE("rows go by age") {
  Fixture f;
  const std::string start = now(f);
  f.put("x", "1");
  f.engine.reset();
  f.provider.options.change_log.age_seconds = 0;
  f.start();
  f.engine->settle();
  CHECK(f.engine->changes_since(f.space, start, 0, [](const ChangeRow &) { return true; }).status() ==
        Status::FailedPrecondition);
  CHECK(f.engine->changes_since(f.space, now(f), 0, [](const ChangeRow &) { return true; }).ok());
}

TEST_CASE("consumers keep their own place and are woken") {
  Fixture f;
  CHECK(f.engine->changes_cursor(f.space, "index").status() == Status::FailedPrecondition);
  const std::string first = now(f);
  CHECK(f.engine->changes_keep_cursor(f.space, "index", first).ok());
  CHECK(f.engine->changes_keep_cursor(f.space, "", first).status() == Status::InvalidArgument);
  std::mutex mutex;
  std::condition_variable woken;
  std::string seen;
  const auto number = f.engine->changes_listen([&](const SpaceId &space) {
    CHECK(space == f.space);
    std::string token = Fixture::value(f.engine->changes_cursor(space, "index"));
    const std::string rows = told(f, token);
    CHECK(f.engine->changes_keep_cursor(space, "index", token).ok());
    const std::lock_guard guard(mutex);
    seen += rows + ";";
    woken.notify_all();
  });
  f.put("x", "1");
  {
    std::unique_lock guard(mutex);
    woken.wait(guard, [&] { return seen.find("C x") != std::string::npos; });
  }
  f.mkdir("folder");
  {
    std::unique_lock guard(mutex);
    woken.wait(guard, [&] { return seen.find("C folder") != std::string::npos; });
  }
  f.engine->changes_unlisten(number);
  f.put("y", "2");
  f.restart();
  std::string token = Fixture::value(f.engine->changes_cursor(f.space, "index"));
  CHECK(told(f, token) == "C y");
  CHECK(f.engine->changes_forget("index").ok());
  CHECK(f.engine->changes_cursor(f.space, "index").status() == Status::FailedPrecondition);
}

TEST_CASE("after a kill the folders that were being changed are doubtful") {
  Fixture f;
  f.mkdir("quiet");
  f.mkdir("busy");
  const std::string token_file = f.folder.path + "/token";
  test::killed_after(f, [&] {
    const auto put = f.try_put("busy/x", "1");
    test::write_disk(token_file, now(f));
    return put.ok();
  });
  std::string token = test::read_disk(token_file);
  REQUIRE(!token.empty());
  f.start();
  CHECK(told(f, token) == "D busy");
  CHECK(f.get("busy/x") == "1");
}

TEST_CASE("a listing and the log that follows it are the present tree") {
  Fixture f;
  f.engine.reset();
  f.provider.options.durability = Durability::None;
  f.start();
  const char *fixed = std::getenv("ATOLL_TEST_SEED");
  const unsigned seed = fixed ? static_cast<unsigned>(std::strtoul(fixed, nullptr, 10)) : std::random_device{}();
  INFO("ATOLL_TEST_SEED=" << seed);
  for (const char *name : {"a", "b", "c"}) f.mkdir(name);
  std::atomic<int> odd{0}, working{4};
  auto work = [&](unsigned number) {
    std::mt19937 random(seed + number);
    auto path = [&] {
      std::string text(1, static_cast<char>('a' + random() % 3));
      for (unsigned depth = random() % 4; depth > 0; --depth) text += "/" + std::to_string(random() % 4);
      return text;
    };
    auto fine = [&](Status status) {
      if (status != Status::Ok && status != Status::NotFound && status != Status::FailedPrecondition &&
          status != Status::AlreadyExists && status != Status::PermissionDenied && status != Status::Unavailable)
        ++odd;
    };
    for (int i = 0; i < 150; ++i) {
      const std::string a = path(), b = path();
      switch (random() % 9) {
        case 0:
        case 1:
          fine(f.try_put(a, std::string(random() % 50, 'x')).status());
          break;
        case 2:
        case 3:
          fine(f.engine->mkdir(f.at(a), {}).status());
          break;
        case 4:
          if (a.size() > 1) fine(f.engine->remove(f.at(a), {}).status());
          break;
        case 5:
          if (a.size() > 1) fine(f.engine->rename(f.at(a), f.at(b), random() % 2 == 0, {}).status());
          break;
        case 6:
          fine(f.engine->copy(f.at(a), f.at(b), random() % 2 == 0, false, {}).status());
          break;
        case 7: {  // beside the server
          std::error_code ignored;
          if (random() % 2 == 0)
            test::write_disk(f.disk(a), std::string(random() % 50, 'y'));
          else if (a.size() > 1 && b.size() > 1)
            fs::rename(f.disk(a), f.disk(b), ignored);
          break;
        }
        default:
          fine(f.engine->set_mtime(f.at(a), static_cast<std::int64_t>(random() % 1000) * 1'000'000'000, {}).status());
      }
    }
    --working;
  };
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < 4; ++i) threads.emplace_back(work, i);
  std::vector<std::unique_ptr<Follower>> followers;
  while (working > 0) {
    if (followers.size() < 20) {
      followers.push_back(std::make_unique<Follower>(f));
      followers.back()->list_all();
    }
    for (auto &follower : followers) CHECK(follower->follow());
  }
  for (std::thread &thread : threads) thread.join();
  CHECK(odd == 0);
  for (int again = 0; again < 2; ++again) CHECK(f.engine->rescan(f.space).ok());
  const auto present = Follower::present(f);
  for (auto &follower : followers) {
    CHECK(follower->follow());
    CHECK(follower->tree() == present);
  }
  test::check_space(f);
}
