// SPDX-License-Identifier: Apache-2.0
// Quota, full disks and read-only disks: the right status, and nothing changes.
#include "core/tree/invariants_test.hpp"
#include "core/tree/killed_test.hpp"
#include "tests/unit/skip.hpp"

#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <thread>

using namespace Atoll;
using namespace Atoll::tree;
using test::Fixture;
namespace fs = std::filesystem;

namespace {

/// A small file system of its own, where the test may mount one.
struct SmallDisk {
  explicit SmallDisk(const std::string &where, const char *size) : path(where) {
    fs::create_directories(path);
    mounted = ::mount("tmpfs", path.c_str(), "tmpfs", 0, (std::string("size=") + size).c_str()) == 0;
  }
  ~SmallDisk() {
    if (mounted) ::umount2(path.c_str(), MNT_DETACH);
  }
  bool read_only(bool on) const {
    return ::mount(nullptr, path.c_str(), nullptr, MS_REMOUNT | (on ? MS_RDONLY : 0), nullptr) == 0;
  }
  std::string path;
  bool mounted = false;
};

}  // namespace

TEST_CASE("quota of the space in total") {
  Fixture f;
  f.put("x", "12345");
  REQUIRE(f.engine->space_set_quota(f.space, 10).ok());
  CHECK(f.value(f.engine->space_get(f.space)).quota == 10);
  CHECK(f.try_put("y", "123456").status() == Status::InsufficientStorage);
  CHECK(f.try_put("y", "12345").ok());
  CHECK(f.try_put("z", "1").status() == Status::InsufficientStorage);
  CHECK(f.try_put("z", "").ok());
  CHECK(f.try_put("x", "1234").ok());
  CHECK(f.engine->copy(f.at("y"), f.at("c"), false, false, {}).status() == Status::InsufficientStorage);
  CHECK(f.engine->copy(f.at("x"), f.at("y"), true, false, {}).ok());
  // announced too small, and not announced at all
  auto upload = f.value(f.engine->upload_begin(f.at("big"), kSizeUnknown, {}));
  REQUIRE(upload->write(0, "123456789").ok());
  CHECK(upload->commit({}, {}).status() == Status::InsufficientStorage);
  f.restart();
  CHECK(f.value(f.engine->space_get(f.space)).quota == 10);
  CHECK(f.try_put("big", "123456789").status() == Status::InsufficientStorage);
  CHECK(f.engine->remove(f.at("x"), {}).ok());
  CHECK(f.used() == 4);
  REQUIRE(f.engine->space_set_quota(f.space, kNoQuota).ok());
  CHECK(f.try_put("big", "123456789").ok());
  CHECK(test::check_space(f).size() == 3);
}

TEST_CASE("two uploads that fit one by one but not together") {
  Fixture f;
  REQUIRE(f.engine->space_set_quota(f.space, 10).ok());
  auto one = f.value(f.engine->upload_begin(f.at("one"), 6, {}));
  auto two = f.value(f.engine->upload_begin(f.at("two"), 6, {}));
  REQUIRE(one->write(0, "123456").ok());
  REQUIRE(two->write(0, "123456").ok());
  CHECK(one->commit({}, {}).ok());
  CHECK(two->commit({}, {}).status() == Status::InsufficientStorage);
  CHECK(f.used() == 6);
}

TEST_CASE("a file that grows past a limit of the process is refused whole") {
  Fixture f;
  f.put("x", "before");
  rlimit old{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &old) == 0);
  auto *const handler = ::signal(SIGXFSZ, SIG_IGN);
  auto upload = f.value(f.engine->upload_begin(f.at("x"), kSizeUnknown, {}));
  const rlimit small{1 << 20, old.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  const auto written = upload->write(0, std::string(3 << 20, 'x'));
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &old) == 0);
  ::signal(SIGXFSZ, handler);
  CHECK_FALSE(written.ok());
  upload.reset();
  CHECK(f.get("x") == "before");
  test::check_space(f);
}

