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
    read_from(lease, "accounts " + rest, std::forward<Bindings>(bindings)...);
  }
  /// The same for other tables beside it: "SELECT ... FROM <from>".
  template <class... Bindings>
  void read_from(sql::Sessions::Lease &lease, const std::string &from, Bindings &&...bindings) {
    using Poco::Data::Keywords::into;
    lease.run(std::string(kColumns) + " FROM " + from, std::forward<Bindings>(bindings)..., into(ids_), into(kinds_),
              into(roles_), into(enabled_), into(guests_), into(names_), into(display_names_), into(mails_),
              into(given_names_), into(surnames_), into(languages_), into(descriptions_), into(created_),
              into(last_logins_), into(expire_), into(passwords_), into(stamps_));
  }
  /// With one more column in front, of text.
  template <class... Bindings>
  void read_with(sql::Sessions::Lease &lease, const std::string &column, std::vector<std::string> &values,
                 const std::string &from, Bindings &&...bindings) {
    using Poco::Data::Keywords::into;
    lease.run("SELECT " + column + ", " + std::string(kColumns).substr(7) + " FROM " + from,
              std::forward<Bindings>(bindings)..., into(values), into(ids_), into(kinds_), into(roles_), into(enabled_),
              into(guests_), into(names_), into(display_names_), into(mails_), into(given_names_), into(surnames_),
              into(languages_), into(descriptions_), into(created_), into(last_logins_), into(expire_),
              into(passwords_), into(stamps_));
  }

  bool empty() const { return ids_.empty(); }
  std::size_t size() const { return ids_.size(); }
  const std::string &password(std::size_t row) const { return passwords_[row]; }
  std::int64_t stamp(std::size_t row) const { return stamps_[row]; }

  Account account(std::size_t row) const {
    Account out;
    out.id = AccountId::parse(ids_[row]).value_or(AccountId());
    out.kind = static_cast<std::uint32_t>(kinds_[row]);
    out.app_role = static_cast<std::uint32_t>(roles_[row]);
    out.enabled = enabled_[row] != 0;
    out.guest = guests_[row] != 0;
    out.name = names_[row];
    out.display_name = display_names_[row];
    out.mail = mails_[row];
    out.given_name = given_names_[row];
    out.surname = surnames_[row];
    out.language = languages_[row];
    out.description = descriptions_[row];
    out.created_ns = created_[row];
    out.last_login_ns = last_logins_[row];
    out.expires_ns = expire_[row];
    return out;
  }

  std::vector<Account> accounts() const {
    std::vector<Account> out;
    out.reserve(size());
    for (std::size_t row = 0; row < size(); ++row) out.push_back(account(row));
    return out;
  }

 private:
  static constexpr std::string_view kColumns =
      "SELECT a.id, a.kind, a.app_role, a.enabled, a.guest, a.name, a.display_name, a.mail, a.given_name, a.surname,"
      " a.language, a.description, a.created_ns, a.last_login_ns, a.expires_ns, a.password, a.stamp";

  std::vector<std::string> ids_, names_, display_names_, mails_, given_names_, surnames_, languages_, descriptions_,
      passwords_;
  std::vector<std::int64_t> kinds_, roles_, enabled_, guests_, created_, last_logins_, expire_, stamps_;
};

}  // namespace Atoll::auth_local
