// SPDX-License-Identifier: Apache-2.0
#include "plugins/api-webdav/request_bodies.hpp"

#include <doctest/doctest.h>

#include <random>

using namespace Atoll;
using namespace Atoll::webdav;

TEST_CASE("PROPFIND bodies") {
  CHECK(parse_propfind("")->kind == PropertyWish::Kind::All);
  CHECK(parse_propfind(" \n")->kind == PropertyWish::Kind::All);
  CHECK(parse_propfind("<propfind xmlns='DAV:'><propname/></propfind>")->kind == PropertyWish::Kind::Names);
  const auto all = parse_propfind(
      "<d:propfind xmlns:d='DAV:'><d:allprop/><d:include><d:quota-used-bytes/></d:include></d:propfind>");
  REQUIRE(all);
  CHECK(all->kind == PropertyWish::Kind::All);
  CHECK(all->names.size() == 1);
  const auto some = parse_propfind(
      "<?xml version='1.0'?><d:propfind xmlns:d='DAV:' xmlns:o='http://owncloud.org/ns'><d:prop><d:getetag/>"
      "<o:id/><x xmlns=''/></d:prop></d:propfind>");
  REQUIRE(some);
  CHECK(some->kind == PropertyWish::Kind::Some);
  CHECK(some->names == std::vector<PropertyName>{{"DAV:", "getetag"}, {"http://owncloud.org/ns", "id"}, {"", "x"}});
}

TEST_CASE("malformed PROPFIND bodies") {
  std::string many = "<propfind xmlns='DAV:'><prop>";
  for (int i = 0; i < 300; ++i) many += "<p" + std::to_string(i) + "/>";
  many += "</prop></propfind>";
  for (const std::string &bad :
       {std::string("<a"), std::string("<propfind/>"), std::string("<propfind xmlns='DAV:'/>"),
        std::string("<propfind xmlns='DAV:'><prop/><allprop/></propfind>"),
        std::string("<!DOCTYPE x [<!ENTITY a 'b'>]><propfind xmlns='DAV:'><allprop/></propfind>"),
        std::string("<D:propfind xmlns:D='DAV:'><D:prop><bar:foo xmlns:bar=''/></D:prop></D:propfind>"), many}) {
    CAPTURE(bad);
    const auto result = parse_propfind(bad);
    REQUIRE(!result);
    CHECK(result.status() == Status::InvalidArgument);
  }
}

TEST_CASE("PROPPATCH keeps order and whole elements") {
  const auto changes = parse_proppatch(
      "<d:propertyupdate xmlns:d='DAV:' xmlns:z='urn:z'><d:set><d:prop><z:a "
      "xml:lang='de'>x<z:b/>y</z:a></d:prop></d:set>"
      "<d:remove><d:prop><z:c/></d:prop></d:remove></d:propertyupdate>");
  REQUIRE(changes);
  REQUIRE(changes->size() == 2);
  CHECK((*changes)[0].xml.starts_with("<z:a"));
  CHECK((*changes)[0].xml.find("urn:z") != std::string::npos);
  CHECK((*changes)[0].xml.find("de") != std::string::npos);
  CHECK((*changes)[0].text == "xy");
  CHECK((*changes)[1].remove);
  CHECK((*changes)[1].name == PropertyName{"urn:z", "c"});
  CHECK(!parse_proppatch(""));
  CHECK(!parse_proppatch("<propertyupdate xmlns='DAV:'/>"));
  CHECK(!parse_proppatch("<propertyupdate xmlns='DAV:'><set/></propertyupdate>"));
}

TEST_CASE("lockinfo") {
  const auto wish = parse_lockinfo(
      "<lockinfo xmlns='DAV:'><lockscope><shared/></lockscope><locktype><write/></locktype>"
      "<owner><href>http://x</href></owner></lockinfo>");
  REQUIRE(wish);
  CHECK(!wish->exclusive);
  CHECK(wish->owner.find("http://x") != std::string::npos);
  CHECK(!parse_lockinfo(""));
  CHECK(!parse_lockinfo("<lockinfo xmlns='DAV:'><lockscope><exclusive/></lockscope></lockinfo>"));
  CHECK(!parse_lockinfo("<lockinfo xmlns='DAV:'><lockscope/><locktype><write/></locktype></lockinfo>"));
  CHECK(
      !parse_lockinfo("<lockinfo xmlns='DAV:'><lockscope><exclusive/></lockscope><locktype><write/></locktype><owner>" +
                      std::string(5000, 'a') + "</owner></lockinfo>"));
}

TEST_CASE("random bodies never break the parsers") {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const std::string good =
      "<d:propfind xmlns:d='DAV:'><d:prop><d:getetag/><x:y xmlns:x='urn:x'>t&amp;</x:y></d:prop></d:propfind>";
  for (int round = 0; round < 3000; ++round) {
    std::string body = good;
    for (auto hits = random() % 4 + 1; hits > 0; --hits) {
      const std::size_t at = random() % body.size();
      if (random() % 2) {
        body[at] = static_cast<char>(random() % 256);
      } else {
        body.erase(at, random() % 5 + 1);
      }
    }
    (void)parse_propfind(body).ok();
    (void)parse_proppatch(body).ok();
    (void)parse_lockinfo(body).ok();
  }
}
