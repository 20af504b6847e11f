// SPDX-License-Identifier: Apache-2.0
// The driver through its tables, as the host calls it.
#include "plugins/storage-posix/storage_posix.hpp"

#include "core/base/uuid.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <mutex>
#include <tuple>

using namespace Atoll;
using storage_posix::StoragePosix;

namespace {

/// A host that knows nothing but the configuration.
struct FakeHost {
  explicit FakeHost(std::map<std::string, std::string> wanted) : values(std::move(wanted)) {
    service = sized<atoll_config_service>();
    service.text = [](void *context, const char *key, const atoll_text_sink *sink) -> std::int32_t {
      const auto &all = static_cast<FakeHost *>(context)->values;
      const auto found = all.find(key);
      if (found == all.end()) return ATOLL_NOT_FOUND;
      sink->emit(sink->context, str(found->second));
      return ATOLL_OK;
    };
    service.integer = [](void *context, const char *key, std::int64_t *value) -> std::int32_t {
      const auto &all = static_cast<FakeHost *>(context)->values;
      const auto found = all.find(key);
      if (found == all.end()) return ATOLL_NOT_FOUND;
      *value = std::strtoll(found->second.c_str(), nullptr, 0);
      return ATOLL_OK;
    };
    raw = sized<atoll_host>();
    raw.context = this;
    raw.query = [](void *context, const char *id) -> const void * {
      auto *host = static_cast<FakeHost *>(context);
      if (std::string_view(id) == ATOLL_SERVICE_EVENTS) return &host->events;
      return std::string_view(id) == ATOLL_SERVICE_CONFIG ? &host->service : nullptr;
    };
    events = sized<atoll_events_service>();
    events.publish = [](void *context, const atoll_event *event) {
      auto *host = static_cast<FakeHost *>(context);
      const std::lock_guard guard(host->mutex);
      host->published.emplace_back(view(event->kind), from_abi<SpaceId>(event->space));
      host->heard.notify_all();
    };
  }
  std::mutex mutex;
  std::condition_variable heard;
  std::vector<std::pair<std::string, SpaceId>> published;  // guarded by mutex
  atoll_events_service events{};
  std::map<std::string, std::string> values;
  atoll_config_service service{};
  atoll_host raw{};
};

struct Instance {
  Instance() {
    const char *base = std::getenv("TMPDIR");
    std::string pattern = std::string(base != nullptr ? base : "/tmp") + "/atoll-posix-XXXXXX";
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    folder = pattern;
    host = std::make_unique<FakeHost>(std::map<std::string, std::string>{{"root", folder + "/files"},
                                                                         {"state_dir", folder + "/var/state"},
                                                                         {"durability", "none"},
                                                                         {"file_mode", "0600"},
                                                                         {"quota_default", "100"}});
    start();
  }
  ~Instance() {
    stop();
    std::filesystem::remove_all(folder);
  }
  void start() {
    OutgoingCall call;
    const auto *plugin = StoragePosix::descriptor();
    const std::int32_t status = plugin->create(call.get(), &host->raw, &self);
    REQUIRE_MESSAGE(status == ATOLL_OK, call.error(status).message);
    fs = static_cast<const atoll_storage_fs *>(plugin->query(ATOLL_STORAGE_FS));
    locks = static_cast<const atoll_storage_fs_locks *>(plugin->query(ATOLL_STORAGE_FS_LOCKS));
    attributes = static_cast<const atoll_storage_fs_attributes *>(plugin->query(ATOLL_STORAGE_FS_ATTRIBUTES));
    auto record = sized<atoll_space>();
    record.id = to_abi(space);
    record.type = ATOLL_SPACE_PERSONAL;
    record.name = str("einstein");
    record.quota = 0;
    REQUIRE(fs->space_create(call.get(), self, &record) == ATOLL_OK);
  }
  void stop() {
    StoragePosix::descriptor()->stop(self);
    StoragePosix::descriptor()->destroy(self);
  }
  atoll_ref at(std::string_view path) const {
    auto ref = sized<atoll_ref>();
    ref.space = to_abi(space);
    ref.node = to_abi(space);
    ref.path = str(path);
    return ref;
  }
  std::int32_t put(std::string_view path, std::string_view bytes, OutgoingCall &call) {
    const atoll_ref ref = at(path);
    auto spec = sized<atoll_upload_spec>();
    spec.target = &ref;
    spec.size = bytes.size();
    void *upload = nullptr;
    if (const auto status = fs->upload_begin(call.get(), self, &spec, &upload); status != ATOLL_OK) return status;
    REQUIRE(fs->upload_write(call.get(), self, upload, 0, bytes.data(), bytes.size()) == ATOLL_OK);
    auto commit = sized<atoll_upload_commit>();
    commit.size = bytes.size();
    commit.mtime_ns = ATOLL_MTIME_NOW;
    auto sink = make_sink<atoll_stat_sink>([&](const atoll_stat *stat) { last = copied(stat); });
    return fs->upload_commit(call.get(), self, upload, &commit, sink.get());
  }

