// SPDX-License-Identifier: Apache-2.0
#include "plugins/api-webdav/plan_cache.hpp"

#include <doctest/doctest.h>

using namespace Atoll;
using namespace Atoll::webdav;

namespace {

std::string asks_for(const std::string &name) {
  return "<propfind xmlns=\"DAV:\"><prop><" + name + "/></prop></propfind>";
}

}  // namespace

TEST_CASE("plans: the same body gives the same plan, another body or Prefer another one") {
  PlanCache cache;
  const auto etag = cache.plan(asks_for("getetag"), false);
  REQUIRE(etag);
  CHECK((*etag)->live == std::vector<Property>{Property::GetEtag});
  CHECK(*cache.plan(asks_for("getetag"), false) == *etag);
  const auto minimal = cache.plan(asks_for("getetag"), true);
  CHECK(*minimal != *etag);
  CHECK((*minimal)->minimal);
  CHECK(*cache.plan(asks_for("getetag"), false) == *etag);
  CHECK((*cache.plan(asks_for("resourcetype"), false))->live == std::vector<Property>{Property::ResourceType});
  CHECK((*cache.plan("", false))->kind == PropertyWish::Kind::All);
}

TEST_CASE("plans: many bodies push old ones out, which are parsed again; long and broken ones are not kept") {
  PlanCache cache;
  const auto first = cache.plan(asks_for("getetag"), false);
  for (int i = 0; i < 40; ++i) {
    const auto plan = cache.plan(asks_for("x" + std::to_string(i)), false);
    REQUIRE(plan);
    CHECK((*plan)->dead == std::vector<PropertyName>{{"DAV:", "x" + std::to_string(i)}});
  }
  const auto again = cache.plan(asks_for("getetag"), false);
  CHECK(*again != *first);
  CHECK((*again)->live == (*first)->live);
  const std::string long_one = asks_for("getetag") + "<!--" + std::string(5000, ' ') + "-->";
  const auto a = cache.plan(long_one, false), b = cache.plan(long_one, false);
  CHECK(*a != *b);
  CHECK_FALSE(cache.plan("<propfind", false));
  CHECK_FALSE(cache.plan("<propfind", false));
}
