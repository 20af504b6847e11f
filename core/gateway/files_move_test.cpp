// SPDX-License-Identifier: Apache-2.0
// Moves between spaces when something goes wrong on the way.
#include "core/gateway/gateway.hpp"

#include <doctest/doctest.h>

#include <atoll/sdk/registry.hpp>
#include <functional>
#include <map>

namespace Atoll::gateway {
namespace {

const SpaceId kFrom = *SpaceId::parse("11111111-1111-4111-8111-111111111111");
const SpaceId kTo = *SpaceId::parse("33333333-3333-4333-8333-333333333333");
const AccountId kMover = *AccountId::parse("22222222-2222-4222-8222-222222222222");

struct TwoSpaces : Registry<TwoSpaces> {
  Result<void> space_get(const Call &, const SpaceId &id, const SpaceRecordEmitter &emit) {
    if (id != kFrom && id != kTo) return error(Status::NotFound, "no such space");
    SpaceRecord record;
    record.id = id;
    record.provider = "storage:home";
    record.permissions = 0x3ff;
    emit(record.abi());
    return {};
  }
  Result<void> spaces_of(const Call &, const SpaceRecordEmitter &) { return {}; }
  Result<void> space_list(const Call &, const SpaceId &, std::uint64_t, const SpaceRecordEmitter &) { return {}; }
  Result<void> space_insert(const Call &, const SpaceRecord &) { return {}; }
  Result<void> space_update(const Call &, const SpaceRecord &) { return {}; }
  Result<void> space_remove(const Call &, const SpaceId &) { return {}; }
  Result<void> personal(const Call &, const AccountId &, const SpaceRecordEmitter &) { return {}; }
  Result<void> member_put(const Call &, const SpaceId &, const atoll_member &) { return {}; }
  Result<void> member_remove(const Call &, const SpaceId &, const AccountId &) { return {}; }
  Result<void> members(const Call &, const SpaceId &, const MemberEmitter &) { return {}; }
  Result<std::uint64_t> generation(const Call &) { return 1; }
};

/// One file "a" at most in each space; its node is the space's id with another first byte.
struct OneFile : StorageFs<OneFile> {
  std::map<SpaceId, std::string> etags;  // of the spaces that have the file
  std::function<void()> after_copy;
  Status remove_answer = Status::Ok;  // of the source
  Status copy_answer = Status::Ok;
  int removals = 0;

  static NodeId node_of(const SpaceId &space) {
    auto raw = to_abi(space);
    raw.bytes[0] = 0xaa;
    return from_abi<NodeId>(raw);
  }
  Result<void> say(const SpaceId &space, const StatEmitter &emit, bool created = false) {
    const auto found = etags.find(space);
    if (found == etags.end()) return error(Status::NotFound, "not there");
    auto stat = sized<atoll_stat>();
    stat.type = ATOLL_NODE_FILE;
    stat.flags = created ? ATOLL_STAT_CREATED : 0;
    stat.space = to_abi(space);
    stat.node = to_abi(node_of(space));
    stat.etag = str(found->second);
    emit(stat);
    return {};
  }
  Result<void> capabilities(const Call &, atoll_storage_caps &) { return {}; }
  Result<void> space_create(const Call &, const atoll_space &) { return {}; }
  Result<void> space_get(const Call &, const SpaceId &, const SpaceEmitter &emit) {
    emit(sized<atoll_space>());
    return {};
  }
  Result<void> space_list(const Call &, const SpaceEmitter &) { return {}; }
  Result<void> stat(const Call &, const RefView &ref, const StatEmitter &emit) { return say(ref.space, emit); }
  Result<void> list(const Call &, const RefView &, std::string_view, std::uint64_t, const StatEmitter &) { return {}; }
  Result<void> path_of(const Call &, const SpaceId &, const NodeId &, const StatEmitter &) { return {}; }
  Result<void> mkdir(const Call &, const RefView &, const StatEmitter &) { return unimplemented("folders"); }
  Result<void> rename(const Call &, const RefView &, const RefView &, std::uint32_t, const StatEmitter &) {
    return unimplemented("renames");
  }
  Result<void> copy(const Call &, const RefView &from, const RefView &to, std::uint32_t, const StatEmitter &emit) {
    if (copy_answer != Status::Ok) return error(copy_answer, "told to fail");
    if (!etags.count(from.space)) return error(Status::NotFound, "not there");
    const bool created = etags.count(to.space) == 0;
    etags[to.space] = "copy";
    auto done = say(to.space, emit, created);
    if (after_copy) after_copy();
    return done;
  }
  Result<void> remove(const Call &call, const RefView &ref, std::uint32_t) {
    ++removals;
    if (ref.space == kFrom && remove_answer != Status::Ok) return error(remove_answer, "told to fail");
    const auto found = etags.find(ref.space);
    if (found == etags.end()) return error(Status::NotFound, "not there");
    const atoll_conditions *wanted = call.conditions();
    REQUIRE(wanted);
    REQUIRE(wanted->if_match.count == 1);
    if (view(wanted->if_match.items[0]) != found->second) return error(Status::Aborted, "another etag");
    etags.erase(found);
    return {};
  }
  Result<std::unique_ptr<ReadHandle>> open_read(const Call &, const RefView &, const StatEmitter &) {
    return unimplemented("reading");
  }
  Result<std::unique_ptr<UploadHandle>> upload_begin(const Call &, const RefView &, std::uint64_t, std::string_view) {
    return unimplemented("writing");
  }
};

struct Running : Instance {
  Running(std::string name, void *self, const char *id, const void *table)
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

struct Move : InstanceLookup {
  TwoSpaces registry;
  OneFile file;
  Lease registry_lease = std::make_shared<Running>("registry:main", &registry, ATOLL_REGISTRY, TwoSpaces::table());
  Lease storage_lease = std::make_shared<Running>("storage:home", &file, ATOLL_STORAGE_FS, OneFile::table());
  Gateway gateway{*this, {4, ATOLL_ROLE_USER, ATOLL_QUOTA_NONE, ATOLL_QUOTA_NONE}};