  std::string folder;
  std::unique_ptr<FakeHost> host;
  const SpaceId space = base::random_id<SpaceId>();
  void *self = nullptr;
  const atoll_storage_fs *fs = nullptr;
  const atoll_storage_fs_locks *locks = nullptr;
  const atoll_storage_fs_attributes *attributes = nullptr;
  atoll_stat last{};
};

}  // namespace

TEST_CASE("a file goes in and comes out through the tables") {
  Instance i;
  OutgoingCall call;
  REQUIRE(i.put("hello.txt", "hello", call) == ATOLL_OK);
  CHECK((i.last.flags & ATOLL_STAT_CREATED) != 0);
  CHECK(i.last.size == 5);
  const auto file = i.folder + "/files/personal/einstein/hello.txt";
  CHECK(std::filesystem::file_size(file) == 5);
  CHECK((std::filesystem::status(file).permissions() & std::filesystem::perms::mask) ==
        (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));

  const atoll_ref ref = i.at("hello.txt");
  void *handle = nullptr;
  REQUIRE(i.fs->open_read(call.get(), i.self, &ref, nullptr, &handle) == ATOLL_OK);
  char buffer[16];
  std::uint64_t got = 0;
  REQUIRE(i.fs->read(call.get(), i.self, handle, 1, buffer, sizeof buffer, &got) == ATOLL_OK);
  CHECK(std::string_view(buffer, got) == "ello");
  std::uint64_t covered = 0;
  auto extents = make_sink<atoll_extent_sink>([&](const atoll_extent *extent) {
    CHECK(extent->kind == ATOLL_EXTENT_FD);
    covered += extent->length;
  });
  REQUIRE(i.fs->read_extents(call.get(), i.self, handle, 0, 100, extents.get()) == ATOLL_OK);
  CHECK(covered == 5);
  i.fs->read_close(i.self, handle);

  CHECK(i.put("big", std::string(200, 'x'), call) == ATOLL_INSUFFICIENT_STORAGE);
  Conditions none;
  none.none_match_any = true;
  call.conditions(none.get());
  CHECK(i.put("hello.txt", "again", call) == ATOLL_ABORTED);
  call.conditions(nullptr);
  i.stop();
  i.start();
  int listed = 0;
  const atoll_ref root = i.at("");
  auto stats = make_sink<atoll_stat_sink>([&](const atoll_stat *stat) {
    ++listed;
    CHECK(view(stat->name) == "hello.txt");
    CHECK(stat->etag.len <= 32);
  });
  REQUIRE(i.fs->list(call.get(), i.self, &root, str(""), 0, stats.get()) == ATOLL_OK);
  CHECK(listed == 1);
  const atoll_ref nope = i.at("nope");
  CHECK(i.fs->stat(call.get(), i.self, &nope, nullptr) == ATOLL_NOT_FOUND);
  CHECK(call.error(ATOLL_NOT_FOUND).message.find("nope") != std::string::npos);
}

