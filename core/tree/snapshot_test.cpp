// SPDX-License-Identifier: Apache-2.0
// Snapshot and restore.
#include "core/base/checksum.hpp"
#include "core/base/text.hpp"
#include "core/tree/care_test.hpp"
#include "core/tree/failing_namespace_test.hpp"
#include "core/tree/invariants_test.hpp"
#include "tests/unit/skip.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#include <atomic>
#include <thread>

using namespace Atoll;
using namespace Atoll::tree;
using namespace Atoll::tree::test;
namespace fs = std::filesystem;

TEST_CASE("a snapshot is one state, and what it holds comes back") {
  Fixture f;
  f.mkdir("a");
  f.put("a/x", "one");
  f.put("a/y", "two");
  f.mkdir("empty");
  f.put("top", "three");
  const AttributeChange colour{"urn:x", "colour", std::string_view("bl\0e", 4)};
  CHECK(f.engine->attributes_patch(f.at("a/x"), {&colour, 1}, {}).ok());
  const auto before = ids(f);
  const std::string shot = f.folder.path + "/shot";
  const auto taken = Fixture::value(Care(*f.engine).snapshot(f.space, shot, quiet));
  CHECK(taken.files == 3);
  CHECK(taken.folders == 2);
  CHECK(taken.bytes == 11);
  CHECK(test::read_disk(shot + "/files/a/x") == "one");
  CHECK(fs::is_directory(shot + "/files/empty"));
  CHECK(!fs::exists(shot + "/.contents"));
  CHECK(Care(*f.engine).snapshot(f.space, shot, quiet).status() == Status::AlreadyExists);
  CHECK(Care(*f.engine).snapshot(f.space, "relative", quiet).status() == Status::InvalidArgument);

  CHECK(f.stat("").fingerprint == 0);
  f.put("a/x", "changed");
  const AttributeChange gone{"urn:x", "colour", std::nullopt}, other{"urn:x", "other", "1"};
  const AttributeChange both[] = {gone, other};
  CHECK(f.engine->attributes_patch(f.at("a/x"), both, {}).ok());
  Fixture::value(f.engine->rename(f.at("a/y"), f.at("elsewhere"), false, {}));
  CHECK(f.engine->remove(f.at("empty"), {}).ok());
  f.put("later", "not in the snapshot");
  f.mkdir("empty");
  f.put("empty/z", "nor this");

  auto restored = Fixture::value(Care(*f.engine).restore(f.space, shot, "a/x", quiet));
  CHECK(restored.written == 1);
  CHECK(f.get("a/x") == "one");
  CHECK(f.status("later") == Status::Ok);
  const auto first = f.stat("").fingerprint;
  CHECK(first != 0);
  std::string held;
  CHECK(f.engine
            ->attributes(f.at("a/x"),
                         [&](std::string_view, std::string_view name, std::string_view value) {
                           held += std::string(name) + "=" + std::string(value);
                           return true;
                         })
            .ok());
  CHECK(held == std::string("colour=bl\0e", 11));

  restored = Fixture::value(Care(*f.engine).restore(f.space, shot, "", quiet));
  CHECK(restored.moved == 2);    // a/y from elsewhere, and the old folder "empty" out of the trash
  CHECK(restored.removed == 1);  // the new "empty" was replaced
  CHECK(f.names("") == "a empty top");
  CHECK(f.names("empty").empty());
  CHECK(f.stat("").fingerprint != first);
  auto after = ids(f);
  CHECK(after["a/y"] == before.at("a/y"));
  CHECK(after["empty"] == before.at("empty"));
  CHECK(after["top"] == before.at("top"));
  CHECK(f.stat("a/x").id.text() == before.at("a/x").substr(0, 36));
  test::check_space(f);
  const auto last = f.stat("").fingerprint;
  f.restart();
  CHECK(f.stat("").fingerprint == last);

  CHECK(Care(*f.engine).restore(f.space, shot, "nothing", quiet).status() == Status::NotFound);
  CHECK(Care(*f.engine).restore(f.space, f.folder.path, "", quiet).status() != Status::Ok);
  f.put("top", "again");
  test::write_disk(shot + "/files/top", "damaged by somebody");
  CHECK(Care(*f.engine).restore(f.space, shot, "top", quiet).status() == Status::DataLoss);
  CHECK(f.get("top") == "again");
}

