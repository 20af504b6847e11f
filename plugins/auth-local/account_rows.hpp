// SPDX-License-Identifier: Apache-2.0
// Rows of the table of accounts, read column by column.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "plugins/auth-local/account_store.hpp"

namespace Atoll::auth_local {

/// [one thread at a time]
class AccountRows {
 public:
  /// Reads all rows of "SELECT ... FROM accounts <rest>", where the table is called a. Throws as Poco::Data does.
  template <class... Bindings>
  void read(sql::Sessions::Lease &lease, const std::string &rest, Bindings &&...bindings) {
    using Poco::Data::Keywords::into;
    lease.run(
        "SELECT a.id, a.kind, a.app_role, a.enabled, a.name, a.display_name, a.mail, a.created_ns, a.password"
        " FROM accounts " +
            rest,
        std::forward<Bindings>(bindings)..., into(ids_), into(kinds_), into(roles_), into(enabled_), into(names_),
        into(display_names_), into(mails_), into(created_), into(passwords_));
  }

  bool empty() const { return ids_.empty(); }
  std::size_t size() const { return ids_.size(); }
  const std::string &password(std::size_t row) const { return passwords_[row]; }

  Account account(std::size_t row) const {
    Account out;
    out.id = AccountId::parse(ids_[row]).value_or(AccountId());
    out.kind = static_cast<std::uint32_t>(kinds_[row]);
    out.app_role = static_cast<std::uint32_t>(roles_[row]);
    out.enabled = enabled_[row] != 0;
    out.name = names_[row];
    out.display_name = display_names_[row];
    out.mail = mails_[row];
    out.created_ns = created_[row];
    return out;
  }

  std::vector<Account> accounts() const {
    std::vector<Account> out;
    out.reserve(size());
    for (std::size_t row = 0; row < size(); ++row) out.push_back(account(row));
    return out;
  }

 private:
  std::vector<std::string> ids_, names_, display_names_, mails_, passwords_;
  std::vector<std::int64_t> kinds_, roles_, enabled_, created_;
};

}  // namespace Atoll::auth_local