TEST_CASE("the roots of many spaces at once are what each says, and one that cannot be told of is left out") {
  Instance i;
  OutgoingCall call;
  auto second = sized<atoll_space>();
  second.id = to_abi(base::random_id<SpaceId>());
  second.type = ATOLL_SPACE_PROJECT;
  second.name = str("Solar");
  second.quota = 5000;
  REQUIRE(i.fs->space_create(call.get(), i.self, &second) == ATOLL_OK);
  REQUIRE(i.put("a.txt", "12345", call) == ATOLL_OK);
  const auto *roots =
      static_cast<const atoll_storage_fs_roots *>(StoragePosix::descriptor()->query(ATOLL_STORAGE_FS_ROOTS));
  REQUIRE(roots != nullptr);
  using Root = std::tuple<std::string, std::uint64_t, std::uint64_t>;
  const auto root_of_space = [](const atoll_space *s) { return Root(view(s->root_etag), s->used, s->quota); };
  const std::vector<atoll_uuid> ids{to_abi(base::random_id<SpaceId>()), to_abi(i.space), second.id};
  const auto told = [&] {
    std::map<SpaceId, Root> out;
    const atoll_uuids all{ids.data(), ids.size()};
    const auto sink =
        make_sink<atoll_space_sink>([&](const atoll_space *s) { out[from_abi<SpaceId>(s->id)] = root_of_space(s); });
    CHECK(roots->roots(call.get(), i.self, &all, sink.get()) == ATOLL_OK);
    return out;
  };
  const auto before = told();
  CHECK(before.size() == 2);
  for (const auto &[id, root] : before) {
    Root one;
    const atoll_uuid raw = to_abi(id);
    const auto sink = make_sink<atoll_space_sink>([&](const atoll_space *s) { one = root_of_space(s); });
    REQUIRE(i.fs->space_get(call.get(), i.self, &raw, sink.get()) == ATOLL_OK);
    CHECK(one == root);
  }
  CHECK(std::get<1>(before.at(i.space)) == 5);
  REQUIRE(i.put("b.txt", "1", call) == ATOLL_OK);
  const auto after = told();
  CHECK(after.at(i.space) != before.at(i.space));
  CHECK(after.at(from_abi<SpaceId>(second.id)) == before.at(from_abi<SpaceId>(second.id)));
  REQUIRE(i.fs->space_remove(call.get(), i.self, &second.id) == ATOLL_OK);
  CHECK(told().size() == 1);
  CHECK(i.fs->space_get(call.get(), i.self, &second.id, nullptr) == ATOLL_NOT_FOUND);
}

TEST_CASE("locks and attributes through the tables") {
  Instance i;
  OutgoingCall call;
  REQUIRE(i.put("x", "1", call) == ATOLL_OK);
  const atoll_ref ref = i.at("x");
  auto wanted = sized<atoll_lock>();
  wanted.kind = ATOLL_LOCK_EXCLUSIVE;
  wanted.timeout_s = 60;
  wanted.account_name = str("marie");
  std::string token;
  auto taken = make_sink<atoll_lock_sink>([&](const atoll_lock *lock) {
    token = view(lock->token);
    CHECK(lock->timeout_s == 60);
  });
  REQUIRE(i.locks->lock(call.get(), i.self, &ref, &wanted, taken.get()) == ATOLL_OK);
  CHECK(i.put("x", "2", call) == ATOLL_LOCKED);
  const std::vector<std::string> tokens{token};
  call.lock_tokens(tokens);
  CHECK(i.put("x", "2", call) == ATOLL_OK);
  auto attribute = sized<atoll_attribute>();
  attribute.namespace_ = str("urn:x");
  attribute.name = str("colour");
  attribute.value = atoll_bytes{"blue", 4};
  REQUIRE(i.attributes->patch(call.get(), i.self, &ref, &attribute, 1, sizeof attribute) == ATOLL_OK);
  std::string value;
  auto got = make_sink<atoll_attribute_sink>([&](const atoll_attribute *found) {
    value.assign(static_cast<const char *>(found->value.ptr), found->value.len);
  });
  REQUIRE(i.attributes->get(call.get(), i.self, &ref, got.get()) == ATOLL_OK);
  CHECK(value == "blue");
  CHECK(i.locks->unlock(call.get(), i.self, &ref, str(token)) == ATOLL_OK);
  wanted.kind = ATOLL_LOCK_WRITE;
  REQUIRE(i.locks->lock(call.get(), i.self, &ref, &wanted, taken.get()) == ATOLL_OK);
  std::uint32_t kind = 0;
  auto held = make_sink<atoll_lock_sink>([&](const atoll_lock *lock) { kind = lock->kind; });
  REQUIRE(i.locks->list(call.get(), i.self, &ref, held.get()) == ATOLL_OK);
  CHECK(kind == ATOLL_LOCK_WRITE);
  CHECK(i.locks->unlock(call.get(), i.self, &ref, str(token)) == ATOLL_OK);
  for (const std::uint32_t unknown : {0u, ATOLL_LOCK_WRITE + 1}) {
    wanted.kind = unknown;
    CHECK(i.locks->lock(call.get(), i.self, &ref, &wanted, taken.get()) == ATOLL_INVALID_ARGUMENT);
  }
}

