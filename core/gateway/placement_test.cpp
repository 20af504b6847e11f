// SPDX-License-Identifier: Apache-2.0
#include "core/gateway/placement.hpp"

#include <doctest/doctest.h>

#include <atoll/abi/storage_fs.h>

#include <map>

#include "core/base/uuid.hpp"

namespace Atoll::gateway {
namespace {

PlacementOwner owner(std::string_view name, std::string_view group = {}) {
  return {name, [group](const std::string &asked) { return asked == group; }};
}

PlacementRule rule(std::string name, std::optional<unsigned> weight = {}) {
  PlacementRule out;
  out.provider = std::move(name);
  out.weight = weight;
  return out;
}

std::string placed(const std::vector<PlacementRule> &rules, std::uint32_t type, const PlacementOwner &who,
                   const SpaceId &space = base::random_id<SpaceId>()) {
  const auto found = place(rules, type, space, who);
  return found ? *found : "(" + found.error().message + ")";
}

TEST_CASE("placement: a name goes before a group, a group before everybody") {
  std::vector<PlacementRule> rules{rule("storage:all"), rule("storage:staff"), rule("storage:own")};
  rules[1].groups = {"staff"};
  rules[2].owners = {"Einstein"};
  for (int i = 0; i < 20; ++i) {
    CHECK(placed(rules, ATOLL_SPACE_PERSONAL, owner("einstein", "staff")) == "storage:own");
    CHECK(placed(rules, ATOLL_SPACE_PERSONAL, owner("marie", "staff")) == "storage:staff");
    CHECK(placed(rules, ATOLL_SPACE_PROJECT, owner("moss")) == "storage:all");
  }
}

TEST_CASE("placement: types, weight 0 and drain keep spaces away, and nobody left is said with the keys to look at") {
  std::vector<PlacementRule> rules{rule("storage:a"), rule("storage:b")};
  rules[0].project = false;
  CHECK(placed(rules, ATOLL_SPACE_PROJECT, owner("x")) == "storage:b");
  rules[1].drain = true;
  const auto none = place(rules, ATOLL_SPACE_PROJECT, base::random_id<SpaceId>(), owner("x"));
  CHECK(none.status() == Status::Unavailable);
  CHECK(none.error().message.find("drain") != std::string::npos);
  rules[0].weight = 0;
  CHECK(place(rules, ATOLL_SPACE_PERSONAL, base::random_id<SpaceId>(), owner("x")).status() == Status::Unavailable);
  CHECK(place({}, ATOLL_SPACE_PERSONAL, base::random_id<SpaceId>(), owner("x")).status() == Status::Unavailable);
}

TEST_CASE("placement: without weights the first one takes a space, and the next one once that is drained") {
  std::vector<PlacementRule> rules{rule("storage:a"), rule("storage:b"), rule("storage:c")};
  for (int i = 0; i < 20; ++i) CHECK(placed(rules, ATOLL_SPACE_PROJECT, owner("x")) == "storage:a");
  rules[0].drain = true;
  for (int i = 0; i < 20; ++i) CHECK(placed(rules, ATOLL_SPACE_PROJECT, owner("x")) == "storage:b");
}

TEST_CASE("placement: by weight, the same for the same space, and a drained provider moves no other choice") {
  std::vector<PlacementRule> rules{rule("storage:a"), rule("storage:b", 3), rule("storage:c")};
  std::map<std::string, int> counts;
  std::map<SpaceId, std::string> before;
  for (int i = 0; i < 5000; ++i) {
    const auto space = base::random_id<SpaceId>();
    before[space] = placed(rules, ATOLL_SPACE_PROJECT, owner("x"), space);
    CHECK(placed(rules, ATOLL_SPACE_PROJECT, owner("y"), space) == before[space]);
    ++counts[before[space]];
  }
  // 3,000 are expected; ten standard deviations are 350.
  CHECK(counts["storage:b"] > 2650);
  CHECK(counts["storage:b"] < 3350);
  CHECK(counts["storage:a"] > 650);
  CHECK(counts["storage:c"] > 650);
  rules[0].drain = true;
  for (const auto &[space, provider] : before) {
    const std::string now = placed(rules, ATOLL_SPACE_PROJECT, owner("x"), space);
    if (provider != "storage:a") CHECK(now == provider);
    CHECK(now != "storage:a");
  }
}

}  // namespace
}  // namespace Atoll::gateway
