// SPDX-License-Identifier: Apache-2.0
// What other programs do in the middle of a look or of a change.
#include "core/tree/failing_namespace_test.hpp"
#include "core/tree/invariants_test.hpp"

using namespace Atoll;
using namespace Atoll::tree;
using test::FailingFixture;
using test::Fixture;

TEST_CASE("a file that goes while its folder is compared does not make the folder one that is not there") {
  FailingFixture f;
  f.mkdir("d");
  f.put("d/x", "one");
  f.put("d/y", "two");
  test::write_disk(f.disk("d/x"), "changed beside");
  f.failures.identity = 1;
  const auto looked = f.engine->rescan(f.space);
  CHECK(f.failures.identity == 0);
  CHECK(looked.status() != Status::NotFound);
  CHECK(f.names("d") == "x y");
  CHECK(f.get("d/x") == "changed beside");
}

TEST_CASE("a rename whose second step fails where names cannot be exchanged loses neither of the two") {
  FailingFixture f;
  f.put("a", "source");
  f.put("b", "target");
  f.failures.exchange = 1;
  f.failures.nth_move = 2;
  CHECK_FALSE(f.engine->rename(f.at("a"), f.at("b"), true, {}).ok());
  CHECK(f.failures.nth_move == 0);
  CHECK(f.get("a") == "source");
  CHECK(f.get("b") == "target");
  CHECK(Fixture::value(f.engine->space_get(f.space)).trash_used == 0);
  test::check_space(f);
  f.failures.exchange = 1;
  Fixture::value(f.engine->rename(f.at("a"), f.at("b"), true, {}));
  CHECK(f.get("b") == "source");
  CHECK(Fixture::value(f.engine->space_get(f.space)).trash_used == 6);
  test::check_space(f);
}
