// SPDX-License-Identifier: Apache-2.0
// /api/v0/settings: roles, who has them, what they permit, and what people set for themselves.
#pragma once

#include <atoll/abi/gateway_spaces.h>
#include <atoll/sdk/gateway_accounts.hpp>

#include "plugins/api-account/answer.hpp"

namespace Atoll::account {

/// The roles are the app roles, the assignments are those of accounts, the permissions are what the gateway lets a role
/// do; the values are fields of accounts. Nothing is kept here. [worker]
class Settings {
 public:
  Settings(const Host &host, const AccountsClient &accounts)
      : accounts_(accounts), spaces_(host.query<atoll_gateway_spaces_service>(ATOLL_SERVICE_GATEWAY_SPACES)) {}

  /// endpoint: "roles-list" and so on, all by POST with a JSON object.
  Answer answer(const Call &call, std::string_view method, std::string_view endpoint, std::string_view body) const;

 private:
  /// Whom the body asks about: "me", an id, or nobody for himself.
  Result<AccountRecord> account_of(const Call &call, const base::JsonObject &body) const;
  Answer assignments(const Call &call, const base::JsonObject &body) const;
  Answer assign(const Call &call, const base::JsonObject &body) const;
  Answer unassign(const Call &call, const base::JsonObject &body) const;
  Answer permissions(const Call &call, const base::JsonObject &body) const;
  Answer values(const Call &call, const base::JsonObject &body) const;
  Answer value(const Call &call, const base::JsonObject &body, bool by_setting) const;
  Answer save(const Call &call, const base::JsonObject &body) const;
  std::vector<std::string> permissions_of(const Call &call, const AccountRecord &account) const;

  const AccountsClient &accounts_;
  const atoll_gateway_spaces_service *spaces_;
};

}  // namespace Atoll::account