TEST_CASE("a full disk: 507, nothing changes, deleting still works" * Atoll::testing::mounts()) {
  Fixture f;
  const SmallDisk disk(f.folder.path + "/small", "10m");
  if (!disk.mounted)
    return Atoll::testing::skip("no right to mount a small disk: the limit of the process above stands for it");
  f.engine.reset();
  test::Provider small(disk.path);
  small.state = f.folder.path + "/small-state";
  small.reserve = 1 << 20;
  f.provider = small;
  f.start();
  f.put("keep", std::string(3 << 20, 'k'));
  CHECK(f.try_put("big", std::string(6 << 20, 'b')).status() == Status::InsufficientStorage);
  auto upload = f.value(f.engine->upload_begin(f.at("keep"), kSizeUnknown, {}));
  Result<void> written;
  for (std::uint64_t at = 0; written && at < (10u << 20); at += 4096)
    written = upload->write(at, std::string(4096, 'x'));
  CHECK(written.status() == Status::InsufficientStorage);
  CHECK(fs::space(disk.path).available >= small.reserve);
  CHECK(f.try_put("small", "x").status() == Status::InsufficientStorage);
  CHECK(f.engine->mkdir(f.at("d"), {}).status() == Status::InsufficientStorage);
  upload.reset();
  CHECK(f.get("keep") == std::string(3 << 20, 'k'));
  CHECK(f.engine->copy(f.at("keep"), f.at("copy"), false, false, {}).ok());
  CHECK(f.engine->copy(f.at("keep"), f.at("copy2"), false, false, {}).status() == Status::InsufficientStorage);
  CHECK(f.engine->remove(f.at("copy"), {}).ok());
  f.engine->settle();
  CHECK(f.try_put("small", "x").ok());
  CHECK(test::check_space(f).size() == 2);
  f.engine.reset();
}

TEST_CASE("a full disk below the databases: nothing is half done, and it recovers" * Atoll::testing::mounts()) {
  Fixture f;
  const SmallDisk disk(f.folder.path + "/small", "6m");
  if (!disk.mounted) return Atoll::testing::skip("no right to mount a small disk");
  f.engine.reset();
  test::Provider small(f.folder.path + "/data");
  small.state = disk.path + "/state";
  small.reserve = 4 << 20;
  small.options.checkpoint_seconds = 1;
  f.provider = small;
  f.start();
  f.mkdir("d");
  f.put("d/x", "before");
  f.put("d/z", "goes");
  const auto held = [&] {
    struct stat facts {};
    return ::stat((small.state + "/reserve").c_str(), &facts) == 0 && facts.st_blocks > 0;
  };
  CHECK(held());
  const std::string filler = disk.path + "/filler";
  {
    std::ofstream file(filler, std::ios::binary);
    const std::string block(4096, 'f');
    while (file.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
    }
  }
  int refused = 0;
  for (int i = 0; i < 20; ++i) {
    const auto put = f.try_put("d/n" + std::to_string(i), "new");
    if (!put) {
      ++refused;
      CHECK((put.status() == Status::InsufficientStorage || put.status() == Status::Unavailable));
    }
    CHECK(f.engine->rename(f.at("d/x"), f.at("d/y"), false, {}).status() == Status::InsufficientStorage);
  }
  CHECK(refused == 20);
  CHECK(f.get("d/x") == "before");
  CHECK(held());
  // Removing is given what was held for it.
  const auto removed = f.engine->remove(f.at("d/z"), {});
  CHECK_MESSAGE(removed.ok(), removed.error().message);
  CHECK_FALSE(held());
  CHECK(f.status("d/z") == Status::NotFound);
  CHECK(f.engine->trash_purge_all(f.space).ok());
  CHECK(f.try_put("d/new", "new").status() == Status::InsufficientStorage);
  f.engine->settle();
  CHECK(test::trash_of(f).empty());
  fs::remove(filler);
  const auto all = test::check_space(f);
  CHECK(all.size() == 2);
  for (int i = 0; !held(); ++i) {
    REQUIRE(i < 3000);
    ::usleep(10000);
  }
  CHECK(f.try_put("d/last", "x").ok());
  f.restart();
  CHECK(test::check_space(f).size() == all.size() + 1);
  f.engine.reset();
}

