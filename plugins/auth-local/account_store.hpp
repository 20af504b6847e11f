// SPDX-License-Identifier: Apache-2.0
// Accounts, identities, groups and memberships in a database.
#pragma once

#include <atoll/abi/directory.h>
#include <atoll/sdk/call.hpp>
#include <atoll/sdk/ids.hpp>
#include <atoll/sdk/result.hpp>

#include <cstdint>
#include <functional>
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
  bool guest = false;
  std::string name, display_name, mail, given_name, surname, language, description;
  std::int64_t created_ns = 0, last_login_ns = 0;
  std::int64_t expires_ns = 0;  ///< cannot log in from then on; 0: never
};

/// One app password; of its secret only a digest is kept.
struct AppToken {
  Uuid id;
  std::string label;
  std::int64_t created_ns = 0, expires_ns = 0, last_used_ns = 0;
};

/// What a page of accounts is asked for, as atoll_account_query.
struct AccountQuery {
  std::uint32_t kind = ATOLL_ACCOUNT_USER, order = ATOLL_ACCOUNT_BY_NAME, flags = 0, roles = 0;
  std::string text, name, display_name, mail, after;
  std::vector<AccountId> groups;
  AccountId after_id;
  std::uint64_t limit = 0;
};

/// An account and the one that it belongs to, or that belongs to it.
struct Membership {
  AccountId of;
  Account account;
};

/// One account of an import.
struct ImportEntry {
  Account account;
  std::string password_hash;         ///< empty: none, or as it is
  std::vector<std::string> groups;   ///< names
  std::uint32_t fields = ~0u;        ///< ATOLL_ACCOUNT_SET_* that an account that is there takes
  std::vector<std::string> members;  ///< of a group: names of users
};

/// One identity that leads to an account: where it comes from, and what it is called there.
struct Identity {
  std::string issuer, subject;
};

/// What a login needs to know.
struct Credentials {
  Principal principal;
  bool enabled = false;  ///< and not expired
  std::int64_t expires_ns = 0;
  std::int64_t last_login_ns = 0;
  std::int64_t stamp = 0;     ///< another one with every change of what a login gives
  std::string password_hash;  ///< empty: cannot log in with a password
};

/// What a login with an app token needs to know.
struct TokenCredentials {
  Credentials account;
  Uuid token;
  std::int64_t expires_ns = 0, last_used_ns = 0;
};

/// Checks what an account may hold.
Result<void> check_account(const Account &account);
/// Checks a new account and fills in what it may leave out: id, display name, time; of a guest the name.
Result<void> complete(Account &account);
inline constexpr std::uint64_t kMaxPage = 10'000;
/// Whether a text that is asked for may be in the tables: no name, mail address or display name holds a line feed or a
/// zero byte, and that would end a text for the database.
bool findable(std::string_view text);
/// The text that searches look through: name, display name and mail, folded.
std::string search_text(const Account &account);

/// Every call is one transaction. NotFound is a proof; trouble with the database is Unavailable. [any thread]
class AccountStore {
 public:
  /// url as in sql::Sessions::open(); brings the tables up to date.
  static Result<std::unique_ptr<AccountStore>> open(const std::string &url, std::size_t connections = 8);
  /// Whether other servers may change accounts, too: what is in memory is then believed after a look at stamp() only.
  bool shared() const { return sessions_->dialect() == sql::Dialect::Postgresql; }

  /// Whether an SQLite file of this plugin holds users; it is only read.
  static Result<bool> holds_users(const std::string &file);

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
  /// One statement a page; beside it, where a text is looked for, one that tells how common it is.
  Result<std::vector<Account>> page(const AccountQuery &query);
  /// Of users their groups, or of groups their members.
  Result<std::vector<Membership>> memberships(const std::vector<AccountId> &of, bool of_groups);
  Result<std::vector<Account>> groups_of(const AccountId &user);
  Result<std::vector<Account>> members_of(const AccountId &group);
  Result<std::optional<Credentials>> credentials(const std::string &folded_name);
  /// digest: of the token's text.
  Result<std::optional<TokenCredentials>> token_credentials(const std::string &folded_name, const std::string &digest);
  Result<std::vector<AppToken>> tokens_of(const AccountId &id);
  Result<std::vector<Identity>> identities_of(const AccountId &id);
  /// The account that an identity leads to.
  Result<AccountId> account_of(const Identity &identity);
  Result<bool> has_users();
  /// As Credentials::stamp is now; -1 when there is no such account.
  Result<std::int64_t> stamp(const AccountId &id);

