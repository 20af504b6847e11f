// SPDX-License-Identifier: Apache-2.0
// What each operation does, seen through the engine and on the disk.
#include "core/tree/test_engine.hpp"

#include "core/base/checksum.hpp"

using namespace Atoll;
using namespace Atoll::tree;
using test::Fixture;

TEST_CASE("a file is written, read, listed, replaced and removed") {
  Fixture f;
  const Node made = f.put("a.txt", "hello");
  CHECK(made.created);
  CHECK(made.size == 5);
  CHECK(f.get("a.txt") == "hello");
  CHECK(test::read_disk(f.disk("a.txt")) == "hello");
  CHECK(f.used() == 5);
  CHECK(f.names("") == "a.txt");

  const Node again = f.put("a.txt", "hello world");
  CHECK_FALSE(again.created);
  CHECK(again.id == made.id);
  CHECK(again.etag().view() != made.etag().view());
  CHECK(f.get("a.txt") == "hello world");
  CHECK(f.used() == 11);

  CHECK(f.engine->remove(f.at("a.txt"), {}).ok());
  CHECK(f.status("a.txt") == Status::NotFound);
  CHECK(f.engine->stat(f.at(made.id)).status() == Status::NotFound);
  CHECK(f.names("").empty());
  CHECK(f.used() == 0);
  CHECK_FALSE(std::filesystem::exists(f.disk("a.txt")));
}

TEST_CASE("what happened survives a clean restart with ids and etags") {
  Fixture f;
  f.mkdir("d");
  const Node file = f.put("d/x", "123");
  const std::string root = f.etag("");
  f.restart();
  const Node same = f.stat("d/x");
  CHECK(same.id == file.id);
  CHECK(same.etag().view() == file.etag().view());
  CHECK(f.etag("") == root);
  CHECK(f.get("d/x") == "123");
}

TEST_CASE("folders") {
  Fixture f;
  const Node d = f.mkdir("d");
  CHECK(d.folder());
  CHECK(d.created);
  CHECK(f.engine->mkdir(f.at("d"), {}).status() == Status::AlreadyExists);
  CHECK(f.engine->mkdir(f.at("no/d"), {}).status() == Status::FailedPrecondition);
  f.put("file", "x");
  CHECK(f.engine->mkdir(f.at("file/d"), {}).status() == Status::FailedPrecondition);
  CHECK(f.engine->mkdir(f.at("file"), {}).status() == Status::AlreadyExists);
  CHECK(f.engine->mkdir(f.at(""), {}).status() == Status::AlreadyExists);
  CHECK(f.status("file/x") == Status::NotFound);
  CHECK(f.try_put("d", "x").status() == Status::FailedPrecondition);
  CHECK(f.try_put("no/x", "x").status() == Status::FailedPrecondition);
  CHECK(f.engine->list(f.at("file"), {}, 0, [](const NodeView &) { return true; }).status() ==
        Status::FailedPrecondition);
  CHECK(f.engine->open_read(f.at("d")).status() == Status::FailedPrecondition);
  CHECK(f.value(f.engine->stat(f.at(d.id))).name == "d");
  f.put("d/y", "12345");
  CHECK(f.stat("d").size == 5);
  CHECK(f.value(f.engine->stat(f.at(d.id, "y"))).size == 5);
  CHECK(f.engine->remove(f.at("d"), {}).ok());
  CHECK(f.engine->stat(f.at(d.id)).status() == Status::NotFound);
  CHECK(f.used() == 1);
  CHECK(f.engine->remove(f.at("d"), {}).status() == Status::NotFound);
  CHECK(f.engine->remove(f.at(""), {}).status() == Status::PermissionDenied);
}

TEST_CASE("a removal deletes everything in the background") {
  Fixture f;
  f.mkdir("d");
  std::string path = "d";
  for (int i = 0; i < 30; ++i) {
    f.put(path + "/f" + std::to_string(i), "abc");
    path += "/s";
    f.mkdir(path);
  }
  CHECK(f.used() == 90);
  CHECK(f.engine->remove(f.at("d"), {}, true).ok());
  CHECK(f.used() == 0);
  f.engine->settle();
  const auto aside = f.provider.root + "/.atoll/spaces/" + f.space.text() + "/aside";
  CHECK(std::filesystem::is_empty(aside));
  f.restart();
  CHECK(f.names("").empty());
}

