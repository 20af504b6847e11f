// SPDX-License-Identifier: Apache-2.0
// Listings in steps: one moment, however long they take, and never too many of them.
#include "core/tree/test_engine.hpp"

#include <algorithm>

using namespace Atoll;
using namespace Atoll::tree;
using namespace Atoll::tree::test;

namespace {

struct Given {
  std::string name;
  NodeId id;
  std::string etag;
  bool locked;
  friend bool operator==(const Given &, const Given &) = default;
};

Given given(const NodeView &node) {
  return {std::string(node.name), node.id, std::string(node.etag().view()), node.locked};
}

std::vector<Given> at_once(Fixture &f, std::string_view path) {
  std::vector<Given> all;
  REQUIRE(f.engine->list(f.at(path), {}, 0, [&](const NodeView &node) {
    all.push_back(given(node));
    return true;
  }));
  return all;
}

/// Up to `count` more; true at the end.
bool take(Listing &listing, std::size_t count, std::vector<Given> &into) {
  const std::size_t before = into.size();
  auto end = listing.next([&](const NodeView &node) {
    into.push_back(given(node));
    return into.size() - before < count;
  });
  REQUIRE_MESSAGE(end.ok(), end.error().message);
  return *end;
}

}  // namespace

TEST_CASE("a listing in steps shows one moment, whatever changes meanwhile") {
  Fixture f;
  f.mkdir("d");
  for (int i = 0; i < 60; ++i) f.put("d/" + std::to_string(i), "x");
  Lock wanted;
  const auto lock = Fixture::value(f.engine->lock(f.at("d/7"), wanted, 60, {}));
  const auto before = at_once(f, "d");
  auto listing = Fixture::value(f.engine->list_begin(f.at("d")));
  std::vector<Given> seen;
  CHECK_FALSE(take(*listing, 10, seen));
  CHECK(seen.size() == 10);
  // What was last comes first, what was to come is gone, replaced or new, and the folder itself goes.
  CHECK(f.engine->rename(f.at("d/9"), f.at("d/0a"), false, {}).ok());
  CHECK(f.engine->remove(f.at("d/50"), {}).ok());
  f.put("d/51", "other");
  f.put("d/zz", "new");
  CHECK(f.engine->unlock(f.at("d/7"), lock.token, std::nullopt).ok());
  CHECK_FALSE(take(*listing, 10, seen));
  CHECK(f.engine->rename(f.at("d"), f.at("e"), false, {}).ok());
  CHECK(take(*listing, 1000, seen));
  CHECK(seen == before);
  CHECK(take(*listing, 1000, seen));
  CHECK(seen.size() == before.size());
  CHECK(at_once(f, "e") != before);
  // It is no harm when the engine ends first.
  auto late = Fixture::value(f.engine->list_begin(f.at("e")));
  f.engine->close();
  late.reset();
}

TEST_CASE("listings in steps are refused like others") {
  Fixture f;
  f.put("file", "x");
  CHECK(f.engine->list_begin(f.at("file")).status() == Status::FailedPrecondition);
  CHECK(f.engine->list_begin(f.at("none")).status() == Status::NotFound);
  auto root = Fixture::value(f.engine->list_begin(f.at("")));
  std::vector<Given> seen;
  CHECK(take(*root, 10, seen));
  CHECK(seen == at_once(f, ""));
}

TEST_CASE("half of the readers may be listings in steps, and others go on") {
  Fixture f;
  f.provider.options.readers = 4;
  f.restart();
  f.mkdir("d");
  for (int i = 0; i < 5; ++i) f.put("d/" + std::to_string(i), "x");
  std::vector<std::unique_ptr<Listing>> open;
  for (int i = 0; i < 2; ++i) open.push_back(Fixture::value(f.engine->list_begin(f.at("d"))));
  for (int i = 0; i < 3; ++i) CHECK(f.engine->list_begin(f.at("d")).status() == Status::ResourceExhausted);
  CHECK(at_once(f, "d").size() == 5);
  open.pop_back();
  CHECK(f.engine->list_begin(f.at("d")).ok());
}
