// SPDX-License-Identifier: Apache-2.0
// What a file was is kept, can be read, comes back, and goes by rule.
#include "core/base/checksum.hpp"
#include "core/base/time.hpp"
#include "core/tree/invariants_test.hpp"
#include "core/tree/retention.hpp"

#include <fcntl.h>

#include <atomic>

using namespace Atoll;
using namespace Atoll::tree;
using test::Fixture;
namespace fs = std::filesystem;

namespace {

std::vector<Version> versions_of(Fixture &f, std::string_view path) {
  std::vector<Version> all;
  const auto listed = f.engine->versions(f.at(path), [&](const Version &version) {
    all.push_back(version);
    return true;
  });
  if (!listed) FAIL(listed.error().message);
  return all;
}

std::string text_of(const OpenFile &open) {
  std::string text(open.node.size + 1, ' ');
  text.resize(static_cast<std::size_t>(std::max<ssize_t>(0, ::pread(open.fd.get(), text.data(), text.size(), 0))));
  CHECK(text.size() == open.node.size);
  return text;
}

std::string read(Fixture &f, std::string_view path, std::uint64_t sequence) {
  return text_of(Fixture::value(f.engine->version_open(f.at(path), sequence)));
}

/// The contents of all versions, the newest first.
std::string contents(Fixture &f, std::string_view path) {
  std::string all;
  for (const Version &version : versions_of(f, path)) all += read(f, path, version.sequence) + " ";
  return all;
}

std::string folder_of(const Fixture &f, const NodeId &node) {
  return f.provider.root + "/.atoll/spaces/" + f.space.text() + "/versions/" + node.text();
}

UploadCommit with_sums(std::string_view bytes) {
  base::Checksums digest(base::kAllChecksums);
  digest.update({reinterpret_cast<const std::uint8_t *>(bytes.data()), bytes.size()});
  const auto values = digest.values();
  UploadCommit commit;
  commit.sums = Sums{base::kAllChecksums, values.sha1, values.md5, values.adler32};
  return commit;
}

}  // namespace

TEST_CASE("what is overwritten is a version, moved and not copied, and costs no quota") {
  Fixture f;
  f.put("x", "one");
  const auto inode = [](const std::string &path) {
    struct stat facts {};
    REQUIRE(::stat(path.c_str(), &facts) == 0);
    return facts.st_ino;
  };
  const auto first = inode(f.disk("x"));
  const Node one = f.stat("x");
  const Node two = f.put("x", "two!");
  CHECK(two.id == one.id);
  const auto all = versions_of(f, "x");
  REQUIRE(all.size() == 1);
  CHECK(all[0].node == one.id);
  CHECK(all[0].sequence == one.sequence);
  CHECK(all[0].size == 3);
  CHECK(all[0].mtime_ns == one.mtime_ns);
  CHECK(all[0].kept_ns >= one.mtime_ns);
  CHECK(all[0].etag().view() == one.etag().view());
  CHECK(read(f, "x", one.sequence) == "one");
  CHECK(inode(folder_of(f, one.id) + "/" + std::to_string(one.sequence)) == first);
  CHECK(f.used() == 4);
  CHECK(Fixture::value(f.engine->space_get(f.space)).versions_used == 3);
  f.put("x", "three");
  CHECK(contents(f, "x") == "two! one ");
  CHECK(f.engine->version_open(f.at("x"), 12345).status() == Status::NotFound);
  CHECK(f.engine->version_open(f.at("x"), f.stat("x").sequence).status() == Status::NotFound);
  f.mkdir("d");
  CHECK(f.engine->versions(f.at("d"), [](const Version &) { return true; }).status() == Status::FailedPrecondition);
  CHECK(f.engine->versions(f.at("no"), [](const Version &) { return true; }).status() == Status::NotFound);
  test::check_space(f);
}

TEST_CASE("an empty content, and the same bytes again, make no version") {
  Fixture f;
  f.put("x", "");
  f.put("x", "a");
  CHECK(versions_of(f, "x").empty());
  Fixture::value(f.try_put(f.at("x"), "b", {}, with_sums("b")));
  CHECK(contents(f, "x") == "a ");
  const std::string etag = f.etag("x");
  Fixture::value(f.try_put(f.at("x"), "b", {}, with_sums("b")));
  CHECK(contents(f, "x") == "a ");
  CHECK(f.etag("x") != etag);
  f.put("x", "b");  // nobody knows that they are the same
  CHECK(contents(f, "x") == "b a ");
  test::check_space(f);
}

