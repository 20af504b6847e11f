// SPDX-License-Identifier: Apache-2.0
// Uploads that are gone on with: over suspensions, restarts and crashes of the machine; their quota and their end.
#include "core/tree/test_engine.hpp"

#include <sqlite3.h>

namespace Atoll::tree {
namespace {

using test::Fixture;

struct KeptFixture : Fixture {
  AccountId account = base::random_id<AccountId>();

  Result<std::unique_ptr<Upload>> try_begin(std::string_view path, std::uint64_t size,
                                            std::string_view metadata = "opaque") {
    Conditions conditions;
    conditions.account = account;
    return engine->upload_begin(at(path), size, conditions, metadata);
  }
  /// A kept upload with the first bytes of it.
  Uuid keep(std::string_view path, std::uint64_t size, std::string_view bytes) {
    auto upload = value(try_begin(path, size));
    if (!bytes.empty()) REQUIRE(upload->write(0, bytes));
    const Uuid id = value(upload->kept()).id;
    REQUIRE(upload->suspend());
    return id;
  }
  std::unique_ptr<Upload> reopen(const Uuid &id) { return value(engine->upload_reopen(space, id)); }
  std::vector<KeptUpload> all(const SpaceId &of = {}) {
    std::vector<KeptUpload> out;
    REQUIRE(engine->uploads(of, [&](const KeptUpload &one) {
      out.push_back(one);
      return true;
    }));
    return out;
  }
  std::string shelf() const { return provider.root + "/.atoll/spaces/" + space.text() + "/uploads"; }
  std::string staging() const { return provider.root + "/.atoll/spaces/" + space.text() + "/staging"; }
  /// Changes meta.db while no engine runs.
  void meta(const std::string &sql) const {
    sqlite3 *database = nullptr;
    REQUIRE(sqlite3_open((provider.state + "/meta.db").c_str(), &database) == SQLITE_OK);
    CHECK(sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
    sqlite3_close(database);
  }
};

std::size_t entries(const std::string &folder) {
  std::error_code failure;
  std::size_t count = 0;
  for (auto i = std::filesystem::directory_iterator(folder, failure); !failure && i != end(i); ++i) ++count;
  return count;
}

}  // namespace

TEST_CASE_FIXTURE(KeptFixture, "an upload is gone on with, after a restart as well") {
  const Uuid id = keep("a.txt", 11, "hello");
  CHECK(status("a.txt") == Status::NotFound);
  CHECK(entries(shelf()) == 1);
  CHECK(entries(staging()) == 0);
  auto listed = all(space);
  REQUIRE(listed.size() == 1);
  CHECK(listed[0].id == id);
  CHECK(listed[0].account == account);
  CHECK(listed[0].path == "a.txt");
  CHECK(listed[0].size == 11);
  CHECK(listed[0].offset == 5);
  CHECK(listed[0].metadata == "opaque");
  CHECK(listed[0].expires_ns > listed[0].begun_ns);
  CHECK(!listed[0].open);

  restart();
  auto upload = reopen(id);
  CHECK(value(upload->kept()).offset == 5);
  CHECK(all()[0].open);
  CHECK(engine->upload_reopen(space, id).status() == Status::Locked);
  CHECK(engine->upload_remove(space, id).status() == Status::Locked);
  REQUIRE(upload->write(5, " world"));
  char bytes[16];
  CHECK(value(upload->read(0, bytes)) == 11);
  CHECK(std::string_view(bytes, 11) == "hello world");
  UploadCommit commit;
  commit.size = 11;
  commit.mtime_ns = 1'600'000'000'000'000'000;
  const Node node = value(upload->commit(commit, {}));
  CHECK(node.created);
  CHECK(node.size == 11);
  upload.reset();
  CHECK(get("a.txt") == "hello world");
  CHECK(stat("a.txt").mtime_ns == commit.mtime_ns);
  CHECK(all().empty());
  CHECK(engine->upload_reopen(space, id).status() == Status::NotFound);
  CHECK(entries(shelf()) == 0);
  CHECK(entries(staging()) == 0);
}

TEST_CASE_FIXTURE(KeptFixture, "one that was never kept leaves nothing") {
  { auto upload = value(try_begin("a.txt", 11)); }
  CHECK(entries(staging()) == 0);
  CHECK(all().empty());
  CHECK(try_begin("a.txt", 1, std::string(4097, 'x')).status() == Status::InvalidArgument);
  CHECK(engine->upload_reopen(space, base::random_id<Uuid>()).status() == Status::NotFound);
  CHECK(engine->upload_remove(space, base::random_id<Uuid>()).status() == Status::NotFound);
}

TEST_CASE_FIXTURE(KeptFixture,
                  "closing without a word keeps it; bytes of another run of the machine are not believed") {
  const Uuid id = keep("a.txt", 11, "hello");
  {
    auto upload = reopen(id);
    REQUIRE(upload->write(5, " wo"));
  }
  CHECK(value(reopen(id)->kept()).offset == 8);  // was noted now
  {
    auto upload = reopen(id);
    REQUIRE(upload->write(8, "rl"));
  }
  engine.reset();
  meta("UPDATE upload SET boot='another'");
  start();
  CHECK(value(reopen(id)->kept()).offset == 8);
  CHECK(std::filesystem::file_size(shelf() + "/" + id.text()) == 8);
  auto upload = reopen(id);
  REQUIRE(upload->cut(2));
  REQUIRE(upload->suspend());
  CHECK(all()[0].offset == 2);
}

TEST_CASE_FIXTURE(KeptFixture, "a start puts back what a crash left in staging, and deletes what belongs to nobody") {
  const Uuid id = keep("a.txt", 11, "hello");
  const Uuid lost = keep("b.txt", 11, "hello");
  const Uuid stray = keep("c.txt", 11, "hello");
  engine.reset();
  std::filesystem::rename(shelf() + "/" + id.text(), staging() + "/" + id.text());
  // Another file has the name, as the old one after an exchange.
  std::ofstream(staging() + "/" + lost.text()) << "the old file";  // before: it must not get the inode
  std::filesystem::remove(shelf() + "/" + lost.text());
  meta("DELETE FROM upload WHERE path='c.txt'");
  start();
  CHECK(value(reopen(id)->kept()).offset == 5);
  CHECK(engine->upload_reopen(space, lost).status() == Status::NotFound);
  CHECK(engine->upload_reopen(space, stray).status() == Status::NotFound);
  CHECK(all().size() == 1);
  CHECK(entries(shelf()) == 1);
  CHECK(entries(staging()) == 0);
}

TEST_CASE_FIXTURE(KeptFixture, "a commit that may succeed later leaves it whole, any other one ends it") {
  put("a.txt", "old");
  Lock wanted;
  wanted.account = base::random_id<AccountId>();
  const Lock lock = value(engine->lock(at("a.txt"), wanted, 0, {}));
  const Uuid id = keep("a.txt", 5, "hello");
  CHECK(reopen(id)->commit({}, {}).status() == Status::Locked);
  CHECK(get("a.txt") == "old");
  CHECK(value(reopen(id)->kept()).offset == 5);
  restart();
  CHECK(reopen(id)->commit({}, {}).status() == Status::Locked);
  REQUIRE(engine->unlock(at("a.txt"), lock.token, std::nullopt));
  Conditions conditions;
  const std::string_view other = "123:4";
  conditions.if_match = {&other, 1};
  CHECK(reopen(id)->commit({}, conditions).status() == Status::Aborted);
  CHECK(engine->upload_reopen(space, id).status() == Status::NotFound);
  CHECK(all().empty());
  CHECK(get("a.txt") == "old");
  const Uuid again = keep("a.txt", 5, "hello");
  REQUIRE(reopen(again)->commit({}, {}));
  CHECK(get("a.txt") == "hello");
}

TEST_CASE_FIXTURE(KeptFixture, "unfinished uploads count against the quota") {
  REQUIRE(engine->space_set_quota(space, 1'000'000));
  const Uuid first = keep("a.bin", 600'000, "");
  CHECK(try_begin("b.bin", 600'000).status() == Status::InsufficientStorage);
  CHECK(try_put("c.bin", std::string(500'000, 'x')).status() == Status::InsufficientStorage);
  restart();
  CHECK(try_begin("b.bin", 600'000).status() == Status::InsufficientStorage);
  REQUIRE(engine->upload_remove(space, first));
  CHECK(entries(shelf()) == 0);
  {
    auto open = value(try_begin("b.bin", 600'000));  // and while it is written
    CHECK(try_begin("d.bin", 600'000).status() == Status::InsufficientStorage);
  }
  const std::string content(600'000, 'x');
  REQUIRE(reopen(keep("b.bin", 600'000, content))->commit({}, {}));
  // Of what is replaced only the difference counts.
  REQUIRE(reopen(keep("b.bin", 900'000, std::string(900'000, 'y')))->commit({}, {}));
  CHECK(try_begin("d.bin", 100'001).status() == Status::InsufficientStorage);
  CHECK(try_begin("d.bin", 100'000));
  // Small ones are counted when they are kept.
  keep("e.bin", 60'000, "");
  auto small = value(try_begin("f.bin", 60'000));
  CHECK(small->suspend().status() == Status::InsufficientStorage);
  CHECK(all().size() == 1);
}

TEST_CASE_FIXTURE(KeptFixture, "the old ones are deleted") {
  auto now = std::make_shared<std::atomic<std::int64_t>>(1'700'000'000'000'000'000);
  engine.reset();
  provider.options.now_ns = [now] { return now->load(); };
  provider.options.upload_seconds = 100;
  provider.options.checkpoint_seconds = 1;
  start();
  const Uuid id = keep("a.txt", 11, "hello");
  *now += 99'000'000'000;
  { REQUIRE(reopen(id)->suspend()); }
  *now += 99'000'000'000;
  CHECK(value(reopen(id)->kept()).offset == 5);
  *now += 2'000'000'000;
  CHECK(engine->upload_reopen(space, id).status() == Status::NotFound);
  for (int i = 0; i < 600 && !(all().empty() && entries(shelf()) == 0); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  CHECK(all().empty());
  CHECK(entries(shelf()) == 0);
}

TEST_CASE_FIXTURE(KeptFixture, "with the space they go") {
  keep("a.txt", 11, "hello");
  REQUIRE(engine->space_remove(space));
  CHECK(all().empty());
  CHECK(entries(shelf()) == 0);
  restart();
  CHECK(all().empty());
}

}  // namespace Atoll::tree
