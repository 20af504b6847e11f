// SPDX-License-Identifier: Apache-2.0
#include "core/gateway/gateway.hpp"

#include <doctest/doctest.h>

#include <atoll/sdk/registry.hpp>
#include <thread>

namespace Atoll::gateway {
namespace {

const SpaceId kSpace = *SpaceId::parse("11111111-1111-4111-8111-111111111111");
const AccountId kMarie = *AccountId::parse("22222222-2222-4222-8222-222222222222");

/// A registry that knows one space, with permissions that a test sets.
struct OneSpace : Registry<OneSpace> {
  SpaceRecord record;
  std::uint64_t now = 1;
  bool reachable = true;

  Result<void> spaces_of(const Call &, const SpaceRecordEmitter &emit) {
    if (record.permissions) emit(record.abi());
    return {};
  }
  Result<void> space_get(const Call &, const SpaceId &id, const SpaceRecordEmitter &emit) {
    if (!reachable) return error(Status::Unavailable, "the registry's database is away");
    if (id != record.id) return error(Status::NotFound, "no such space");
    emit(record.abi());
    return {};
  }
  Result<void> space_list(const Call &, const SpaceId &, std::uint64_t, const SpaceRecordEmitter &) { return {}; }
  Result<void> space_insert(const Call &, const SpaceRecord &r) {
    record = r;
    ++now;
    return {};
  }
  Result<void> space_update(const Call &, const SpaceRecord &r) { return space_insert(Call(nullptr), r); }
  Result<void> space_remove(const Call &, const SpaceId &) { return {}; }
  Result<void> personal(const Call &, const AccountId &owner, const SpaceRecordEmitter &emit) {
    if (owner != record.owner) return error(Status::NotFound, "no personal space");
    emit(record.abi());
    return {};
  }
  Result<void> member_put(const Call &, const SpaceId &, const atoll_member &) { return {}; }
  Result<void> member_remove(const Call &, const SpaceId &, const AccountId &) { return {}; }
  Result<void> members(const Call &, const SpaceId &, const MemberEmitter &) { return {}; }
  Result<std::uint64_t> generation(const Call &) { return now; }
};

/// A driver that answers every operation on a node with OK, or with what a test sets.
struct Canned : StorageFs<Canned> {
  Status answer = Status::Ok;
  std::uint32_t reason = 0;  // of a failure
  bool knows_space = true;
  int created = 0;

  Result<void> say(const StatEmitter &emit) {
    if (answer != Status::Ok) return Error{answer, "canned", 0, 0, reason};
    auto stat = sized<atoll_stat>();
    stat.type = ATOLL_NODE_FOLDER;
    stat.space = to_abi(kSpace);
    stat.node = to_abi(root_of(kSpace));
    stat.etag = str("abc");
    emit(stat);
    return {};
  }
  Result<void> capabilities(const Call &, atoll_storage_caps &) { return {}; }
  Result<void> space_create(const Call &, const atoll_space &) { return ++created, Result<void>(); }
  Result<void> space_get(const Call &, const SpaceId &, const SpaceEmitter &emit) {
    if (!knows_space) return error(Status::NotFound, "canned");
    emit(sized<atoll_space>());
    return {};
  }
  Result<void> space_list(const Call &, const SpaceEmitter &) { return {}; }
  Result<void> stat(const Call &, const RefView &, const StatEmitter &emit) { return say(emit); }
  Result<void> list(const Call &, const RefView &, std::string_view, std::uint64_t, const StatEmitter &e) {
    return say(e);
  }
  Result<void> path_of(const Call &, const SpaceId &, const NodeId &, const StatEmitter &emit) { return say(emit); }
  Result<void> mkdir(const Call &, const RefView &, const StatEmitter &emit) { return say(emit); }
  Result<void> rename(const Call &, const RefView &, const RefView &, std::uint32_t, const StatEmitter &e) {
    return say(e);
  }
  Result<void> remove(const Call &, const RefView &, std::uint32_t) { return say(StatEmitter(nullptr)); }
  Result<std::unique_ptr<ReadHandle>> open_read(const Call &, const RefView &, const StatEmitter &) {
    return error(Status::NotFound, "canned");
  }
  Result<std::unique_ptr<UploadHandle>> upload_begin(const Call &, const RefView &, std::uint64_t, std::string_view) {
    return error(Status::InsufficientStorage, "canned");
  }
};

struct FakeInstance : Instance {
  FakeInstance(std::string name, void *self, const char *id, const void *table)
      : name_(std::move(name)), self_(self), id_(id), table_(table) {}
  std::string_view name() const override { return name_; }
  void *self() const override { return self_; }
  const void *query(const char *id) const override { return std::string_view(id) == id_ ? table_ : nullptr; }
  std::unique_lock<std::recursive_mutex> enter() const override { return {}; }
  std::string name_;
  void *self_;
  const char *id_;
  const void *table_;
};

struct World : InstanceLookup {
  OneSpace registry;
  Canned storage;
  bool storage_runs = true;
  std::string doubted;  // the instance of the last doubt
  Lease registry_lease = std::make_shared<FakeInstance>("registry:main", &registry, ATOLL_REGISTRY, OneSpace::table());
  Lease storage_lease = std::make_shared<FakeInstance>("storage:home", &storage, ATOLL_STORAGE_FS, Canned::table());
  Gateway gateway{*this, {4, ATOLL_ROLE_USER, ATOLL_QUOTA_NONE, ATOLL_QUOTA_NONE}};
  Files files{gateway.service()->files, gateway.service()->files_self};
  Principal marie;