TEST_CASE("listings are sorted, complete and can be had in pages") {
  Fixture f;
  f.mkdir("d");
  for (int i = 0; i < 25; ++i) f.put("d/" + std::to_string(i), "x");
  const auto all = f.list("d");
  CHECK(all.size() == 25);
  CHECK(std::is_sorted(all.begin(), all.end(), [](const Node &a, const Node &b) { return a.name < b.name; }));
  std::vector<std::string> paged;
  for (std::string after;;) {
    std::size_t got = 0;
    REQUIRE(f.engine
                ->list(f.at("d"), after, 7,
                       [&](const NodeView &node) {
                         paged.emplace_back(node.name);
                         ++got;
                         return true;
                       })
                .ok());
    if (got == 0) break;
    after = paged.back();
  }
  REQUIRE(paged.size() == 25);
  for (std::size_t i = 0; i < 25; ++i) CHECK(paged[i] == all[i].name);
  int seen = 0;
  CHECK(f.engine->list(f.at("d"), {}, 0, [&](const NodeView &) { return ++seen < 3; }).ok());
  CHECK(seen == 3);
}

TEST_CASE("path_of goes from the node up to the root") {
  Fixture f;
  f.mkdir("a");
  f.mkdir("a/b");
  const Node c = f.put("a/b/c", "x");
  std::string way;
  REQUIRE(f.engine
              ->path_of(f.space, c.id,
                        [&](const NodeView &node) {
                          way += std::string(node.name) + "/";
                          return true;
                        })
              .ok());
  CHECK(way == "c/b/a//");
  CHECK(f.engine->path_of(f.space, base::random_id<NodeId>(), [](const NodeView &) { return true; }).status() ==
        Status::NotFound);
  CHECK(f.engine->path_of(base::random_id<SpaceId>(), c.id, [](const NodeView &) { return true; }).status() ==
        Status::NotFound);
}

TEST_CASE("rename keeps the id and moves everything below") {
  Fixture f;
  f.mkdir("a");
  f.mkdir("b");
  const Node x = f.put("a/x", "12");
  const Node a = f.stat("a");
  const Node moved = f.value(f.engine->rename(f.at("a"), f.at("b/a2"), false, {}));
  CHECK(moved.id == a.id);
  CHECK(moved.created);
  CHECK(f.stat("b/a2/x").id == x.id);
  CHECK(f.stat("b/a2/x").etag().view() == x.etag().view());
  CHECK(f.status("a") == Status::NotFound);
  CHECK(f.stat("b").size == 2);
  CHECK(f.used() == 2);
  CHECK(test::read_disk(f.disk("b/a2/x")) == "12");
  CHECK(f.engine->rename(f.at("b"), f.at("b/a2/b"), true, {}).status() == Status::FailedPrecondition);
  CHECK(f.engine->rename(f.at("b/a2"), f.at("b"), true, {}).status() == Status::FailedPrecondition);
  CHECK(f.engine->rename(f.at("b"), f.at("b"), true, {}).status() == Status::PermissionDenied);
  CHECK(f.engine->rename(f.at(""), f.at("b/r"), true, {}).status() == Status::PermissionDenied);
  CHECK(f.engine->rename(f.at("nope"), f.at("b/r"), true, {}).status() == Status::NotFound);
  CHECK(f.engine->rename(f.at("b/a2/x"), f.at("no/r"), true, {}).status() == Status::FailedPrecondition);
}

