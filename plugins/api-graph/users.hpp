// SPDX-License-Identifier: Apache-2.0
// Users, groups, app roles: the accounts of libre-graph.
#pragma once

#include <atoll/sdk/gateway_accounts.hpp>
#include <atoll/sdk/http.hpp>

#include <set>
#include <span>

#include "core/base/json.hpp"
#include "plugins/api-graph/bodies.hpp"
#include "plugins/api-graph/drives.hpp"
#include "plugins/api-graph/odata.hpp"

namespace Atoll::graph {

/// A request as the endpoints see it: its path behind the first names, and its body.
struct Asked {
  const Call &call;
  const Request &request;
  std::span<const std::string> path;
  std::string_view body;

  bool reads() const { return request.method() == "GET" || request.method() == "HEAD"; }
  bool is(std::string_view method) const { return request.method() == method; }
};

/// Endpoints about users and what they have. [worker]
class Users {
 public:
  Users(const Host &host, const AccountsClient &accounts, const Drives &drives)
      : host_(host), accounts_(accounts), drives_(drives) {}

  /// users, users/{id or name}, users/{id}/appRoleAssignments[/{id}]
  Answer users(const Asked &asked) const;
  /// me, me/changePassword
  Answer me(const Asked &asked) const;
  /// applications, applications/{id}
  static Answer applications(const Asked &asked);

 private:
  Result<AccountRecord> named(const Call &call, const std::string &id_or_name) const;
  Answer list(const Asked &asked) const;
  Answer get(const Asked &asked, const Result<AccountRecord> &account) const;
  Answer create(const Asked &asked) const;
  Answer change(const Asked &asked, const AccountRecord &account) const;
  Answer assignments(const Asked &asked, const AccountRecord &account) const;
  Answer change_password(const Asked &asked) const;
  /// drive: JSON of the personal one, when it is expanded.
  struct Expanded;
  Result<Expanded> expand(const Asked &asked, const std::string &text,
                          const std::vector<AccountRecord> &accounts) const;

  const Host &host_;
  const AccountsClient &accounts_;
  const Drives &drives_;
};

/// Endpoints about groups. [worker]
class Groups {
 public:
  Groups(const Host &host, const AccountsClient &accounts) : host_(host), accounts_(accounts) {}
  /// groups, groups/{id or name}, groups/{id}/members[/$ref], groups/{id}/members/{user}/$ref
  Answer groups(const Asked &asked) const;

 private:
  Result<AccountRecord> named(const Call &call, const std::string &id_or_name) const;
  Answer list(const Asked &asked) const;
  Answer get(const Asked &asked, const AccountRecord &group) const;
  Answer create(const Asked &asked) const;
  Answer change(const Asked &asked, const AccountRecord &group) const;
  Answer members(const Asked &asked, const AccountRecord &group) const;
  /// Adds all or none.
  Result<void> add_members(const Call &call, const AccountId &group, const std::vector<AccountId> &users) const;

  const Host &host_;
  const AccountsClient &accounts_;
};

using AccountFields = std::set<std::string, std::less<>>;
/// A user; `groups` when memberOf, `role` when appRoleAssignments is expanded.
void append_user(base::JsonWriter &json, const AccountRecord &user, const AccountFields &fields,
                 const std::vector<AccountRecord> *groups, bool role, std::string_view drive);
void append_group(base::JsonWriter &json, const AccountRecord &group, const AccountFields &fields,
                  const std::vector<AccountRecord> *members);
/// "https://.../graph/v1.0/users/ID" -> ID
std::optional<AccountId> read_account_url(std::string_view url);
/// The options of a list: $top, $skiptoken, $search, $filter, $orderby.
Result<AccountPage> read_page(const Query &query, std::uint32_t kind);
/// Takes a record off that only says that there is more, and gives the place of the next page; else nothing.
std::string cut_page(std::vector<AccountRecord> &found, AccountPage &page, std::uint64_t wanted);

}  // namespace Atoll::graph
