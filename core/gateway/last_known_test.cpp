// SPDX-License-Identifier: Apache-2.0
#include "core/gateway/last_known.hpp"

#include <doctest/doctest.h>

#include "core/base/uuid.hpp"
#include "core/gateway/root_log.hpp"

namespace Atoll::gateway {
namespace {

LastKnown::Kept some(std::size_t count) {
  return {std::make_shared<const std::vector<SpaceRecord>>(count), 1, LastKnown::Clock::now(), LastKnown::Clock::now()};
}

TEST_CASE("last known: bounded by records, the oldest goes first, and what is too large is not kept") {
  LastKnown known(30);
  const LastKnown::Key a{"r", base::random_id<AccountId>(), 0}, b{"r", base::random_id<AccountId>(), 0},
      c{"r", base::random_id<AccountId>(), 0};
  known.keep(a, some(9), 0);
  known.keep(b, some(9), 0);
  known.keep(c, some(9), 0);
  CHECK(known.get(a).records);
  known.keep(a, some(9), 0);
  const LastKnown::Key other{"s", a.account, 0}, grown{"r", a.account, 7};
  CHECK_FALSE(known.get(other).records);
  CHECK_FALSE(known.get(grown).records);
  known.keep(other, some(0), 0);
  CHECK_FALSE(known.get(b).records);
  CHECK(known.get(a).records);
  CHECK(known.get(c).records);
  REQUIRE(known.get(other).records);
  CHECK(known.get(other).records->empty());
  known.keep(a, some(31), 0);
  CHECK_FALSE(known.get(a).records);
  CHECK(known.get(c).records);
}

TEST_CASE(
    "last known: what was told later stays, unless the registry has begun anew; what was dropped does not come back") {
  using std::chrono::seconds;
  LastKnown known;
  const LastKnown::Key key{"r", base::random_id<AccountId>(), 0};
  const auto start = LastKnown::Clock::now();
  const auto told = [&](std::uint64_t generation, int asked, int answered) {
    return LastKnown::Kept{std::make_shared<const std::vector<SpaceRecord>>(1), generation, start + seconds(asked),
                           start + seconds(answered)};
  };
  known.keep(key, told(6, 2, 3), 0);
  known.keep(key, told(5, 1, 4), 0);  // slower
  CHECK(known.get(key).generation == 6);
  known.keep(key, told(2, 5, 6), 0);
  CHECK(known.get(key).generation == 2);
  known.drop_account(base::random_id<AccountId>());
  CHECK(known.get(key).records);
  known.keep(key, told(7, 7, 8), 0);  // asked before the drop: neither this nor the older one counts
  CHECK_FALSE(known.get(key).records);
  known.drop_account(key.account);
  CHECK_FALSE(known.get(key).records);
  known.keep(key, told(7, 7, 8), known.drops());
  CHECK(known.get(key).generation == 7);
  known.drop_space(SpaceId());  // that of the empty record
  CHECK_FALSE(known.get(key).records);
}

TEST_CASE("root log: a token that is older than what is kept is refused, never answered short") {
  RootLog log(3);
  const auto start = log.token();
  std::vector<SpaceId> spaces;
  for (int i = 0; i < 4; ++i) spaces.push_back(base::random_id<SpaceId>());
  for (int i = 0; i < 3; ++i) log.changed(spaces[static_cast<std::size_t>(i)]);
  for (int i = 0; i < 5; ++i) log.changed(spaces[1]);  // takes one place, whatever happens
  auto all = log.since(start);
  REQUIRE(all.ok());
  CHECK(all->spaces == std::vector<SpaceId>{spaces[0], spaces[2], spaces[1]});
  log.changed(spaces[3]);
  CHECK(log.since(start).status() == Status::FailedPrecondition);
  const auto rest = log.since(all->token);
  REQUIRE(rest.ok());
  CHECK(rest->spaces == std::vector<SpaceId>{spaces[3]});
}

}  // namespace
}  // namespace Atoll::gateway
