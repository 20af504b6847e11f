// SPDX-License-Identifier: Apache-2.0
#include "plugins/share-ocs/envelope.hpp"

#include <doctest/doctest.h>

#include "core/base/json.hpp"
#include "plugins/share-ocs/merge.hpp"

using namespace Atoll;
using namespace Atoll::ocs;

namespace {
Poco::JSON::Object::Ptr object(std::string_view text) {
  auto parsed = base::parse_json_object(text);
  REQUIRE(parsed.ok());
  return *parsed;
}
}  // namespace

TEST_CASE("v1 says 100, v2 says 200") {
  const auto data = object(R"({"a":"x<y"})");
  const Answer v1 = wrap(Version::V1, Format::Xml, {}, data);
  CHECK(v1.http == 200);
  CHECK(v1.body.find("<statuscode>100</statuscode>") != std::string::npos);
  CHECK(v1.body.find("<data><a>x&lt;y</a></data>") != std::string::npos);
  const Answer v2 = wrap(Version::V2, Format::Json, {}, data);
  CHECK(v2.content_type.starts_with("application/json"));
  CHECK(v2.body.find("\"statuscode\":200") != std::string::npos);
  CHECK(v2.body.find("\"data\":{\"a\":\"x<y\"}") != std::string::npos);
}

TEST_CASE("failures") {
  const Answer v1 = wrap(Version::V1, Format::Json, {998, "nothing there"}, {});
  CHECK(v1.http == 200);
  CHECK(v1.body.find("\"statuscode\":998") != std::string::npos);
  const Answer v2 = wrap(Version::V2, Format::Xml, {998, "nothing there"}, {});
  CHECK(v2.http == 404);
  CHECK(v2.body.find("<statuscode>404</statuscode>") != std::string::npos);
  CHECK(wrap(Version::V1, Format::Xml, {997, "log in"}, {}).http == 401);
  CHECK(wrap(Version::V2, Format::Xml, {997, "log in"}, {}).http == 401);
  CHECK(wrap(Version::V2, Format::Xml, {503, "later"}, {}).http == 503);
}

TEST_CASE("a reason that is known is told to people and programs, the server's own words are not") {
  const Error held{Status::Unavailable, "151 files of /srv are gone", 0, 60'000, ATOLL_REASON_HELD_BACK};
  const Outcome outcome = outcome_of(held);
  CHECK(outcome.code == 503);
  CHECK(outcome.retry_after_ms == 60'000);
  CHECK(outcome.message.find("held back") != std::string::npos);
  CHECK(outcome.message.find("atoll space confirm") != std::string::npos);
  CHECK(outcome.message.find("/srv") == std::string::npos);
  const Answer xml = wrap(Version::V2, Format::Xml, outcome, {});
  CHECK(xml.http == 503);
  CHECK(xml.body.find("</message><errorcode>ERR_FILES_HELD_BACK</errorcode></meta>") != std::string::npos);
  const Answer json = wrap(Version::V1, Format::Json, outcome, {});
  CHECK(json.http == 200);
  CHECK(json.body.find("\"statuscode\":503") != std::string::npos);
  CHECK(json.body.find("\"errorcode\":\"ERR_FILES_HELD_BACK\"") != std::string::npos);
  const Answer plain = wrap(Version::V2, Format::Xml, outcome_of(error(Status::Unavailable, "the disk is away")), {});
  CHECK(plain.http == 503);
  CHECK(plain.body.find("errorcode") == std::string::npos);
  CHECK(plain.body.find("disk") == std::string::npos);
  CHECK(outcome_of(error(Status::NotFound, "no such space")).code == 998);
}

TEST_CASE("format") {
  CHECK(format_of("format=json") == Format::Json);
  CHECK(format_of("a=b&format=json&x") == Format::Json);
  CHECK(format_of("format=xml") == Format::Xml);
  CHECK(format_of("") == Format::Xml);
}

TEST_CASE("JSON as XML") {
  std::string out;
  append_as_xml(out, object(R"({"on":true,"off":false,"n":5,"list":["a","b"],"0bad":1,"deep":{"x":null}})"));
  CHECK(out.find("<on>1</on>") != std::string::npos);
  CHECK(out.find("<off></off>") != std::string::npos);
  CHECK(out.find("<n>5</n>") != std::string::npos);
  CHECK(out.find("<list><element>a</element><element>b</element></list>") != std::string::npos);
  CHECK(out.find("0bad") == std::string::npos);
  CHECK(out.find("<deep><x></x></deep>") != std::string::npos);
}

TEST_CASE("merging") {
  const auto into = object(R"({"core":{"a":1,"types":["x"]},"dav":{}})");
  merge(into, object(R"({"core":{"b":2,"types":["y"]},"files":{"c":true}})"));
  std::string out;
  append_as_xml(out, into);
  CHECK(out.find("<a>1</a>") != std::string::npos);
  CHECK(out.find("<b>2</b>") != std::string::npos);
  CHECK(out.find("<element>x</element><element>y</element>") != std::string::npos);
  CHECK(out.find("<files><c>1</c></files>") != std::string::npos);
}