namespace {

/// Files on a disk of 10 MiB, of which 1 MiB is the reserve and 1 MiB is held for removals.
struct SmallProvider : Fixture {
  SmallProvider() : disk(folder.path + "/small", "10m") {
    if (!disk.mounted) {
      Atoll::testing::skip("no right to mount a small disk");
      return;
    }
    engine.reset();
    test::Provider small(disk.path);
    small.state = folder.path + "/small-state";
    small.reserve = 1 << 20;
    provider = small;
    start();
  }
  ~SmallProvider() { engine.reset(); }
  Result<std::unique_ptr<Upload>> begin(const char *name, std::uint64_t size) {
    return engine->upload_begin(at(name), size, {});
  }
  /// The error of the first piece that is refused.
  static Status fill(Upload &upload, std::uint64_t size) {
    constexpr std::uint64_t kPiece = 1u << 15;
    for (std::uint64_t at = 0; at < size; at += kPiece)
      if (auto written = upload.write(at, std::string(std::min(kPiece, size - at), 'u')); !written)
        return written.status();
    return Status::Ok;
  }
  SmallDisk disk;
};

constexpr std::uint64_t kHalf = 900u << 10, kMost = 5u << 20;

}  // namespace

TEST_CASE("room on the disk is reserved: of uploads that fit one by one, but not together, one is refused" *
          Atoll::testing::mounts()) {
  SmallProvider f;
  if (!f.disk.mounted) return;
  {
    auto one = f.begin("one", kMost);
    REQUIRE(one.ok());
    CHECK(f.begin("two", kMost).status() == Status::InsufficientStorage);
    one->reset();  // given up
    CHECK(f.begin("two", kMost).ok());
  }
  f.put("filler", std::string(6500u << 10, 'f'));  // about 1.5 MiB are left
  {
    auto one = f.begin("one", kHalf);
    REQUIRE(one.ok());
    CHECK(f.begin("two", kHalf).status() == Status::InsufficientStorage);
    CHECK(f.fill(**one, kHalf) == Status::Ok);
    CHECK(f.begin("two", kHalf).status() == Status::InsufficientStorage);
    CHECK((*one)->commit({}, {}).ok());
    CHECK(f.begin("two", kHalf).status() == Status::InsufficientStorage);
    REQUIRE(f.engine->remove(f.at("one"), {}, true).ok());
    f.engine->settle();
  }
  {
    // Of sizes that nobody knows.
    auto one = f.value(f.begin("one", kSizeUnknown)), two = f.value(f.begin("two", kSizeUnknown));
    CHECK(one->fd() == -1);
    CHECK(f.fill(*one, kHalf) == Status::Ok);
    CHECK(f.fill(*two, kHalf) == Status::InsufficientStorage);
    CHECK(f.begin("three", kHalf).status() == Status::InsufficientStorage);
    two.reset();
    CHECK(one->commit({}, {}).ok());
    CHECK(f.stat("one").size == kHalf);
    REQUIRE(f.engine->remove(f.at("one"), {}, true).ok());
    f.engine->settle();
  }
  {
    // A copy and an upload.
    f.put("source", std::string(kHalf / 2, 's'));
    auto one = f.begin("one", kHalf);
    REQUIRE(one.ok());
    CHECK(f.engine->copy(f.at("source"), f.at("copy"), false, false, {}).status() == Status::InsufficientStorage);
    REQUIRE(f.engine->remove(f.at("source"), {}, true).ok());
    f.engine->settle();
  }
  for (int round = 0; round < 5; ++round) {
    std::vector<std::unique_ptr<Upload>> begun(8);
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < begun.size(); ++i)
      threads.emplace_back([&, i] {
        if (auto one = f.begin(("t" + std::to_string(i)).c_str(), kHalf)) begun[i] = std::move(*one);
      });
    for (std::thread &thread : threads) thread.join();
    CHECK(std::count_if(begun.begin(), begun.end(), [](const auto &one) { return one != nullptr; }) == 1);
  }
  // Nothing is left of all that.
  REQUIRE(f.engine->remove(f.at("filler"), {}, true).ok());
  f.engine->settle();
  auto all = f.begin("all", kMost + (2u << 20));
  CHECK(all.ok());
  test::check_space(f);
}

