// SPDX-License-Identifier: Apache-2.0
// Who may do what to spaces, over a registry, a provider and a directory in memory.
#include "core/gateway/gateway.hpp"
#include "core/gateway/roles.hpp"

#include <doctest/doctest.h>

#include <atoll/sdk/accounts.hpp>
#include <atoll/sdk/registry.hpp>
#include <map>
#include <set>

#include "core/base/time.hpp"
#include "core/base/uuid.hpp"

namespace Atoll::gateway {
namespace {

/// A registry of any number of spaces.
struct Shelf : Registry<Shelf> {
  struct Kept {
    SpaceRecord record;
    struct Entry {
      std::uint32_t kind = 0, permissions = 0;
      std::string role;
      std::int64_t expires_ns = 0;
    };
    std::map<AccountId, Entry> members;
  };
  std::map<SpaceId, Kept> spaces;
  std::uint64_t now = 1;
  bool runs = true;
  int members_until_away = -1;  // that many are put, then the database goes
  bool odd = false;             // says NOT_FOUND where nothing is looked for

  Result<void> up() const {
    if (runs) return {};
    return error(Status::Unavailable, "the registry's database is away");
  }
  static SpaceRecord seen(const Call &call, const Kept &kept) {
    SpaceRecord record = kept.record;
    record.permissions = 0;
    const auto *who = call.principal();
    if (!who) return record;
    for (const auto &[account, member] : kept.members) {
      bool mine = member.kind == ATOLL_ACCOUNT_USER && account == from_abi<AccountId>(who->account);
      for (std::uint64_t i = 0; i < who->groups.count; ++i)
        mine |= member.kind == ATOLL_ACCOUNT_GROUP && account == from_abi<AccountId>(who->groups.items[i]);
      if (mine) record.permissions |= member.permissions;
    }
    return record;
  }
  Result<void> spaces_of(const Call &call, const SpaceRecordEmitter &emit) {
    if (auto fine = up(); !fine) return fine;
    if (odd) return error(Status::NotFound, "odd");
    for (const auto &[id, kept] : spaces)
      if (const auto record = seen(call, kept); record.permissions) emit(record.abi());
    return {};
  }
  Result<void> space_get(const Call &call, const SpaceId &id, const SpaceRecordEmitter &emit) {
    if (auto fine = up(); !fine) return fine;
    const auto at = spaces.find(id);
    if (at == spaces.end()) return error(Status::NotFound, "no such space");
    emit(seen(call, at->second).abi());
    return {};
  }
  Result<void> space_list(const Call &call, const SpaceId &after, std::uint64_t limit, const SpaceRecordEmitter &emit) {
    std::uint64_t count = 0;
    for (auto at = spaces.upper_bound(after); at != spaces.end() && (limit == 0 || count < limit); ++at, ++count)
      emit(seen(call, at->second).abi());
    return {};
  }
  Result<void> space_insert(const Call &, const SpaceRecord &record) {
    ++now;
    for (const auto &[id, kept] : spaces)
      if (id == record.id || (record.type == ATOLL_SPACE_PERSONAL && kept.record.type == ATOLL_SPACE_PERSONAL &&
                              kept.record.owner == record.owner))
        return error(Status::AlreadyExists, "there");
    auto &kept = spaces[record.id];
    kept.record = record;
    if (record.type == ATOLL_SPACE_PERSONAL) kept.members[record.owner] = {ATOLL_ACCOUNT_USER, kAllPermissions, "", 0};
    return {};
  }
  Result<void> space_update(const Call &, const SpaceRecord &record) {
    ++now;
    spaces.at(record.id).record = record;
    return {};
  }
  Result<void> space_remove(const Call &call, const SpaceId &id) {
    if (auto fine = up(); !fine) return fine;
    if (call.cancelled()) return error(Status::Cancelled, "nobody waits");
    ++now;
    return spaces.erase(id) ? Result<void>() : error(Status::NotFound, "no such space");
  }
  Result<void> personal(const Call &call, const AccountId &owner, const SpaceRecordEmitter &emit) {
    if (auto fine = up(); !fine) return fine;
    for (const auto &[id, kept] : spaces)
      if (kept.record.type == ATOLL_SPACE_PERSONAL && kept.record.owner == owner) {
        emit(seen(call, kept).abi());
        return {};
      }
    return error(Status::NotFound, "no personal space");
  }
  Result<void> member_put(const Call &, const SpaceId &id, const atoll_member &member) {
    if (members_until_away >= 0 && members_until_away-- == 0) runs = false;
    if (auto fine = up(); !fine) return fine;
    ++now;
    spaces.at(id).members[from_abi<AccountId>(member.account)] = {member.kind, member.permissions,
                                                                  std::string(view(member.role)), member.expires_ns};
    return {};
  }
  Result<void> member_remove(const Call &, const SpaceId &id, const AccountId &account) {
    ++now;
    return spaces.at(id).members.erase(account) ? Result<void>() : error(Status::NotFound, "no such member");
  }
  Result<void> members(const Call &, const SpaceId &id, const MemberEmitter &emit) {
    for (const auto &[account, entry] : spaces.at(id).members) {
      auto raw = sized<atoll_member>();
      raw.kind = entry.kind;
      raw.account = to_abi(account);
      raw.permissions = entry.permissions;
      raw.role = str(entry.role);
      raw.expires_ns = entry.expires_ns;
      emit(raw);
    }
    return {};
  }
  Result<std::uint64_t> generation(const Call &) {
    if (auto fine = up(); !fine) return std::move(fine).error();
    if (odd) return error(Status::NotFound, "the row of the generation is not there");
    return now;
  }
};

/// A provider that knows which spaces it has, and no nodes.
struct Disk : StorageFs<Disk> {
  std::map<SpaceId, std::uint64_t> quotas;
  std::map<SpaceId, AccountId> personal;  // whose
  bool runs = true, lists = true;
  int refuse_creates = 0;
  std::function<void()> on_remove;  // called once, while a space is being removed

