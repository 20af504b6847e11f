// SPDX-License-Identifier: Apache-2.0
// Every role of the one table, and every other set of permissions, against every operation on files.
#include "core/gateway/roles.hpp"

#include <doctest/doctest.h>

#include <atoll/sdk/favorites.hpp>
#include <functional>
#include <set>

#include "core/gateway/gateway.hpp"

namespace Atoll::gateway {
namespace {

const SpaceId kHere = *SpaceId::parse("33333333-3333-4333-8333-333333333333");
const NodeId kNode = *NodeId::parse("44444444-4444-4444-8444-444444444444");

/// One space, whose permissions for everybody a test sets.
struct Grant : Registry<Grant> {
  SpaceRecord record;
  std::uint64_t now = 1;
  Result<void> spaces_of(const Call &, const SpaceRecordEmitter &) { return {}; }
  Result<void> space_get(const Call &, const SpaceId &, const SpaceRecordEmitter &emit) {
    emit(record.abi());
    return {};
  }
  Result<void> space_list(const Call &, const SpaceId &, std::uint64_t, const SpaceRecordEmitter &) { return {}; }
  Result<void> space_insert(const Call &, const SpaceRecord &) { return {}; }
  Result<void> space_update(const Call &, const SpaceRecord &) { return {}; }
  Result<void> space_remove(const Call &, const SpaceId &) { return {}; }
  Result<void> personal(const Call &, const AccountId &, const SpaceRecordEmitter &) {
    return error(Status::NotFound, "none");
  }
  Result<void> member_put(const Call &, const SpaceId &, const atoll_member &) { return {}; }
  Result<void> member_remove(const Call &, const SpaceId &, const AccountId &) { return {}; }
  Result<void> members(const Call &, const SpaceId &, const MemberEmitter &) { return {}; }
  Result<std::uint64_t> generation(const Call &) { return now; }
};

struct NoBytes final : ReadHandle {
  Result<std::uint64_t> read(const Call &, std::uint64_t, void *, std::uint64_t) override { return std::uint64_t{0}; }
};
struct NoUpload final : UploadHandle {
  Result<void> write(const Call &, std::uint64_t, const void *, std::uint64_t) override { return {}; }
  Result<void> commit(const Call &, const atoll_upload_commit &, const StatEmitter &) override { return {}; }
  void abort() noexcept override {}
};
struct NoListing final : ListingHandle {
  Result<bool> next(const Call &, const StatEmitter &) override { return true; }
};

/// A driver that does everything it is asked for, and counts. The path "new" is not there yet.
struct Willing : StorageFs<Willing>,
                 StorageFsListing<Willing>,
                 StorageFsAttributes<Willing>,
                 StorageFsLocks<Willing>,
                 StorageFsTrash<Willing>,
                 StorageFsVersions<Willing> {
  using S = const StatEmitter &;
  using R = const RefView &;
  int changes = 0, looks = 0;

  Result<void> look() { return ++looks, Result<void>(); }
  Result<void> change() { return ++changes, Result<void>(); }
  Result<void> capabilities(const Call &, atoll_storage_caps &) { return {}; }
  Result<void> space_create(const Call &, const atoll_space &) { return {}; }
  Result<void> space_get(const Call &, const SpaceId &, const SpaceEmitter &emit) {
    emit(sized<atoll_space>());
    return {};
  }
  Result<void> space_list(const Call &, const SpaceEmitter &) { return {}; }
  Result<void> stat(const Call &, R ref, S) {
    if (ref.path == "new") return error(Status::NotFound, "not yet");
    return look();
  }
  Result<void> list(const Call &, R, std::string_view, std::uint64_t, S) { return look(); }
  Result<void> path_of(const Call &, const SpaceId &, const NodeId &, S) { return look(); }
  Result<void> mkdir(const Call &, R, S) { return change(); }
  Result<void> rename(const Call &, R, R, std::uint32_t, S) { return change(); }
  Result<void> copy(const Call &, R, R, std::uint32_t, S) { return change(); }
  Result<void> remove(const Call &, R, std::uint32_t) { return change(); }
  Result<void> set_mtime(const Call &, R, std::int64_t, S) { return change(); }
  Result<std::unique_ptr<ReadHandle>> open_read(const Call &, R, S) {
    ++looks;
    return std::unique_ptr<ReadHandle>(std::make_unique<NoBytes>());
  }
  Result<std::unique_ptr<UploadHandle>> upload_begin(const Call &, R, std::uint64_t, std::string_view) {
    ++changes;
    return std::unique_ptr<UploadHandle>(std::make_unique<NoUpload>());
  }
  Result<std::unique_ptr<ListingHandle>> list_open(const Call &, R) {
    ++looks;
    return std::unique_ptr<ListingHandle>(std::make_unique<NoListing>());
  }
  Result<void> attributes_get(const Call &, R, const AttributeEmitter &) { return look(); }
  Result<void> attributes_patch(const Call &, R, const std::vector<atoll_attribute> &) { return change(); }
  Result<void> lock(const Call &, R, const atoll_lock &, const LockEmitter &) { return change(); }
  Result<void> lock_refresh(const Call &, R, std::string_view, std::uint64_t, const LockEmitter &) { return change(); }
  Result<void> unlock(const Call &, R, std::string_view) { return change(); }
  Result<void> locks(const Call &, R, const LockEmitter &) { return look(); }
  Result<void> trash_list(const Call &, const SpaceId &, const Uuid &, std::uint64_t, const TrashEmitter &) {
    return look();
  }
  Result<void> trash_restore(const Call &, const SpaceId &, const Uuid &, const RefView *, std::uint32_t, S) {
    return change();
  }
  Result<void> trash_purge(const Call &, const SpaceId &, const Uuid &) { return change(); }
  Result<void> trash_purge_all(const Call &, const SpaceId &) { return change(); }
  Result<std::uint64_t> trash_usage(const Call &, const SpaceId &) { return ++looks, std::uint64_t{1}; }
  Result<void> versions(const Call &, R, const VersionEmitter &) { return look(); }
  Result<std::unique_ptr<ReadHandle>> version_open(const Call &call, R ref, std::string_view, S emit) {
    return open_read(call, ref, emit);
  }
  Result<void> version_restore(const Call &, R, std::string_view, S) { return change(); }
  Result<void> version_remove(const Call &, R, std::string_view) { return change(); }
  Result<std::uint64_t> versions_usage(const Call &, const SpaceId &) { return ++looks, std::uint64_t{1}; }
};

template <class D, class... Offers>
struct Alone final : Instance {
  Alone(std::string name, D &self) : name_(std::move(name)), self_(&self) {}
  std::string_view name() const override { return name_; }
  void *self() const override { return self_; }
  const void *query(const char *id) const override {
    const void *found = nullptr;
    ((std::string_view(id) == Offers::interface_id ? (found = Offers::table(), 0) : 0), ...);
    return found;
  }
  std::unique_lock<std::recursive_mutex> enter() const override { return {}; }
  std::string name_;
  D *self_;
};

struct Village : InstanceLookup {
  Grant grant;
  Willing disk;
  Lease registry = std::make_shared<Alone<Grant, Registry<Grant>>>("registry:main", grant);
  Lease storage =
      std::make_shared<Alone<Willing, StorageFs<Willing>, StorageFsListing<Willing>, StorageFsAttributes<Willing>,
                             StorageFsLocks<Willing>, StorageFsTrash<Willing>, StorageFsVersions<Willing>>>(
          "storage:home", disk);
  GatewayOptions options;
  Admission admission{8};
  Spaces spaces{*this, admission, options};
  GatewayFiles files{*this, spaces, admission};

