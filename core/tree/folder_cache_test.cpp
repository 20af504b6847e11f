// SPDX-License-Identifier: Apache-2.0
// What the cache of listings may answer, and what it must never.
#include "core/tree/folder_cache.hpp"

#include "core/tree/test_engine.hpp"

#include <atomic>
#include <fstream>
#include <thread>

using namespace Atoll;
using namespace Atoll::tree;
using test::Fixture;

namespace {

std::shared_ptr<ChildList> children(std::size_t count, std::size_t name_size = 8) {
  auto list = std::make_shared<ChildList>();
  for (std::size_t i = 0; i < count; ++i) {
    std::string name = std::to_string(i);
    name.resize(name_size, 'x');
    NodeView child;
    child.id = base::random_id<NodeId>();
    child.name = name;
    list->add(child);
  }
  return list;
}

struct Shown {
  std::string name, etag;
  std::uint64_t size;
  bool locked;
  friend bool operator==(const Shown &, const Shown &) = default;
};

std::vector<Shown> listed(Fixture &f, std::string_view path) {
  std::vector<Shown> all;
  const auto listing = Fixture::value(f.engine->list_begin(f.at(path)));
  const auto end = listing->next([&](const NodeView &node) {
    all.push_back({std::string(node.name), std::string(node.etag().view()), node.size, node.locked});
    return true;
  });
  REQUIRE_MESSAGE(end.ok(), end.error().message);
  CHECK(*end);
  return all;
}

/// Often enough that an answer out of the cache would show. As a client does: the folder itself first.
std::vector<Shown> warm(Fixture &f, std::string_view path) {
  for (int i = 0; i < 2; ++i) {
    f.stat(path);
    listed(f, path);
  }
  return listed(f, path);
}

std::vector<std::string> names(const std::vector<Shown> &all) {
  std::vector<std::string> names;
  for (const Shown &one : all) names.push_back(one.name);
  return names;
}

}  // namespace

TEST_CASE("a list counts for its own generation, space and folder") {
  FolderCache cache(1 << 20);
  const auto space = base::random_id<SpaceId>();
  const auto folder = base::random_id<NodeId>();
  CHECK_FALSE(cache.find(space, folder, 2));
  const auto list = children(3);
  cache.keep(space, folder, 2, list);
  CHECK(cache.find(space, folder, 2) == list);
  CHECK_FALSE(cache.find(space, folder, 4));
  CHECK_FALSE(cache.find(base::random_id<SpaceId>(), folder, 2));
  CHECK_FALSE(cache.find(space, base::random_id<NodeId>(), 2));
  const auto newer = children(4);
  cache.keep(space, folder, 4, newer);
  CHECK_FALSE(cache.find(space, folder, 2));
  CHECK(cache.find(space, folder, 4) == newer);
}

TEST_CASE("a list gives what was put into it") {
  ChildList list;
  for (const std::string_view name : {"a", "", "a long name with spaces", "b"}) {
    NodeView child;
    child.size = name.size();
    child.name = name;
    list.add(child);
  }
  REQUIRE(list.size() == 4);
  CHECK(list.child(0).name == "a");
  CHECK(list.child(1).name.empty());
  CHECK(list.child(2).name == "a long name with spaces");
  CHECK(list.child(3).name == "b");
  CHECK(list.child(2).size == 23);
}

TEST_CASE("the memory is bounded: what was not asked for goes first, and one list cannot push out all") {
  const std::size_t one = children(100)->bytes();
  FolderCache cache(one * 10 + one / 2);
  const auto space = base::random_id<SpaceId>();
  std::vector<NodeId> folders;
  for (int i = 0; i < 10; ++i) {
    folders.push_back(base::random_id<NodeId>());
    cache.keep(space, folders.back(), 2, children(100));
  }
  for (const NodeId &folder : folders) CHECK(cache.find(space, folder, 2));
  CHECK(cache.find(space, folders[0], 2));
  cache.keep(space, base::random_id<NodeId>(), 2, children(100));
  CHECK(cache.find(space, folders[0], 2));
  CHECK_FALSE(cache.find(space, folders[1], 2));
  const auto large = children(300);
  CHECK(cache.too_large(*large));
  const auto folder = base::random_id<NodeId>();
  cache.keep(space, folder, 2, large);
  CHECK_FALSE(cache.find(space, folder, 2));
  CHECK(cache.find(space, folders[0], 2));
}

