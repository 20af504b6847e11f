// SPDX-License-Identifier: Apache-2.0
#include "plugins/web/policy.hpp"

#include <doctest/doctest.h>

#include <random>

using namespace Atoll;
using namespace Atoll::web;

TEST_CASE("directives are replaced one by one") {
  Policy policy = Policy::for_bundles();
  REQUIRE(policy.replace(" IMG-SRC 'self' https://img.example ; ; upgrade-insecure-requests;"));
  const std::string text = policy.text();
  CHECK(text.find("img-src 'self' https://img.example;") != std::string::npos);
  CHECK(text.find("img-src 'self' data:") == std::string::npos);
  CHECK(text.find("script-src 'self';") != std::string::npos);
  CHECK(text.ends_with("; upgrade-insecure-requests"));
  for (const char *bad : {"script-src: 'self'", "img-src a, b", "'self'", "img_src x", "x\n-y"}) {
    CAPTURE(bad);
    CHECK(Policy::for_bundles().replace(bad).status() == Status::InvalidArgument);
  }
}

TEST_CASE("sources are added once") {
  Policy policy = Policy::for_bundles();
  policy.allow("connect-src", "https://login.example");
  policy.allow("connect-src", "https://login.example");
  policy.allow("object-src", "https://o.example");
  policy.allow("child-src", "https://c.example");
  CHECK(policy.text().find("connect-src 'self' blob: https://login.example;") != std::string::npos);
  CHECK(policy.text().find("object-src https://o.example;") != std::string::npos);
  CHECK(policy.text().ends_with("child-src https://c.example"));
}

TEST_CASE("scripts that stand in a page") {
  using List = std::vector<std::string_view>;
  CHECK(inline_scripts("<script>a</script>") == List{"a"});
  CHECK(inline_scripts("<SCRIPT type='module'>\n b > c\n</Script >") == List{"\n b > c\n"});
  CHECK(inline_scripts("<script src=x></script><script\nSRC = 'y'></script>").empty());
  CHECK(inline_scripts("<script data-src=x title='a > b'>c</script>") == List{"c"});
  CHECK(inline_scripts("<!-- <script>no</script> --><script>yes</script>") == List{"yes"});
  CHECK(inline_scripts("<scripts>no</scripts><script>1</script><script>2</script>") == List{"1", "2"});
  for (const char *open : {"<script>a", "<script", "<script src='", "<!-- <script>a</script>", "<"}) {
    CAPTURE(open);
    CHECK(inline_scripts(open).empty());
  }
}

TEST_CASE("are allowed by their hashes") {
  Policy policy = Policy::for_bundles();
  // printf 'alert(1)' | openssl dgst -sha256 -binary | base64
  const std::string source = "'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI='";
  CHECK(policy.text("<script>alert(1)</script>").find("script-src 'self' " + source + ";") != std::string::npos);
  // Browsers see line feeds only.
  CHECK(policy.text("<script>\r\na\r</script>") == policy.text("<script>\na\n</script>"));
  CHECK(policy.text("<script>\r\na\r</script>") != policy.text("<script>a</script>"));
  REQUIRE(policy.replace("script-src 'self' 'unsafe-inline'"));
  CHECK(policy.text("<script>alert(1)</script>") == policy.text());
}

TEST_CASE("random pages never break it") {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const std::vector<std::string> words = {
      "<script", ">", "</script", "<!--", "-->", " src=", "'", "\"", "a", "<", "/", "\r\n"};
  for (int round = 0; round < 5000; ++round) {
    std::string html;
    for (auto left = random() % 20; left > 0; --left) html += words[random() % words.size()];
    for (const std::string_view script : inline_scripts(html)) {
      CHECK(script.data() >= html.data());
      CHECK(script.data() + script.size() <= html.data() + html.size());
    }
  }
}