  Result<void> up() const {
    if (runs) return {};
    return error(Status::Unavailable, "the disk is away");
  }
  Result<void> capabilities(const Call &, atoll_storage_caps &) { return {}; }
  Result<void> space_create(const Call &, const atoll_space &space) {
    if (refuse_creates > 0 && refuse_creates-- > 0) return error(Status::InsufficientStorage, "full");
    if (auto fine = up(); !fine) return fine;
    quotas[from_abi<SpaceId>(space.id)] = space.quota;
    if (space.type == ATOLL_SPACE_PERSONAL) personal[from_abi<SpaceId>(space.id)] = from_abi<AccountId>(space.owner);
    return {};
  }
  Result<void> space_get(const Call &, const SpaceId &id, const SpaceEmitter &emit) {
    if (auto fine = up(); !fine) return fine;
    const auto at = quotas.find(id);
    if (at == quotas.end()) return error(Status::NotFound, "no such space");
    auto raw = sized<atoll_space>();
    raw.id = to_abi(id);
    raw.quota = at->second;
    raw.used = 42;
    raw.root_etag = str("fresh");
    emit(raw);
    return {};
  }
  Result<void> space_list(const Call &, const SpaceEmitter &emit) {
    if (!lists) return error(Status::Unimplemented, "this driver does not know");
    if (auto fine = up(); !fine) return fine;
    for (const auto &[id, quota] : quotas) {
      auto raw = sized<atoll_space>();
      raw.id = to_abi(id);
      raw.type = personal.count(id) ? ATOLL_SPACE_PERSONAL : ATOLL_SPACE_PROJECT;
      raw.owner = personal.count(id) ? to_abi(personal.at(id)) : raw.id;
      emit(raw);
    }
    return {};
  }
  Result<void> space_set_quota(const Call &, const SpaceId &id, std::uint64_t quota) {
    if (auto fine = up(); !fine) return fine;
    quotas[id] = quota;
    return {};
  }
  Result<void> space_remove(const Call &, const SpaceId &id) {
    if (auto fine = up(); !fine) return fine;
    if (const auto hook = std::exchange(on_remove, nullptr)) hook();
    return quotas.erase(id) ? Result<void>() : error(Status::NotFound, "no such space");
  }
  Result<void> stat(const Call &, const RefView &, const StatEmitter &) { return error(Status::NotFound, "nothing"); }
  Result<void> list(const Call &, const RefView &, std::string_view, std::uint64_t, const StatEmitter &) { return {}; }
  Result<void> path_of(const Call &, const SpaceId &, const NodeId &, const StatEmitter &) { return {}; }
  Result<void> mkdir(const Call &, const RefView &, const StatEmitter &) { return {}; }
  Result<void> rename(const Call &, const RefView &, const RefView &, std::uint32_t, const StatEmitter &) { return {}; }
  Result<void> remove(const Call &, const RefView &, std::uint32_t) { return {}; }
  Result<std::unique_ptr<ReadHandle>> open_read(const Call &, const RefView &, const StatEmitter &) {
    return error(Status::NotFound, "nothing");
  }
  Result<std::unique_ptr<UploadHandle>> upload_begin(const Call &, const RefView &, std::uint64_t, std::string_view) {
    return error(Status::InsufficientStorage, "nothing");
  }
};

struct People : Directory<People> {
  std::map<AccountId, std::uint32_t> kinds;
  std::function<void()> on_get;  // called once, while an account is looked for
  Result<void> account_get(const Call &, const AccountId &id, const AccountEmitter &emit) {
    if (const auto hook = std::exchange(on_get, nullptr)) hook();
    const auto at = kinds.find(id);
    if (at == kinds.end()) return error(Status::NotFound, "nobody");
    auto raw = sized<atoll_account>();
    raw.kind = at->second;
    raw.id = to_abi(id);
    emit(raw);
    return {};
  }
  Result<void> account_find(const Call &, std::uint32_t, std::string_view, const AccountEmitter &) {
    return error(Status::NotFound, "nobody");
  }
  Result<void> account_search(const Call &, std::uint32_t, std::string_view, std::string_view, std::uint64_t,
                              const AccountEmitter &) {
    return {};
  }
  Result<void> groups_of(const Call &, const AccountId &, const AccountEmitter &) { return {}; }
  Result<void> members_of(const Call &, const AccountId &, const AccountEmitter &) { return {}; }
};

struct One : Instance {
  One(std::string name, void *self, const char *id, const void *table)
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

struct Town : InstanceLookup {
  explicit Town(GatewayOptions options = with_url()) : gateway(*this, std::move(options)) {}
  static GatewayOptions with_url() {
    GatewayOptions out;
    out.public_url = "https://cloud.example";
    return out;
  }
  Shelf shelf, far_shelf;
  bool has_far = false;
  bool shelf_gone = false, far_gone = false;  // not running at all
  Status gone_is = Status::Unavailable;
  Lease far_lease = std::make_shared<One>("registry:far", &far_shelf, ATOLL_REGISTRY, Shelf::table());
  Disk disk;
  People people;
  Lease shelf_lease = std::make_shared<One>("registry:main", &shelf, ATOLL_REGISTRY, Shelf::table());
  Lease disk_lease = std::make_shared<One>("storage:home", &disk, ATOLL_STORAGE_FS, Disk::table());
  Lease people_lease = std::make_shared<One>("auth:local", &people, ATOLL_DIRECTORY, People::table());
  Gateway gateway;
  const atoll_gateway_spaces_service *service = gateway.spaces_service();
  Principal marie = person("marie", ATOLL_ROLE_USER), einstein = person("einstein", ATOLL_ROLE_USER),
            guest = person("guest", ATOLL_ROLE_USER_LIGHT), keeper = person("keeper", ATOLL_ROLE_SPACE_ADMIN),
            admin = person("admin", ATOLL_ROLE_ADMIN);