TEST_CASE("changes through the table, and the event that tells of them") {
  Instance i;
  OutgoingCall call;
  const auto *changes =
      static_cast<const atoll_storage_fs_changes *>(StoragePosix::descriptor()->query(ATOLL_STORAGE_FS_CHANGES));
  REQUIRE(changes != nullptr);
  const atoll_uuid space = to_abi(i.space);
  std::string token;
  auto give = make_sink<atoll_text_sink>([&](atoll_str text) { token = view(text); });
  REQUIRE(changes->now(call.get(), i.self, &space, give.get()) == ATOLL_OK);
  const std::string before = token;
  REQUIRE(i.put("x", "1", call) == ATOLL_OK);
  {
    std::unique_lock guard(i.host->mutex);
    i.host->heard.wait(guard, [&] { return !i.host->published.empty(); });
    CHECK(i.host->published.front() == std::pair<std::string, SpaceId>("space.changed", i.space));
  }
  REQUIRE(i.put("y", "1", call) == ATOLL_OK);
  std::string names;
  auto rows = make_sink<atoll_change_sink>([&](const atoll_change *change) {
    CHECK(change->kind == ATOLL_CHANGE_CREATED);
    CHECK(change->type == ATOLL_NODE_FILE);
    names += view(change->name);
  });
  std::uint32_t more = 9;
  REQUIRE(changes->since(call.get(), i.self, &space, str(token), 1, rows.get(), give.get(), &more) == ATOLL_OK);
  CHECK(names == "x");
  CHECK(more == 1);
  REQUIRE(changes->keep(call.get(), i.self, &space, str("me"), str(token)) == ATOLL_OK);
  REQUIRE(changes->since(call.get(), i.self, &space, str(token), 0, rows.get(), give.get(), &more) == ATOLL_OK);
  CHECK(names == "xy");
  CHECK(more == 0);
  const std::string after = token;
  REQUIRE(changes->cursor(call.get(), i.self, &space, str("me"), give.get()) == ATOLL_OK);
  CHECK(token != after);
  CHECK(token != before);
  REQUIRE(changes->forget(call.get(), i.self, str("me")) == ATOLL_OK);
  CHECK(changes->cursor(call.get(), i.self, &space, str("me"), give.get()) == ATOLL_FAILED_PRECONDITION);
  CHECK(changes->since(call.get(), i.self, &space, str("1"), 0, nullptr, nullptr, nullptr) == ATOLL_INVALID_ARGUMENT);
  CHECK(changes->since(call.get(), i.self, &space, str("9:9"), 0, nullptr, nullptr, nullptr) ==
        ATOLL_FAILED_PRECONDITION);
}

TEST_CASE("what is promised of acknowledged changes is what durability says") {
  for (const auto &[word, promised] : {std::pair<const char *, std::uint32_t>{"power-cut", ATOLL_DURABILITY_POWER_CUT},
                                       {"crash", ATOLL_DURABILITY_CRASH},
                                       {"none", ATOLL_DURABILITY_NONE}}) {
    Instance i;
    i.stop();
    i.host->values["durability"] = word;
    i.start();
    OutgoingCall call;
    auto caps = sized<atoll_storage_caps>();
    REQUIRE(i.fs->capabilities(call.get(), i.self, &caps) == ATOLL_OK);
    CHECK(caps.durability == promised);
    REQUIRE(i.put("x", "one", call) == ATOLL_OK);
    REQUIRE(i.put("x", "another", call) == ATOLL_OK);
    i.stop();
    i.start();
    const atoll_ref ref = i.at("x");
    std::uint64_t size = 0;
    auto sink = make_sink<atoll_stat_sink>([&](const atoll_stat *stat) { size = stat->size; });
    REQUIRE(i.fs->stat(call.get(), i.self, &ref, sink.get()) == ATOLL_OK);
    CHECK(size == 7);
  }
  Instance i;
  i.host->values["durability"] = "perhaps";
  OutgoingCall call;
  void *other = nullptr;
  const std::int32_t status = StoragePosix::descriptor()->create(call.get(), &i.host->raw, &other);
  CHECK(status == ATOLL_INVALID_ARGUMENT);
  CHECK(call.error(status).message.find("power-cut, crash or none") != std::string::npos);
}

