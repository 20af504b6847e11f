// SPDX-License-Identifier: Apache-2.0
#include "plugins/api-webdav/multistatus.hpp"

#include <doctest/doctest.h>

#include <chrono>

#include "core/base/xml.hpp"
#include "plugins/api-webdav/request_bodies.hpp"

using namespace Atoll;
using namespace Atoll::webdav;

namespace {

constexpr std::string_view kDesktop =
    "<d:propfind xmlns:d=\"DAV:\" xmlns:oc=\"http://owncloud.org/ns\"><d:prop><d:resourcetype/><d:getlastmodified/>"
    "<d:getcontentlength/><d:getetag/><oc:id/><oc:downloadURL/><oc:dDC/><oc:permissions/><oc:checksums/>"
    "<oc:share-types/></d:prop></d:propfind>";

Stat file(std::string name) {
  Stat stat;
  stat.space = *SpaceId::parse("4c510ada-c86b-4815-8820-42cdf82c3d51");
  stat.node = *NodeId::parse("9f1b6c7e-0000-4000-8000-0123456789ab");
  stat.parent = root_of(stat.space);
  stat.type = ATOLL_NODE_FILE;
  stat.flags = ATOLL_STAT_SHA1 | ATOLL_STAT_MD5 | ATOLL_STAT_ADLER32;
  stat.permissions = 0x3ff;
  stat.name = std::move(name);
  stat.etag = "abc:1";
  stat.size = 18'446'744'073'709'551'615u;
  stat.mtime_ns = -1;
  stat.created_ns = 1;
  stat.adler32 = 0x00620062;
  return stat;
}

base::XmlElement written(const PropertyPlan &plan, const Stat &stat, const Extras &extras = {}) {
  const SpaceFacts facts;
  Multistatus out(plan, facts);
  out.item("/webdav/x", stat.abi(), extras);
  out.finish();
  auto parsed = base::parse_xml(std::move(out).take());
  REQUIRE(parsed.ok());
  return *std::move(parsed);
}

}  // namespace

TEST_CASE("values at the edges") {
  const auto root = written(compile({}, false), file("a&b<c>.html"));
  const auto *response = root.find("DAV:", "response");
  REQUIRE(response);
  CHECK(response->children[0].name == "href");
  const auto *prop = response->find("DAV:", "propstat")->find("DAV:", "prop");
  CHECK(prop->find("DAV:", "displayname")->text == "a&b<c>.html");
  CHECK(prop->find("DAV:", "getcontentlength")->text == "18446744073709551615");
  CHECK(prop->find("DAV:", "getlastmodified")->text == "Wed, 31 Dec 1969 23:59:59 GMT");
  CHECK(prop->find("DAV:", "getetag")->text == "\"abc:1\"");
  CHECK(prop->find("DAV:", "quota-available-bytes") == nullptr);
  CHECK(prop->find(kOwncloud, "checksums")->children[0].text ==
        "SHA1:0000000000000000000000000000000000000000 MD5:00000000000000000000000000000000 ADLER32:00620062");
  CHECK(root.children.size() == 1);
  CHECK(response->children.size() == 2);  // href and one propstat
}

TEST_CASE("available bytes: a number, -2 for unknown, -3 for no limit") {
  Stat folder = file("d");
  folder.type = ATOLL_NODE_FOLDER;
  PropertyWish wish;
  wish.kind = PropertyWish::Kind::Some;
  wish.names = {{"DAV:", "quota-available-bytes"}};
  const auto plan = compile(wish, false);
  const auto told = [&](SpaceFacts facts) {
    Multistatus out(plan, facts);
    out.item("/webdav/d", folder.abi());
    out.finish();
    const auto parsed = base::parse_xml(std::move(out).take());
    REQUIRE(parsed.ok());
    const auto *prop = parsed->children[0].find("DAV:", "propstat")->find("DAV:", "prop");
    const auto *value = prop->find("DAV:", "quota-available-bytes");
    return value ? value->text : std::string("none");
  };
  SpaceFacts facts;
  CHECK(told(facts) == "none");
  facts.has_quota = true;
  CHECK(told(facts) == "-3");
  facts.quota = 100;
  facts.used = 40;
  CHECK(told(facts) == "60");
  facts.used = 140;
  CHECK(told(facts) == "0");
  facts.quota_unknown = true;
  CHECK(told(facts) == "-2");
}

TEST_CASE("an item that is being processed says so with 425") {
  Stat stat = file("a");
  stat.flags |= ATOLL_STAT_PROCESSING;
  const auto root = written(compile({}, false), stat);
  CHECK(root.children[0].find("DAV:", "propstat")->find("DAV:", "status")->text == "HTTP/1.1 425 Too Early");
}

TEST_CASE("names, and properties of other namespaces") {
  const std::vector<Attribute> dead{{"urn:z", "color", "<z:color xmlns:z=\"urn:z\">red</z:color>", false},
                                    {"urn:y", "plain", "a<b", false},
                                    {"", "bare", "1", false},
                                    {"urn:atoll:favorite", "x", "1", false}};
  Extras extras;
  extras.dead = &dead;
  PropertyWish names;
  names.kind = PropertyWish::Kind::Names;
  const auto listed = written(compile(names, false), file("a"), extras);
  const auto *prop = listed.children[0].find("DAV:", "propstat")->find("DAV:", "prop");
  CHECK(prop->find("urn:z", "color")->text.empty());
  CHECK(prop->find("DAV:", "getetag")->text.empty());
  CHECK(prop->find("urn:atoll:favorite", "x") == nullptr);
  const auto all = written(compile({}, false), file("a"), extras);
  prop = all.children[0].find("DAV:", "propstat")->find("DAV:", "prop");
  CHECK(prop->find("urn:z", "color")->text == "red");
  CHECK(prop->find("urn:y", "plain")->text == "a<b");
  CHECK(prop->find("", "bare")->text == "1");
  CHECK(prop->find("urn:atoll:favorite", "x") == nullptr);
  PropertyWish some;
  some.kind = PropertyWish::Kind::Some;
  some.names = {{"urn:z", "color"}, {"urn:none", "x"}, {"urn:z", "color"}, {"urn:atoll:favorite", "x"}};
  const auto asked = written(compile(some, false), file("a"), extras);
  CHECK(asked.children[0].children.size() == 3);
  CHECK(asked.children[0].children[2].find("DAV:", "prop")->children.size() == 2);
  CHECK(written(compile(some, true), file("a"), extras).children[0].children.size() == 2);
}

TEST_CASE("the time of a thousand entries") {
  const auto wish = parse_propfind(kDesktop);
  const PropertyPlan plan = compile(*wish, true);
  const SpaceFacts facts;
  std::vector<Stat> stats;
  for (int i = 0; i < 1000; ++i) {
    stats.push_back(file(std::string("a file of the holidays ") + std::to_string(i) + ".jpg"));
    stats.back().mtime_ns = 1'600'000'000'000'000'000 + i * 1'000'000'007LL;
  }
  long best = 1'000'000;
  std::size_t size = 0;
  for (int round = 0; round < 10; ++round) {
    const auto start = std::chrono::steady_clock::now();
    Multistatus out(plan, facts);
    for (const Stat &stat : stats) out.child("/remote.php/dav/files/einstein/Photos", stat.abi());
    out.finish();
    size = std::move(out).take().size();
    const auto took = std::chrono::steady_clock::now() - start;
    best = std::min(best, static_cast<long>(std::chrono::duration_cast<std::chrono::microseconds>(took).count()));
  }
  MESSAGE("1,000 entries, " << size << " bytes: " << best << " us");
}
