// SPDX-License-Identifier: Apache-2.0
// Records that are announced before they are real.
#include "core/base/uuid.hpp"
#include "core/tree/meta.hpp"
#include "core/tree/test_engine.hpp"
#include "core/tree/trash_move.hpp"

using namespace Atoll;
using namespace Atoll::tree;
using test::Fixture;

TEST_CASE(
    "announced records: nobody sees them until they are taken, and only their own owner takes or withdraws them") {
  test::TempFolder folder;
  auto meta = Fixture::value(Meta::open(folder.path + "/meta.db", base::random_id<Uuid>()));
  TrashRecord item;
  item.id = base::random_id<Uuid>();
  item.space = base::random_id<SpaceId>();
  item.node = base::random_id<NodeId>();
  item.name = "x";
  item.size = 7;
  item.round = 3;
  REQUIRE(meta->announce(item));
  CHECK(Fixture::value(meta->list_trash(item.space, {}, 10)).empty());
  CHECK(Fixture::value(meta->trash_bytes()).empty());
  CHECK(Fixture::value(meta->purge_trash(item.space, trash_id(INT64_MAX))).empty());
  CHECK_FALSE(Fixture::value(meta->trash_of(item.node)));
  CHECK(Fixture::value(meta->unsettled_trash(TrashState::Coming, 10)).size() == 1);
  CHECK(Fixture::value(meta->take(item)));
  CHECK_FALSE(Fixture::value(meta->take(item)));
  REQUIRE(meta->withdraw(item));  // too late
  REQUIRE(Fixture::value(meta->list_trash(item.space, {}, 10)).size() == 1);
  CHECK(Fixture::value(meta->list_trash(item.space, {}, 10))[0].round == 3);

  VersionRecord a;
  a.space = item.space;
  a.node = item.node;
  a.sequence = 5;
  a.size = 9;
  a.round = 3;
  a.token = "a";
  VersionRecord b = a;
  b.token = "b";
  REQUIRE(meta->announce(a));
  REQUIRE(meta->announce(b));
  CHECK(Fixture::value(meta->versions(a.node)).empty());
  CHECK_FALSE(Fixture::value(meta->version(a.node, 5)));
  CHECK(Fixture::value(meta->versions_of({&a.node, 1})).empty());
  CHECK(Fixture::value(meta->nodes_with_versions({}, 10)).empty());
  CHECK(Fixture::value(meta->old_versions({}, INT64_MAX, 10)).empty());
  CHECK(Fixture::value(meta->old_versions(a.space, INT64_MAX, 10)).empty());
  for (const SpaceBytes &one : Fixture::value(meta->version_bytes())) CHECK(one.bytes == 0);
  REQUIRE(meta->close_versions(1000));
  CHECK_FALSE(Fixture::value(meta->take(a)));
  REQUIRE(meta->withdraw(a));
  CHECK(Fixture::value(meta->open_versions()).size() == 1);
  CHECK(Fixture::value(meta->take(b)));
  REQUIRE(meta->withdraw(b));
  CHECK(Fixture::value(meta->versions(a.node)).size() == 1);
  REQUIRE(meta->announce(a));  // not over a real one
  CHECK_FALSE(Fixture::value(meta->take(a)));
  REQUIRE(meta->withdraw(a));
  for (const SpaceBytes &one : Fixture::value(meta->remove_versions({&a, 1}))) CHECK(one.bytes == 9);
}
