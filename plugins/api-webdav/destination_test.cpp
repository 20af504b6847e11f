// SPDX-License-Identifier: Apache-2.0
#include "plugins/api-webdav/destination.hpp"

#include <doctest/doctest.h>

using namespace Atoll;
using namespace Atoll::webdav;

TEST_CASE("absolute paths and URLs of this server") {
  for (const char *value : {"/webdav/a%20b", "/webdav/a b", "http://example.org/webdav/a%20b",
                            "HTTPS://Example.org:443/webdav/a%20b", "http://me@example.org:80//webdav/a b"}) {
    CAPTURE(value);
    const auto target = parse_url_target(value, "example.org");
    REQUIRE(target.ok());
    CHECK(!target->other_host);
    CHECK(target->location.path == "a b");
  }
  CHECK(parse_url_target("http://127.0.0.1:9200/webdav/x", "127.0.0.1:9200")->location.path == "x");
  CHECK(parse_url_target("/webdav/raw\xC3\xA4", "h")->location.path == "raw\xC3\xA4");
}

TEST_CASE("other hosts") {
  CHECK(parse_url_target("http://other.org/webdav/a", "example.org")->other_host);
  CHECK(parse_url_target("http://example.org:8080/webdav/a", "example.org")->other_host);
}

TEST_CASE("what is no destination") {
  for (const char *bad :
       {"", "a", "ftp://h/a", "http://", "http:///a", "/webdav/../x", "/webdav/%zz", "/webdav/a?b", "/webdav/a#b"}) {
    CAPTURE(bad);
    CHECK(!parse_url_target(bad, "h"));
  }
}