TEST_CASE("a kept listing shows every change, also one beside the server, and locks") {
  Fixture f;
  f.mkdir("d");
  f.mkdir("d/e");
  f.put("d/a", "1");
  const auto first = warm(f, "d");
  CHECK(names(first) == std::vector<std::string>{"a", "e"});

  f.put("d/b", "2");
  CHECK(names(warm(f, "d")) == std::vector<std::string>{"a", "b", "e"});
  f.put("d/e/deep", "12345");
  const auto deep = warm(f, "d");
  CHECK(deep[2].size == 5);
  CHECK(deep[2].etag != first[1].etag);
  CHECK(f.engine->remove(f.at("d/a"), {}).ok());
  CHECK(names(warm(f, "d")) == std::vector<std::string>{"b", "e"});

  Lock wanted;
  const auto lock = Fixture::value(f.engine->lock(f.at("d/b"), wanted, 60, {}));
  CHECK(listed(f, "d")[0].locked);
  CHECK(f.engine->unlock(f.at("d/b"), lock.token, {}).ok());
  CHECK_FALSE(listed(f, "d")[0].locked);

  std::ofstream(f.disk("d/beside")) << "by another program";
  CHECK(names(listed(f, "d")) == std::vector<std::string>{"b", "beside", "e"});
  CHECK(f.engine->rename(f.at("d"), f.at("other"), false, {}).ok());
  CHECK(f.engine->list_begin(f.at("d")).error().status == Status::NotFound);
  CHECK(names(warm(f, "other")) == std::vector<std::string>{"b", "beside", "e"});
}

TEST_CASE("a kept listing needs no reader: more of them may be open than listings that read") {
  Fixture f;
  f.mkdir("d");
  for (int i = 0; i < 10; ++i) f.put("d/" + std::to_string(i), "x");
  warm(f, "d");
  std::vector<std::unique_ptr<Listing>> open;
  for (int i = 0; i < 50; ++i) {
    open.push_back(Fixture::value(f.engine->list_begin(f.at("d"))));
    const auto end = open.back()->next([](const NodeView &) { return false; });
    REQUIRE(end.ok());
    CHECK_FALSE(*end);
  }
  f.put("d/new", "x");  // not seen by those that are open
  for (const auto &listing : open) {
    int rest = 0;
    const auto end = listing->next([&](const NodeView &) { return ++rest > 0; });
    REQUIRE(end.ok());
    CHECK(rest == 9);
  }
}

TEST_CASE("while others change the folder, each listing shows what was acknowledged before it began") {
  Fixture f;
  f.mkdir("d");
  std::atomic<int> made{0};
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    for (int i = 1; i <= 150; ++i) {
      f.put("d/" + std::to_string(i), "x");
      made = i;
    }
    stop = true;
  });
  std::vector<std::thread> readers;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 3; ++t)
    readers.emplace_back([&] {
      while (!stop) {
        const int before = made;
        if (!f.engine->stat(f.at("d"))) ++wrong;
        auto listing = f.engine->list_begin(f.at("d"));
        if (!listing) continue;  // too many at once
        int seen = 0;
        const auto end = (*listing)->next([&](const NodeView &) { return ++seen > 0; });
        if (!end || !*end || seen < before) ++wrong;
      }
    });
  writer.join();
  for (std::thread &reader : readers) reader.join();
  CHECK(wrong == 0);
  CHECK(listed(f, "d").size() == 150);
}