TEST_CASE("a version comes back, and what was there becomes one") {
  Fixture f;
  const Node one = Fixture::value(f.try_put(f.at("x"), "one", {}, with_sums("one")));
  f.put("x", "two");
  REQUIRE(f.engine->rename(f.at("x"), f.at("y"), false, {}).ok());
  const std::string etag = f.etag("y");
  const Node back = Fixture::value(f.engine->version_restore(f.at("y"), one.sequence, {}));
  CHECK(back.id == one.id);
  CHECK(back.mtime_ns == one.mtime_ns);
  CHECK(back.sums.mask == base::kAllChecksums);
  CHECK(back.etag().view() != one.etag().view());
  CHECK(f.etag("y") != etag);
  CHECK(f.get("y") == "one");
  CHECK(contents(f, "y") == "two ");
  CHECK(f.engine->version_restore(f.at("y"), one.sequence, {}).status() == Status::NotFound);
  const std::string_view stale = etag;
  Conditions unchanged;
  unchanged.if_match = {&stale, 1};
  const std::uint64_t two = versions_of(f, "y")[0].sequence;
  CHECK(f.engine->version_restore(f.at("y"), two, unchanged).status() == Status::Aborted);
  REQUIRE(f.engine->space_set_quota(f.space, 1).ok());
  f.put("y", "");
  CHECK(f.engine->version_restore(f.at("y"), two, {}).status() == Status::InsufficientStorage);
  CHECK(contents(f, "y") == "one two ");
  test::check_space(f);
}

TEST_CASE("versions follow their file into the trash and back, and go when it is purged") {
  Fixture f;
  f.mkdir("d");
  const Node x = f.put("d/x", "one");
  f.put("d/x", "two");
  REQUIRE(f.engine->remove(f.at("d"), {}).ok());
  REQUIRE(f.engine->trash_restore(f.space, test::trash_of(f)[0].id, std::nullopt, false, {}).ok());
  CHECK(contents(f, "d/x") == "one ");
  REQUIRE(f.engine->version_remove(f.at("d/x"), x.sequence).ok());
  CHECK(f.engine->version_remove(f.at("d/x"), x.sequence).status() == Status::NotFound);
  CHECK(contents(f, "d/x").empty());
  f.put("d/x", "three");
  test::check_space(f);
  REQUIRE(f.engine->remove(f.at("d"), {}).ok());
  REQUIRE(f.engine->trash_purge_all(f.space).ok());
  f.engine->settle();
  CHECK(!fs::exists(folder_of(f, x.id)));
  CHECK(Fixture::value(f.engine->space_get(f.space)).versions_used == 0);
  f.put("y", "1");
  const Node y = f.put("y", "2");
  REQUIRE(f.engine->remove(f.at("y"), {}, true).ok());
  f.engine->settle();
  CHECK(!fs::exists(folder_of(f, y.id)));
  test::check_space(f);
}

TEST_CASE("a file that another program can still write into is copied, so that the version stays what it was") {
  Fixture f;
  const Node one = f.put("x", "one");
  base::Fd other(::open(f.disk("x").c_str(), O_WRONLY | O_CLOEXEC));
  REQUIRE(other);
  f.put("x", "two");
  REQUIRE(::pwrite(other.get(), "WRITTEN LATE", 12, 0) == 12);
  CHECK(read(f, "x", one.sequence) == "one");
  CHECK(f.get("x") == "two");
  other.reset();
  const Node two = f.stat("x");
  fs::create_hard_link(f.disk("x"), f.disk("link"));
  f.put("x", "three");
  test::write_disk(f.disk("link"), "WRITTEN LATE");
  CHECK(read(f, "x", two.sequence) == "two");
  fs::remove(f.disk("link"));
  f.list("");
  f.engine->settle();
  test::check_space(f);
}

TEST_CASE("a version that somebody changed or took away is not served as what it was") {
  Fixture f;
  const Node one = f.put("x", "one");
  const Node two = f.put("x", "two");
  f.put("x", "three");
  test::write_disk(folder_of(f, one.id) + "/" + std::to_string(one.sequence), "longer than it was");
  CHECK(f.engine->version_open(f.at("x"), one.sequence).status() == Status::DataLoss);
  fs::remove(folder_of(f, one.id) + "/" + std::to_string(two.sequence));
  CHECK(f.engine->version_open(f.at("x"), two.sequence).status() == Status::NotFound);
  CHECK(versions_of(f, "x").size() == 1);
}

TEST_CASE("a copy over a file makes a version, a copy of a file has none") {
  Fixture f;
  f.put("x", "one");
  f.put("x", "two");
  f.put("y", "why");
  REQUIRE(f.engine->copy(f.at("x"), f.at("y"), true, false, {}).ok());
  CHECK(contents(f, "y") == "why ");
  REQUIRE(f.engine->copy(f.at("x"), f.at("z"), false, false, {}).ok());
  CHECK(versions_of(f, "z").empty());
  test::check_space(f);
}

TEST_CASE("versions survive the loss of the index; without versions none are made") {
  Fixture f;
  f.put("x", "one");
  f.put("x", "two");
  f.engine.reset();
  for (const char *part : {"", "-wal", "-shm"}) fs::remove(f.provider.state + "/index.db" + part);
  f.provider.options.versions.keep = false;
  f.start();
  CHECK(contents(f, "x") == "one ");
  f.put("x", "three");
  CHECK(contents(f, "x") == "one ");
  test::check_space(f);
}

