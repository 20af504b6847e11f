// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <string>

#include "core/base/json.hpp"
#include "plugins/api-account/duration.hpp"
#include "plugins/api-account/webfinger.hpp"

using namespace Atoll;
using namespace Atoll::account;

TEST_CASE("durations") {
  constexpr std::int64_t second = 1'000'000'000;
  CHECK(read_duration("72h") == 72 * 3600 * second);
  CHECK(read_duration("1h30m") == 5400 * second);
  CHECK(read_duration("30d") == 30 * 86'400 * second);
  CHECK(read_duration("500ms") == second / 2);
  for (const char *bad : {"", "0s", "h", "72", "-1h", "1.5h", "1h ", " 1h", "1w", "1hh", "h1", "999999999999d",
                          "99999999999999999999s", "36526d", "1mm", "1m5", "\x31\xFFh"})
    CHECK_MESSAGE(!read_duration(bad), bad);
}

TEST_CASE("webfinger: what may be asked for") {
  const auto query = read_finger_query("resource=acct%3Amarie%40cloud.example&rel=a&rel=http%3A%2F%2Fb&other=x");
  REQUIRE(query.ok());
  CHECK(query->resource == "acct:marie@cloud.example");
  CHECK(query->rels.size() == 2);
  std::string many = "resource=acct:a@b";
  for (int i = 0; i < 17; ++i) many += "&rel=x";
  for (const std::string &bad :
       {std::string(), std::string("resource="), std::string("resource"), std::string("rel=a"),
        std::string("resource=a:b&resource=a:b"), std::string("resource=%zz:"), std::string("resource=a%00:b"),
        std::string("resource=%ff:"), std::string("resource=nouri"), std::string("resource=a:%0d%0aX-Y:1"),
        "resource=a:" + std::string(3000, 'x'), many})
    CHECK_MESSAGE(read_finger_query(bad).status() == Status::InvalidArgument, bad.substr(0, 40));
}

TEST_CASE("webfinger: what is this server's") {
  const std::string here = "https://cloud.example:8443";
  for (const char *ours : {"acct:marie@cloud.example", "acct:a@b@cloud.example:8443", "ACCT:x@CLOUD.example",
                           "https://cloud.example:8443", "https://cloud.example:8443/", "https://Cloud.example/f/1?x#y",
                           "http://127.0.0.1:9200", "acct:me@127.0.0.1:9200"})
    CHECK_MESSAGE(is_ours(ours, here, "127.0.0.1:9200"), ours);
  for (const char *other : {"acct:marie@other.example", "acct:@cloud.example", "acct:marie", "acct:marie@",
                            "https://cloud.example.evil/", "https://marie@cloud.example:8443/", "ftp://cloud.example",
                            "mailto:marie@cloud.example", "https://", "https:///x", "cloud.example:443"})
    CHECK_MESSAGE(!is_ours(other, here, "127.0.0.1:9200"), other);
  CHECK(is_ours("https://cloud.example", "https://cloud.example:443", ""));
  CHECK_FALSE(is_ours("https:///", "https://cloud.example", ""));
}

TEST_CASE("webfinger: the answer") {
  FingerQuery query;
  query.resource = "https://cloud.example/\"quoted\"";
  auto answer = base::parse_json_object(finger_answer(query, "https://cloud.example"));
  REQUIRE(answer.ok());
  CHECK(base::json_string(*answer, "subject") == query.resource);
  CHECK(base::json_array(*answer, "links")->size() == 2);
  query.rels = {"http://webfinger.opencloud/rel/server-instance"};
  answer = base::parse_json_object(finger_answer(query, "https://cloud.example"));
  CHECK(base::json_array(*answer, "links")->size() == 1);
  query.rels = {"http://openid.net/specs/connect/1.0/issuer"};
  answer = base::parse_json_object(finger_answer(query, "https://cloud.example"));
  CHECK(base::json_array(*answer, "links")->size() == 0);
  CHECK(host_meta_xml("https://a.example/?x&y").find("?x&amp;y/.well-known/webfinger?resource={uri}") !=
        std::string::npos);
  CHECK(base::parse_json_object(host_meta_json("https://a.example")).ok());
}
