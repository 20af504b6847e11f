// SPDX-License-Identifier: Apache-2.0
// Who may do what to the members of spaces, and what roles give.
#include "core/gateway/space_town.hpp"

#include <doctest/doctest.h>

#include <future>
#include <thread>

namespace Atoll::gateway {

using namespace town;

TEST_CASE("roles: ids are unique and well formed, and no role gives what is unknown") {
  std::set<std::string_view> ids;
  for (const Role &role : roles()) {
    CHECK(Uuid::parse(role.id).has_value());
    CHECK(ids.insert(role.id).second);
    CHECK((role.permissions & ~kAllPermissions) == 0);
    CHECK(role.on != 0);
    CHECK(find_role(role.id) == &role);
  }
  CHECK(find_role("") == nullptr);
  REQUIRE(find_role(kManagerRole) != nullptr);
  CHECK(find_role(kManagerRole)->permissions == kAllPermissions);
}

TEST_CASE("members: a role gives what it says, at once, and nobody gives more than he has") {
  Town w;
  const SpaceId space = w.make(w.marie, "Solar");
  CHECK(w.put(w.marie, space, w.einstein.account, kViewer) == Status::Ok);
  CHECK(w.has(w.einstein, space));
  CHECK(w.shelf.spaces.at(space).members.at(w.einstein.account).permissions == find_role(kViewer)->permissions);
  CHECK(w.put(w.einstein, space, w.guest.account, kViewer) == Status::PermissionDenied);
  CHECK(w.rename(w.einstein, space, "Mine") == Status::PermissionDenied);
  CHECK(w.disable(w.einstein, space) == Status::PermissionDenied);
  // A manager of members without all the rest.
  CHECK(w.put(w.marie, space, w.einstein.account, "", ATOLL_MAY_STAT | ATOLL_MAY_READ | ATOLL_MAY_MEMBERS) ==
        Status::Ok);
  CHECK(w.put(w.einstein, space, w.guest.account, kEditor) == Status::PermissionDenied);
  CHECK(w.put(w.einstein, space, w.guest.account, kViewer) == Status::Ok);
  CHECK(w.put(w.keeper, space, w.guest.account, kEditor) == Status::Ok);
  // What is none.
  CHECK(w.put(w.marie, space, w.guest.account, "11111111-1111-4111-8111-111111111111") == Status::InvalidArgument);
  CHECK(w.put(w.marie, space, w.guest.account, "aa97fe03-7980-45ac-9e50-b325749fd7e6") == Status::InvalidArgument);
  CHECK(w.put(w.marie, space, w.guest.account, "b1e2218d-eef8-4d4c-b82d-0f1a1b48f3b5") == Status::InvalidArgument);
  CHECK(w.put(w.marie, space, w.guest.account, "", 0) == Status::InvalidArgument);
  CHECK(w.put(w.marie, space, w.guest.account, "", 0x80000000u) == Status::InvalidArgument);
  CHECK(w.put(w.marie, space, base::random_id<AccountId>(), kViewer) == Status::InvalidArgument);
  CHECK(w.put(w.marie, space, w.guest.account, kViewer, 0, 0, ATOLL_ACCOUNT_GROUP) == Status::InvalidArgument);
  CHECK(w.put(w.marie, space, w.guest.account, kViewer, 0, base::now_unix_ns() - 1) == Status::InvalidArgument);
  // Leaving, and being sent away.
  CHECK(w.drop(w.guest, space, w.einstein.account) == Status::PermissionDenied);
  CHECK(w.drop(w.guest, space, w.guest.account) == Status::Ok);
  CHECK(w.drop(w.marie, space, w.einstein.account) == Status::Ok);
  CHECK_FALSE(w.has(w.einstein, space));
}

TEST_CASE("members: who is sent away while he adds somebody adds nobody") {
  Town w;
  const SpaceId space = w.make(w.marie, "Solar");
  REQUIRE(w.put(w.marie, space, w.einstein.account, kManagerRole) == Status::Ok);
  w.people.on_get = [&] { CHECK(w.drop(w.marie, space, w.einstein.account) == Status::Ok); };
  CHECK(w.put(w.einstein, space, w.einstein.account, kManagerRole) == Status::NotFound);
  CHECK(w.shelf.spaces.at(space).members.count(w.einstein.account) == 0);
}

TEST_CASE("members: who manages members without all the rest neither takes a space over nor destroys it") {
  Town w;
  const SpaceId space = w.make(w.marie, "Solar");
  REQUIRE(w.put(w.marie, space, w.keeper.account, kManagerRole) == Status::Ok);
  REQUIRE(w.put(w.marie, space, w.einstein.account, "", ATOLL_MAY_STAT | ATOLL_MAY_READ | ATOLL_MAY_MEMBERS) ==
          Status::Ok);
  CHECK(w.put(w.einstein, space, w.marie.account, kViewer) == Status::PermissionDenied);
  CHECK(w.drop(w.einstein, space, w.marie.account) == Status::PermissionDenied);
  CHECK(w.disable(w.einstein, space) == Status::PermissionDenied);
  REQUIRE(w.disable(w.marie, space) == Status::Ok);
  CHECK(w.purge(w.einstein, space) == Status::PermissionDenied);
  CHECK(w.shelf.spaces.count(space) == 1);
  CHECK(w.put(w.einstein, space, w.guest.account, kViewer) == Status::Ok);
  CHECK(w.drop(w.einstein, space, w.guest.account) == Status::Ok);
  CHECK(w.drop(w.einstein, space, w.einstein.account) == Status::Ok);
}

TEST_CASE("members: a space keeps a manager whose membership does not expire") {
  Town w;
  const SpaceId space = w.make(w.marie, "Solar");
  CHECK(w.drop(w.marie, space, w.marie.account) == Status::FailedPrecondition);
  CHECK(w.put(w.marie, space, w.marie.account, kEditor) == Status::FailedPrecondition);
  CHECK(w.put(w.marie, space, w.marie.account, kManagerRole, 0, base::now_unix_ns() + 1'000'000'000'000) ==
        Status::FailedPrecondition);
  CHECK(w.put(w.marie, space, w.einstein.account, kManagerRole) == Status::Ok);
  CHECK(w.drop(w.marie, space, w.marie.account) == Status::Ok);
  CHECK(w.put(w.keeper, space, w.einstein.account, kViewer) == Status::FailedPrecondition);
}

TEST_CASE("members: of many spaces at once, of those that one sees") {
  Town w;
  const SpaceId solar = w.make(w.marie, "Solar"), lunar = w.make(w.einstein, "Lunar"), third = w.make(w.marie, "Third");
  REQUIRE(w.put(w.marie, solar, w.einstein.account, kViewer) == Status::Ok);
  REQUIRE(w.put(w.marie, solar, w.guest.account, kViewer) == Status::Ok);
  w.shelf.spaces.at(solar).members.at(w.guest.account).expires_ns = 1;
  using People = std::set<AccountId>;
  const std::vector<SpaceId> all{solar, lunar, third, solar, base::random_id<SpaceId>()};
  CHECK(w.members_many(w.einstein, all) ==
        std::map<SpaceId, People>{{solar, {w.marie.account, w.einstein.account}}, {lunar, {w.einstein.account}}});
  CHECK(w.members_many(w.keeper, all).size() == 3);
  CHECK(w.members_many(w.guest, {lunar, third}).empty());
  CHECK(w.members_many(w.marie, {}).empty());
}

TEST_CASE("roles: what each lets a member do with the space itself and its members") {
  for (const Role &role : roles()) {
    if ((role.on & ATOLL_ROLE_ON_SPACE) == 0) continue;
    CAPTURE(role.id);
    Town w;
    const SpaceId space = w.make(w.marie, "Solar");
    w.shelf.spaces.at(space).members[w.einstein.account] = {ATOLL_ACCOUNT_USER, role.permissions, "", 0};
    ++w.shelf.now;
    const bool manages = (role.permissions & ATOLL_MAY_MEMBERS) != 0;
    const Status expected = manages ? Status::Ok : Status::PermissionDenied;
    CHECK(w.get(w.einstein, space) == Status::Ok);
    CHECK(w.members_many(w.einstein, {space}).size() == 1);
    CHECK(w.rename(w.einstein, space, "Sun") == expected);
    CHECK(w.set_quota(w.einstein, space, 100) == Status::PermissionDenied);
    CHECK(w.put(w.einstein, space, w.guest.account, kViewer) == expected);
    CHECK(w.drop(w.einstein, space, w.guest.account) == (manages ? Status::Ok : Status::PermissionDenied));
    CHECK(w.disable(w.einstein, space) == expected);
    REQUIRE(w.disable(w.keeper, space) == Status::Ok);
    CHECK(w.get(w.einstein, space) == (manages ? Status::Ok : Status::NotFound));
    CHECK(w.stat(w.einstein, space) == Status::NotFound);
    CHECK(w.restore(w.einstein, space) == (manages ? Status::Ok : Status::NotFound));
    REQUIRE(w.disable(w.keeper, space) == Status::Ok);
    CHECK(w.purge(w.einstein, space) == (manages ? Status::Ok : Status::NotFound));
  }
}

TEST_CASE("members: only taking the last manager away is refused, and who cannot log in is none") {
  Town w;
  const SpaceId space = w.make(w.marie, "Solar");
  REQUIRE(w.put(w.marie, space, w.einstein.account, kViewer) == Status::Ok);
  w.shelf.spaces.at(space).members.at(w.marie.account).expires_ns = base::now_unix_ns() + 1'000'000'000'000;
  ++w.shelf.now;
  // There is no lasting manager: whatever takes none away is as good as before.
  CHECK(w.put(w.keeper, space, w.guest.account, kViewer) == Status::Ok);
  CHECK(w.put(w.marie, space, w.einstein.account, kEditor) == Status::Ok);
  CHECK(w.drop(w.marie, space, w.guest.account) == Status::Ok);
  CHECK(w.put(w.keeper, space, w.marie.account, kManagerRole) == Status::Ok);
  // An account that is disabled, or gone, manages nothing.
  REQUIRE(w.put(w.marie, space, w.einstein.account, kManagerRole) == Status::Ok);
  w.people.disabled.insert(w.einstein.account);
  CHECK(w.drop(w.marie, space, w.marie.account) == Status::FailedPrecondition);
  w.people.disabled.clear();
  const auto kinds = w.people.kinds;
  w.people.kinds.erase(w.einstein.account);
  CHECK(w.drop(w.marie, space, w.marie.account) == Status::FailedPrecondition);
  w.people.kinds = kinds;
  // Nor does a group without anybody who can log in.
  const auto group = base::random_id<AccountId>();
  w.people.kinds[group] = ATOLL_ACCOUNT_GROUP;
  REQUIRE(w.put(w.marie, space, group, kManagerRole, 0, 0, ATOLL_ACCOUNT_GROUP) == Status::Ok);
  REQUIRE(w.drop(w.marie, space, w.einstein.account) == Status::Ok);
  CHECK(w.drop(w.marie, space, w.marie.account) == Status::FailedPrecondition);
  w.people.groups[group] = {w.guest.account};
  w.people.disabled.insert(w.guest.account);
  CHECK(w.drop(w.marie, space, w.marie.account) == Status::FailedPrecondition);
  w.people.disabled.clear();
  CHECK(w.drop(w.marie, space, w.marie.account) == Status::Ok);
}

TEST_CASE("members: while a directory hangs for one, others change members, and he is judged by what is then") {
  Town w;
  const SpaceId space = w.make(w.marie, "Solar"), other = w.make(w.marie, "Lunar");
  REQUIRE(w.put(w.marie, space, w.einstein.account, kManagerRole) == Status::Ok);
  std::promise<void> asked, answers;
  w.people.on_get = [&] {
    asked.set_value();
    answers.get_future().wait();
  };
  Status left = Status::Internal;
  std::thread leaving([&] { left = w.drop(w.marie, space, w.marie.account); });  // may einstein log in?
  asked.get_future().wait();
  CHECK(w.put(w.keeper, space, w.guest.account, kViewer) == Status::Ok);
  CHECK(w.put(w.marie, other, w.guest.account, kViewer) == Status::Ok);
  CHECK(w.put(w.marie, space, w.einstein.account, kViewer) == Status::Ok);  // marie is the last one now
  answers.set_value();
  leaving.join();
  CHECK(left == Status::FailedPrecondition);
  CHECK(w.shelf.spaces.at(space).members.count(w.marie.account) == 1);
}

}  // namespace Atoll::gateway
