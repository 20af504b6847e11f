// SPDX-License-Identifier: Apache-2.0
// Permissions on the root of a space: its members.
#pragma once

#include <map>

#include "core/base/json.hpp"
#include "plugins/api-graph/odata.hpp"
#include "plugins/api-graph/spaces.hpp"
#include "plugins/api-graph/wire.hpp"

namespace Atoll::graph {

/// Names of accounts, each looked up once for an answer.
class Names {
 public:
  Names(const Call &call, const SpacesClient &spaces) : call_(call), spaces_(spaces) {}
  /// Null: there is no such account, or it cannot be told now.
  const std::string *find(const AccountId &account);

 private:
  const Call &call_;
  const SpacesClient &spaces_;
  std::map<AccountId, std::optional<std::string>> known_;
};

void append_role(base::JsonWriter &json, const RoleDefinition &role);
void append_permission(base::JsonWriter &json, const SpaceMember &member, Names &names);

/// Endpoints about the members of one space. [worker]
class Members {
 public:
  explicit Members(const SpacesClient &spaces) : spaces_(spaces) {}
  Answer list(const Call &call, const SpaceId &space) const;
  Answer get(const Call &call, const SpaceId &space, std::string_view id) const;
  Answer invite(const Call &call, const SpaceId &space, const base::JsonObject &body) const;
  Answer change(const Call &call, const SpaceId &space, std::string_view id, const base::JsonObject &body) const;
  Answer remove(const Call &call, const SpaceId &space, std::string_view id) const;

 private:
  /// Takes role, actions and expiry of a body over into a member.
  static Result<void> read_terms(const base::JsonObject &body, SpaceMember &member, bool must_say);
  Result<std::vector<SpaceMember>> members_of(const Call &call, const SpaceId &space) const;
  Result<SpaceMember> member_of(const Call &call, const SpaceId &space, std::string_view id) const;
  Answer shown(const Call &call, const SpaceMember &member) const;

  const SpacesClient &spaces_;
};

}  // namespace Atoll::graph