TEST_CASE("what was removed since comes back as the same node, and a damaged manifest changes nothing") {
  Fixture f;
  f.mkdir("a");
  f.mkdir("a/b");
  f.put("a/b/x", "one");
  f.put("y", "two");
  f.put("twin", "same");
  const auto before = ids(f);
  auto without_etags = [](std::map<std::string, std::string> all) {
    for (auto &[path, id] : all) id.resize(36);
    return all;
  };
  const std::string shot = f.folder.path + "/shot";
  CHECK(Care(*f.engine).snapshot(f.space, shot, quiet).ok());
  CHECK(f.engine->remove(f.at("a"), {}).ok());
  CHECK(f.engine->remove(f.at("y"), {}).ok());
  f.put("y", "another file");
  f.put("a", "a file where the folder was");
  const std::string manifest = test::read_disk(shot + "/manifest.jsonl");
  test::write_disk(shot + "/manifest.jsonl", manifest.substr(0, manifest.rfind('{')));
  CHECK(Care(*f.engine).restore(f.space, shot, "", quiet).status() == Status::DataLoss);
  CHECK(Care(*f.engine).restore(f.space, shot, "y", quiet).status() == Status::DataLoss);
  CHECK(f.names("") == "a twin y");
  CHECK(f.stat("").fingerprint == 0);
  test::write_disk(shot + "/manifest.jsonl", manifest);
  const auto restored = Fixture::value(Care(*f.engine).restore(f.space, shot, "", quiet));
  CHECK(restored.moved == 2);
  CHECK(restored.written == 0);
  CHECK(without_etags(ids(f)) == without_etags(before));
  CHECK(f.get("a/b/x") == "one");
  CHECK(f.get("y") == "two");
  test::check_space(f);
  CHECK(findings(f).empty());
}

TEST_CASE("what is as in the snapshot stays as it is, and a restore with nothing to do changes nothing") {
  Fixture f;
  const auto put = [&](std::string_view path, std::string_view bytes, bool sums, std::int64_t mtime_ns) {
    UploadCommit commit;
    commit.mtime_ns = mtime_ns;
    if (sums) {
      base::Checksums all(base::kAllChecksums);
      all.update(bytes);
      const auto values = all.values();
      commit.sums.mask = base::kAllChecksums;
      commit.sums.sha1 = values.sha1;
      commit.sums.md5 = values.md5;
      commit.sums.adler32 = values.adler32;
    }
    return f.value(f.try_put(f.at(path), bytes, {}, commit));
  };
  constexpr std::int64_t then = 1'700'000'000'123'456'789, later = then + 1'000'000'000;
  f.mkdir("a");
  f.mkdir("empty");
  put("a/summed", "one", true, then);
  put("a/plain", "two", false, then);
  put("a/timed", "three", true, then);
  f.mkdir("outer");
  f.mkdir("outer/inner");
  const AttributeChange colour{"urn:x", "colour", "blue"}, shape{"urn:x", "shape", "round"};
  const AttributeChange both[] = {shape, colour};
  CHECK(f.engine->attributes_patch(f.at("a/summed"), both, {}).ok());
  const std::string shot = f.folder.path + "/shot";
  CHECK(Care(*f.engine).snapshot(f.space, shot, quiet).ok());
  const auto restore = [&](std::string_view path) {
    return Fixture::value(Care(*f.engine).restore(f.space, shot, path, quiet));
  };
  struct State {
    std::map<std::string, std::string> all;
    std::string root;
    std::uint64_t fingerprint, trash, versions;
    bool operator==(const State &) const = default;
  };
  const auto state = [&] {
    const SpaceInfo info = Fixture::value(f.engine->space_get(f.space));
    return State{ids(f), f.etag(""), f.stat("").fingerprint, info.trash_used, info.versions_used};
  };

  State before = state();
  auto restored = restore("");
  CHECK(restored.written + restored.moved + restored.removed == 0);
  CHECK(restored.same == 8);
  CHECK(state() == before);
  CHECK(before.fingerprint == 0);

  // Of the same size and time, but not the same: with checksums, and without.
  put("a/summed", "ONE", true, then);
  put("a/plain", "TWO", false, then);
  CHECK(f.engine->set_mtime(f.at("a/timed"), later, {}).ok());
  const AttributeChange square{"urn:x", "shape", "square"};
  CHECK(f.engine->attributes_patch(f.at("a/summed"), {&square, 1}, {}).ok());
  CHECK(restore("").written == 3);
  CHECK(f.get("a/summed") == "one");
  CHECK(f.get("a/plain") == "two");
  CHECK(f.stat("a/timed").mtime_ns == then);
  before = state();
  CHECK(before.fingerprint != 0);
  restored = restore("");
  CHECK(restored.written + restored.moved + restored.removed == 0);
  CHECK(restored.same == 8);
  CHECK(state() == before);
  CHECK(restore("a/plain").same == 1);
  CHECK(restore("outer/inner").same == 1);
  CHECK(state() == before);

  // Written again by a client, with what the snapshot has.
  put("a/summed", "one", true, then);
  put("a/plain", "two", false, then);
  before = state();
  CHECK(restore("").same == 8);
  CHECK(state() == before);

  // What changed is told before it changes: an attribute alone, a folder alone.
  CHECK(f.engine->attributes_patch(f.at("a/summed"), {&square, 1}, {}).ok());
  restore("a/summed");
  CHECK(f.stat("").fingerprint != before.fingerprint);
  before = state();
  f.mkdir("later");
  CHECK(restore("").removed == 1);
  CHECK(f.stat("").fingerprint != before.fingerprint);

  // Outside in: neither can take the place of the other, which is around it or in it, and both stay.
  Fixture::value(f.engine->rename(f.at("outer/inner"), f.at("t"), false, {}));
  Fixture::value(f.engine->rename(f.at("outer"), f.at("t/inner"), false, {}));
  Fixture::value(f.engine->rename(f.at("t"), f.at("outer"), false, {}));
  before = state();
  CHECK(restore("").same == 8);
  CHECK(state() == before);
  test::check_space(f);
  CHECK(findings(f).empty());

  const auto missing = Care(*f.engine).restore(f.space, f.folder.path + "/nowhere", "", quiet);
  CHECK(missing.status() == Status::NotFound);
  CHECK(missing.error().message == "there is no folder " + f.folder.path + "/nowhere");
  const auto none = Care(*f.engine).restore(f.space, f.folder.path, "", quiet);
  CHECK(none.status() == Status::FailedPrecondition);
  CHECK(none.error().message.find("no snapshot.json") != std::string::npos);
  const auto nowhere = Care(*f.engine).snapshot(f.space, f.folder.path + "/no/where", quiet);
  CHECK(nowhere.status() == Status::FailedPrecondition);
  CHECK(nowhere.error().message.find("does not exist") != std::string::npos);
}