TEST_CASE("rename over what is there") {
  Fixture f;
  const Node x = f.put("x", "1");
  const Node y = f.put("y", "22");
  CHECK(f.engine->rename(f.at("x"), f.at("y"), false, {}).status() == Status::AlreadyExists);
  const Node moved = f.value(f.engine->rename(f.at("x"), f.at("y"), true, {}));
  CHECK(moved.id == x.id);
  CHECK_FALSE(moved.created);
  CHECK(f.engine->stat(f.at(y.id)).status() == Status::NotFound);
  CHECK(f.get("y") == "1");
  CHECK(f.used() == 1);
  // a folder over a file, a file over a folder, a folder over a full folder
  f.mkdir("d");
  f.put("d/in", "333");
  CHECK(f.value(f.engine->rename(f.at("d"), f.at("y"), true, {})).folder());
  CHECK(f.names("") == "y");
  CHECK(f.get("y/in") == "333");
  CHECK(f.used() == 3);
  f.put("z", "4444");
  CHECK(f.value(f.engine->rename(f.at("z"), f.at("y"), true, {})).size == 4);
  CHECK(f.names("") == "y");
  CHECK(f.used() == 4);
  f.mkdir("p");
  f.put("p/1", "1");
  f.mkdir("q");
  f.put("q/2", "22");
  CHECK(f.engine->rename(f.at("p"), f.at("q"), true, {}).ok());
  CHECK(f.names("q") == "1");
  CHECK(f.used() == 5);
  f.restart();
  CHECK(f.names("q") == "1");
  CHECK(f.used() == 5);
}

TEST_CASE("copies have ids of their own") {
  Fixture f;
  f.mkdir("a");
  f.mkdir("a/b");
  const Node x = f.put("a/b/x", "hello");
  f.put("a/y", "12");
  const AttributeChange set{"urn:x", "colour", "blue"};
  REQUIRE(f.engine->attributes_patch(f.at("a/b/x"), {&set, 1}, {}).ok());
  const Node copy = f.value(f.engine->copy(f.at("a"), f.at("c"), false, false, {}));
  CHECK(copy.created);
  CHECK(copy.size == 7);
  CHECK(f.get("c/b/x") == "hello");
  CHECK(f.stat("c/b/x").id != x.id);
  CHECK(f.stat("c/b/x").mtime_ns == x.mtime_ns);
  CHECK(f.stat("c/b/x").has_attributes);
  CHECK(f.stat("c/b").size == 5);
  CHECK(f.used() == 14);
  CHECK(test::read_disk(f.disk("c/b/x")) == "hello");
  CHECK(f.engine->copy(f.at("a"), f.at("c"), false, false, {}).status() == Status::AlreadyExists);
  CHECK(f.engine->copy(f.at("a"), f.at("a/in"), false, false, {}).status() == Status::FailedPrecondition);
  CHECK(f.engine->copy(f.at("a"), f.at("a"), true, false, {}).status() == Status::PermissionDenied);
  CHECK(f.engine->copy(f.at("a"), f.at("no/in"), false, false, {}).status() == Status::FailedPrecondition);
  CHECK(f.engine->copy(f.at("nope"), f.at("in"), false, false, {}).status() == Status::NotFound);
  // over a folder, a folder without what is below it, a file over a file and over a folder
  CHECK_FALSE(f.value(f.engine->copy(f.at("a/b"), f.at("c"), true, false, {})).created);
  CHECK(f.names("c") == "x");
  CHECK(f.used() == 12);
  CHECK(f.value(f.engine->copy(f.at("a"), f.at("s"), false, true, {})).size == 0);
  CHECK(f.names("s").empty());
  const Node y = f.stat("a/y");
  CHECK(f.value(f.engine->copy(f.at("a/b/x"), f.at("a/y"), true, false, {})).id == y.id);
  CHECK(f.get("a/y") == "hello");
  CHECK(f.value(f.engine->copy(f.at("a/y"), f.at("c"), true, false, {})).size == 5);
  CHECK(f.get("c") == "hello");
  CHECK(f.used() == 15);
  f.engine->settle();
  f.restart();
  CHECK(f.names("") == "a c s");
  CHECK(f.used() == 15);
}

