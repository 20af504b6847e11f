// SPDX-License-Identifier: Apache-2.0
#include "plugins/web/site.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

using namespace Atoll;
using namespace Atoll::web;
namespace fs = std::filesystem;

namespace {

/// A bundle, and a secret beside it.
class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "atoll-web.XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    top_ = name;
    fs::create_directories(top_ / "bundle/js");
    write("secret.txt", "secret");
    write("bundle/index.html", "index");
    write("bundle/js/a.js", "alert(1)");
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(top_, ignored);
  }
  Folder(const Folder &) = delete;
  Folder &operator=(const Folder &) = delete;

  void write(const std::string &path, const std::string &text) const { std::ofstream(top_ / path) << text; }
  fs::path operator/(const std::string &path) const { return top_ / path; }

 private:
  fs::path top_;
};

}  // namespace

TEST_CASE("a folder gives its files and nothing else") {
  const Folder folder;
  const Site site((folder / "bundle").string());
  auto script = site.open("js/a.js");
  REQUIRE(script);
  CHECK(script->size == 8);
  CHECK(*script->content(100) == "alert(1)");
  CHECK(script->content(7).status() == Status::OutOfRange);

  fs::create_symlink("a.js", folder / "bundle/js/inside.js");
  fs::create_symlink("../secret.txt", folder / "bundle/outside.txt");
  fs::create_symlink((folder / "secret.txt").string(), folder / "bundle/absolute.txt");
  fs::create_directory_symlink("..", folder / "bundle/up");
  fs::create_symlink("/proc/self/exe", folder / "bundle/magic");
  fs::create_symlink("loop", folder / "bundle/loop");
  REQUIRE(::mkfifo((folder / "bundle/fifo").c_str(), 0600) == 0);
  CHECK(site.open("js/inside.js"));
  for (const char *path :
       {"outside.txt", "absolute.txt", "up/secret.txt", "../secret.txt", "js/../../secret.txt", "/etc/passwd", "magic",
        "loop", "fifo", "js", "js/", "js/a.js/", "js/a.js/x", "nothing", ""}) {
    CAPTURE(path);
    CHECK(site.open(path).status() == Status::NotFound);
  }
  CHECK(site.open(std::string(5000, 'a')).status() == Status::NotFound);
}

TEST_CASE("etags follow the content") {
  const Folder folder;
  const Site site((folder / "bundle").string());
  const std::string before = site.open("js/a.js")->etag;
  CHECK(site.open("js/a.js")->etag == before);
  folder.write("bundle/js/new.js", "alert(2)");
  fs::rename(folder / "bundle/js/new.js", folder / "bundle/js/a.js");
  CHECK(site.open("js/a.js")->etag != before);
}

TEST_CASE("a folder that is gone cannot be told from one that is away") {
  const Folder folder;
  const Site site((folder / "bundle").string());
  fs::rename(folder / "bundle", folder / "elsewhere");
  CHECK(site.open("index.html").status() == Status::Unavailable);
  // Through a link: the bundle may be replaced while it is served.
  fs::create_directory_symlink("elsewhere", folder / "bundle");
  CHECK(site.open("index.html"));
}
