// SPDX-License-Identifier: Apache-2.0
// Accounts, identities, groups and memberships in a database.
#pragma once

#include <atoll/abi/directory.h>
#include <atoll/sdk/call.hpp>
#include <atoll/sdk/ids.hpp>
#include <atoll/sdk/result.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/sql/session.hpp"

namespace Atoll::auth_local {

inline constexpr std::string_view kLocalIssuer = "local";

struct Account {
  AccountId id;
  std::uint32_t kind = ATOLL_ACCOUNT_USER;
  std::uint32_t app_role = ATOLL_ROLE_USER;
  bool enabled = true;
  std::string name, display_name, mail;
  std::int64_t created_ns = 0;
};

/// One identity that leads to an account: where it comes from, and what it is called there.
struct Identity {
  std::string issuer, subject;
};

/// What a login needs to know.
struct Credentials {
  Principal principal;
  bool enabled = false;
  std::string password_hash;  ///< empty: cannot log in with a password
};

/// Every call is one transaction. NotFound is a proof; trouble with the database is Unavailable. [any thread]
class AccountStore {
 public:
  /// url as in sql::Sessions::open(); brings the tables up to date.
  static Result<std::unique_ptr<AccountStore>> open(const std::string &url);

  class Private {
    friend class AccountStore;
    Private() = default;
  };  // only open() makes stores
  AccountStore(Private, std::unique_ptr<sql::Sessions> sessions) : sessions_(std::move(sessions)) {}

  // ---- reading
  Result<Account> get(const AccountId &id);
  Result<Account> find(std::uint32_t kind, std::string_view name);
  /// Accounts whose name, display name or mail holds `text`, by name, after the name `after`.
  Result<std::vector<Account>> search(std::uint32_t kind, std::string_view text, std::string_view after,
                                      std::uint64_t limit);
  Result<std::vector<Account>> groups_of(const AccountId &user);
  Result<std::vector<Account>> members_of(const AccountId &group);
  Result<std::optional<Credentials>> credentials(const std::string &folded_name);
  Result<std::vector<Identity>> identities_of(const AccountId &id);
  /// The account that an identity leads to.
  Result<AccountId> account_of(const Identity &identity);
  Result<bool> has_users();

  // ---- changing: durable when it returns
  /// Checks names and texts. Makes the id when there is none. AlreadyExists when the name or the id is taken. A user
  /// gets the identity (local, id). Gives the account as stored.
  Result<Account> create(Account account, const std::string &password_hash);
  /// Display name, mail, app role and enabled. FailedPrecondition when it would leave no enabled admin.
  Result<void> update(const Account &account);
  Result<void> set_password_hash(const AccountId &id, const std::string &password_hash);
  /// Replaces a hash only if it is still the given one; for a new hash with newer parameters.
  Result<void> replace_password_hash(const AccountId &id, const std::string &old_hash, const std::string &new_hash);
  /// Memberships and identities go with it; its subject is never used again. FailedPrecondition for the last enabled
  /// admin.
  Result<void> remove(const AccountId &id);
  /// May be repeated.
  Result<void> member_add(const AccountId &group, const AccountId &user);
  /// NotFound when it is no member.
  Result<void> member_remove(const AccountId &group, const AccountId &user);
  Result<void> identity_add(const AccountId &id, const Identity &identity);

 private:
  using Lease = sql::Sessions::Lease;
  /// Runs the action with a session and turns what it throws into an Error.
  template <class Action>
  auto with_session(std::string_view tried, Action &&action) -> std::invoke_result_t<Action, Lease &> {
    return sql::guarded(tried, [&]() -> std::invoke_result_t<Action, Lease &> {
      auto lease = sessions_->get();
      if (!lease) return lease.error();
      return action(*lease);
    });
  }
  static Result<void> keep_an_admin(Lease &lease);
  static Result<void> require(Lease &lease, const AccountId &id, std::uint32_t kind, const char *what);

  std::unique_ptr<sql::Sessions> sessions_;
};

}  // namespace Atoll::auth_local
