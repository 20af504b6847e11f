// SPDX-License-Identifier: Apache-2.0
// The plugin: accounts in a database of our own.
#pragma once

#include <atoll/sdk/accounts.hpp>
#include <atoll/sdk/plugin.hpp>

#include <memory>

#include "plugins/auth-local/account_store.hpp"
#include "plugins/auth-local/authenticator.hpp"
#include "plugins/auth-local/failure_limiter.hpp"
#include "plugins/auth-local/login_cache.hpp"
#include "plugins/auth-local/names.hpp"
#include "plugins/auth-local/password_hasher.hpp"

namespace Atoll::auth_local {

struct Settings {
  std::string database_url;
  std::string previous;  ///< an SQLite file that must hold no accounts while the database holds none; empty: none
  std::size_t connections = 8;
  std::string admin_password;  ///< of the account that the first start makes; empty: generated
  HashParameters hash;
  HashLimits hash_limits;
  FailureLimits failures;
  std::size_t cache_entries = 4096;
  std::int64_t cache_lifetime_ns = 300'000'000'000;
  PasswordPolicy passwords;
};

/// atoll.auth/1, atoll.directory/1, atoll.directory.admin/1 and atoll.directory.tokens/1. [any thread] after create().
class AuthLocal : public Plugin<AuthLocal>,
                  public Auth<AuthLocal>,
                  public Directory<AuthLocal>,
                  public DirectoryAdmin<AuthLocal>,
                  public DirectoryTokens<AuthLocal> {
 public:
  static constexpr PluginInfo info{"atoll.auth-local", "0.1", "Apache-2.0",
                                   "Accounts, groups and passwords in a database of its own"};
  using Offers =
      Interfaces<Auth<AuthLocal>, Directory<AuthLocal>, DirectoryAdmin<AuthLocal>, DirectoryTokens<AuthLocal>>;

  static constexpr std::array config{
      config_key("database", ATOLL_CONFIG_DATABASE, "accounts.db",
                 "The database with accounts and groups: an SQLite file, or "
                 "postgresql://USER:PASSWORD@HOST:PORT/DATABASE, which several servers may share.",
                 ATOLL_CONFIG_SECRET),
      config_key("previous", ATOLL_CONFIG_PATH, "accounts.db",
                 "The SQLite file that held the accounts before database was set. While it holds some and database "
                 "none, nobody can log in: a new account admin would be made, and everybody else would be unknown."),
      config_key("start_empty", ATOLL_CONFIG_BOOLEAN, "no",
                 "Whether it starts nevertheless, without the accounts of previous."),
      config_key("connections", ATOLL_CONFIG_INTEGER, "8",
                 "How many connections to the database at most, 1 to 1000; with PostgreSQL its max_connections is for "
                 "all servers together."),
      config_key("admin_password", ATOLL_CONFIG_TEXT, nullptr,
                 "Password of the account admin, which the first start makes; else ATOLL_ADMIN_PASSWORD of the "
                 "environment; else one is generated and logged once.",
                 ATOLL_CONFIG_SECRET),
      config_key("hash_memory", ATOLL_CONFIG_SIZE, "19M", "Memory that checking one password takes (argon2id)."),
      config_key("hash_passes", ATOLL_CONFIG_INTEGER, "2", "Passes over that memory."),
      config_key("hash_slots", ATOLL_CONFIG_INTEGER, "0",
                 "Passwords that are checked at the same time; 0 means one per processor."),
      config_key("hash_queue", ATOLL_CONFIG_INTEGER, "64", "Logins that may wait for such a slot."),
      config_key("cache_time", ATOLL_CONFIG_DURATION, "5m",
                 "How long a verified login is believed without checking the password again; 0s: never."),
      config_key("cache_entries", ATOLL_CONFIG_INTEGER, "4096", "How many verified logins are kept."),
      config_key("account_failures", ATOLL_CONFIG_INTEGER, "10",
                 "Failed logins to one account before the next tries have to wait, longer each time."),
      config_key("address_failures", ATOLL_CONFIG_INTEGER, "50", "The same, from one address."),
      config_key("password_characters", ATOLL_CONFIG_INTEGER, "1",
                 "How many characters a new password needs. This and the next four do not hold for the passwords of "
                 "public links, and not for those that there are already."),
      config_key("password_lower", ATOLL_CONFIG_INTEGER, "0", "How many of them are letters from a to z."),
      config_key("password_upper", ATOLL_CONFIG_INTEGER, "0", "How many of them are letters from A to Z."),
      config_key("password_digits", ATOLL_CONFIG_INTEGER, "0", "How many of them are digits."),
      config_key("password_others", ATOLL_CONFIG_INTEGER, "0", "How many of them are none of these."),
  };

  static Result<std::unique_ptr<AuthLocal>> create(const Call &call, Host host);
  /// What create() does, without the host's configuration. Logs a generated password through `host`.
  static Result<std::unique_ptr<AuthLocal>> open(const Settings &settings, Host host);

  class Private {
    friend class AuthLocal;
    Private() = default;
  };  // only open() makes instances
  AuthLocal(Private, std::unique_ptr<AccountStore> store, const Settings &settings, Host host);

  Login authenticate(const Call &call, const atoll_credential &credential);

  Result<void> account_get(const Call &call, AccountId id, AccountEmitter emit);
  Result<void> account_find(const Call &call, std::uint32_t kind, std::string_view name, AccountEmitter emit);
  Result<void> account_search(const Call &call, std::uint32_t kind, std::string_view text, std::string_view after,
                              std::uint64_t limit, AccountEmitter emit);
  Result<void> groups_of(const Call &call, AccountId user, AccountEmitter emit);
  Result<void> members_of(const Call &call, AccountId group, AccountEmitter emit);
  Result<void> account_page(const Call &call, const atoll_account_query &query, AccountEmitter emit);
  Result<void> groups_of_many(const Call &call, const std::vector<AccountId> &users, MembershipEmitter emit);
  Result<void> members_of_many(const Call &call, const std::vector<AccountId> &groups, MembershipEmitter emit);

  Result<void> account_create(const Call &call, const atoll_account &account, std::string_view password,
                              AccountEmitter emit);
  Result<void> account_update(const Call &call, const atoll_account &account);
  Result<void> account_set_password(const Call &call, AccountId id, std::string_view password);
  Result<void> account_remove(const Call &call, AccountId id);
  Result<void> member_add(const Call &call, AccountId group, AccountId user);
  Result<void> member_remove(const Call &call, AccountId group, AccountId user);
  Result<void> account_change(const Call &call, const atoll_account &account, std::uint32_t fields);
  Result<void> account_change_password(const Call &call, AccountId id, std::string_view old_password,
                                       std::string_view new_password, std::uint32_t flags = 0);
  Result<void> account_import(const Call &call, const std::vector<AccountEntry> &entries, std::uint32_t flags,
                              ProblemEmitter problem);

  Result<void> tokens_list(const Call &call, AccountId account, AppTokenEmitter emit);
  Result<void> token_create(const Call &call, AccountId account, std::string_view label, std::int64_t expires_ns,
                            AppTokenEmitter emit, Emitter<atoll_text_sink> secret);
  Result<void> token_remove(const Call &call, AccountId account, Uuid token, std::string_view secret);
  Result<void> tokens_remove_all(const Call &call, AccountId account);

 private:
  Result<Account> add(Account account, std::string_view password);
  Result<void> ensure_admin(const std::string &given_password);

  Host host_;
  std::unique_ptr<AccountStore> store_;
  PasswordHasher hasher_;
  LoginCache cache_;
  FailureLimiter limiter_;
  Authenticator authenticator_;
  const PasswordPolicy policy_;
  std::uint64_t failures_counter_ = 0;
  std::uint64_t throttled_counter_ = 0;
};

}  // namespace Atoll::auth_local