  Village() {
    grant.record.id = kHere;
    grant.record.type = ATOLL_SPACE_PROJECT;
    grant.record.provider = "storage:home";
  }
  Result<Lease> lease(std::string_view name) override { return name == "storage:home" ? storage : registry; }
  Result<std::vector<Lease>> all(const char *id) override {
    if (std::string_view(id) == ATOLL_REGISTRY) return std::vector<Lease>{registry};
    return std::vector<Lease>{storage};
  }
};

struct Operation {
  const char *name;
  std::uint32_t needs;  ///< besides ATOLL_MAY_STAT, without which there is nothing
  std::function<Status(GatewayFiles &, const Call &)> run;
};

RefView at(std::string_view path) {
  RefView out;
  out.space = kHere;
  out.node = kNode;
  out.path = path;
  return out;
}

constexpr const char *kSomebodysId = "55555555-5555-4555-8555-555555555555";
constexpr const char *kAnothersId = "66666666-6666-4666-8666-666666666666";

atoll_attribute mark(const char *account) {
  auto raw = sized<atoll_attribute>();
  raw.namespace_ = str(kFavoriteNamespace);
  raw.name = str(account);
  raw.value = atoll_bytes{"1", 1};
  return raw;
}

atoll_attribute color() {
  auto raw = mark("color");
  raw.namespace_ = str("urn:x");
  return raw;
}

std::vector<Operation> operations() {
  constexpr std::uint32_t read = ATOLL_MAY_READ, write = ATOLL_MAY_WRITE, create = ATOLL_MAY_CREATE,
                          erase = ATOLL_MAY_DELETE, move = ATOLL_MAY_MOVE, purge = ATOLL_MAY_PURGE,
                          versions = ATOLL_MAY_VERSIONS;
  const StatEmitter none(nullptr);
  const RefView file = at("there"), fresh = at("new"), root;
  using F = GatewayFiles;
  using C = Call;
  const Uuid item = kNode.as<AnyTag>();
  return {
      {"space_get", 0, [=](F &f, const C &c) { return f.space_get(c, kHere, SpaceEmitter(nullptr)).status(); }},
      {"stat", 0, [=](F &f, const C &c) { return f.stat(c, file, none).status(); }},
      {"list", 0, [=](F &f, const C &c) { return f.list(c, root, "", 0, none).status(); }},
      {"list_open", 0, [=](F &f, const C &c) { return f.list_open(c, root).status(); }},
      {"path_of", 0, [=](F &f, const C &c) { return f.path_of(c, kHere, kNode, none).status(); }},
      {"attributes_get", 0,
       [=](F &f, const C &c) { return f.attributes_get(c, file, AttributeEmitter(nullptr)).status(); }},
      {"locks", 0, [=](F &f, const C &c) { return f.locks(c, file, LockEmitter(nullptr)).status(); }},
      {"trash_usage", 0, [=](F &f, const C &c) { return f.trash_usage(c, kHere).status(); }},
      {"versions_usage", 0, [=](F &f, const C &c) { return f.versions_usage(c, kHere).status(); }},
      {"open_read", read, [=](F &f, const C &c) { return f.open_read(c, file, none).status(); }},
      {"mkdir", create, [=](F &f, const C &c) { return f.mkdir(c, fresh, none).status(); }},
      {"upload of a new file", create, [=](F &f, const C &c) { return f.upload_begin(c, fresh, 1, "").status(); }},
      {"upload over a file", write, [=](F &f, const C &c) { return f.upload_begin(c, file, 1, "").status(); }},
      {"rename", move | read | create, [=](F &f, const C &c) { return f.rename(c, file, fresh, 0, none).status(); }},
      {"rename over", move | read | create | write,
       [=](F &f, const C &c) { return f.rename(c, file, fresh, ATOLL_REPLACE, none).status(); }},
      {"copy", read | create, [=](F &f, const C &c) { return f.copy(c, file, fresh, 0, none).status(); }},
      {"copy over", read | create | write,
       [=](F &f, const C &c) { return f.copy(c, file, fresh, ATOLL_REPLACE, none).status(); }},
      {"remove", erase, [=](F &f, const C &c) { return f.remove(c, file, 0).status(); }},
      {"remove for ever", erase | purge, [=](F &f, const C &c) { return f.remove(c, file, ATOLL_PERMANENT).status(); }},
      {"set_mtime", write, [=](F &f, const C &c) { return f.set_mtime(c, file, 1, none).status(); }},
      {"attributes_patch", write, [=](F &f, const C &c) { return f.attributes_patch(c, file, {}).status(); }},
      {"a favourite", read,
       [=](F &f, const C &c) { return f.attributes_patch(c, file, {mark(kSomebodysId)}).status(); }},
      {"a favourite and more", write,
       [=](F &f, const C &c) {
         return f.attributes_patch(c, file, {mark(kSomebodysId), color()}).status();
       }},
      {"lock", write,
       [=](F &f, const C &c) { return f.lock(c, file, sized<atoll_lock>(), LockEmitter(nullptr)).status(); }},
      {"lock_refresh", write,
       [=](F &f, const C &c) { return f.lock_refresh(c, file, "t", 1, LockEmitter(nullptr)).status(); }},
      {"unlock", write, [=](F &f, const C &c) { return f.unlock(c, file, "t").status(); }},
      {"trash_list", read,
       [=](F &f, const C &c) { return f.trash_list(c, kHere, Uuid(), 0, TrashEmitter(nullptr)).status(); }},
      {"trash_restore", erase | create,
       [=](F &f, const C &c) { return f.trash_restore(c, kHere, item, nullptr, 0, none).status(); }},
      {"trash_restore over", erase | create | write,
       [=](F &f, const C &c) { return f.trash_restore(c, kHere, item, nullptr, ATOLL_REPLACE, none).status(); }},
      {"trash_purge", purge, [=](F &f, const C &c) { return f.trash_purge(c, kHere, item).status(); }},
      {"trash_purge_all", purge, [=](F &f, const C &c) { return f.trash_purge_all(c, kHere).status(); }},
      {"versions", versions, [=](F &f, const C &c) { return f.versions(c, file, VersionEmitter(nullptr)).status(); }},
      {"version_open", versions | read, [=](F &f, const C &c) { return f.version_open(c, file, "1", none).status(); }},
      {"version_restore", versions | write,
       [=](F &f, const C &c) { return f.version_restore(c, file, "1", none).status(); }},
      {"version_remove", versions | purge, [=](F &f, const C &c) { return f.version_remove(c, file, "1").status(); }},
  };
}

Status expected(std::uint32_t permissions, std::uint32_t needs) {
  if ((permissions & ATOLL_MAY_STAT) == 0) return Status::NotFound;
  return (permissions & needs) == needs ? Status::Ok : Status::PermissionDenied;
}

void try_all(Village &w, std::uint32_t permissions, const std::vector<Operation> &all) {
  w.grant.record.permissions = permissions;
  ++w.grant.now;
  Principal somebody;
  somebody.account = *AccountId::parse(kSomebodysId);
  somebody.app_role = ATOLL_ROLE_ADMIN;  // which gives no access to files
  const AbiPrincipal principal(somebody);
  OutgoingCall out;
  out.principal(principal.get());
  const int changes = w.disk.changes;
  int allowed = 0;
  for (const Operation &operation : all) {
    const int before = w.disk.changes + w.disk.looks;
    const Status status = operation.run(w.files, Call(out.get()));
    INFO(operation.name, ", permissions ", permissions);
    CHECK(status == expected(permissions, operation.needs));
    // What is refused does not reach the driver; to find out whether a file is there it may be looked at.
    if (status != Status::Ok && (permissions & (ATOLL_MAY_WRITE | ATOLL_MAY_CREATE)) == 0)
      CHECK(w.disk.changes + w.disk.looks == before);
    allowed += status == Status::Ok && operation.needs != 0;
  }
  if (allowed == 0) CHECK(w.disk.changes == changes);
}

}  // namespace

TEST_CASE("roles: each role allows exactly the operations that its permissions are about") {
  const auto all = operations();
  for (const Role &role : roles()) {
    CAPTURE(role.id);
    Village w;
    try_all(w, role.permissions, all);
  }
}

TEST_CASE("nobody marks favourites for others") {
  Village w;
  w.grant.record.permissions = kAllPermissions;
  Principal somebody;
  somebody.account = *AccountId::parse(kSomebodysId);
  somebody.app_role = ATOLL_ROLE_ADMIN;
  const AbiPrincipal principal(somebody);
  OutgoingCall out;
  out.principal(principal.get());
  const Call call(out.get());
  CHECK(w.files.attributes_patch(call, at("there"), {mark(kSomebodysId)}).ok());
  const int changes = w.disk.changes;
  CHECK(w.files.attributes_patch(call, at("there"), {mark(kAnothersId)}).status() == Status::PermissionDenied);
  CHECK(w.files.attributes_patch(call, at("there"), {color(), mark(kAnothersId)}).status() == Status::PermissionDenied);
  CHECK(w.disk.changes == changes);
}

TEST_CASE("roles: what people are promised") {
  const auto may = [](std::string_view id, std::string_view operation) {
    for (const Operation &one : operations())
      if (one.name == operation) return expected(find_role(id)->permissions, one.needs) == Status::Ok;
    FAIL("no such operation");
    return false;
  };
  constexpr std::string_view viewer = "b1e2218d-eef8-4d4c-b82d-0f1a1b48f3b5",
                             space_viewer = "a8d5fe5e-96e3-418d-825b-534dbdf22b99",
                             uploader = "1c996275-f1c9-4e71-abdf-a42f6495e960",
                             file_editor = "2d00ce52-1fc2-4dbc-8b95-a73b73395f5a",
                             editor = "fb6c3e19-e378-47e5-b277-9732f9de6e21",
                             space_editor = "58c63c02-1d89-4572-916a-870abc5a1b7d",
                             secure = "aa97fe03-7980-45ac-9e50-b325749fd7e6",
                             plain_editor = "3284f2d5-0070-4ad8-ac40-c247f7c1fb27",
                             denied = "63e64e19-8d43-42ec-a738-2b6af2610efa";
  for (const auto role : {viewer, space_viewer}) {
    CHECK(may(role, "open_read"));
    for (const char *no : {"mkdir", "upload of a new file", "upload over a file", "remove", "lock", "versions"})
      CHECK_FALSE(may(role, no));
  }
  CHECK(may(uploader, "upload of a new file"));
  CHECK_FALSE(may(uploader, "upload over a file"));
  CHECK_FALSE(may(uploader, "remove"));
  CHECK(may(file_editor, "upload over a file"));
  CHECK_FALSE(may(file_editor, "upload of a new file"));
  for (const auto role : {editor, space_editor, plain_editor}) {
    for (const char *yes : {"upload of a new file", "upload over a file", "rename over", "remove", "trash_restore"})
      CHECK(may(role, yes));
    CHECK_FALSE(may(role, "trash_purge_all"));
    CHECK_FALSE(may(role, "remove for ever"));
  }
  CHECK(may(space_editor, "version_restore"));
  CHECK_FALSE(may(plain_editor, "versions"));
  CHECK(may(secure, "list"));
  CHECK_FALSE(may(secure, "open_read"));
  CHECK_FALSE(may(denied, "stat"));
  for (const Operation &one : operations()) CHECK(may(kManagerRole, one.name));
}

TEST_CASE("roles: every set of permissions there is") {
  const auto all = operations();
  Village w;
  for (std::uint32_t permissions = 0; permissions <= kAllPermissions; ++permissions)
    if ((permissions & ~kAllPermissions) == 0) try_all(w, permissions, all);
}

}  // namespace Atoll::gateway
