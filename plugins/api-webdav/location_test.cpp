// SPDX-License-Identifier: Apache-2.0
#include "plugins/api-webdav/location.hpp"

#include <doctest/doctest.h>

#include <random>

using namespace Atoll;
using namespace Atoll::webdav;

namespace {
const std::string kSpace = "1284d238-aa92-42ce-bdc4-0b0000009157$4c510ada-c86b-4815-8820-42cdf82c3d51";
const std::string kNode = "9f1b6c7e-0000-4000-8000-0123456789ab";

Location located(std::string_view path) {
  auto found = parse_location(path);
  CAPTURE(path);
  REQUIRE(found.ok());
  return *found;
}
}  // namespace

TEST_CASE("every root exists with and without remote.php") {
  for (const std::string prefix : {"", "/remote.php"}) {
    CHECK(located(prefix + "/webdav").root == Root::Personal);
    CHECK(located(prefix + "/dav/files/einstein/a").root == Root::Files);
    CHECK(located(prefix + "/dav/files/einstein/a").user == "einstein");
    CHECK(located(prefix + "/dav/spaces/" + kSpace + "/a/b").root == Root::Spaces);
    CHECK(located(prefix + "/dav").root == Root::Top);
    CHECK(located(prefix + "/dav/spaces/").root == Root::Top);
    CHECK(located(prefix + "/dav/trash-bin/x").root == Root::Trash);
    CHECK(located(prefix + "/dav/trash-bin/x").user == "x");
    CHECK(located(prefix + "/dav/trash-bin/" + kSpace + "/a").user.empty());
    CHECK(located(prefix + "/dav/trash-bin/" + kSpace + "/a").path == "a");
    CHECK(located(prefix + "/dav/trash-bin").root == Root::Top);
    CHECK(located(prefix + "/dav/meta/" + kSpace + "!" + kNode + "/v/1").root == Root::Meta);
    CHECK(located(prefix + "/dav/meta/" + kSpace + "!" + kNode + "/v/1").path == "v/1");
    CHECK_FALSE(parse_location(prefix + "/dav/meta/nonsense/v").ok());
    CHECK(located(prefix + "/dav/public-files/x").root == Root::Later);
    CHECK(located(prefix + "/dav/nonsense").root == Root::Foreign);
  }
  CHECK(located("/status.php").root == Root::Status);
  CHECK(located("/elsewhere").root == Root::Foreign);
  CHECK(located("/webdavx").root == Root::Foreign);
}

TEST_CASE("path and href") {
  const Location at = located("/remote.php//dav/files/einstein//a%20b/%C3%A4//");
  CHECK(at.path == "a b/\xC3\xA4");
  CHECK(at.href == "/remote.php//dav/files/einstein//a%20b/%C3%A4");
  CHECK(at.href_root == "/remote.php//dav/files/einstein");
  CHECK(at.folder_form);
  CHECK(at.name() == "\xC3\xA4");
  CHECK(at.parent() == "a b");
  CHECK(located("/webdav/").path.empty());
  CHECK(located("/webdav/").href == "/webdav");
  CHECK(located("/webdav/x").parent().empty());
  CHECK(located("/webdav/raw \xC3\xA4").href == "/webdav/raw%20%C3%A4");
}

TEST_CASE("space ids may be encoded and may name a node") {
  const Location plain = located("/dav/spaces/" + kSpace + "!" + kNode + "/x");
  REQUIRE(plain.id.node);
  CHECK(plain.id.node->text() == kNode);
  std::string encoded = kSpace;
  encoded.replace(encoded.find('$'), 1, "%24");
  const Location other = located("/dav/spaces/" + encoded + "%21" + kNode + "/x");
  CHECK(other.id.node == plain.id.node);
  CHECK(other.path == "x");
  CHECK(!parse_location("/dav/spaces/einstein"));
}

TEST_CASE("hostile paths are refused with a sentence") {
  for (const std::string &bad : {std::string("/webdav/../x"), std::string("/webdav/%2e%2E/x"), std::string("/webdav/."),
                                 std::string("/webdav/%00"), std::string("/webdav/%ff"), std::string("/webdav/%C0%AF"),
                                 std::string("/webdav/a%2fb"), std::string("/webdav/%2"), std::string("/webdav/%zz"),
                                 std::string("webdav"), "/webdav/" + std::string(256, 'a'), [] {
                                   std::string deep = "/webdav";
                                   for (int i = 0; i < 600; ++i) deep += "/d";
                                   return deep;
                                 }()}) {
    CAPTURE(bad);
    const auto result = parse_location(bad);
    REQUIRE(!result);
    CHECK(result.status() == Status::InvalidArgument);
    CHECK(result.error().message.ends_with("."));
  }
  CHECK(parse_location("/webdav/" + std::string(255, 'a')).ok());
}

TEST_CASE("random bytes never break it") {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const std::string_view alphabet = "/%.2eEfF0a\xC3\xA4$! webdavspfil";
  for (int round = 0; round < 20000; ++round) {
    std::string path = round % 2 ? "/webdav/" : "/";
    for (auto left = random() % 40; left > 0; --left) path += alphabet[random() % alphabet.size()];
    const auto result = parse_location(path);
    if (!result) continue;
    CHECK(result->path.find("//") == std::string::npos);
    CHECK(("/" + result->path + "/").find("/../") == std::string::npos);
    CHECK(result->path.find('\0') == std::string::npos);
  }
}
