// SPDX-License-Identifier: Apache-2.0
// The gateway's service of spaces with values in place of sinks. [worker]
#pragma once

#include <atoll/abi/gateway_spaces.h>
#include <atoll/sdk/host.hpp>
#include <atoll/sdk/registry.hpp>

#include <optional>
#include <string>
#include <vector>

namespace Atoll::graph {

struct Space {
  SpaceRecord record;
  std::uint64_t used = 0;
  bool stale = false;
  std::string web_dav_url;
};

struct SpaceMember {
  std::uint32_t kind = 0;
  AccountId account;
  std::uint32_t permissions = 0;
  std::string role;
  std::int64_t expires_ns = 0;
  SpaceId space;
};

struct RoleDefinition {
  Uuid id;
  std::string name, description;
  std::uint32_t permissions = 0, on = 0, weight = 0;
  bool enabled = false;
};

class SpacesClient {
 public:
  explicit SpacesClient(const Host &host)
      : table_(host.query<atoll_gateway_spaces_service>(ATOLL_SERVICE_GATEWAY_SPACES)), gateway_(host.gateway()) {}
  bool there() const { return table_ && gateway_; }

  /// type 0: all.
  Result<std::vector<Space>> mine(const Call &call, std::uint32_t type) const {
    return spaces(call, [&](const atoll_call *c, const atoll_space_view_sink *sink) {
      return table_->mine(c, table_->self, type, sink);
    });
  }
  Result<std::vector<Space>> all(const Call &call, std::uint32_t type) const {
    return spaces(call, [&](const atoll_call *c, const atoll_space_view_sink *sink) {
      return table_->all(c, table_->self, type, nullptr, 0, sink);
    });
  }
  Result<Space> get(const Call &call, const SpaceId &space) const {
    const atoll_uuid id = to_abi(space);
    return one(call, [&](const atoll_call *c, const atoll_space_view_sink *sink) {
      return table_->get(c, table_->self, &id, sink);
    });
  }
  /// template_name: empty or "none": nothing is in it.
  Result<Space> create(const Call &call, const SpaceRecord &draft, std::string_view template_name) const {
    const atoll_space_record raw = draft.abi();
    return one(call, [&](const atoll_call *c, const atoll_space_view_sink *sink) {
      if (template_name.empty() || template_name == "none") return table_->create(c, table_->self, &raw, sink);
      return table_->create_from(c, table_->self, &raw, str(template_name), sink);
    });
  }
  Result<Space> update(const Call &call, const SpaceRecord &record, std::uint32_t fields) const {
    const atoll_space_record raw = record.abi();
    return one(call, [&](const atoll_call *c, const atoll_space_view_sink *sink) {
      return table_->update(c, table_->self, &raw, fields, sink);
    });
  }
  Result<Space> restore(const Call &call, const SpaceId &space) const {
    const atoll_uuid id = to_abi(space);
    return one(call, [&](const atoll_call *c, const atoll_space_view_sink *sink) {
      return table_->restore(c, table_->self, &id, sink);
    });
  }
  Result<void> disable(const Call &call, const SpaceId &space) const { return plain(call, space, table_->disable); }
  Result<void> purge(const Call &call, const SpaceId &space) const { return plain(call, space, table_->purge); }