TEST_CASE("room that was reserved is free again after a kill" * Atoll::testing::mounts()) {
  SmallProvider f;
  if (!f.disk.mounted) return;
  std::vector<std::unique_ptr<Upload>> begun;  // open when the process ends
  test::killed_after(f, [&] {
    for (const std::uint64_t size : {std::uint64_t{3} << 20, kSizeUnknown}) {
      auto upload = f.begin(std::to_string(size).c_str(), size);
      if (!upload) return false;
      begun.push_back(std::move(*upload));
    }
    return f.fill(*begun.back(), 2u << 20) == Status::Ok;
  });
  f.start();
  f.engine->settle();
  CHECK(f.begin("all", kMost + (2u << 20)).ok());
  test::check_space(f);
}

TEST_CASE("files and databases on one disk that is full: deleting always works, and makes room" *
          Atoll::testing::mounts()) {
  Fixture f;
  const SmallDisk disk(f.folder.path + "/small", "48m");
  if (!disk.mounted) return Atoll::testing::skip("no right to mount a small disk");
  f.engine.reset();
  test::Provider small(disk.path);
  small.reserve = 4 << 20;
  small.options.checkpoint_seconds = 1;
  f.provider = small;
  f.start();
  const std::string bytes(256u << 10, 'b');
  auto fill = [&](const std::string &name) {
    for (int i = 0; i < 1000; ++i) {
      const auto put = f.try_put(name + std::to_string(i), bytes);
      if (put) continue;
      CHECK(put.status() == Status::InsufficientStorage);
      return i;
    }
    return 1000;
  };
  const int files = fill("n");
  CHECK(files > 100);
  CHECK(files < 1000);
  // Nor do other changes use up what is kept for removals.
  f.mkdir("d");
  for (int i = 0; i < 2000; ++i)
    if (!f.engine->mkdir(f.at("d/" + std::to_string(i)), {})) break;
  const std::string value(60000, 'v');
  for (int i = 0; i < 2000; ++i) {
    const std::string name = "a" + std::to_string(i);
    const AttributeChange set{"urn:x", name, value};
    if (const auto done = f.engine->attributes_patch(f.at("n0"), {&set, 1}, {}); !done) {
      CHECK(done.status() == Status::InsufficientStorage);
      break;
    }
    REQUIRE(i < 1999);
  }
  for (int i = 0; i < files; ++i) {
    const auto removed = f.engine->remove(f.at("n" + std::to_string(i)), {});
    REQUIRE_MESSAGE(removed.ok(), i, " of ", files, ": ", removed.error().message);
  }
  CHECK(test::trash_of(f).size() == static_cast<std::size_t>(files));
  REQUIRE(f.engine->trash_purge_all(f.space).ok());
  f.engine->settle();
  test::check_space(f);
  CHECK(fill("m") > files / 2);
  f.restart();
  REQUIRE(f.engine->remove(f.at("m0"), {}, true).ok());
  test::check_space(f);
  f.engine.reset();
}

TEST_CASE("a disk that becomes read-only: 503, reading goes on, and it recovers" * Atoll::testing::mounts()) {
  Fixture f;
  const SmallDisk disk(f.folder.path + "/small", "8m");
  if (!disk.mounted) return Atoll::testing::skip("no right to mount a disk");
  f.engine.reset();
  test::Provider small(disk.path);
  small.state = f.folder.path + "/small-state";
  f.provider = small;
  f.start();
  const Node x = f.put("x", "1");
  REQUIRE(disk.read_only(true));
  CHECK(f.try_put("x", "2").status() == Status::Unavailable);
  CHECK(f.try_put("y", "2").status() == Status::Unavailable);
  CHECK(f.engine->mkdir(f.at("d"), {}).status() == Status::Unavailable);
  CHECK(f.engine->remove(f.at("x"), {}).status() == Status::Unavailable);
  CHECK(f.engine->rename(f.at("x"), f.at("z"), false, {}).status() == Status::Unavailable);
  CHECK(f.get("x") == "1");
  CHECK(f.names("") == "x");
  CHECK(f.stat("x").etag().view() == x.etag().view());
  REQUIRE(disk.read_only(false));
  CHECK(f.try_put("y", "2").ok());
  test::check_space(f);
  f.engine.reset();
}