  Principal person(const char *name, std::uint32_t role) {
    Principal out;
    out.account = base::random_id<AccountId>();
    out.name = name;
    out.app_role = role;
    people.kinds[out.account] = ATOLL_ACCOUNT_USER;
    return out;
  }
  Result<Lease> lease(std::string_view name) override {
    if (name == "registry:main" && !shelf_gone) return shelf_lease;
    if (name == "registry:far" && !far_gone) return far_lease;
    if (name.substr(0, 9) == "registry:") return error(gone_is, "not running");
    if (name != "storage:home") return error(Status::NotFound, "not configured");
    return disk_lease;
  }
  Result<std::vector<Configured>> configured(const char *id) override {
    std::vector<Configured> out{{"registry:main", lease("registry:main")}};
    if (has_far) out.push_back({"registry:far", lease("registry:far")});
    return std::string_view(id) == ATOLL_REGISTRY ? out : std::vector<Configured>();
  }
  Result<std::vector<Lease>> all(const char *id) override {
    if (std::string_view(id) == ATOLL_REGISTRY) {
      std::vector<Lease> out;
      auto known = configured(id);
      for (auto &one : *known) {
        if (!one.lease) return std::move(one.lease).error();
        out.push_back(*std::move(one.lease));
      }
      return out;
    }
    if (std::string_view(id) == ATOLL_STORAGE_FS) return std::vector<Lease>{disk_lease};
    if (std::string_view(id) == ATOLL_DIRECTORY) return std::vector<Lease>{people_lease};
    return std::vector<Lease>{};
  }
  /// f(call) as this person.
  template <class F>
  Result<void> as(const Principal &who, F f) {
    const AbiPrincipal principal(who);
    OutgoingCall call;
    call.principal(principal.get());
    return call.result(f(call.get()));
  }
  struct Seen {
    SpaceRecord record;
    std::uint64_t used = 0;
    bool stale = false;
    std::string url;
  };
  static Seen seen(const atoll_space_view *view) {
    return {SpaceRecord::from(view->record), view->used, (view->flags & ATOLL_SPACE_STALE) != 0,
            std::string(Atoll::view(view->web_dav_url))};
  }
  /// A space on another server that somebody is a member of, as the far registry has it.
  SpaceRecord far_space(const Principal &who) {
    SpaceRecord record;
    record.type = ATOLL_SPACE_PROJECT;
    record.id = base::random_id<SpaceId>();
    record.birth = base::random_id<Uuid>();
    record.name = "Far away";
    record.endpoint = "https://far.example/dav/spaces/1";
    record.issuer = "https://far.example";
    record.root_etag = "far-etag";
    auto &kept = far_shelf.spaces[record.id];
    kept.record = record;
    kept.members[who.account] = {ATOLL_ACCOUNT_USER, ATOLL_MAY_STAT | ATOLL_MAY_READ, "", 0};
    ++far_shelf.now;
    has_far = true;
    return record;
  }
  Status stat(const Principal &who, const SpaceId &space) {
    auto ref = sized<atoll_ref>();
    ref.space = to_abi(space);
    ref.node = to_abi(root_of(space));
    const auto sink = make_sink<atoll_stat_sink>([](const atoll_stat *) {});
    const auto *files = gateway.service();
    return as(who, [&](auto *c) { return files->files->stat(c, files->files_self, &ref, sink.get()); }).status();
  }
  struct Change {
    std::set<SpaceId> spaces;
    std::string token;
    bool list_again = false;
    Status status = Status::Ok;
  };
  Change changed(const Principal &who, const std::string &token) {
    Change out;
    std::uint32_t again = 0;
    const auto sink =
        make_sink<atoll_space_view_sink>([&](const atoll_space_view *v) { out.spaces.insert(seen(v).record.id); });
    const auto next = make_sink<atoll_text_sink>([&](atoll_str text) { out.token = Atoll::view(text); });
    out.status = as(who, [&](auto *c) {
                   return service->changed(c, service->self, str(token), sink.get(), next.get(), &again);
                 }).status();
    out.list_again = again != 0;
    return out;
  }
  std::map<SpaceId, std::set<AccountId>> members_many(const Principal &who, const std::vector<SpaceId> &spaces) {
    std::vector<atoll_uuid> ids;
    for (const auto &space : spaces) ids.push_back(to_abi(space));
    const atoll_uuids raw{ids.data(), ids.size()};
    std::map<SpaceId, std::set<AccountId>> out;
    const auto sink = make_sink<atoll_member_sink>(
        [&](const atoll_member *m) { out[from_abi<SpaceId>(m->space)].insert(from_abi<AccountId>(m->account)); });
    REQUIRE(as(who, [&](auto *c) { return service->members_many(c, service->self, &raw, sink.get()); }).ok());
    return out;
  }
  SpaceId make(const Principal &who, const char *name) {
    SpaceRecord draft;
    draft.name = name;
    SpaceId id;
    const auto sink = make_sink<atoll_space_view_sink>([&](const atoll_space_view *v) { id = seen(v).record.id; });
    const auto raw = draft.abi();
    REQUIRE(as(who, [&](auto *c) { return service->create(c, service->self, &raw, sink.get()); }).ok());
    return id;
  }
  std::vector<Seen> mine(const Principal &who) {
    std::vector<Seen> out;
    const auto sink = make_sink<atoll_space_view_sink>([&](const atoll_space_view *v) { out.push_back(seen(v)); });
    REQUIRE(as(who, [&](auto *c) { return service->mine(c, service->self, 0, sink.get()); }).ok());
    return out;
  }
  bool has(const Principal &who, const SpaceId &id) {
    for (const auto &one : mine(who))
      if (one.record.id == id) return true;
    return false;
  }
  Status put(const Principal &who, const SpaceId &space, const AccountId &account, std::string_view role,
             std::uint32_t permissions = 0, std::int64_t expires_ns = 0, std::uint32_t kind = ATOLL_ACCOUNT_USER) {
    auto member = sized<atoll_member>();
    member.kind = kind;
    member.account = to_abi(account);
    member.role = str(role);
    member.permissions = permissions;
    member.expires_ns = expires_ns;
    const auto id = to_abi(space);
    return as(who, [&](auto *c) { return service->member_put(c, service->self, &id, &member); }).status();
  }
  Status drop(const Principal &who, const SpaceId &space, const AccountId &account) {
    const auto id = to_abi(space), out = to_abi(account);
    return as(who, [&](auto *c) { return service->member_remove(c, service->self, &id, &out); }).status();
  }
  template <class F>
  Status on(const Principal &who, const SpaceId &space, F f) {
    const auto id = to_abi(space);
    return as(who, [&](auto *c) { return f(c, service->self, &id); }).status();
  }
  Status disable(const Principal &who, const SpaceId &space) { return on(who, space, service->disable); }
  Status purge(const Principal &who, const SpaceId &space) { return on(who, space, service->purge); }
  Status restore(const Principal &who, const SpaceId &space) {
    return on(who, space, [&](auto *c, void *self, auto *id) { return service->restore(c, self, id, nothing.get()); });
  }
  Status get(const Principal &who, const SpaceId &space) {
    return on(who, space, [&](auto *c, void *self, auto *id) { return service->get(c, self, id, nothing.get()); });
  }
  Status set_quota(const Principal &who, const SpaceId &space, std::uint64_t quota) {
    SpaceRecord record;
    record.id = space;
    record.quota = quota;
    const auto raw = record.abi();
    return as(who,
              [&](auto *c) { return service->update(c, service->self, &raw, ATOLL_SPACE_SET_QUOTA, nothing.get()); })
        .status();
  }
  Status rename(const Principal &who, const SpaceId &space, const char *name) {
    SpaceRecord record;
    record.id = space;
    record.name = name;
    const auto raw = record.abi();
    return as(who,
              [&](auto *c) { return service->update(c, service->self, &raw, ATOLL_SPACE_SET_NAME, nothing.get()); })
        .status();
  }
  struct Ignore {
    void operator()(const atoll_space_view *) const {}
  };
  LambdaSink<atoll_space_view_sink, Ignore> nothing{Ignore{}};
};

constexpr std::string_view kViewer = "a8d5fe5e-96e3-418d-825b-534dbdf22b99";
constexpr std::string_view kEditor = "58c63c02-1d89-4572-916a-870abc5a1b7d";

}  // namespace

TEST_CASE("roles: ids are unique and well formed, and no role gives what is unknown") {
  std::set<std::string_view> ids;
  for (const Role &role : roles()) {
    CHECK(Uuid::parse(role.id).has_value());
    CHECK(ids.insert(role.id).second);
    CHECK((role.permissions & ~kAllPermissions) == 0);
    CHECK(role.on != 0);
    CHECK(find_role(role.id) == &role);
  }
  CHECK(find_role("") == nullptr);
  REQUIRE(find_role(kManagerRole) != nullptr);
  CHECK(find_role(kManagerRole)->permissions == kAllPermissions);
}

TEST_CASE("spaces: who makes one is its manager, nobody else sees it, admins manage it without reaching it") {
  Town w;
  const SpaceId solar = w.make(w.marie, "  Solar Panels ");
  const auto mine = w.mine(w.marie);
  REQUIRE(mine.size() == 2);  // her personal one too
  for (const auto &one : mine) {
    CHECK(one.record.permissions == kAllPermissions);
    CHECK(one.record.root_etag == "fresh");
    CHECK(one.used == 42);
    CHECK_FALSE(one.stale);
    if (one.record.id != solar) continue;
    CHECK(one.record.name == "Solar Panels");
    CHECK(one.record.alias == "project/solar-panels");
    CHECK(one.record.owner == solar.as<AccountTag>());
    CHECK(one.record.state == ATOLL_SPACE_STATE_ACTIVE);
  }
  CHECK_FALSE(w.has(w.einstein, solar));
  CHECK_FALSE(w.has(w.admin, solar));
  CHECK(w.get(w.einstein, solar) == Status::NotFound);
  CHECK(w.get(w.keeper, solar) == Status::Ok);
  CHECK(w.get(w.admin, solar) == Status::Ok);
  CHECK(w.rename(w.einstein, solar, "Mine") == Status::NotFound);
  CHECK(w.rename(w.keeper, solar, "Sun") == Status::Ok);
}

TEST_CASE("spaces: names that would be none are refused, and so are guests") {
  Town w;
  for (const char *name : {"", "   ", "a/b", ".", "..", "bell\x07", "\xff"}) {
    SpaceRecord draft;
    draft.name = name;
    const auto raw = draft.abi();
    CHECK(w.as(w.marie, [&](auto *c) {
             return w.service->create(c, w.service->self, &raw, w.nothing.get());
           }).status() == Status::InvalidArgument);
  }
  SpaceRecord draft;
  draft.name = "x";
  auto raw = draft.abi();
  CHECK(w.as(w.guest, [&](auto *c) { return w.service->create(c, w.service->self, &raw, w.nothing.get()); }).status() ==
        Status::PermissionDenied);
  CHECK(w.as(w.guest, [&](auto *c) { return w.service->may_create(c, w.service->self); }).status() ==
        Status::PermissionDenied);
  raw.quota = 1000;
  CHECK(w.as(w.marie, [&](auto *c) { return w.service->create(c, w.service->self, &raw, w.nothing.get()); }).status() ==
        Status::PermissionDenied);
  CHECK(w.shelf.spaces.empty());
}

TEST_CASE("spaces: one that its provider cannot make leaves nothing behind") {
  Town w;
  w.disk.refuse_creates = 1;
  SpaceRecord draft;
  draft.name = "x";
  const auto raw = draft.abi();
  CHECK(w.as(w.marie, [&](auto *c) { return w.service->create(c, w.service->self, &raw, w.nothing.get()); }).status() ==
        Status::InsufficientStorage);
  CHECK(w.shelf.spaces.empty());
  CHECK(w.disk.quotas.empty());
}

TEST_CASE("spaces: a create that fails half way leaves no record without files, and cleans up after one who has gone") {
  SpaceRecord draft;
  draft.name = "x";
  const auto raw = draft.abi();
  {
    Town w;
    w.shelf.members_until_away = 0;
    CHECK(w.as(w.marie, [&](auto *c) {
             return w.service->create(c, w.service->self, &raw, w.nothing.get());
           }).status() == Status::Unavailable);
    REQUIRE(w.shelf.spaces.size() == 1);
    CHECK(w.disk.quotas.count(w.shelf.spaces.begin()->first) == 1);
  }
  Town w;
  w.disk.refuse_creates = 1;
  const AbiPrincipal principal(w.marie);
  OutgoingCall call;
  call.principal(principal.get());
  atoll_call gone = *call.get();
  gone.cancelled = [](const atoll_call *) -> std::int32_t { return 1; };
  CHECK(w.service->create(&gone, w.service->self, &raw, w.nothing.get()) == ATOLL_INSUFFICIENT_STORAGE);
  CHECK(w.shelf.spaces.empty());
}

TEST_CASE("members: a role gives what it says, at once, and nobody gives more than he has") {
  Town w;
  const SpaceId space = w.make(w.marie, "Solar");
  CHECK(w.put(w.marie, space, w.einstein.account, kViewer) == Status::Ok);
  CHECK(w.has(w.einstein, space));
  CHECK(w.shelf.spaces.at(space).members.at(w.einstein.account).permissions == find_role(kViewer)->permissions);
  CHECK(w.put(w.einstein, space, w.guest.account, kViewer) == Status::PermissionDenied);
  CHECK(w.rename(w.einstein, space, "Mine") == Status::PermissionDenied);
  CHECK(w.disable(w.einstein, space) == Status::PermissionDenied);
  // A manager of members without all the rest.
  CHECK(w.put(w.marie, space, w.einstein.account, "", ATOLL_MAY_STAT | ATOLL_MAY_READ | ATOLL_MAY_MEMBERS) ==
        Status::Ok);
  CHECK(w.put(w.einstein, space, w.guest.account, kEditor) == Status::PermissionDenied);
  CHECK(w.put(w.einstein, space, w.guest.account, kViewer) == Status::Ok);
  CHECK(w.put(w.keeper, space, w.guest.account, kEditor) == Status::Ok);
  // What is none.
  CHECK(w.put(w.marie, space, w.guest.account, "11111111-1111-4111-8111-111111111111") == Status::InvalidArgument);
  CHECK(w.put(w.marie, space, w.guest.account, "aa97fe03-7980-45ac-9e50-b325749fd7e6") == Status::InvalidArgument);
  CHECK(w.put(w.marie, space, w.guest.account, "b1e2218d-eef8-4d4c-b82d-0f1a1b48f3b5") == Status::InvalidArgument);
  CHECK(w.put(w.marie, space, w.guest.account, "", 0) == Status::InvalidArgument);
  CHECK(w.put(w.marie, space, w.guest.account, "", 0x80000000u) == Status::InvalidArgument);
  CHECK(w.put(w.marie, space, base::random_id<AccountId>(), kViewer) == Status::InvalidArgument);
  CHECK(w.put(w.marie, space, w.guest.account, kViewer, 0, 0, ATOLL_ACCOUNT_GROUP) == Status::InvalidArgument);
  CHECK(w.put(w.marie, space, w.guest.account, kViewer, 0, base::now_unix_ns() - 1) == Status::InvalidArgument);
  // Leaving, and being sent away.
  CHECK(w.drop(w.guest, space, w.einstein.account) == Status::PermissionDenied);
  CHECK(w.drop(w.guest, space, w.guest.account) == Status::Ok);
  CHECK(w.drop(w.marie, space, w.einstein.account) == Status::Ok);
  CHECK_FALSE(w.has(w.einstein, space));
}

TEST_CASE("members: who is sent away while he adds somebody adds nobody") {
  Town w;
  const SpaceId space = w.make(w.marie, "Solar");
  REQUIRE(w.put(w.marie, space, w.einstein.account, kManagerRole) == Status::Ok);
  w.people.on_get = [&] { CHECK(w.drop(w.marie, space, w.einstein.account) == Status::Ok); };
  CHECK(w.put(w.einstein, space, w.einstein.account, kManagerRole) == Status::NotFound);
  CHECK(w.shelf.spaces.at(space).members.count(w.einstein.account) == 0);
}

TEST_CASE("members: who manages members without all the rest neither takes a space over nor destroys it") {
  Town w;
  const SpaceId space = w.make(w.marie, "Solar");
  REQUIRE(w.put(w.marie, space, w.keeper.account, kManagerRole) == Status::Ok);
  REQUIRE(w.put(w.marie, space, w.einstein.account, "", ATOLL_MAY_STAT | ATOLL_MAY_READ | ATOLL_MAY_MEMBERS) ==
          Status::Ok);
  CHECK(w.put(w.einstein, space, w.marie.account, kViewer) == Status::PermissionDenied);
  CHECK(w.drop(w.einstein, space, w.marie.account) == Status::PermissionDenied);
  CHECK(w.disable(w.einstein, space) == Status::PermissionDenied);
  REQUIRE(w.disable(w.marie, space) == Status::Ok);
  CHECK(w.purge(w.einstein, space) == Status::PermissionDenied);
  CHECK(w.shelf.spaces.count(space) == 1);
  CHECK(w.put(w.einstein, space, w.guest.account, kViewer) == Status::Ok);
  CHECK(w.drop(w.einstein, space, w.guest.account) == Status::Ok);
  CHECK(w.drop(w.einstein, space, w.einstein.account) == Status::Ok);
}

TEST_CASE("members: a space keeps a manager whose membership does not expire") {
  Town w;
  const SpaceId space = w.make(w.marie, "Solar");
  CHECK(w.drop(w.marie, space, w.marie.account) == Status::FailedPrecondition);
  CHECK(w.put(w.marie, space, w.marie.account, kEditor) == Status::FailedPrecondition);
  CHECK(w.put(w.marie, space, w.marie.account, kManagerRole, 0, base::now_unix_ns() + 1'000'000'000'000) ==
        Status::FailedPrecondition);
  CHECK(w.put(w.marie, space, w.einstein.account, kManagerRole) == Status::Ok);
  CHECK(w.drop(w.marie, space, w.marie.account) == Status::Ok);
  CHECK(w.put(w.keeper, space, w.einstein.account, kViewer) == Status::FailedPrecondition);
}

TEST_CASE("spaces: disabled, restored and purged, by whom and in which order") {
  Town w;
  const SpaceId space = w.make(w.marie, "Solar");
  CHECK(w.put(w.marie, space, w.einstein.account, kEditor) == Status::Ok);
  CHECK(w.purge(w.marie, space) == Status::FailedPrecondition);
  CHECK(w.disable(w.marie, space) == Status::Ok);
  CHECK(w.disable(w.marie, space) == Status::Ok);
  CHECK_FALSE(w.has(w.einstein, space));
  CHECK(w.get(w.einstein, space) == Status::NotFound);
  CHECK(w.has(w.marie, space));
  CHECK(w.restore(w.einstein, space) == Status::NotFound);
  CHECK(w.restore(w.keeper, space) == Status::Ok);
  CHECK(w.has(w.einstein, space));
  CHECK(w.disable(w.marie, space) == Status::Ok);
  w.disk.runs = false;
  CHECK(w.purge(w.marie, space) == Status::Unavailable);
  CHECK(w.shelf.spaces.count(space) == 1);
  w.disk.runs = true;
  CHECK(w.purge(w.marie, space) == Status::Ok);
  CHECK(w.shelf.spaces.count(space) == 0);
  CHECK(w.disk.quotas.count(space) == 0);
  CHECK(w.get(w.admin, space) == Status::NotFound);
}

TEST_CASE("spaces: a disabled one is neither listed nor named to members who do not manage it") {
  Town w;
  const SpaceId space = w.make(w.marie, "Solar");
  REQUIRE(w.put(w.marie, space, w.einstein.account, kViewer) == Status::Ok);
  REQUIRE(w.disable(w.marie, space) == Status::Ok);
  const auto *files = w.gateway.service();
  const auto listed = [&](const Principal &who) {
    bool found = false;
    const auto sink = make_sink<atoll_space_record_sink>(
        [&](const atoll_space_record *raw) { found |= from_abi<SpaceId>(raw->id) == space; });
    REQUIRE(w.as(who, [&](auto *c) { return files->spaces(c, files->self, sink.get()); }).ok());
    return found;
  };
  CHECK(listed(w.marie));
  CHECK_FALSE(listed(w.einstein));
  const auto said = [&](const Principal &who, const SpaceId &asked) {
    const auto sink = make_sink<atoll_space_record_sink>([](const atoll_space_record *) {});
    const auto id = to_abi(asked);
    return w.as(who, [&](auto *c) { return files->space(c, files->self, &id, sink.get()); }).error().message;
  };
  CHECK(said(w.marie, space) == "This space is disabled.");
  CHECK(said(w.einstein, space) == said(w.einstein, base::random_id<SpaceId>()));
}

TEST_CASE("spaces: one whose files are going or gone is not restored, and one that was never made is made") {
  Town w;
  const SpaceId space = w.make(w.marie, "Solar");
  REQUIRE(w.disable(w.marie, space) == Status::Ok);
  std::vector<Status> meanwhile;
  w.disk.on_remove = [&] {
    meanwhile = {w.restore(w.marie, space), w.purge(w.keeper, space), w.disable(w.marie, space)};
  };
  w.disk.quotas.erase(space);  // an earlier attempt came that far
  CHECK(w.restore(w.marie, space) == Status::FailedPrecondition);
  CHECK(w.shelf.spaces.at(space).record.state == ATOLL_SPACE_STATE_DISABLED);
  w.disk.quotas[space] = 1;
  w.disk.runs = false;
  CHECK(w.restore(w.marie, space) == Status::Unavailable);
  w.disk.runs = true;
  CHECK(w.purge(w.marie, space) == Status::Ok);
  CHECK(meanwhile == std::vector<Status>(3, Status::Unavailable));
  CHECK(w.shelf.spaces.count(space) == 0);

  w.disk.refuse_creates = 1;
  CHECK_FALSE(w.as(w.einstein, [&](auto *c) { return w.service->mine(c, w.service->self, 0, w.nothing.get()); }).ok());
  REQUIRE(w.shelf.spaces.size() == 1);
  const SpaceId own = w.shelf.spaces.begin()->first;
  REQUIRE(w.shelf.spaces.at(own).record.state == ATOLL_SPACE_STATE_CREATING);
  CHECK(w.disable(w.admin, own) == Status::Ok);
  CHECK(w.shelf.spaces.at(own).record.state == ATOLL_SPACE_STATE_DISABLED);
  CHECK(w.restore(w.admin, own) == Status::Ok);
  CHECK(w.disk.quotas.count(own) == 1);
  CHECK(w.has(w.einstein, own));
}

TEST_CASE("spaces: a personal space is its owner's, and only an admin ends it") {
  Town w;
  SpaceId own;
  for (const auto &one : w.mine(w.marie)) own = one.record.id;
  CHECK(w.disable(w.marie, own) == Status::PermissionDenied);
  CHECK(w.get(w.keeper, own) == Status::NotFound);
  CHECK(w.put(w.marie, own, w.einstein.account, kViewer) == Status::FailedPrecondition);
  CHECK(w.drop(w.marie, own, w.marie.account) == Status::FailedPrecondition);
  CHECK(w.rename(w.marie, own, "other") == Status::FailedPrecondition);
  CHECK(w.set_quota(w.marie, own, 1) == Status::PermissionDenied);
  CHECK(w.set_quota(w.admin, own, 1000) == Status::Ok);
  CHECK(w.disk.quotas.at(own) == 1000);
  CHECK(w.disable(w.admin, own) == Status::Ok);
  const SpaceId solar = w.make(w.marie, "Solar");
  CHECK(w.has(w.marie, solar));  // the rest of hers is there as before
}

TEST_CASE("spaces: a registry that lost a personal space is given no empty one in its place") {
  std::vector<std::string> warned;
  GatewayOptions options;
  options.warn = [&](const std::string &what) { warned.push_back(what); };
  Town w(options);
  const auto list = [&](const Principal &who) {
    return w.as(who, [&](auto *c) { return w.service->mine(c, w.service->self, 0, w.nothing.get()); }).status();
  };
  REQUIRE(w.mine(w.marie).size() == 1);
  const auto before = w.shelf.spaces;
  w.shelf.spaces.clear();
  ++w.shelf.now;
  CHECK(list(w.marie) == Status::Unavailable);
  CHECK(list(w.marie) == Status::Unavailable);
  CHECK(w.shelf.spaces.empty());
  CHECK(w.disk.quotas.size() == 1);
  REQUIRE(warned.size() == 1);
  for (const std::string &part : {std::string("marie"), std::string("storage:home"), before.begin()->first.text()})
    CHECK(warned[0].find(part) != std::string::npos);
  // Others, of whom the storage holds nothing, are new; unless it cannot tell.
  CHECK(w.mine(w.einstein).size() == 1);
  w.disk.runs = false;
  CHECK(list(w.admin) == Status::Unavailable);
  CHECK(w.shelf.spaces.size() == 1);
  w.disk.runs = true;
  w.shelf.spaces = before;
  ++w.shelf.now;
  REQUIRE(w.mine(w.marie).size() == 1);
  CHECK(w.mine(w.marie)[0].record.id == before.begin()->first);
  // What a driver does not know proves nothing.
  w.disk.lists = false;
  CHECK(w.mine(w.keeper).size() == 1);
}

TEST_CASE("spaces: a provider that cannot tell makes its spaces stale, and what it told last is shown") {
  Town w;
  const SpaceId space = w.make(w.marie, "Solar");
  w.mine(w.marie);
  w.disk.runs = false;
  const auto mine = w.mine(w.marie);
  REQUIRE(mine.size() == 2);
  for (const auto &one : mine) {
    CHECK(one.stale);
    CHECK(one.used == 42);
    CHECK(one.record.root_etag == "fresh");
    CHECK(one.url == "https://cloud.example/dav/spaces/" + one.record.birth.text() + "$" + one.record.id.text());
  }
  CHECK(w.get(w.marie, space) == Status::Ok);
}

TEST_CASE(
    "spaces: one without an etag, told or remembered, is not shown to clients, and what is remembered has an end") {
  GatewayOptions few = Town::with_url();
  few.remembered_roots = 2;
  Town w(few);
  const SpaceId solar = w.make(w.marie, "Solar");
  w.make(w.marie, "Lunar");
  const auto mine = [&](const Principal &who) {
    return w.as(who, [&](auto *c) { return w.service->mine(c, w.service->self, 0, w.nothing.get()); }).status();
  };
  CHECK(mine(w.einstein) == Status::Ok);  // his personal one
  const atoll_uuid first{};
  const auto all = [&](const Principal &who) {
    return w.as(who, [&](auto *c) { return w.service->all(c, w.service->self, 0, &first, 0, w.nothing.get()); })
        .status();
  };
  CHECK(all(w.admin) == Status::Ok);  // which puts nothing out of memory
  w.disk.runs = false;
  CHECK(mine(w.einstein) == Status::Ok);
  CHECK(w.get(w.marie, solar) == Status::Unavailable);  // put out by the two that came later
  CHECK(mine(w.marie) == Status::Unavailable);
  CHECK(all(w.admin) == Status::Ok);
  w.disk.runs = true;
  CHECK(w.get(w.marie, solar) == Status::Ok);
  w.disk.runs = false;
  CHECK(w.get(w.marie, solar) == Status::Ok);
  CHECK(mine(w.einstein) == Status::Ok);
}

TEST_CASE("registries: one that cannot tell counts with what it told last, whole, or the answer fails") {
  for (const bool gone : {false, true}) {
    Town w;
    const SpaceId space = w.make(w.marie, "Solar");
    CHECK(w.mine(w.marie).size() == 2);  // makes her personal one
    CHECK(w.mine(w.marie).size() == 2);
    (gone ? w.shelf_gone : w.shelf.runs) = gone;
    const auto mine = w.mine(w.marie);
    REQUIRE(mine.size() == 2);
    for (const auto &one : mine) CHECK(one.stale);
    // Somebody who never asked: nothing is known, which is not the same as no spaces.
    CHECK(w.as(w.einstein, [&](auto *c) { return w.service->mine(c, w.service->self, 0, w.nothing.get()); }).status() ==
          Status::Unavailable);
    // In another group he may reach others.
    Principal grown = w.marie;
    grown.groups.push_back(base::random_id<AccountId>());
    CHECK(w.as(grown, [&](auto *c) { return w.service->mine(c, w.service->self, 0, w.nothing.get()); }).status() ==
          Status::Unavailable);
    CHECK(w.get(w.marie, space) == Status::Unavailable);
    CHECK(w.stat(w.marie, space) == Status::Unavailable);
    (gone ? w.shelf_gone : w.shelf.runs) = !gone;
    for (const auto &one : w.mine(w.marie)) CHECK_FALSE(one.stale);
  }
  GatewayOptions never;
  never.stale_listings = std::chrono::nanoseconds(0);
  Town w(never);
  CHECK(w.mine(w.marie).size() == 1);
  CHECK(w.mine(w.marie).size() == 1);
  w.shelf.runs = false;
  CHECK(w.as(w.marie, [&](auto *c) { return w.service->mine(c, w.service->self, 0, w.nothing.get()); }).status() ==
        Status::Unavailable);
}

TEST_CASE("registries: what was told is asked for again once something has changed, and a revocation holds at once") {
  Town w;
  const SpaceId space = w.make(w.marie, "Solar");
  REQUIRE(w.put(w.marie, space, w.einstein.account, kViewer) == Status::Ok);
  CHECK(w.has(w.einstein, space));
  REQUIRE(w.drop(w.marie, space, w.einstein.account) == Status::Ok);
  CHECK_FALSE(w.has(w.einstein, space));
}

TEST_CASE("registries: several are merged, spaces elsewhere have the address of their record, the first one counts") {
  Town w;
  const SpaceId here = w.make(w.marie, "Solar");
  const SpaceRecord far = w.far_space(w.marie);
  auto &copy = w.far_shelf.spaces[here];
  copy.record = w.shelf.spaces.at(here).record;
  copy.record.name = "Another";
  copy.members[w.marie.account] = {ATOLL_ACCOUNT_USER, ATOLL_MAY_STAT, "", 0};
  const auto mine = w.mine(w.marie);
  REQUIRE(mine.size() == 3);
  for (const auto &one : mine) {
    CHECK_FALSE(one.stale);
    if (one.record.id == here) CHECK(one.record.name == "Solar");
    if (one.record.id == here) CHECK(one.record.permissions == kAllPermissions);
    if (one.record.id != far.id) continue;
    CHECK(one.url == far.endpoint);
    CHECK(one.record.issuer == far.issuer);
    CHECK(one.record.root_etag == "far-etag");
  }
  // Its etag changes without anything else.
  w.far_shelf.spaces.at(far.id).record.root_etag = "new";
  for (const auto &one : w.mine(w.marie))
    if (one.record.id == far.id) CHECK(one.record.root_etag == "new");
  CHECK(w.rename(w.admin, far.id, "x") == Status::FailedPrecondition);
}

TEST_CASE("registries: one that is down leaves the spaces of the other as they are, and proves nothing") {
  Town w;
  const SpaceId here = w.make(w.marie, "Solar");
  const SpaceRecord far = w.far_space(w.marie);
  CHECK(w.mine(w.marie).size() == 3);
  w.far_gone = true;
  const auto mine = w.mine(w.marie);
  REQUIRE(mine.size() == 3);
  for (const auto &one : mine) CHECK(one.stale == (one.record.id == far.id));
  CHECK(w.stat(w.marie, here) != Status::Unavailable);
  CHECK(w.get(w.marie, here) == Status::Ok);
  CHECK(w.get(w.marie, far.id) == Status::Unavailable);
  CHECK(w.get(w.marie, base::random_id<SpaceId>()) == Status::Unavailable);
  CHECK(w.stat(w.marie, base::random_id<SpaceId>()) == Status::Unavailable);
  // His first request: whether he has a personal space cannot be told.
  CHECK(w.as(w.einstein, [&](auto *c) { return w.service->mine(c, w.service->self, 0, w.nothing.get()); }).status() ==
        Status::Unavailable);
  w.far_gone = false;
  CHECK(w.get(w.marie, base::random_id<SpaceId>()) == Status::NotFound);
  CHECK(w.mine(w.einstein).size() == 1);
}

TEST_CASE("registries: only the look for the space itself proves that it is not there") {
  Town w;
  const SpaceId here = w.make(w.marie, "Solar");
  const Status there = w.stat(w.marie, here);  // of the node; the space is remembered now
  CHECK(there == Status::NotFound);
  const auto mine = [&](const Principal &who) {
    return w.as(who, [&](auto *c) { return w.service->mine(c, w.service->self, 0, w.nothing.get()); }).status();
  };
  w.shelf.odd = true;
  CHECK(w.get(w.marie, here) == Status::Unavailable);
  CHECK(w.stat(w.marie, here) == Status::Unavailable);
  CHECK(mine(w.einstein) == Status::Unavailable);
  w.shelf.odd = false;
  CHECK(w.get(w.marie, here) == Status::Ok);
  w.shelf_gone = true;
  w.gone_is = Status::NotFound;
  CHECK(w.stat(w.marie, here) == Status::Unavailable);
  CHECK(w.get(w.marie, here) == Status::Unavailable);
  CHECK(mine(w.einstein) == Status::Unavailable);
}

TEST_CASE("members: of many spaces at once, of those that one sees") {
  Town w;
  const SpaceId solar = w.make(w.marie, "Solar"), lunar = w.make(w.einstein, "Lunar"), third = w.make(w.marie, "Third");
  REQUIRE(w.put(w.marie, solar, w.einstein.account, kViewer) == Status::Ok);
  REQUIRE(w.put(w.marie, solar, w.guest.account, kViewer) == Status::Ok);
  w.shelf.spaces.at(solar).members.at(w.guest.account).expires_ns = 1;
  using People = std::set<AccountId>;
  const std::vector<SpaceId> all{solar, lunar, third, solar, base::random_id<SpaceId>()};
  CHECK(w.members_many(w.einstein, all) ==
        std::map<SpaceId, People>{{solar, {w.marie.account, w.einstein.account}}, {lunar, {w.einstein.account}}});
  CHECK(w.members_many(w.keeper, all).size() == 3);
  CHECK(w.members_many(w.guest, {lunar, third}).empty());
  CHECK(w.members_many(w.marie, {}).empty());
}

TEST_CASE("changes: the roots that changed, for those who reach them, and when to list again") {
  Town w;
  const SpaceId solar = w.make(w.marie, "Solar"), lunar = w.make(w.einstein, "Lunar");
  int woken = 0;
  auto watcher = sized<atoll_space_watcher>();
  watcher.context = &woken;
  watcher.changed = [](void *context) { ++*static_cast<int *>(context); };
  void *handle = nullptr;
  REQUIRE(w.as(w.marie, [&](auto *c) { return w.service->watch(c, w.service->self, &watcher, &handle); }).ok());
  const auto start = w.changed(w.marie, "");
  REQUIRE(start.status == Status::Ok);
  CHECK(start.spaces.empty());
  CHECK_FALSE(start.list_again);
  w.gateway.root_log().changed(solar);
  w.gateway.root_log().changed(lunar);
  w.gateway.root_log().changed(solar);
  CHECK(woken == 3);
  const auto next = w.changed(w.marie, start.token);
  CHECK(next.spaces == std::set<SpaceId>{solar});
  CHECK_FALSE(next.list_again);
  CHECK(w.changed(w.marie, start.token).spaces == std::set<SpaceId>{solar});  // a token may be used again
  CHECK(w.changed(w.marie, next.token).spaces.empty());
  REQUIRE(w.put(w.einstein, lunar, w.marie.account, kViewer) == Status::Ok);
  CHECK(woken == 4);
  const auto more = w.changed(w.marie, next.token);
  CHECK(more.list_again);
  CHECK(w.changed(w.marie, start.token).spaces == std::set<SpaceId>{solar, lunar});
  CHECK_FALSE(w.changed(w.marie, more.token).list_again);
  REQUIRE(w.rename(w.marie, solar, "Sun") == Status::Ok);
  CHECK(w.changed(w.marie, more.token).list_again);
  REQUIRE(w.disable(w.einstein, lunar) == Status::Ok);
  CHECK(w.changed(w.marie, more.token).list_again);
  w.service->unwatch(w.service->self, handle);
  w.gateway.root_log().changed(solar);
  CHECK(woken == 6);
  for (const char *bad : {"x", ".", "1.2", ".1.1"}) CHECK(w.changed(w.marie, bad).status == Status::FailedPrecondition);
  CHECK(w.changed(w.marie, more.token + "zz").status == Status::FailedPrecondition);
  w.gateway.root_log().lost();
  CHECK(w.changed(w.marie, more.token).status == Status::FailedPrecondition);
  CHECK(w.changed(w.marie, w.changed(w.marie, "").token).status == Status::Ok);
  Town restarted;
  restarted.marie = w.marie;
  CHECK(restarted.changed(w.marie, start.token).status == Status::FailedPrecondition);
}

TEST_CASE("changes: what changed while the provider could not tell comes again") {
  Town w;
  const SpaceId solar = w.make(w.marie, "Solar");
  const auto start = w.changed(w.marie, "");
  w.gateway.root_log().changed(solar);
  w.disk.runs = false;
  const auto away = w.changed(w.marie, start.token);
  CHECK(away.spaces == std::set<SpaceId>{solar});
  w.disk.runs = true;
  const auto back = w.changed(w.marie, away.token);
  CHECK(back.spaces == std::set<SpaceId>{solar});
  CHECK_FALSE(back.list_again);
  CHECK(w.changed(w.marie, back.token).spaces.empty());
}

TEST_CASE("roles: what each lets a member do with the space itself and its members") {
  for (const Role &role : roles()) {
    if ((role.on & ATOLL_ROLE_ON_SPACE) == 0) continue;
    CAPTURE(role.id);
    Town w;
    const SpaceId space = w.make(w.marie, "Solar");
    w.shelf.spaces.at(space).members[w.einstein.account] = {ATOLL_ACCOUNT_USER, role.permissions, "", 0};
    ++w.shelf.now;
    const bool manages = (role.permissions & ATOLL_MAY_MEMBERS) != 0;
    const Status expected = manages ? Status::Ok : Status::PermissionDenied;
    CHECK(w.get(w.einstein, space) == Status::Ok);
    CHECK(w.members_many(w.einstein, {space}).size() == 1);
    CHECK(w.rename(w.einstein, space, "Sun") == expected);
    CHECK(w.set_quota(w.einstein, space, 100) == Status::PermissionDenied);
    CHECK(w.put(w.einstein, space, w.guest.account, kViewer) == expected);
    CHECK(w.drop(w.einstein, space, w.guest.account) == (manages ? Status::Ok : Status::PermissionDenied));
    CHECK(w.disable(w.einstein, space) == expected);
    REQUIRE(w.disable(w.keeper, space) == Status::Ok);
    CHECK(w.get(w.einstein, space) == (manages ? Status::Ok : Status::NotFound));
    CHECK(w.stat(w.einstein, space) == Status::NotFound);
    CHECK(w.restore(w.einstein, space) == (manages ? Status::Ok : Status::NotFound));
    REQUIRE(w.disable(w.keeper, space) == Status::Ok);
    CHECK(w.purge(w.einstein, space) == (manages ? Status::Ok : Status::NotFound));
  }
}

TEST_CASE("spaces: all of them in pages, for admins only, and space admins see projects only") {
  Town w;
  std::set<SpaceId> made;
  for (int i = 0; i < 25; ++i) made.insert(w.make(w.marie, ("p" + std::to_string(i)).c_str()));
  w.mine(w.einstein);  // his personal one
  const auto page = [&](const Principal &who, std::uint32_t type, const SpaceId &after, std::uint64_t limit) {
    std::vector<SpaceId> out;
    const auto sink =
        make_sink<atoll_space_view_sink>([&](const atoll_space_view *v) { out.push_back(Town::seen(v).record.id); });
    const auto from = to_abi(after);
    REQUIRE(
        w.as(who, [&](auto *c) { return w.service->all(c, w.service->self, type, &from, limit, sink.get()); }).ok());
    return out;
  };
  CHECK(page(w.keeper, 0, {}, 0) == std::vector<SpaceId>(made.begin(), made.end()));
  CHECK(page(w.admin, 0, {}, 0).size() == 26);
  CHECK(page(w.admin, ATOLL_SPACE_PERSONAL, {}, 0).size() == 1);
  std::vector<SpaceId> paged;
  SpaceId last;
  for (;;) {
    const auto some = page(w.keeper, ATOLL_SPACE_PROJECT, last, 10);
    paged.insert(paged.end(), some.begin(), some.end());
    if (some.size() < 10) break;
    last = some.back();
  }
  CHECK(paged == std::vector<SpaceId>(made.begin(), made.end()));
  const atoll_uuid none{};
  CHECK(w.as(w.marie, [&](auto *c) {
           return w.service->all(c, w.service->self, 0, &none, 0, w.nothing.get());
         }).status() == Status::PermissionDenied);
}

}  // namespace Atoll::gateway
