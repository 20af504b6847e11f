// SPDX-License-Identifier: Apache-2.0
// What the cache of paths may answer, and what it must never.
#include "core/tree/place_cache.hpp"

#include "core/tree/generations.hpp"
#include "core/tree/test_engine.hpp"

#include <atomic>
#include <thread>

using namespace Atoll;
using namespace Atoll::tree;
using test::Fixture;

namespace {

std::shared_ptr<const Found> found(std::string_view path) {
  auto made = std::make_shared<Found>();
  made->path = path;
  return made;
}

/// Looked up often enough that an answer out of a cache would show.
Node warm(Fixture &f, std::string_view path) {
  f.stat(path);
  return f.stat(path);
}

}  // namespace

TEST_CASE("an entry counts for its own generation, space, node and path") {
  PlaceCache cache(1);
  const auto space = base::random_id<SpaceId>();
  const Ref ref{space, root_of(space), "a/b"};
  CHECK_FALSE(cache.find(ref, 0));
  cache.keep(ref, 2, found("a/b"));
  REQUIRE(cache.find(ref, 2));
  CHECK(cache.find(ref, 2)->path == "a/b");
  CHECK_FALSE(cache.find(ref, 4));
  CHECK_FALSE(cache.find(ref, 0));
  CHECK_FALSE(cache.find({space, root_of(space), "a/c"}, 2));
  CHECK_FALSE(cache.find({space, base::random_id<NodeId>(), "a/b"}, 2));
  CHECK_FALSE(cache.find({base::random_id<SpaceId>(), root_of(space), "a/b"}, 2));
  cache.keep({space, root_of(space), "a/c"}, 2, found("a/c"));
  CHECK_FALSE(cache.find(ref, 2));
}

TEST_CASE("very long paths are not kept") {
  PlaceCache cache(8);
  const auto space = base::random_id<SpaceId>();
  const std::string path(5000, 'x');
  cache.keep({space, root_of(space), path}, 2, found(path));
  CHECK_FALSE(cache.find({space, root_of(space), path}, 2));
}

TEST_CASE("a commit moves the generation of its space, and is seen while it runs") {
  Generations generations;
  const auto space = base::random_id<SpaceId>();
  const auto before = generations.now(space);
  CHECK(Generations::settled(before));
  {
    const Generations::Commit commit(generations, Generations::of(space));
    CHECK_FALSE(Generations::settled(generations.now(space)));
  }
  CHECK(Generations::settled(generations.now(space)));
  CHECK(generations.now(space) != before);
  const auto later = generations.now(space);
  { const Generations::Commit commit(generations, Generations::kAll); }
  CHECK(generations.now(space) != later);
}

TEST_CASE("each kind of change is seen by a path that was asked for before") {
  Fixture f;
  f.mkdir("d");
  const Node x = f.put("d/x", "1");
  const auto content = warm(f, "d/x").sequence;
  const auto folder = warm(f, "d").sequence;
  f.put("d/x", "22");
  CHECK(f.stat("d/x").size == 2);
  CHECK(f.stat("d/x").sequence > content);
  CHECK(f.stat("d").sequence > folder);
  CHECK(f.get("d/x") == "22");

  f.get("d/x");
  Fixture::value(f.engine->set_mtime(f.at("d/x"), 1'000'000'000, {}));
  CHECK(f.stat("d/x").mtime_ns == 1'000'000'000);
  CHECK(f.get("d/x") == "22");

  const AttributeChange colour{"urn:x", "colour", "red"};
  REQUIRE(f.engine->attributes_patch(f.at("d/x"), {&colour, 1}, {}).ok());
  CHECK(f.stat("d/x").has_attributes);

  warm(f, "d/x");
  Lock wanted;
  wanted.kind = LockKind::Exclusive;
  const Lock lock = Fixture::value(f.engine->lock(f.at("d"), wanted, 60, {}));
  CHECK(f.stat("d").locked);
  REQUIRE(f.engine->unlock(f.at("d"), lock.token, std::nullopt).ok());
  CHECK_FALSE(f.stat("d").locked);

  warm(f, "d/x");
  Fixture::value(f.engine->rename(f.at("d"), f.at("e"), false, {}));
  CHECK(f.status("d/x") == Status::NotFound);
  CHECK(f.stat("e/x").id == x.id);
  CHECK(warm(f, "e/x").id == x.id);
  CHECK(f.get("e/x") == "22");
  const Node by_id = Fixture::value(f.engine->stat(f.at(x.id)));
  CHECK(by_id.name == "x");
  Fixture::value(f.engine->rename(f.at(x.id), f.at("e/y"), false, {}));
  CHECK(Fixture::value(f.engine->stat(f.at(x.id))).name == "y");

  warm(f, "e/y");
  REQUIRE(f.engine->remove(f.at("e/y"), {}).ok());
  CHECK(f.status("e/y") == Status::NotFound);
  CHECK(f.engine->open_read(f.at("e/y")).status() == Status::NotFound);
  CHECK(f.engine->stat(f.at(x.id)).status() == Status::NotFound);
  f.mkdir("e/y");
  CHECK(warm(f, "e/y").folder());

  warm(f, "e");
  REQUIRE(f.engine->space_remove(f.space).ok());
  CHECK(f.status("e") == Status::NotFound);
}

TEST_CASE("a change beside the server is seen by a path that was asked for before") {
  Fixture f;
  const Node x = f.put("x", "one");
  CHECK(f.get("x") == "one");
  CHECK(f.get("x") == "one");
  test::write_disk(f.disk("x"), "two and more");
  CHECK(f.get("x") == "two and more");
  CHECK(f.stat("x").id == x.id);
  std::filesystem::remove(f.disk("x"));
  CHECK(f.engine->open_read(f.at("x")).status() == Status::NotFound);
}

TEST_CASE("nobody reads what was before a change that was answered") {
  Fixture f;
  f.engine.reset();
  f.provider.options.durability = Durability::None;
  f.start();
  f.mkdir("d");
  std::atomic<std::uint64_t> answered{f.put("d/x", "0").sequence};
  std::atomic<bool> done{false};
  std::atomic<int> stale{0}, unread{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      std::uint64_t newest = 0;
      while (!done) {
        const std::uint64_t least = std::max(answered.load(), newest);
        const auto node = f.engine->stat(f.at("d/x"));
        if (!node) {
          ++unread;
          continue;
        }
        if (node->sequence < least) ++stale;
        newest = std::max(newest, node->sequence);
      }
    });
  }
  for (int i = 0; i < 300; ++i) answered = f.put("d/x", std::to_string(i)).sequence;
  done = true;
  for (auto &reader : readers) reader.join();
  CHECK(stale == 0);
  CHECK(unread == 0);
}