TEST_CASE("trash and versions through their tables") {
  Instance i;
  OutgoingCall call;
  const auto *trash =
      static_cast<const atoll_storage_fs_trash *>(StoragePosix::descriptor()->query(ATOLL_STORAGE_FS_TRASH));
  const auto *versions =
      static_cast<const atoll_storage_fs_versions *>(StoragePosix::descriptor()->query(ATOLL_STORAGE_FS_VERSIONS));
  const auto *fs = i.fs;
  REQUIRE((trash != nullptr && versions != nullptr));
  const atoll_uuid space = to_abi(i.space);
  const atoll_ref ref = i.at("x");
  REQUIRE(i.put("x", "one", call) == ATOLL_OK);
  REQUIRE(i.put("x", "two!", call) == ATOLL_OK);
  std::string id;
  auto list = make_sink<atoll_version_sink>([&](const atoll_version *version) {
    id = view(version->id);
    CHECK(version->size == 3);
  });
  REQUIRE(versions->list(call.get(), i.self, &ref, list.get()) == ATOLL_OK);
  REQUIRE(!id.empty());
  std::uint64_t bytes = 0;
  REQUIRE(versions->usage(call.get(), i.self, &space, &bytes) == ATOLL_OK);
  CHECK(bytes == 3);
  void *handle = nullptr;
  char buffer[16] = {};
  REQUIRE(versions->open_read(call.get(), i.self, &ref, str(id), nullptr, &handle) == ATOLL_OK);
  REQUIRE(fs->read(call.get(), i.self, handle, 0, buffer, sizeof buffer, &bytes) == ATOLL_OK);
  fs->read_close(i.self, handle);
  CHECK(std::string_view(buffer, bytes) == "one");
  for (const char *wrong : {"", "0", "01", "zz", "11111111111111111", "ffff"})
    CHECK(versions->remove(call.get(), i.self, &ref, str(wrong)) == ATOLL_NOT_FOUND);
  REQUIRE(versions->restore(call.get(), i.self, &ref, str(id), nullptr) == ATOLL_OK);
  REQUIRE(versions->usage(call.get(), i.self, &space, &bytes) == ATOLL_OK);
  CHECK(bytes == 4);

  REQUIRE(fs->remove(call.get(), i.self, &ref, 0) == ATOLL_OK);
  atoll_uuid item{};
  auto items = make_sink<atoll_trash_sink>([&](const atoll_trash_item *found) {
    item = found->id;
    CHECK(view(found->name) == "x");
    CHECK(found->type == ATOLL_NODE_FILE);
  });
  REQUIRE(trash->list(call.get(), i.self, &space, nullptr, 0, items.get()) == ATOLL_OK);
  REQUIRE(trash->usage(call.get(), i.self, &space, &bytes) == ATOLL_OK);
  CHECK(bytes == 3);
  const atoll_ref to = i.at("y");
  REQUIRE(trash->restore(call.get(), i.self, &space, &item, &to, 0, nullptr) == ATOLL_OK);
  REQUIRE(fs->remove(call.get(), i.self, &to, ATOLL_PERMANENT) == ATOLL_OK);
  CHECK(trash->purge(call.get(), i.self, &space, &item) == ATOLL_NOT_FOUND);
  REQUIRE(trash->purge_all(call.get(), i.self, &space) == ATOLL_OK);
  REQUIRE(trash->usage(call.get(), i.self, &space, &bytes) == ATOLL_OK);
  CHECK(bytes == 0);
}
