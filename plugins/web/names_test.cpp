// SPDX-License-Identifier: Apache-2.0
#include "plugins/web/names.hpp"

#include <doctest/doctest.h>

using namespace Atoll::web;

TEST_CASE("names with a hash of the content") {
  for (const char *name : {"app.3fa8b2c1.js", "chunk-0a1b2c3d4e5f.css", "index-BX3hk2d_.mjs", "a-C1a2B3c4.js.map",
                           "main.0123456789abcdef0123456789abcdef.js", "web-runtime-Da8_xZ1q.mjs"}) {
    CAPTURE(name);
    CHECK(has_hash(name));
  }
  for (const char *name : {"index.html",
                           "config.json",
                           "my-document.js",
                           "report-20230101.json",
                           "icon-Folder24.svg",
                           "device-iPhone12.png",
                           "jquery-3.5.1.min.js",
                           "app.js",
                           "3fa8b2c1",
                           ".3fa8b2c1",
                           "x.deadbeef.js",
                           "icons-16-24-32.svg",
                           "locale-de_DE-v1.json",
                           "lang-zh_TW-v2.json",
                           "app-v1-2-3-4.css",
                           "theme-24-12-31.json",
                           "theme-3.0-rc-1-b.json",
                           "logo-2024dec31.png",
                           "notes-01feb2024.txt",
                           "web-runtime-D-a8_xZ1.mjs",
                           "BX3hk2d_.js",
                           "manifest.webmanifest",
                           "facade-decade.css",
                           ""}) {
    CAPTURE(name);
    CHECK(!has_hash(name));
  }
}

TEST_CASE("types") {
  CHECK(content_type("a.js") == "text/javascript; charset=utf-8");
  CHECK(content_type("A.MJS") == "text/javascript; charset=utf-8");
  CHECK(content_type("a.css") == "text/css; charset=utf-8");
  CHECK(content_type("index.html") == "text/html; charset=utf-8");
  CHECK(content_type("a.json") == "application/json");
  CHECK(content_type("a.js.map") == "application/json");
  CHECK(content_type("a.webmanifest") == "application/manifest+json");
  CHECK(content_type("a.woff2") == "font/woff2");
  CHECK(content_type("a.svg") == "image/svg+xml");
  CHECK(content_type("LICENSE") == "application/octet-stream");
  CHECK(compressible("text/css; charset=utf-8"));
  CHECK(compressible("application/manifest+json"));
  CHECK(compressible("application/wasm"));
  CHECK(!compressible("font/woff2"));
  CHECK(!compressible("image/png"));
}

TEST_CASE("paths of APIs") {
  for (const char *segment : {"graph", "Graph", "ocs", "dav", "remote.php", "status.php", "index.PHP", ".well-known",
                              "api", "auth-app", "mine", "yours"}) {
    CAPTURE(segment);
    CHECK(belongs_to_api(segment, "mine /yours/"));
  }
  for (const char *segment : {"files", "login", "s", "f", "js", "graphs", "theirs", ""}) {
    CAPTURE(segment);
    CHECK(!belongs_to_api(segment, "mine /yours/"));
  }
}

TEST_CASE("what a request takes") {
  CHECK(takes_coding("gzip, deflate, br", "br"));
  CHECK(takes_coding("GZIP;q=0.5", "gzip"));
  CHECK(takes_coding("*", "br"));
  CHECK(!takes_coding("*;q=0", "br"));
  CHECK(!takes_coding("gzip, br;q=0.000, *", "br"));
  CHECK(!takes_coding("gzip", "br"));
  CHECK(!takes_coding("identity", "gzip"));
  CHECK(!takes_coding("", "gzip"));
  CHECK(wants_page("text/html,application/xhtml+xml,*/*;q=0.8"));
  CHECK(!wants_page("*/*"));
  CHECK(!wants_page("text/css,*/*;q=0.1"));
}