TEST_CASE("versions are thinned by count, age, size and time") {
  constexpr std::int64_t kMinute = 60'000'000'000, kHour = 60 * kMinute, kDay = 24 * kHour;
  const std::int64_t now = 20000 * kDay + 30 * kMinute;
  auto kept = [&](std::vector<std::int64_t> ages, const Retention &rule) {
    std::vector<VersionRecord> all;
    std::uint64_t sequence = 1000;
    for (const std::int64_t age : ages) {
      VersionRecord record;
      record.sequence = sequence--;
      record.kept_ns = now - age;
      all.push_back(record);
    }
    const auto gone = superfluous(all, rule, now);
    std::string text;
    for (const VersionRecord &record : all)
      if (std::none_of(gone.begin(), gone.end(), [&](const auto &one) { return one.sequence == record.sequence; }))
        text += std::to_string((now - record.kept_ns) / kMinute) + " ";
    return text;
  };
  Retention all{true, 0, std::nullopt, 0, true};
  CHECK(kept({1 * kMinute, 2 * kMinute, 59 * kMinute}, all) == "1 2 59 ");
  CHECK(kept({kHour + 1 * kMinute, kHour + 2 * kMinute, kHour + 31 * kMinute}, all) == "61 91 ");
  CHECK(kept({2 * kDay, 2 * kDay + 20 * kMinute, 3 * kDay + kHour}, all) == "2880 4380 ");
  CHECK(kept({40 * kDay, 41 * kDay, 48 * kDay}, all) == "57600 69120 ");
  Retention plain{true, 0, std::nullopt, 0, false};
  CHECK(kept({40 * kDay, 41 * kDay, 48 * kDay}, plain) == "57600 59040 69120 ");
  plain.count = 2;
  CHECK(kept({1 * kMinute, 2 * kMinute, 3 * kMinute}, plain) == "1 2 ");
  plain.seconds = 90;
  CHECK(kept({1 * kMinute, 2 * kMinute, 3 * kMinute}, plain) == "1 ");
}

TEST_CASE("versions go by themselves when they are too many or too much") {
  Fixture f;
  f.provider.options.checkpoint_seconds = 1;
  f.provider.options.versions.count = 3;
  f.restart();
  for (int i = 0; i < 8; ++i) f.put("x", std::to_string(i) + "234");
  while (versions_of(f, "x").size() > 3) ::usleep(10000);
  CHECK(contents(f, "x") == "6234 5234 4234 ");
  f.provider.options.versions.bytes = 9;
  f.restart();
  while (versions_of(f, "x").size() > 2) ::usleep(10000);
  CHECK(contents(f, "x") == "6234 5234 ");
  test::check_space(f);
}

TEST_CASE("versions and trash go by the clock, in the background") {
  constexpr std::int64_t kMinute = 60'000'000'000, kHour = 60 * kMinute, kDay = 24 * kHour;
  constexpr std::int64_t kBegin = 20000 * kDay;
  std::atomic<std::int64_t> now{kBegin};
  Fixture f;
  f.provider.options.now_ns = [&] { return now.load(); };
  f.provider.options.checkpoint_seconds = 1;
  f.provider.options.versions = Retention{true, 40 * 86400, std::nullopt, 0, true};
  f.provider.options.trash = Retention{true, 30 * 86400, std::nullopt, 0, false};
  f.restart();
  // As contents(), while the background may take some away between the listing and the look.
  auto left = [&]() -> std::string {
    std::string all;
    for (const Version &version : versions_of(f, "x")) {
      const auto open = f.engine->version_open(f.at("x"), version.sequence);
      if (!open) return "one that went just now ";
      all += text_of(*open) + " ";
    }
    return all;
  };
  auto wait_for = [&](const std::string &wanted) {
    for (int i = 0; left() != wanted; ++i) {
      if (i == 3000) FAIL("there is " << contents(f, "x") << "instead of " << wanted);
      ::usleep(10000);
    }
  };
  for (int i = 0; i <= 6; ++i) {  // each is kept when the next one comes: 20, 40, 60, 80, 100 and 120 minutes later
    now = kBegin + i * 20 * kMinute;
    f.put("x", std::to_string(i));
  }
  f.put("gone", "1");
  REQUIRE(f.engine->remove(f.at("gone"), {}).ok());
  now = kBegin + 130 * kMinute;  // what is younger than an hour stays: 80, 100 and 120
  wait_for("5 4 3 1 ");
  now = kBegin + 5 * kHour;  // one of each hour
  wait_for("5 4 1 ");
  now = kBegin + 2 * kDay;  // one of each day
  wait_for("5 ");
  CHECK(test::trash_of(f).size() == 1);
  now = kBegin + 31 * kDay;
  for (int i = 0; !test::trash_of(f).empty(); ++i) {
    REQUIRE(i < 3000);
    ::usleep(10000);
  }
  CHECK(contents(f, "x") == "5 ");
  now = kBegin + 41 * kDay;
  wait_for("");
  CHECK(f.get("x") == "6");
  test::check_space(f);
  f.engine.reset();
}
