// SPDX-License-Identifier: Apache-2.0
// For tests: a gateway over registries, a provider and a directory in memory.
#pragma once

#include "core/gateway/gateway.hpp"
#include "core/gateway/roles.hpp"
#include "core/gateway/space_fakes.hpp"

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