  Move() { file.etags[kFrom] = "first"; }
  Result<Lease> lease(std::string_view name) override {
    return name == "registry:main" ? registry_lease : storage_lease;
  }
  Result<std::vector<Lease>> all(const char *id) override {
    if (std::string_view(id) == ATOLL_REGISTRY) return std::vector<Lease>{registry_lease};
    if (std::string_view(id) == ATOLL_STORAGE_FS) return std::vector<Lease>{storage_lease};
    return std::vector<Lease>{};
  }
  Status run(const std::string &if_match = {}) {
    const Files files(gateway.service()->files, gateway.service()->files_self);
    Principal principal;
    principal.account = kMover;
    principal.app_role = ATOLL_ROLE_USER;
    const AbiPrincipal raw(principal);
    Conditions conditions;
    if (!if_match.empty()) conditions.if_match.push_back(if_match);
    OutgoingCall call;
    call.principal(raw.get());
    call.conditions(conditions.get());
    return files.rename(call, Ref{kFrom, root_of(kFrom), "a"}, Ref{kTo, root_of(kTo), "a"}, ATOLL_REPLACE).status();
  }
  bool here() const { return file.etags.count(kFrom) != 0; }
  bool there() const { return file.etags.count(kTo) != 0; }
};

}  // namespace

TEST_CASE("a move between spaces copies, then removes") {
  Move move;
  CHECK(move.run() == Status::Ok);
  CHECK_FALSE(move.here());
  CHECK(move.there());
}

TEST_CASE("a copy that fails leaves the source untouched") {
  for (const Status status :
       {Status::InsufficientStorage, Status::Unavailable, Status::Locked, Status::AlreadyExists}) {
    Move move;
    move.file.copy_answer = status;
    CHECK(move.run() == status);
    CHECK(move.here());
    CHECK_FALSE(move.there());
    CHECK(move.file.removals == 0);
  }
}

TEST_CASE("a source that changes while it is copied stays, and the copy goes again") {
  Move move;
  move.file.after_copy = [&] { move.file.etags[kFrom] = "second"; };
  CHECK(move.run() == Status::Aborted);
  CHECK(move.file.etags[kFrom] == "second");
  CHECK_FALSE(move.there());
}

TEST_CASE("what was at the destination before is not taken away by a move that fails") {
  Move move;
  move.file.etags[kTo] = "older";
  move.file.after_copy = [&] { move.file.etags[kFrom] = "second"; };
  CHECK(move.run() == Status::Aborted);
  CHECK(move.here());
  CHECK(move.there());
}

TEST_CASE("a copy that somebody has changed meanwhile stays") {
  Move move;
  move.file.after_copy = [&] {
    move.file.etags[kFrom] = "second";
    move.file.etags[kTo] = "written by another";
  };
  CHECK(move.run() == Status::Aborted);
  CHECK(move.here());
  CHECK(move.file.etags[kTo] == "written by another");
}

TEST_CASE("a removal that fails loses nothing") {
  for (const Status status : {Status::Locked, Status::PermissionDenied}) {
    Move move;  // the source is known to be there: nothing has happened
    move.file.remove_answer = status;
    CHECK(move.run() == status);
    CHECK(move.here());
    CHECK_FALSE(move.there());
  }
  for (const Status status : {Status::Unavailable, Status::Internal, Status::DeadlineExceeded}) {
    Move move;  // it may be gone: the copy stays
    move.file.remove_answer = status;
    CHECK(move.run() == status);
    CHECK(move.there());
  }
}

TEST_CASE("a source that somebody else removes meanwhile has moved") {
  Move move;
  move.file.after_copy = [&] { move.file.etags.erase(kFrom); };
  CHECK(move.run() == Status::Ok);
  CHECK(move.there());
}

TEST_CASE("conditions of a move between spaces are about its source") {
  Move move;
  CHECK(move.run("another") == Status::Aborted);
  CHECK(move.here());
  CHECK_FALSE(move.there());
  CHECK(move.run("first") == Status::Ok);
}

}  // namespace Atoll::gateway