TEST_CASE("conditions are about the node at the moment of the commit") {
  Fixture f;
  const Node x = f.put("x", "1");
  const std::string good(x.etag().view());
  const std::string_view match[] = {good}, other[] = {"0123456789abcde:1"};
  Conditions is{}, is_other{}, any{}, none{};
  is.if_match = match;
  is_other.if_match = other;
  any.match_any = true;
  none.none_match_any = true;
  CHECK(f.try_put("x", "2", is_other).status() == Status::Aborted);
  CHECK(f.try_put("x", "2", none).status() == Status::Aborted);
  CHECK(f.try_put("new", "2", any).status() == Status::Aborted);
  CHECK(f.try_put("new", "2", is).status() == Status::Aborted);
  CHECK(f.engine->remove(f.at("x"), is_other).status() == Status::Aborted);
  CHECK(f.engine->rename(f.at("x"), f.at("y"), false, is_other).status() == Status::Aborted);
  CHECK(f.engine->copy(f.at("x"), f.at("y"), false, false, is_other).status() == Status::Aborted);
  CHECK(f.engine->set_mtime(f.at("x"), 1, is_other).status() == Status::Aborted);
  CHECK(f.get("x") == "1");
  CHECK(f.names("") == "x");
  auto upload = f.value(f.engine->upload_begin(f.at("x"), 1, is));
  REQUIRE(upload->write(0, "3").ok());
  f.put("x", "between");
  CHECK(upload->commit({}, is).status() == Status::Aborted);
  CHECK(f.get("x") == "between");
  CHECK(f.try_put("x", "4", any).ok());
  CHECK(f.try_put("new", "5", none).ok());
  Conditions differs{};
  differs.if_none_match = match;
  CHECK(f.try_put("x", "6", differs).ok());
}

TEST_CASE("uploads check size and sums and carry time and sums") {
  Fixture f;
  auto upload = f.value(f.engine->upload_begin(f.at("x"), 3, {}));
  REQUIRE(upload->fd() >= 0);
  REQUIRE(::pwrite(upload->fd(), "abc", 3, 0) == 3);
  UploadCommit commit;
  commit.size = 4;
  CHECK(upload->commit(commit, {}).status() == Status::InvalidArgument);
  CHECK(upload->commit(commit, {}).status() == Status::FailedPrecondition);

  base::Checksums digest;
  digest.update(std::string_view("abc"));
  const auto values = digest.values();
  commit = {};
  commit.sums = Sums{base::kAllChecksums, values.sha1, values.md5, values.adler32};
  commit.mtime_ns = 1'500'000'000'123'456'789;
  commit.verify = true;
  const Node good = f.value(f.try_put(f.at("x"), "abc", {}, commit));
  CHECK(good.mtime_ns == commit.mtime_ns);
  CHECK(f.stat("x").sums.sha1 == values.sha1);
  CHECK(f.list("")[0].sums.adler32 == values.adler32);
  CHECK(f.try_put(f.at("x"), "abd", {}, commit).status() == Status::InvalidArgument);
  CHECK(f.get("x") == "abc");
  f.restart();
  CHECK(f.stat("x").mtime_ns == commit.mtime_ns);
  { auto dropped = f.value(f.engine->upload_begin(f.at("y"), 3, {})); }
  CHECK(std::filesystem::is_empty(f.provider.root + "/.atoll/spaces/" + f.space.text() + "/staging"));
  CHECK(f.names("") == "x");
}

