// SPDX-License-Identifier: Apache-2.0
// Quota, full disks and read-only disks: the right status, and nothing changes.
#include "core/tree/invariants_test.hpp"

#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>

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

TEST_CASE("a full disk: 507, nothing changes, deleting still works") {
  Fixture f;
  const SmallDisk disk(f.folder.path + "/small", "8m");
  if (!disk.mounted) {
    MESSAGE("no right to mount a small disk: the limit of the process above stands for it");
    return;
  }
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
  for (std::uint64_t at = 0; written && at < (8u << 20); at += 1u << 16)
    written = upload->write(at, std::string(1u << 16, 'x'));
  CHECK(written.status() == Status::InsufficientStorage);
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

TEST_CASE("a full disk below the databases: nothing is half done, and it recovers") {
  Fixture f;
  const SmallDisk disk(f.folder.path + "/small", "6m");
  if (!disk.mounted) {
    MESSAGE("no right to mount a small disk");
    return;
  }
  f.engine.reset();
  test::Provider small(f.folder.path + "/data");
  small.state = disk.path + "/state";
  f.provider = small;
  f.start();
  f.mkdir("d");
  f.put("d/x", "before");
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
    CHECK(f.engine->remove(f.at("d/x"), {}).status() == Status::InsufficientStorage);
  }
  CHECK(refused == 20);
  CHECK(f.get("d/x") == "before");
  fs::remove(filler);
  const auto all = test::check_space(f);
  CHECK(all.size() == 2);
  CHECK(f.try_put("d/last", "x").ok());
  f.restart();
  CHECK(test::check_space(f).size() == all.size() + 1);
  f.engine.reset();
}

TEST_CASE("a disk that becomes read-only: 503, reading goes on, and it recovers") {
  Fixture f;
  const SmallDisk disk(f.folder.path + "/small", "8m");
  if (!disk.mounted) {
    MESSAGE("no right to mount a disk");
    return;
  }
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

TEST_CASE("a file system that is taken away and comes back") {
  Fixture f;
  f.engine.reset();
  const std::string inner = f.folder.path + "/mnt";
  {
    const SmallDisk disk(inner, "8m");
    if (!disk.mounted) {
      MESSAGE("no right to mount a disk");
      return;
    }
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
