// SPDX-License-Identifier: Apache-2.0
// Making spaces when something stops on the way, and answers that stay true when something fails after the change.
#include "core/gateway/space_town.hpp"

namespace Atoll::gateway {

using namespace town;

namespace {

SpaceId made_from(Town &w, std::string_view template_name, Status &status) {
  SpaceRecord draft;
  draft.name = "Solar";
  const auto raw = draft.abi();
  SpaceId id;
  const auto sink = make_sink<atoll_space_view_sink>([&](const atoll_space_view *v) { id = Town::seen(v).record.id; });
  status = w.as(w.marie, [&](auto *c) {
              return w.service->create_from(c, w.service->self, &raw, str(template_name), sink.get());
            }).status();
  return id;
}

}  // namespace

TEST_CASE("spaces: wherever the server dies while it makes one, nobody reaches one that is not whole") {
  bool done = false;
  int steps = 0;
  for (; !done; ++steps) {
    CAPTURE(steps);
    REQUIRE(steps < 100);
    Town w;
    int power = steps;
    w.shelf.power = w.disk.power = &power;
    Status status = Status::Ok;
    made_from(w, "default", status);
    done = power > 0;
    w.shelf.power = w.disk.power = nullptr;

    Town again;  // after a new start
    again.shelf.spaces = w.shelf.spaces;
    again.disk.quotas = w.disk.quotas;
    if (w.shelf.spaces.empty()) continue;
    REQUIRE(w.shelf.spaces.size() == 1);
    const auto &[id, kept] = *w.shelf.spaces.begin();
    const bool whole = w.disk.texts.size() == 1 && kept.record.readme == w.disk.nodes.at(".space/readme.md");
    if (done) CHECK(status == Status::Ok);
    if (status == Status::Ok) CHECK(kept.members.count(w.marie.account) == 1);
    if (kept.record.state == ATOLL_SPACE_STATE_ACTIVE) {
      CHECK(whole);
      CHECK(w.disk.quotas.count(id) == 1);
      continue;
    }
    REQUIRE(kept.record.state == ATOLL_SPACE_STATE_CREATING);
    CHECK(kept.members.empty());
    // Neither a member nor a look, a change or a restore makes it one that is in use; it can be ended.
    CHECK(again.put(again.keeper, id, again.keeper.account, kManagerRole) == Status::FailedPrecondition);
    CHECK(again.rename(again.keeper, id, "x") == Status::FailedPrecondition);
    CHECK(again.restore(again.keeper, id) == Status::FailedPrecondition);
    CHECK(again.disable(again.keeper, id) == Status::Ok);
    CHECK(again.stat(again.keeper, id) == Status::NotFound);
    CHECK(again.shelf.spaces.at(id).record.state == ATOLL_SPACE_STATE_CREATING);
    CHECK(again.purge(again.keeper, id) == Status::Ok);
    CHECK(again.shelf.spaces.empty());
    CHECK(again.disk.quotas.empty());
  }
  CHECK(steps > 8);  // a record, a space, a folder, a file, what is noted of it, the state, a member
}

TEST_CASE("spaces: one that is being made is shown to nobody who could take it for whole") {
  Town w;
  SpaceId id;
  Status stat = Status::Ok, put = Status::Ok;
  w.disk.on_create = [&] {
    REQUIRE(w.shelf.spaces.size() == 1);
    id = w.shelf.spaces.begin()->first;
    stat = w.stat(w.marie, id);
    put = w.put(w.keeper, id, w.einstein.account, kViewer);
  };
  Status status = Status::Internal;
  CHECK(made_from(w, "default", status) == id);
  CHECK(status == Status::Ok);
  CHECK(stat == Status::NotFound);
  CHECK(put == Status::FailedPrecondition);
  CHECK(w.put(w.keeper, id, w.einstein.account, kViewer) == Status::Ok);
}

TEST_CASE("spaces: a change that was made is answered as made when its provider cannot be asked afterwards") {
  Town w;
  w.shelf.on_put = [&] { w.disk.runs = false; };
  Status status = Status::Internal;
  const SpaceId id = made_from(w, "", status);
  CHECK(status == Status::Ok);
  CHECK(w.shelf.spaces.count(id) == 1);
  CHECK(w.list(w.marie) == Status::Unavailable);  // a client needs the etag of its root
  w.disk.runs = true;
  w.shelf.on_change = [&] { w.disk.runs = false; };
  CHECK(w.rename(w.marie, id, "Lunar") == Status::Ok);
  CHECK(w.shelf.spaces.at(id).record.name == "Lunar");
  w.disk.runs = true;
  REQUIRE(w.disable(w.marie, id) == Status::Ok);
  w.shelf.on_change = [&] { w.disk.runs = false; };
  CHECK(w.restore(w.marie, id) == Status::Ok);
  CHECK(w.shelf.spaces.at(id).record.state == ATOLL_SPACE_STATE_ACTIVE);
}

}  // namespace Atoll::gateway
