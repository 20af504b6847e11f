// SPDX-License-Identifier: Apache-2.0
// Learning of changes without listing all spaces again.
#include "core/gateway/space_town.hpp"

#include <doctest/doctest.h>

namespace Atoll::gateway {

using namespace town;

TEST_CASE("changes: the roots that changed, for those who reach them, and when to list again") {
  Town w;
  const SpaceId solar = w.make(w.marie, "Solar"), lunar = w.make(w.einstein, "Lunar");
  int woken = 0;
  auto watcher = sized<atoll_space_watcher>();
  watcher.context = &woken;
  watcher.changed = [](void *context) { ++*static_cast<int *>(context); };
  void *handle = nullptr;
  REQUIRE(w.as(w.marie, [&](auto *c) { return w.service->watch(c, w.service->self, &watcher, &handle); }).ok());
  const auto start = w.changed(w.marie, "");
  REQUIRE(start.status == Status::Ok);
  CHECK(start.spaces.empty());
  CHECK_FALSE(start.list_again);
  w.gateway.root_log().changed(solar);
  w.gateway.root_log().changed(lunar);
  w.gateway.root_log().changed(solar);
  CHECK(woken == 3);
  const auto next = w.changed(w.marie, start.token);
  CHECK(next.spaces == std::set<SpaceId>{solar});
  CHECK_FALSE(next.list_again);
  CHECK(w.changed(w.marie, start.token).spaces == std::set<SpaceId>{solar});  // a token may be used again
  CHECK(w.changed(w.marie, next.token).spaces.empty());
  REQUIRE(w.put(w.einstein, lunar, w.marie.account, kViewer) == Status::Ok);
  CHECK(woken == 4);
  const auto more = w.changed(w.marie, next.token);
  CHECK(more.list_again);
  CHECK(w.changed(w.marie, start.token).spaces == std::set<SpaceId>{solar, lunar});
  CHECK_FALSE(w.changed(w.marie, more.token).list_again);
  REQUIRE(w.rename(w.marie, solar, "Sun") == Status::Ok);
  CHECK(w.changed(w.marie, more.token).list_again);
  REQUIRE(w.disable(w.einstein, lunar) == Status::Ok);
  CHECK(w.changed(w.marie, more.token).list_again);
  w.service->unwatch(w.service->self, handle);
  w.gateway.root_log().changed(solar);
  CHECK(woken == 6);
  for (const char *bad : {"x", ".", "1.2", ".1.1"}) CHECK(w.changed(w.marie, bad).status == Status::FailedPrecondition);
  CHECK(w.changed(w.marie, more.token + "zz").status == Status::FailedPrecondition);
  w.gateway.root_log().lost();
  CHECK(w.changed(w.marie, more.token).status == Status::FailedPrecondition);
  CHECK(w.changed(w.marie, w.changed(w.marie, "").token).status == Status::Ok);
  Town restarted;
  restarted.marie = w.marie;
  CHECK(restarted.changed(w.marie, start.token).status == Status::FailedPrecondition);
}

TEST_CASE("changes: what changed while the provider could not tell comes again") {
  Town w;
  const SpaceId solar = w.make(w.marie, "Solar");
  const auto start = w.changed(w.marie, "");
  w.gateway.root_log().changed(solar);
  w.disk.runs = false;
  const auto away = w.changed(w.marie, start.token);
  CHECK(away.spaces == std::set<SpaceId>{solar});
  w.disk.runs = true;
  const auto back = w.changed(w.marie, away.token);
  CHECK(back.spaces == std::set<SpaceId>{solar});
  CHECK_FALSE(back.list_again);
  CHECK(w.changed(w.marie, back.token).spaces.empty());
}

TEST_CASE("changes: the etag of a space elsewhere is told by listing again") {
  Town w;
  const SpaceRecord far = w.far_space(w.marie);
  const auto start = w.changed(w.marie, "");
  CHECK_FALSE(w.changed(w.marie, start.token).list_again);
  w.far_shelf.spaces.at(far.id).record.root_etag = "new";
  CHECK(w.changed(w.marie, start.token).list_again);
}

}  // namespace Atoll::gateway