  World() {
    marie.account = kMarie;
    marie.name = "marie";
    marie.app_role = ATOLL_ROLE_USER;
    registry.record.id = kSpace;
    registry.record.provider = "storage:home";
    registry.record.permissions = ATOLL_MAY_STAT;
  }
  Result<Lease> lease(std::string_view name) override {
    if (name == "registry:main") return registry_lease;
    if (name != "storage:home") return error(Status::NotFound, "not configured");
    if (!storage_runs) return error(Status::Unavailable, "backing off");
    return storage_lease;
  }
  void doubt(std::string_view name) override { doubted = name; }
  Result<std::vector<Lease>> all(const char *id) override {
    if (std::string_view(id) == ATOLL_REGISTRY) return std::vector<Lease>{registry_lease};
    if (std::string_view(id) == ATOLL_STORAGE_FS) return std::vector<Lease>{storage_lease};
    return std::vector<Lease>{};
  }
  void grant(std::uint32_t permissions) {
    registry.record.permissions = permissions;
    ++registry.now;
  }
  template <class F>
  Status as_marie(F f) {
    const AbiPrincipal principal(marie);
    OutgoingCall call;
    call.principal(principal.get());
    return f(call).status();
  }
};

const Ref kFile{kSpace, root_of(kSpace), "a"};
const Ref kOther{kSpace, root_of(kSpace), "b"};

TEST_CASE("nobody gets nothing but UNAUTHENTICATED") {
  World world;
  OutgoingCall call;
  CHECK(world.files.stat(call, kFile).status() == Status::Unauthenticated);
  CHECK(world.files.remove(call, kFile).status() == Status::Unauthenticated);
}

TEST_CASE("each operation needs its permissions, and no more") {
  World world;
  struct Row {
    const char *what;
    std::uint32_t needed;
    std::function<Status(OutgoingCall &)> run;
  };
  const std::vector<Row> rows = {
      {"stat", 0, [&](OutgoingCall &c) { return world.files.stat(c, kFile).status(); }},
      {"list", 0, [&](OutgoingCall &c) { return world.files.list(c, kFile, [](const atoll_stat *) {}).status(); }},
      {"mkdir", ATOLL_MAY_CREATE, [&](OutgoingCall &c) { return world.files.mkdir(c, kFile).status(); }},
      {"remove", ATOLL_MAY_DELETE, [&](OutgoingCall &c) { return world.files.remove(c, kFile).status(); }},
      {"remove for good", ATOLL_MAY_DELETE | ATOLL_MAY_PURGE,
       [&](OutgoingCall &c) { return world.files.remove(c, kFile, ATOLL_PERMANENT).status(); }},
      {"rename", ATOLL_MAY_MOVE | ATOLL_MAY_READ | ATOLL_MAY_CREATE,
       [&](OutgoingCall &c) { return world.files.rename(c, kFile, kOther, 0).status(); }},
      {"rename over", ATOLL_MAY_MOVE | ATOLL_MAY_READ | ATOLL_MAY_CREATE | ATOLL_MAY_WRITE,
       [&](OutgoingCall &c) { return world.files.rename(c, kFile, kOther, ATOLL_REPLACE).status(); }},
  };
  for (const auto &row : rows) {
    CAPTURE(row.what);
    world.grant(ATOLL_MAY_STAT | row.needed);
    CHECK(world.as_marie([&](OutgoingCall &c) { return Result<void>(error(row.run(c), "")); }) == Status::Ok);
    for (std::uint32_t bit = 2; bit <= ATOLL_MAY_MEMBERS; bit <<= 1) {
      if ((row.needed & bit) == 0) continue;
      world.grant(ATOLL_MAY_STAT | (row.needed & ~bit));
      CHECK(world.as_marie([&](OutgoingCall &c) { return Result<void>(error(row.run(c), "")); }) ==
            Status::PermissionDenied);
    }
    world.grant(row.needed);  // without MAY_STAT the space is not there for him
    CHECK(world.as_marie([&](OutgoingCall &c) { return Result<void>(error(row.run(c), "")); }) == Status::NotFound);
  }
}

TEST_CASE("trash and versions need their permissions; a driver may lack them") {
  World world;
  const auto *trash = world.gateway.service()->trash;
  const auto *versions = world.gateway.service()->versions;
  void *self = world.gateway.service()->files_self;
  const auto space = to_abi(kSpace);
  const auto item = to_abi(kMarie);  // any uuid
  const auto file = kFile.abi();
  void *handle = nullptr;
  std::uint64_t bytes = 0;
  struct Row {
    const char *what;
    std::uint32_t needed;
    std::function<std::int32_t(const atoll_call *)> run;
  };
  const std::vector<Row> rows = {
      {"list", ATOLL_MAY_READ, [&](auto *c) { return trash->list(c, self, &space, nullptr, 0, nullptr); }},
      {"restore", ATOLL_MAY_DELETE | ATOLL_MAY_CREATE,
       [&](auto *c) { return trash->restore(c, self, &space, &item, nullptr, 0, nullptr); }},
      {"restore over", ATOLL_MAY_DELETE | ATOLL_MAY_CREATE | ATOLL_MAY_WRITE,
       [&](auto *c) { return trash->restore(c, self, &space, &item, nullptr, ATOLL_REPLACE, nullptr); }},
      {"purge", ATOLL_MAY_PURGE, [&](auto *c) { return trash->purge(c, self, &space, &item); }},
      {"purge all", ATOLL_MAY_PURGE, [&](auto *c) { return trash->purge_all(c, self, &space); }},
      {"trash usage", 0, [&](auto *c) { return trash->usage(c, self, &space, &bytes); }},
      {"versions", ATOLL_MAY_VERSIONS, [&](auto *c) { return versions->list(c, self, &file, nullptr); }},
      {"read a version", ATOLL_MAY_VERSIONS | ATOLL_MAY_READ,
       [&](auto *c) { return versions->open_read(c, self, &file, str("1"), nullptr, &handle); }},
      {"restore a version", ATOLL_MAY_VERSIONS | ATOLL_MAY_WRITE,
       [&](auto *c) { return versions->restore(c, self, &file, str("1"), nullptr); }},
      {"remove a version", ATOLL_MAY_VERSIONS | ATOLL_MAY_PURGE,
       [&](auto *c) { return versions->remove(c, self, &file, str("1")); }},
      {"versions usage", 0, [&](auto *c) { return versions->usage(c, self, &space, &bytes); }},
  };
  const AbiPrincipal principal(world.marie);
  for (const auto &row : rows) {
    CAPTURE(row.what);
    auto status = [&](std::uint32_t granted) {
      world.grant(granted);
      OutgoingCall call;
      call.principal(principal.get());
      return row.run(call.get());
    };
    CHECK(status(ATOLL_MAY_STAT | row.needed) == ATOLL_UNIMPLEMENTED);  // this driver has neither
    for (std::uint32_t bit = 2; bit <= ATOLL_MAY_MEMBERS; bit <<= 1)
      if ((row.needed & bit) != 0) CHECK(status(ATOLL_MAY_STAT | (row.needed & ~bit)) == ATOLL_PERMISSION_DENIED);
    CHECK(status(row.needed) == ATOLL_NOT_FOUND);
  }
}

TEST_CASE("a driver's NOT_FOUND counts only while it knows the space") {
  World world;
  world.storage.answer = Status::NotFound;
  CHECK(world.as_marie([&](OutgoingCall &c) { return world.files.stat(c, kFile); }) == Status::NotFound);
  world.storage.knows_space = false;
  CHECK(world.as_marie([&](OutgoingCall &c) { return world.files.stat(c, kFile); }) == Status::Unavailable);
  CHECK(world.as_marie([&](OutgoingCall &c) { return world.files.list(c, kFile, [](const atoll_stat *) {}); }) ==
        Status::Unavailable);
}

TEST_CASE("a provider that cannot tell is doubted, and its reason gets through") {
  World w;
  const auto ask = [&] {
    OutgoingCall call;
    const AbiPrincipal marie(w.marie);
    call.principal(marie.get());
    return w.files.stat(call, Ref{kSpace, root_of(kSpace), {}});
  };
  CHECK(ask().ok());
  w.storage.answer = Status::Locked;
  CHECK(ask().status() == Status::Locked);
  CHECK(w.doubted.empty());
  w.storage.answer = Status::Unavailable;
  w.storage.reason = ATOLL_REASON_HELD_BACK;
  auto told = ask();
  CHECK(told.status() == Status::Unavailable);
  CHECK(told.error().reason == ATOLL_REASON_HELD_BACK);
  CHECK(std::exchange(w.doubted, {}) == "storage:home");
  w.storage.reason = 0;
  CHECK(ask().error().reason == 0);  // not that of the last failure
  w.doubted.clear();
  w.storage.answer = Status::NotFound;
  w.storage.knows_space = false;
  CHECK(ask().status() == Status::Unavailable);
  CHECK(w.doubted == "storage:home");
}

TEST_CASE("a registry or a provider that is away is UNAVAILABLE") {
  World world;
  world.storage_runs = false;
  CHECK(world.as_marie([&](OutgoingCall &c) { return world.files.stat(c, kFile); }) == Status::Unavailable);
  world.storage_runs = true;
  ++world.registry.now;
  world.registry.reachable = false;
  CHECK(world.as_marie([&](OutgoingCall &c) { return world.files.stat(c, kFile); }) == Status::Unavailable);
}

TEST_CASE("a revocation is in force with the next call") {
  World world;
  CHECK(world.as_marie([&](OutgoingCall &c) { return world.files.stat(c, kFile); }) == Status::Ok);
  world.grant(0);
  CHECK(world.as_marie([&](OutgoingCall &c) { return world.files.stat(c, kFile); }) == Status::NotFound);
}

TEST_CASE("records carry the permissions; a root can be neither moved nor deleted") {
  World world;
  world.grant(ATOLL_MAY_STAT | ATOLL_MAY_READ | ATOLL_MAY_DELETE | ATOLL_MAY_MOVE | ATOLL_MAY_CREATE);
  const Ref root{kSpace, root_of(kSpace), ""};
  const AbiPrincipal principal(world.marie);
  OutgoingCall call;
  call.principal(principal.get());
  auto stat = world.files.stat(call, root);
  REQUIRE(stat.ok());
  CHECK(stat->permissions == (ATOLL_MAY_STAT | ATOLL_MAY_READ | ATOLL_MAY_CREATE));
  CHECK(world.files.remove(call, root).status() == Status::PermissionDenied);
  CHECK(world.files.rename(call, root, kOther, 0).status() == Status::PermissionDenied);
}

TEST_CASE("the personal space is made at the first sight, once") {
  World world;
  world.registry.record.owner = AccountId{};
  world.registry.record.id = SpaceId{};
  const AbiPrincipal principal(world.marie);
  OutgoingCall call;
  call.principal(principal.get());
  std::vector<SpaceRecord> seen;
  for (int i = 0; i < 2; ++i) {
    auto sink = make_sink<atoll_space_record_sink>(
        [&](const atoll_space_record *raw) { seen.push_back(SpaceRecord::from(raw)); });
    REQUIRE(world.gateway.service()->personal_space(call.get(), world.gateway.service()->self, str("Marie"),
                                                    sink.get()) == ATOLL_OK);
  }
  REQUIRE(seen.size() == 2);
  CHECK(seen[0].id == seen[1].id);
  CHECK(seen[0].owner == kMarie);
  CHECK(seen[0].state == ATOLL_SPACE_STATE_ACTIVE);
  CHECK(world.storage.created == 1);
  auto sink = make_sink<atoll_space_record_sink>([](const atoll_space_record *) {});
  CHECK(world.gateway.service()->personal_space(call.get(), world.gateway.service()->self, str("einstein"),
                                                sink.get()) == ATOLL_NOT_FOUND);
}

TEST_CASE("a provider that hangs is let in only its share of calls") {
  Admission admission(2, std::chrono::milliseconds(1));
  auto first = admission.enter("storage:s3");
  {
    auto second = admission.enter("storage:s3");
    CHECK(second.ok());
    CHECK(admission.enter("storage:s3").status() == Status::Unavailable);
    CHECK(admission.enter("storage:home").ok());
  }
  CHECK(admission.enter("storage:s3").ok());
}

TEST_CASE("one call at a time waits long for a provider that stalls") {
  Admission admission(1, std::chrono::milliseconds(1), std::chrono::hours(1));
  auto inside = std::make_unique<Result<Admission::Ticket>>(admission.enter("storage:s3"));
  CHECK(admission.enter("storage:s3").status() == Status::Unavailable);  // stalled from now on
  std::atomic<bool> waits{false}, in{false};
  std::thread patient([&] {
    waits = true;
    in = admission.enter("storage:s3", Admission::Wait::Long).ok();
  });
  while (!waits) std::this_thread::yield();
  CHECK(admission.enter("storage:s3").status() == Status::Unavailable);
  inside.reset();
  patient.join();
  CHECK(in);
}

TEST_CASE("what is left over is done in order, on another thread, before the end") {
  std::mutex gate;
  std::vector<int> done;
  std::thread::id who;
  {
    Leftovers leftovers;
    const std::lock_guard closed(gate);
    for (int n = 0; n < 100; ++n)
      leftovers.add(n % 2 ? "a" : "b", [&, n] {
        const std::lock_guard lock(gate);
        done.push_back(n);
        who = std::this_thread::get_id();
      });
    CHECK(done.empty());
  }
  CHECK(done.size() == 100);
  CHECK(who != std::this_thread::get_id());
  for (int odd = 0; odd < 2; ++odd) {
    std::vector<int> lane;
    for (const int n : done)
      if (n % 2 == odd) lane.push_back(n);
    CHECK(std::is_sorted(lane.begin(), lane.end()));
  }
}

TEST_CASE("a provider that is only busy makes the next call wait") {
  Admission admission(1, std::chrono::hours(1));
  auto first = std::make_unique<Result<Admission::Ticket>>(admission.enter("storage:home"));
  std::thread leaving([&] { first.reset(); });
  CHECK(admission.enter("storage:home").ok());
  leaving.join();
}

}  // namespace
}  // namespace Atoll::gateway