  // ---- changing: durable when it returns
  /// Checks names and texts. Makes the id when there is none. AlreadyExists when the name or the id is taken. A user
  /// gets the identity (local, id). Gives the account as stored.
  Result<Account> create(Account account, const std::string &password_hash);
  /// The fields ATOLL_ACCOUNT_SET_*. AlreadyExists when the name is taken, FailedPrecondition when it would leave no
  /// enabled admin.
  Result<void> change(const Account &account, std::uint32_t fields);
  /// All or none; what is wrong is told by number, and then the result is InvalidArgument. `update`: accounts that are
  /// there are changed. `dry`: nothing is kept.
  Result<void> import(const std::vector<ImportEntry> &entries, bool update, bool dry,
                      const std::function<void(std::size_t, const std::string &)> &problem);
  /// This and note_token_use() do not wait for a change that takes long, such as an import: then nothing is noted.
  Result<void> note_login(const AccountId &id, std::int64_t at_ns);
  /// By somebody else: its app tokens end with it.
  Result<void> set_password_hash(const AccountId &id, const std::string &password_hash);
  /// Aborted when the hash is no longer the old one.
  Result<void> change_password_hash(const AccountId &id, const std::string &old_hash, const std::string &new_hash,
                                    bool end_tokens);
  /// Replaces a hash only if it is still the given one; for a new hash with newer parameters.
  Result<void> replace_password_hash(const AccountId &id, const std::string &old_hash, const std::string &new_hash);
  /// Memberships and identities go with it; its subject is never used again. FailedPrecondition for the last enabled
  /// admin.
  Result<void> remove(const AccountId &id);
  /// May be repeated.
  Result<void> member_add(const AccountId &group, const AccountId &user);
  /// NotFound when it is no member.
  Result<void> member_remove(const AccountId &group, const AccountId &user);
  /// ResourceExhausted when the account has as many as it may.
  Result<AppToken> token_add(const AccountId &account, AppToken token, const std::string &digest);
  /// By its id, or (none) by its digest.
  Result<void> token_remove(const AccountId &account, const Uuid &token, const std::string &digest);
  Result<void> tokens_remove_all(const AccountId &account);
  Result<void> note_token_use(const Uuid &token, std::int64_t at_ns);
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
  /// Begins a transaction that sees all changes before it, and that no other change is beside.
  void begin_change(Lease &lease);
  Result<void> note(Lease &lease, const std::string &table, const std::string &column, const std::string &id,
                    std::int64_t at_ns);
  static Result<void> keep_an_admin(Lease &lease);
  static void insert(Lease &lease, const Account &account, const std::string &password_hash);
  /// was_admin: set when an admin is none any more, or will be none.
  static Result<void> apply(Lease &lease, const Account &account, std::uint32_t fields, bool &was_admin);
  static Result<void> put_entry(Lease &lease, const ImportEntry &entry, bool update, bool &was_admin);
  static Result<void> put_change(Lease &lease, const ImportEntry &entry, const AccountId &there, bool &was_admin);
  static Result<void> put_groups(Lease &lease, const AccountId &user, const std::vector<std::string> &names);
  static Result<void> put_members(Lease &lease, const ImportEntry &entry);
  static Result<void> require(Lease &lease, const AccountId &id, std::uint32_t kind, const char *what);

  std::unique_ptr<sql::Sessions> sessions_;
};

}  // namespace Atoll::auth_local
