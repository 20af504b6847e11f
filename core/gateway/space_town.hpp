// SPDX-License-Identifier: Apache-2.0
// For tests: a gateway over registries, a provider and a directory in memory.
#pragma once

#include "core/gateway/gateway.hpp"
#include "core/gateway/roles.hpp"

#include <doctest/doctest.h>

#include <atoll/sdk/accounts.hpp>
#include <atoll/sdk/registry.hpp>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/base/time.hpp"
#include "core/base/uuid.hpp"

namespace Atoll::gateway::town {

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
  int members_until_away = -1;                       // that many are put, then the database goes
  bool odd = false;                                  // says NOT_FOUND where nothing is looked for
  std::function<void()> on_read, on_change, on_get;  // called once: after spaces_of, before a change, before a get

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
      if (!mine) continue;
      record.permissions |= member.permissions;
      if (member.expires_ns != 0) record.permissions_until_ns = member.expires_ns;
    }
    return record;
  }
  Result<void> spaces_of(const Call &call, const SpaceRecordEmitter &emit) {
    if (auto fine = up(); !fine) return fine;
    if (odd) return error(Status::NotFound, "odd");
    for (const auto &[id, kept] : spaces)
      if (const auto record = seen(call, kept); record.permissions) emit(record.abi());
    if (const auto hook = std::exchange(on_read, nullptr)) hook();
    return {};
  }
  Result<void> space_get(const Call &call, const SpaceId &id, const SpaceRecordEmitter &emit) {
    if (auto fine = up(); !fine) return fine;
    if (const auto hook = std::exchange(on_get, nullptr)) hook();
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
    if (const auto hook = std::exchange(on_change, nullptr)) hook();
    ++now;
    spaces[record.id].record = record;
    return {};
  }
  Result<void> space_change(const Call &, const SpaceRecord &record, std::uint32_t fields,
                            std::uint32_t expected_state) {
    if (auto fine = up(); !fine) return fine;
    if (const auto hook = std::exchange(on_change, nullptr)) hook();
    const auto at = spaces.find(record.id);
    if (at == spaces.end()) return error(Status::NotFound, "no such space");
    if (expected_state != 0 && at->second.record.state != expected_state) return error(Status::Aborted, "changed");
    ++now;
    at->second.record.take(record, fields);
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
  bool removes = true;
  std::function<void()> on_create, on_remove;  // called once, while a space is being made or removed

  Result<void> up() const {
    if (runs) return {};
    return error(Status::Unavailable, "the disk is away");
  }
  Result<void> capabilities(const Call &, atoll_storage_caps &) { return {}; }
  Result<void> space_create(const Call &, const atoll_space &space) {
    if (refuse_creates > 0 && refuse_creates-- > 0) return error(Status::InsufficientStorage, "full");
    if (auto fine = up(); !fine) return fine;
    if (const auto hook = std::exchange(on_create, nullptr)) hook();
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
    if (!removes) return error(Status::Unavailable, "half way");
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
  std::set<AccountId> disabled;
  std::map<AccountId, std::vector<AccountId>> groups;
  std::function<void()> on_get;  // called once, while an account is looked for
  Result<void> account_get(const Call &, const AccountId &id, const AccountEmitter &emit) {
    if (const auto hook = std::exchange(on_get, nullptr)) hook();
    const auto at = kinds.find(id);
    if (at == kinds.end()) return error(Status::NotFound, "nobody");
    auto raw = sized<atoll_account>();
    raw.kind = at->second;
    raw.id = to_abi(id);
    raw.enabled = disabled.count(id) == 0 ? 1 : 0;
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
  Result<void> members_of(const Call &call, const AccountId &group, const AccountEmitter &emit) {
    for (const AccountId &member : groups[group])
      if (auto told = account_get(call, member, emit); !told) return told;
    return {};
  }
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
  bool has_far = false, far_first = false;
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
    if (has_far) out.insert(far_first ? out.begin() : out.end(), {"registry:far", lease("registry:far")});
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
  Status list(const Principal &who) {
    return as(who, [&](auto *c) { return service->mine(c, service->self, 0, nothing.get()); }).status();
  }
  Status set_alias(const Principal &who, const SpaceId &space, const char *alias) {
    SpaceRecord record;
    record.id = space;
    record.alias = alias;
    const auto raw = record.abi();
    return as(who,
              [&](auto *c) { return service->update(c, service->self, &raw, ATOLL_SPACE_SET_ALIAS, nothing.get()); })
        .status();
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

inline constexpr std::string_view kViewer = "a8d5fe5e-96e3-418d-825b-534dbdf22b99";
inline constexpr std::string_view kEditor = "58c63c02-1d89-4572-916a-870abc5a1b7d";

}  // namespace Atoll::gateway::town