TEST_CASE("a snapshot has paths that are longer than the system takes at once") {
  Fixture f;
  look_at_nothing(f);
  const std::string name(200, 'n');
  NodeId folder = root_of(f.space);
  std::string path;
  for (int depth = 0; depth < 30; ++depth) {
    folder = Fixture::value(f.engine->mkdir(f.at(folder, name), {})).id;
    path += (path.empty() ? "" : "/") + name;
  }
  Fixture::value(f.try_put(f.at(folder, "deep"), "content"));
  const std::string shot = f.folder.path + "/shot";
  const auto taken = Fixture::value(Care(*f.engine).snapshot(f.space, shot, quiet));
  CHECK(taken.folders == 30);
  CHECK(taken.files == 1);
  Fixture::value(f.try_put(f.at(folder, "deep"), "changed"));
  CHECK(Fixture::value(Care(*f.engine).restore(f.space, shot, path, quiet)).written == 1);
  CHECK(f.get(path + "/deep") == "content");
}

TEST_CASE("a snapshot while others write is one of the states that there were") {
  Fixture f;
  f.engine.reset();
  f.provider.options.durability = Durability::None;
  f.start();
  // Two files that are always written one after the other: the second never is ahead of the first.
  f.put("first", "0");
  f.put("second", "0");
  for (int i = 0; i < 50; ++i) f.put("still" + std::to_string(i), "x");
  auto mark = [&](int number) {
    const std::string text = std::to_string(number);
    const AttributeChange change{"urn:x", "number", text};
    CHECK(f.engine->attributes_patch(f.at("still0"), {&change, 1}, {}).ok());
  };
  mark(0);
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    for (int i = 1; !stop; ++i) {
      mark(i);
      f.put("first", std::to_string(i));
      f.put("second", std::to_string(i));
    }
  });
  for (int round = 0; round < 5; ++round) {
    const std::string shot = f.folder.path + "/shot" + std::to_string(round);
    const auto taken = Care(*f.engine).snapshot(f.space, shot, quiet);
    CHECK(taken.ok());
    if (!taken) continue;
    const int first = std::stoi(test::read_disk(shot + "/files/first")),
              second = std::stoi(test::read_disk(shot + "/files/second"));
    CHECK((first == second || first == second + 1));
    // An attribute is set before them: its state is that of the files.
    const std::string manifest = test::read_disk(shot + "/manifest.jsonl");
    const std::string same = base::base64_encode(std::to_string(first)),
                      next = base::base64_encode(std::to_string(first + 1));
    CHECK((manifest.find("\"value\":\"" + same + "\"") != manifest.npos ||
           manifest.find("\"value\":\"" + next + "\"") != manifest.npos));
  }
  stop = true;
  writer.join();
}

TEST_CASE("a snapshot does not copy a large file while everybody else waits") {
  test::TellingFixture f;
  const std::string probe = f.folder.path + "/probe";
  test::write_disk(probe, "1");
  test::write_disk(probe + "2", "");
  {
    const base::Fd from(::open(probe.c_str(), O_RDONLY | O_CLOEXEC));
    const base::Fd to(::open((probe + "2").c_str(), O_WRONLY | O_CLOEXEC));
    if (::ioctl(to.get(), FICLONE, from.get()) == 0)
      return Atoll::testing::skip("copies share their blocks here: none is large");
  }
  f.put("small", "1");
  test::write_disk(f.disk("large"), "1");
  std::uint64_t size = 1;
  SUBCASE("which is written to now and then") { size = std::uint64_t{65} << 20; }
  SUBCASE("but a small one") {}
  fs::resize_file(f.disk("large"), size);
  REQUIRE(f.engine->rescan(f.space).ok());
  int opened = 0;
  f.told = [&](std::string_view what, std::string_view path) {
    // As often as it is tried without the lock.
    if (what == "open_file" && path == "large" && ++opened <= 4)
      fs::last_write_time(f.disk("large"), fs::file_time_type(std::chrono::seconds(opened)));
  };
  const auto taken = Care(*f.engine).snapshot(f.space, f.folder.path + "/snapshot", quiet);
  CHECK(opened > 4);
  CHECK(taken.status() == (size == 1 ? Status::Ok : Status::Unavailable));
}
