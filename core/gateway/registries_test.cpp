// SPDX-License-Identifier: Apache-2.0
// Several registries, and registries and providers that cannot tell.
#include "core/gateway/space_town.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <future>
#include <thread>

namespace Atoll::gateway {

using namespace town;

TEST_CASE("spaces: a registry that lost a personal space is given no empty one in its place") {
  std::vector<std::string> warned;
  GatewayOptions options;
  options.warn = [&](const std::string &what) { warned.push_back(what); };
  Town w(options);
  const auto list = [&](const Principal &who) {
    return w.as(who, [&](auto *c) { return w.service->mine(c, w.service->self, 0, w.nothing.get()); }).status();
  };
  REQUIRE(w.mine(w.marie).size() == 1);
  const auto before = w.shelf.spaces;
  w.shelf.spaces.clear();
  ++w.shelf.now;
  CHECK(list(w.marie) == Status::Unavailable);
  CHECK(list(w.marie) == Status::Unavailable);
  CHECK(w.shelf.spaces.empty());
  CHECK(w.disk.quotas.size() == 1);
  REQUIRE(warned.size() == 1);
  for (const std::string &part : {std::string("marie"), std::string("storage:home"), before.begin()->first.text()})
    CHECK(warned[0].find(part) != std::string::npos);
  // Others, of whom the storage holds nothing, are new; unless it cannot tell.
  CHECK(w.mine(w.einstein).size() == 1);
  w.disk.runs = false;
  CHECK(list(w.admin) == Status::Unavailable);
  CHECK(w.shelf.spaces.size() == 1);
  w.disk.runs = true;
  w.shelf.spaces = before;
  ++w.shelf.now;
  REQUIRE(w.mine(w.marie).size() == 1);
  CHECK(w.mine(w.marie)[0].record.id == before.begin()->first);
  // What a driver does not know proves nothing.
  w.disk.lists = false;
  CHECK(w.mine(w.keeper).size() == 1);
}

TEST_CASE("spaces: a provider that cannot tell makes its spaces stale, and what it told last is shown") {
  Town w;
  const SpaceId space = w.make(w.marie, "Solar");
  w.mine(w.marie);
  w.disk.runs = false;
  const auto mine = w.mine(w.marie);
  REQUIRE(mine.size() == 2);
  for (const auto &one : mine) {
    CHECK(one.stale);
    CHECK(one.used == 42);
    CHECK(one.record.root_etag == "fresh");
    CHECK(one.url == "https://cloud.example/dav/spaces/" + one.record.birth.text() + "$" + one.record.id.text());
  }
  CHECK(w.get(w.marie, space) == Status::Ok);
}

TEST_CASE(
    "spaces: one without an etag, told or remembered, is not shown to clients, and what is remembered has an end") {
  GatewayOptions few = Town::with_url();
  few.remembered_roots = 2;
  Town w(few);
  const SpaceId solar = w.make(w.marie, "Solar");
  w.make(w.marie, "Lunar");
  const auto mine = [&](const Principal &who) {
    return w.as(who, [&](auto *c) { return w.service->mine(c, w.service->self, 0, w.nothing.get()); }).status();
  };
  CHECK(mine(w.einstein) == Status::Ok);  // his personal one
  const atoll_uuid first{};
  const auto all = [&](const Principal &who) {
    return w.as(who, [&](auto *c) { return w.service->all(c, w.service->self, 0, &first, 0, w.nothing.get()); })
        .status();
  };
  CHECK(all(w.admin) == Status::Ok);  // which puts nothing out of memory
  w.disk.runs = false;
  CHECK(mine(w.einstein) == Status::Ok);
  CHECK(w.get(w.marie, solar) == Status::Unavailable);  // put out by the two that came later
  CHECK(mine(w.marie) == Status::Unavailable);
  CHECK(all(w.admin) == Status::Ok);
  w.disk.runs = true;
  CHECK(w.get(w.marie, solar) == Status::Ok);
  w.disk.runs = false;
  CHECK(w.get(w.marie, solar) == Status::Ok);
  CHECK(mine(w.einstein) == Status::Ok);
}

TEST_CASE("registries: one that cannot tell counts with what it told last, whole, or the answer fails") {
  for (const bool gone : {false, true}) {
    Town w;
    const SpaceId space = w.make(w.marie, "Solar");
    CHECK(w.mine(w.marie).size() == 2);  // makes her personal one
    CHECK(w.mine(w.marie).size() == 2);
    (gone ? w.shelf_gone : w.shelf.runs) = gone;
    const auto mine = w.mine(w.marie);
    REQUIRE(mine.size() == 2);
    for (const auto &one : mine) CHECK(one.stale);
    // Somebody who never asked: nothing is known, which is not the same as no spaces.
    CHECK(w.as(w.einstein, [&](auto *c) { return w.service->mine(c, w.service->self, 0, w.nothing.get()); }).status() ==
          Status::Unavailable);
    // In another group he may reach others.
    Principal grown = w.marie;
    grown.groups.push_back(base::random_id<AccountId>());
    CHECK(w.as(grown, [&](auto *c) { return w.service->mine(c, w.service->self, 0, w.nothing.get()); }).status() ==
          Status::Unavailable);
    CHECK(w.get(w.marie, space) == Status::Unavailable);
    CHECK(w.stat(w.marie, space) == Status::Unavailable);
    (gone ? w.shelf_gone : w.shelf.runs) = !gone;
    for (const auto &one : w.mine(w.marie)) CHECK_FALSE(one.stale);
  }
  GatewayOptions never;
  never.stale_listings = std::chrono::nanoseconds(0);
  Town w(never);
  CHECK(w.mine(w.marie).size() == 1);
  CHECK(w.mine(w.marie).size() == 1);
  w.shelf.runs = false;
  CHECK(w.as(w.marie, [&](auto *c) { return w.service->mine(c, w.service->self, 0, w.nothing.get()); }).status() ==
        Status::Unavailable);
}

TEST_CASE("registries: what was told is asked for again once something has changed, and a revocation holds at once") {
  Town w;
  const SpaceId space = w.make(w.marie, "Solar");
  REQUIRE(w.put(w.marie, space, w.einstein.account, kViewer) == Status::Ok);
  CHECK(w.has(w.einstein, space));
  REQUIRE(w.drop(w.marie, space, w.einstein.account) == Status::Ok);
  CHECK_FALSE(w.has(w.einstein, space));
}

TEST_CASE("registries: several are merged, spaces elsewhere have the address of their record, the first one counts") {
  Town w;
  const SpaceId here = w.make(w.marie, "Solar");
  const SpaceRecord far = w.far_space(w.marie);
  auto &copy = w.far_shelf.spaces[here];
  copy.record = w.shelf.spaces.at(here).record;
  copy.record.name = "Another";
  copy.members[w.marie.account] = {ATOLL_ACCOUNT_USER, ATOLL_MAY_STAT, "", 0};
  const auto mine = w.mine(w.marie);
  REQUIRE(mine.size() == 3);
  for (const auto &one : mine) {
    CHECK_FALSE(one.stale);
    if (one.record.id == here) CHECK(one.record.name == "Solar");
    if (one.record.id == here) CHECK(one.record.permissions == kAllPermissions);
    if (one.record.id != far.id) continue;
    CHECK(one.url == far.endpoint);
    CHECK(one.record.issuer == far.issuer);
    CHECK(one.record.root_etag == "far-etag");
  }
  // Its etag changes without anything else.
  w.far_shelf.spaces.at(far.id).record.root_etag = "new";
  for (const auto &one : w.mine(w.marie))
    if (one.record.id == far.id) CHECK(one.record.root_etag == "new");
  CHECK(w.rename(w.admin, far.id, "x") == Status::FailedPrecondition);
}

TEST_CASE("registries: one that is down leaves the spaces of the other as they are, and proves nothing") {
  Town w;
  const SpaceId here = w.make(w.marie, "Solar");
  const SpaceRecord far = w.far_space(w.marie);
  CHECK(w.mine(w.marie).size() == 3);
  w.far_gone = true;
  const auto mine = w.mine(w.marie);
  REQUIRE(mine.size() == 3);
  for (const auto &one : mine) CHECK(one.stale == (one.record.id == far.id));
  CHECK(w.stat(w.marie, here) != Status::Unavailable);
  CHECK(w.get(w.marie, here) == Status::Ok);
  CHECK(w.get(w.marie, far.id) == Status::Unavailable);
  CHECK(w.get(w.marie, base::random_id<SpaceId>()) == Status::Unavailable);
  CHECK(w.stat(w.marie, base::random_id<SpaceId>()) == Status::Unavailable);
  // His first request: whether he has a personal space cannot be told.
  CHECK(w.as(w.einstein, [&](auto *c) { return w.service->mine(c, w.service->self, 0, w.nothing.get()); }).status() ==
        Status::Unavailable);
  w.far_gone = false;
  CHECK(w.get(w.marie, base::random_id<SpaceId>()) == Status::NotFound);
  CHECK(w.mine(w.einstein).size() == 1);
}

TEST_CASE("registries: only the look for the space itself proves that it is not there") {
  Town w;
  const SpaceId here = w.make(w.marie, "Solar");
  const Status there = w.stat(w.marie, here);  // of the node; the space is remembered now
  CHECK(there == Status::NotFound);
  const auto mine = [&](const Principal &who) {
    return w.as(who, [&](auto *c) { return w.service->mine(c, w.service->self, 0, w.nothing.get()); }).status();
  };
  w.shelf.odd = true;
  CHECK(w.get(w.marie, here) == Status::Unavailable);
  CHECK(w.stat(w.marie, here) == Status::Unavailable);
  CHECK(mine(w.einstein) == Status::Unavailable);
  w.shelf.odd = false;
  CHECK(w.get(w.marie, here) == Status::Ok);
  w.shelf_gone = true;
  w.gone_is = Status::NotFound;
  CHECK(w.stat(w.marie, here) == Status::Unavailable);
  CHECK(w.get(w.marie, here) == Status::Unavailable);
  CHECK(mine(w.einstein) == Status::Unavailable);
}

TEST_CASE(
    "registries: a space here goes before one elsewhere, whatever the order, and nobody answers for who is silent") {
  Town w;
  const SpaceId here = w.make(w.marie, "Solar");
  REQUIRE(w.put(w.marie, here, w.einstein.account, kViewer) == Status::Ok);
  w.mine(w.marie);
  w.mine(w.einstein);
  const SpaceRecord far = w.far_space(w.marie);
  auto &copy = w.far_shelf.spaces[here];
  copy.record = far;
  copy.record.id = here;
  const auto all = ATOLL_MAY_STAT | ATOLL_MAY_READ;
  for (const Principal *who : {&w.marie, &w.einstein}) copy.members[who->account] = {ATOLL_ACCOUNT_USER, all, "", 0};
  copy.members[w.guest.account] = {ATOLL_ACCOUNT_USER, all, "", 0};
  ++w.far_shelf.now;
  const auto shown = [&](const Principal &who) {
    std::vector<std::string> out;
    for (const auto &one : w.mine(who))
      if (one.record.id == here) out.push_back(one.record.name);
    return out;
  };
  using Names = std::vector<std::string>;
  for (const bool first : {false, true}) {
    CAPTURE(first);
    w.far_first = first;
    ++w.far_shelf.now;
    CHECK(shown(w.marie) == Names{"Solar"});
    CHECK(w.rename(w.marie, here, "Solar") == Status::Ok);
    CHECK(w.stat(w.marie, here) == Status::NotFound);  // of the file: it went to the provider here
    // The registry here says that he is no member; another one's word does not count.
    CHECK(shown(w.guest) == Names{});
    CHECK(w.get(w.guest, here) == Status::NotFound);
    CHECK(w.members_many(w.marie, {here}).at(here).size() == 2);
    // While it is silent, nobody answers in its place.
    w.shelf.runs = false;
    CHECK(w.get(w.marie, here) == Status::Unavailable);
    CHECK(w.stat(w.marie, here) == Status::Unavailable);
    CHECK(w.get(w.guest, here) == Status::Unavailable);
    w.shelf.runs = true;
    CHECK(w.get(w.marie, here) == Status::Ok);
  }
  // Two registries with a space here: the first counts, also while it says that the space is not in use.
  w.far_first = false;
  copy.record = w.shelf.spaces.at(here).record;
  copy.record.name = "Shadow";
  ++w.far_shelf.now;
  REQUIRE(w.disable(w.marie, here) == Status::Ok);
  CHECK(shown(w.einstein) == Names{});
  CHECK(w.stat(w.einstein, here) == Status::NotFound);
  w.shelf_gone = true;
  CHECK(w.stat(w.einstein, here) == Status::Unavailable);
  w.shelf_gone = false;
  REQUIRE(w.restore(w.marie, here) == Status::Ok);
  CHECK(shown(w.einstein) == Names{"Solar"});
}

TEST_CASE("registries: what is found stands on every registry that was asked") {
  Town w;
  const SpaceRecord far = w.far_space(w.marie);
  CHECK(w.stat(w.marie, far.id) != Status::NotFound);  // found elsewhere, after the registry here was asked
  auto here = far;
  here.endpoint.clear();
  here.provider = "storage:home";
  w.disk.quotas[far.id] = 1;
  w.shelf.spaces[far.id].record = here;
  ++w.shelf.now;
  CHECK(w.stat(w.marie, far.id) == Status::NotFound);  // he is no member of it here
}

TEST_CASE("registries: what is answered from memory is never less than what was told last") {
  Town w;
  w.mine(w.marie);  // makes her personal one
  w.mine(w.marie);
  const auto at_rest = [&] {
    w.shelf.runs = false;
    const Status answered = w.list(w.marie);
    w.shelf.runs = true;
    return answered;
  };
  CHECK(at_rest() == Status::Ok);
  const SpaceId solar = w.make(w.marie, "Solar");
  CHECK(at_rest() == Status::Unavailable);  // who made it knows of it
  w.mine(w.marie);
  CHECK(at_rest() == Status::Ok);
  const SpaceId lunar = w.make(w.einstein, "Lunar");
  CHECK(at_rest() == Status::Ok);  // nothing to her
  REQUIRE(w.put(w.einstein, lunar, w.marie.account, kViewer) == Status::Ok);
  CHECK(at_rest() == Status::Unavailable);
  w.mine(w.marie);
  REQUIRE(w.drop(w.einstein, lunar, w.marie.account) == Status::Ok);
  CHECK(at_rest() == Status::Unavailable);
  w.mine(w.marie);
  const auto group = base::random_id<AccountId>();
  w.people.kinds[group] = ATOLL_ACCOUNT_GROUP;
  REQUIRE(w.put(w.einstein, lunar, group, kViewer, 0, 0, ATOLL_ACCOUNT_GROUP) == Status::Ok);
  CHECK(at_rest() == Status::Unavailable);  // she may be in it
  w.mine(w.marie);
  REQUIRE(w.disable(w.einstein, lunar) == Status::Ok);
  CHECK(at_rest() == Status::Ok);  // nothing to her
  REQUIRE(w.disable(w.marie, solar) == Status::Ok);
  CHECK(at_rest() == Status::Unavailable);
  w.mine(w.marie);
  REQUIRE(w.restore(w.marie, solar) == Status::Ok);
  CHECK(at_rest() == Status::Unavailable);
  w.mine(w.marie);
  // An answer that was on its way while the space was made is not kept.
  ++w.shelf.now;
  w.shelf.on_read = [&] { w.make(w.marie, "Third"); };
  CHECK(w.mine(w.marie).size() == 2);
  CHECK(at_rest() == Status::Unavailable);
  // A membership that ended since may have been prolonged.
  w.shelf.spaces.at(solar).members.at(w.marie.account).expires_ns = base::now_unix_ns() + 10'000'000;
  ++w.shelf.now;
  w.mine(w.marie);
  while (base::now_unix_ns() < w.shelf.spaces.at(solar).members.at(w.marie.account).expires_ns) continue;
  CHECK(at_rest() == Status::Unavailable);
}

TEST_CASE("registries: atoll.gateway/1 tells which records are from memory") {
  Town w;
  w.mine(w.marie);
  const auto flags = [&] {
    std::vector<std::uint32_t> out;
    const auto *files = w.gateway.service();
    const auto sink =
        make_sink<atoll_space_record_sink>([&](const atoll_space_record *raw) { out.push_back(raw->flags); });
    REQUIRE(w.as(w.marie, [&](auto *c) { return files->spaces(c, files->self, sink.get()); }).ok());
    return out;
  };
  CHECK(flags() == std::vector<std::uint32_t>{0});
  w.shelf.runs = false;
  CHECK(flags() == std::vector<std::uint32_t>{ATOLL_SPACE_STALE});
}

TEST_CASE("registries: one that hangs holds no more callers than a provider may") {
  GatewayOptions one = Town::with_url();
  one.calls_per_provider = 1;
  Town w(one);
  const SpaceId space = w.make(w.marie, "Solar");
  std::promise<void> inside, out;
  w.shelf.on_get = [&] {
    inside.set_value();
    out.get_future().wait();
  };
  std::thread hung([&] { CHECK(w.get(w.marie, space) == Status::Ok); });
  inside.get_future().wait();
  CHECK(w.get(w.marie, space) == Status::Unavailable);
  CHECK(w.stat(w.einstein, space) == Status::Unavailable);
  out.set_value();
  hung.join();
  CHECK(w.get(w.marie, space) == Status::Ok);
}

}  // namespace Atoll::gateway