  Result<std::vector<SpaceMember>> members(const Call &call, const std::vector<SpaceId> &spaces) const {
    std::vector<atoll_uuid> ids;
    ids.reserve(spaces.size());
    for (const SpaceId &space : spaces) ids.push_back(to_abi(space));
    const atoll_uuids raw{ids.data(), ids.size()};
    std::vector<SpaceMember> out;
    const auto sink = make_sink<atoll_member_sink>([&](const atoll_member *raw_member) {
      const atoll_member m = copied(raw_member);
      out.push_back({m.kind, from_abi<AccountId>(m.account), m.permissions, std::string(view(m.role)), m.expires_ns,
                     from_abi<SpaceId>(m.space)});
    });
    OutgoingCall outgoing(call.raw());
    const auto status = table_->members_many(outgoing.get(), table_->self, &raw, sink.get());
    sink.rethrow();
    if (status != ATOLL_OK) return outgoing.error(status);
    return out;
  }
  Result<void> member_put(const Call &call, const SpaceMember &member) const {
    auto raw = sized<atoll_member>();
    raw.kind = member.kind;
    raw.account = to_abi(member.account);
    raw.permissions = member.permissions;
    raw.role = str(member.role);
    raw.expires_ns = member.expires_ns;
    const atoll_uuid id = to_abi(member.space);
    OutgoingCall out(call.raw());
    return out.result(table_->member_put(out.get(), table_->self, &id, &raw));
  }
  Result<void> member_remove(const Call &call, const SpaceId &space, const AccountId &account) const {
    const atoll_uuid id = to_abi(space), who = to_abi(account);
    OutgoingCall out(call.raw());
    return out.result(table_->member_remove(out.get(), table_->self, &id, &who));
  }

  Result<std::vector<RoleDefinition>> roles(const Call &call) const {
    std::vector<RoleDefinition> out;
    const auto sink = make_sink<atoll_role_sink>([&](const atoll_role *raw) {
      const atoll_role r = copied(raw);
      out.push_back({from_abi<Uuid>(r.id), std::string(view(r.name)), std::string(view(r.description)), r.permissions,
                     r.on, r.weight, r.enabled != 0});
    });
    OutgoingCall outgoing(call.raw());
    const auto status = table_->roles(outgoing.get(), table_->self, sink.get());
    sink.rethrow();
    if (status != ATOLL_OK) return outgoing.error(status);
    return out;
  }

  /// The name that people know an account by; nothing when there is no such account. An error: it cannot be told.
  Result<std::optional<std::string>> name_of(const Call &call, const AccountId &account) const {
    const atoll_uuid id = to_abi(account);
    std::string name;
    const auto sink = make_sink<atoll_account_sink>([&](const atoll_account *raw) {
      const atoll_account found = copied(raw);
      name = view(found.display_name.len != 0 ? found.display_name : found.name);
    });
    OutgoingCall outgoing(call.raw());
    const auto status = gateway_->account(outgoing.get(), gateway_->self, &id, sink.get());
    sink.rethrow();
    if (status == ATOLL_NOT_FOUND) return std::optional<std::string>();
    if (status != ATOLL_OK) return outgoing.error(status);
    return std::optional<std::string>(std::move(name));
  }

 private:
  template <class F>
  Result<std::vector<Space>> spaces(const Call &call, F f) const {
    std::vector<Space> out;
    const auto sink = make_sink<atoll_space_view_sink>([&](const atoll_space_view *raw) {
      const atoll_space_view v = copied(raw);
      out.push_back(
          {SpaceRecord::from(v.record), v.used, (v.flags & ATOLL_SPACE_STALE) != 0, std::string(view(v.web_dav_url))});
    });
    OutgoingCall outgoing(call.raw());
    const std::int32_t status = f(outgoing.get(), sink.get());
    sink.rethrow();
    if (status != ATOLL_OK) return outgoing.error(status);
    return out;
  }
  template <class F>
  Result<Space> one(const Call &call, F f) const {
    auto found = spaces(call, f);
    if (!found) return std::move(found).error();
    if (found->size() != 1) return error(Status::Internal, "the gateway answered OK and gave no space");
    return std::move(found->front());
  }
  Result<void> plain(const Call &call, const SpaceId &space,
                     std::int32_t (*f)(const atoll_call *, void *, const atoll_uuid *)) const {
    const atoll_uuid id = to_abi(space);
    OutgoingCall out(call.raw());
    return out.result(f(out.get(), table_->self, &id));
  }

  const atoll_gateway_spaces_service *table_;
  const atoll_gateway_service *gateway_;
};

}  // namespace Atoll::graph
