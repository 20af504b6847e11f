// SPDX-License-Identifier: Apache-2.0
// Registries of earlier ABIs, whose tables are shorter.
#include <doctest/doctest.h>

#include <cstddef>

#include "core/gateway/space_town.hpp"

namespace Atoll::gateway {

using namespace town;

namespace {

/// What a registry of an earlier ABI would run into when a member is called that it does not have.
template <class Function>
void forbid(Function &member) {
  member = reinterpret_cast<Function>(static_cast<std::uintptr_t>(1));  // NOLINT(performance-no-int-to-ptr)
}

}  // namespace

TEST_CASE("registries: those of an earlier ABI, with shorter tables, do the same work") {
  for (const std::size_t size : {offsetof(atoll_registry, get_many), offsetof(atoll_registry, change)}) {
    CAPTURE(size);
    atoll_registry table = *Shelf::table();
    table.struct_size = static_cast<std::uint32_t>(size);
    forbid(table.change);
    forbid(table.list_of_type);
    if (size == offsetof(atoll_registry, get_many)) {
      forbid(table.get_many);
      forbid(table.members_many);
    }
    Town w;
    w.shelf_lease = std::make_shared<One>("registry:main", &w.shelf, ATOLL_REGISTRY, &table);
    const SpaceId solar = w.make(w.marie, "Solar");
    CHECK(w.mine(w.marie).size() == 2);
    REQUIRE(w.put(w.marie, solar, w.einstein.account, kViewer) == Status::Ok);
    CHECK(w.members_many(w.einstein, {solar, base::random_id<SpaceId>()}).at(solar).size() == 2);
    CHECK(w.rename(w.marie, solar, "Sun") == Status::Ok);
    CHECK(w.shelf.spaces.at(solar).record.name == "Sun");
    const atoll_uuid none{};
    std::set<SpaceId> listed;
    const auto sink =
        make_sink<atoll_space_view_sink>([&](const atoll_space_view *v) { listed.insert(Town::seen(v).record.id); });
    REQUIRE(w.as(w.keeper, [&](auto *c) { return w.service->all(c, w.service->self, 0, &none, 0, sink.get()); }).ok());
    CHECK(listed == std::set<SpaceId>{solar});
    CHECK(w.disable(w.marie, solar) == Status::Ok);
    CHECK(w.restore(w.marie, solar) == Status::Ok);
    CHECK(w.disable(w.marie, solar) == Status::Ok);
    std::uint32_t state = 0;
    w.disk.on_remove = [&] { state = w.shelf.spaces.at(solar).record.state; };
    CHECK(w.purge(w.marie, solar) == Status::Ok);
    CHECK(state == ATOLL_SPACE_STATE_DISABLED);  // it knows no other
    CHECK(w.shelf.spaces.count(solar) == 0);
    const SpaceRecord far = w.far_space(w.marie);
    CHECK(w.mine(w.marie).size() == 2);
  }
}

}  // namespace Atoll::gateway