TEST_CASE("a new modification time is a new etag") {
  Fixture f;
  f.mkdir("d");
  const Node x = f.put("d/x", "1");
  const std::string root = f.etag(""), folder = f.etag("d");
  const Node set = f.value(f.engine->set_mtime(f.at("d/x"), -1'500'000'000, {}));
  CHECK(set.mtime_ns == -1'500'000'000);
  CHECK(set.etag().view() != x.etag().view());
  CHECK(f.etag("") != root);
  CHECK(f.etag("d") != folder);
  CHECK(f.get("d/x") == "1");
  CHECK(f.value(f.engine->set_mtime(f.at("d"), 7'000'000'000, {})).mtime_ns == 7'000'000'000);
  CHECK(f.names("d") == "x");
  CHECK(f.engine->set_mtime(f.at("no"), 1, {}).status() == Status::NotFound);
  f.restart();
  CHECK(f.stat("d/x").mtime_ns == -1'500'000'000);
}

TEST_CASE("attributes") {
  Fixture f;
  const Node x = f.put("x", "1");
  const std::string big(65536, 'v'), too_big(65537, 'v');
  const AttributeChange set[] = {
      {"urn:a", "one", "1"}, {"", "two", big}, {"urn:a", "gone", "x"}, {"urn:a", "gone", {}}};
  REQUIRE(f.engine->attributes_patch(f.at("x"), set, {}).ok());
  auto text = [&](std::string_view path) {
    std::string all;
    REQUIRE(f.engine
                ->attributes(f.at(path),
                             [&](std::string_view ns, std::string_view name, std::string_view value) {
                               all +=
                                   std::string(ns) + ":" + std::string(name) + "=" + std::to_string(value.size()) + ";";
                               return true;
                             })
                .ok());
    return all;
  };
  CHECK(text("x") == ":two=65536;urn:a:one=1;");
  CHECK(f.stat("x").has_attributes);
  CHECK(f.list("")[0].has_attributes);
  CHECK(f.stat("x").etag().view() == x.etag().view());
  const AttributeChange bad[] = {{"urn:a", "three", "3"}, {"urn:a", "four", too_big}};
  CHECK(f.engine->attributes_patch(f.at("x"), bad, {}).status() == Status::InvalidArgument);
  CHECK(text("x") == ":two=65536;urn:a:one=1;");
  REQUIRE(f.engine->rename(f.at("x"), f.at("y"), false, {}).ok());
  CHECK(text("y") == ":two=65536;urn:a:one=1;");
  f.put("y", "other content");
  CHECK(text("y") == ":two=65536;urn:a:one=1;");
  f.restart();
  CHECK(text("y") == ":two=65536;urn:a:one=1;");
  const AttributeChange drop[] = {{"urn:a", "one", {}}, {"", "two", {}}};
  REQUIRE(f.engine->attributes_patch(f.at("y"), drop, {}).ok());
  CHECK_FALSE(f.stat("y").has_attributes);
}

TEST_CASE("names are kept byte by byte, and bad ones are refused") {
  Fixture f;
  const std::string longest(255, 'n'), too_long(256, 'n');
  for (const std::string &name :
       {longest, std::string("\xc3\xa4"), std::string("a\xcc\x88"), std::string(" "), std::string("a\nb"),
        std::string("..."), std::string("%2f"), std::string("\xf0\x9f\x98\x80"), std::string(".atoll")}) {
    CHECK(f.put(name, name).name == name);
    CHECK(f.get(name) == name);
  }
  CHECK(f.list("").size() == 9);
  for (const std::string &name :
       {too_long, std::string(".."), std::string("."), std::string("a/../b"), std::string("a//b"),
        std::string("a\0b", 3), std::string("\xff"), std::string("\xc0\xaf")}) {
    CHECK(f.try_put(name, "x").status() == Status::InvalidArgument);
    CHECK(f.engine->mkdir(f.at(name), {}).status() == Status::InvalidArgument);
    CHECK(f.status(name) == Status::InvalidArgument);
  }
  f.restart();
  CHECK(f.list("").size() == 9);
  CHECK(f.get(longest) == longest);
}

TEST_CASE("a path longer than PATH_MAX works") {
  Fixture f;
  std::string path;
  const std::string name(200, 'd');
  for (int i = 0; i < 40; ++i) {
    path += (i ? "/" : "") + name;
    f.mkdir(path);
  }
  f.put(path + "/deep", "x");
  CHECK(f.get(path + "/deep") == "x");
  CHECK(f.names(path) == "deep");
  CHECK(f.value(f.engine->copy(f.at(name), f.at("copy"), false, false, {})).size == 1);
  CHECK(f.engine->remove(f.at(name), {}).ok());
  f.engine->settle();
  CHECK(f.used() == 1);
}