TEST_CASE("a file system that is taken away and comes back" * Atoll::testing::mounts()) {
  Fixture f;
  f.engine.reset();
  const std::string inner = f.folder.path + "/mnt";
  {
    const SmallDisk disk(inner, "8m");
    if (!disk.mounted) return Atoll::testing::skip("no right to mount a disk");
    test::Provider small(inner);
    small.state = f.folder.path + "/small-state";
    f.provider = small;
    f.start();
    f.put("x", "1");
  }
  CHECK(f.engine->open_read(f.at("x/..")).status() == Status::InvalidArgument);
  CHECK(f.engine->stat(f.at("nope")).status() == Status::Unavailable);
  CHECK(f.engine->stat(f.at("x")).status() == Status::Unavailable);
  CHECK(f.engine->rescan(f.space).status() == Status::Unavailable);
  f.engine.reset();
  CHECK(f.provider.try_open().status() == Status::Unavailable);
}

TEST_CASE("spaces") {
  Fixture f;
  SpaceSpec spec;
  spec.id = base::random_id<SpaceId>();
  spec.name = "Solar";
  spec.owner = base::random_id<AccountId>();
  spec.quota = 1000;
  REQUIRE(f.engine->space_create(spec).ok());
  REQUIRE(f.engine->space_create(spec).ok());
  SpaceSpec twin = spec;
  twin.id = base::random_id<SpaceId>();
  twin.name = "solar";
  REQUIRE(f.engine->space_create(twin).ok());
  SpaceSpec nasty = spec;
  nasty.id = base::random_id<SpaceId>();
  nasty.name = "../../.atoll/\nx";
  REQUIRE(f.engine->space_create(nasty).ok());
  const SpaceInfo solar = f.value(f.engine->space_get(spec.id));
  CHECK(solar.folder == "projects/Solar");
  CHECK(solar.owner == spec.owner);
  CHECK(solar.birth == spec.id.as<AnyTag>());
  CHECK(solar.quota == 1000);
  CHECK(f.value(f.engine->space_get(twin.id)).folder == "projects/solar (2)");
  CHECK(f.value(f.engine->space_get(nasty.id)).folder == "projects/_._.._.atoll__x");
  CHECK(f.engine->space_get(base::random_id<SpaceId>()).status() == Status::NotFound);
  f.put("x", "1");
  CHECK(f.value(f.engine->space_get(spec.id)).used == 0);
  const Ref there{spec.id, root_of(spec.id), "y"};
  CHECK(f.engine->copy(f.at("x"), there, false, false, {}).ok());
  CHECK(f.value(f.engine->space_get(spec.id)).used == 1);
  CHECK(f.engine->rename(f.at("x"), there, true, {}).status() == Status::Unimplemented);
  CHECK(f.engine->stat(Ref{spec.id, f.stat("x").id, {}}).status() == Status::NotFound);
  f.restart();
  int seen = 0;
  REQUIRE(f.engine->space_list([&](const SpaceInfo &info) { return seen += info.used == 1 ? 10 : 1; }).ok());
  CHECK(seen == 22);
  REQUIRE(f.engine->space_remove(spec.id).ok());
  CHECK(f.engine->space_get(spec.id).status() == Status::NotFound);
  CHECK(f.engine->stat(there).status() == Status::NotFound);
  CHECK_FALSE(fs::exists(f.provider.root + "/projects/Solar"));
  f.engine->settle();
  f.restart();
  CHECK(f.engine->space_get(spec.id).status() == Status::NotFound);
}
