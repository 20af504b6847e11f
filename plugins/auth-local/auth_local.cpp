// SPDX-License-Identifier: Apache-2.0
#include "plugins/auth-local/auth_local.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <thread>
#include <utility>

#include "core/base/password.hpp"
#include "core/base/time.hpp"
#include "plugins/auth-local/app_token.hpp"
#include "plugins/auth-local/names.hpp"

namespace Atoll::auth_local {

namespace {

atoll_account to_abi_account(const Account &account) {
  auto raw = sized<atoll_account>();
  raw.kind = account.kind;
  raw.app_role = account.app_role;
  raw.enabled = account.enabled ? 1 : 0;
  raw.id = to_abi(account.id);
  raw.name = str(account.name);
  raw.display_name = str(account.display_name);
  raw.mail = str(account.mail);
  raw.created_ns = account.created_ns;
  raw.given_name = str(account.given_name);
  raw.surname = str(account.surname);
  raw.language = str(account.language);
  raw.last_login_ns = account.last_login_ns;
  raw.expires_ns = account.expires_ns;
  raw.guest = account.guest ? 1 : 0;
  if (account.kind == ATOLL_ACCOUNT_USER) raw.issuer = str(kLocalIssuer);
  raw.description = str(account.description);
  return raw;
}

Account from_abi_account(const atoll_account &raw) {
  Account account;
  account.id = from_abi<AccountId>(raw.id);
  account.kind = raw.kind;
  account.app_role = raw.app_role;
  account.enabled = raw.enabled != 0;
  account.name = view(raw.name);
  account.display_name = view(raw.display_name);
  account.mail = view(raw.mail);
  account.given_name = view(raw.given_name);
  account.surname = view(raw.surname);
  account.language = view(raw.language);
  account.expires_ns = raw.expires_ns;
  account.guest = raw.guest != 0;
  account.description = view(raw.description);
  return account;
}

Result<void> emit_one(const Result<Account> &account, const AccountEmitter &emit) {
  if (!account) return account.error();
  emit(to_abi_account(*account));
  return {};
}

Result<void> emit_all(const Result<std::vector<Account>> &accounts, const AccountEmitter &emit) {
  if (!accounts) return accounts.error();
  for (const Account &account : *accounts) {
    if (!emit(to_abi_account(account))) break;
  }
  return {};
}

Result<void> emit_memberships(const Result<std::vector<Membership>> &all, const MembershipEmitter &emit) {
  if (!all) return all.error();
  for (const Membership &one : *all) {
    if (!emit(one.of, to_abi_account(one.account))) break;
  }
  return {};
}

atoll_app_token to_abi_token(const AppToken &token) {
  auto raw = sized<atoll_app_token>();
  raw.id = to_abi(token.id);
  raw.label = str(token.label);
  raw.created_ns = token.created_ns;
  raw.expires_ns = token.expires_ns;
  raw.last_used_ns = token.last_used_ns;
  return raw;
}

Result<std::int64_t> in_range(const Host &host, const char *key, std::int64_t fallback, std::int64_t least,
                              std::int64_t most) {
  const std::int64_t value = host.integer(key, fallback);
  if (value >= least && value <= most) return value;
  return error(Status::InvalidArgument,
               std::string(key) + " must be between " + std::to_string(least) + " and " + std::to_string(most));
}

Result<Settings> read_settings(const Host &host) {
  Settings settings;
  settings.database_url = host.text("database", "sqlite:accounts.db");
  if (host.integer("start_empty", 0) == 0) settings.previous = host.text("previous", "");
  settings.admin_password = host.text("admin_password", "");
  if (settings.admin_password.empty()) {
    if (const char *given = std::getenv("ATOLL_ADMIN_PASSWORD")) settings.admin_password = given;
  }
  const std::int64_t processors = std::max(1u, std::thread::hardware_concurrency());
  struct Key {
    const char *name;
    std::int64_t fallback, least, most, value;
  };
  std::array keys{Key{"hash_memory", 19 << 20, 8 << 10, std::int64_t{4} << 30, 0},
                  Key{"hash_passes", 2, 1, 100, 0},
                  Key{"hash_slots", 0, 0, 1024, 0},
                  Key{"hash_queue", 64, 0, 100'000, 0},
                  Key{"cache_time", 300'000'000'000, 0, 86'400'000'000'000, 0},
                  Key{"cache_entries", 4096, 0, 1'000'000, 0},
                  Key{"account_failures", 10, 1, 1'000'000, 0},
                  Key{"address_failures", 50, 1, 1'000'000, 0},
                  Key{"password_characters", 1, 1, 64, 0},
                  Key{"password_lower", 0, 0, 64, 0},
                  Key{"password_upper", 0, 0, 64, 0},
                  Key{"password_digits", 0, 0, 64, 0},
                  Key{"password_others", 0, 0, 64, 0},
                  Key{"connections", 8, 1, 1000, 0}};
  for (Key &key : keys) {
    const auto value = in_range(host, key.name, key.fallback, key.least, key.most);
    if (!value) return value.error();
    key.value = *value;
  }
  settings.hash.memory_kib = static_cast<std::uint32_t>(keys[0].value >> 10);
  settings.hash.passes = static_cast<std::uint32_t>(keys[1].value);
  settings.hash_limits.slots = static_cast<unsigned>(keys[2].value > 0 ? keys[2].value : processors);
  settings.hash_limits.queue = static_cast<unsigned>(keys[3].value);
  settings.cache_lifetime_ns = keys[4].value;
  settings.cache_entries = keys[4].value > 0 ? static_cast<std::size_t>(keys[5].value) : 0;
  settings.failures.account_failures = static_cast<unsigned>(keys[6].value);
  settings.failures.address_failures = static_cast<unsigned>(keys[7].value);
  const auto least = [&](std::size_t key) { return static_cast<std::size_t>(keys[key].value); };
  settings.passwords = {least(8), least(9), least(10), least(11), least(12)};
  settings.connections = least(13);
  return settings;
}

/// FailedPrecondition when the store is empty and the file that was there before it is not.
Result<void> check_previous(AccountStore &store, const std::string &file) {
  const auto known = store.has_users();
  if (!known) return known.error();
  if (*known || file.empty()) return {};
  std::error_code failed;
  const bool there = std::filesystem::exists(file, failed);
  if (failed) return error(Status::Unavailable, "cannot tell whether there is a " + file + ": " + failed.message());
  if (!there) return {};
  auto before = AccountStore::holds_users(file);
  if (!before) return before.error();
  if (!*before) return {};
  return error(Status::FailedPrecondition,
               "the database of the accounts holds none, but " + file +
                   " does. Has a new or empty database been set ([database] url, or the key database)? Name " + file +
                   " as database in this section, or restore the database from its backup. If the accounts of " + file +
                   " are no longer wanted, set start_empty = yes in this section");
}

}  // namespace

AuthLocal::AuthLocal(Private, std::unique_ptr<AccountStore> store, const Settings &settings, Host host)
    : host_(host),
      store_(std::move(store)),
      hasher_(settings.hash, settings.hash_limits),
      cache_(settings.cache_entries, settings.cache_lifetime_ns),
      limiter_(settings.failures),
      authenticator_(*store_, hasher_, cache_, limiter_),
      policy_(settings.passwords) {
  failures_counter_ = host_.define_counter("login_failures_total", "Logins with a wrong name or password.");
  throttled_counter_ = host_.define_counter("logins_throttled_total", "Logins that were told to come back later.");
}

Result<std::unique_ptr<AuthLocal>> AuthLocal::create(const Call &, Host host) {
  const auto settings = read_settings(host);
  if (!settings) return settings.error();
  return open(*settings, host);
}

Result<std::unique_ptr<AuthLocal>> AuthLocal::open(const Settings &settings, Host host) {
  auto store = AccountStore::open(settings.database_url, settings.connections);
  if (!store) return store.error();
  if (auto fine = check_previous(**store, settings.previous); !fine) return fine.error();
  auto made = std::make_unique<AuthLocal>(Private{}, std::move(*store), settings, host);
  if (auto ensured = made->ensure_admin(settings.admin_password); !ensured) return ensured.error();
  return made;
}

Result<void> AuthLocal::ensure_admin(const std::string &given_password) {
  const auto has_users = store_->has_users();
  if (!has_users) return has_users.error();
  if (*has_users) return {};
  Account admin;
  admin.name = "admin";
  admin.display_name = "Admin";
  admin.app_role = ATOLL_ROLE_ADMIN;
  if (!given_password.empty()) {
    if (auto checked = check_password(given_password, policy_); !checked)
      return error(Status::InvalidArgument,
                   "the account admin cannot be made with the password of admin_password or "
                   "ATOLL_ADMIN_PASSWORD: " +
                       checked.error().message +
                       " (see the keys password_...). Give another one, or none: then one is "
                       "made up and logged");
  }
  const std::string password =
      given_password.empty()
          ? base::made_up_password({policy_.characters, policy_.lower, policy_.upper, policy_.digits, policy_.others})
          : given_password;
  auto added = add(admin, password);
  if (added.status() == Status::AlreadyExists) return {};  // another server on the same database was faster
  if (!added) return added.error();
  if (given_password.empty()) {
    host_.info("first start: the account admin was made; its password is shown this once",
               {{"name", admin.name}, {"password", password}});
  } else {
    host_.info("first start: the account admin was made with the password that was given", {{"name", admin.name}});
  }
  return {};
}

Result<Account> AuthLocal::add(Account account, std::string_view password) {
  std::string hash;
  if (!password.empty()) {
    if (account.kind != ATOLL_ACCOUNT_USER) return error(Status::InvalidArgument, "only users have a password");
    if (auto checked = check_password(password, policy_); !checked) return checked.error();
    auto hashed = hasher_.hash(password);
    if (!hashed) return hashed.error();
    hash = *std::move(hashed);
  }
  return store_->create(std::move(account), hash);
}

Login AuthLocal::authenticate(const Call &, const atoll_credential &credential) {
  if (credential.kind != ATOLL_CREDENTIAL_BASIC) {
    return error(Status::Unimplemented, "only a name and a password lead to a local account");
  }
  Login login = authenticator_.authenticate(view(credential.name), view(credential.secret), view(credential.peer));
  if (login) return login;
  if (login.status() == Status::Unauthenticated) host_.add(failures_counter_);
  if (login.status() == Status::ResourceExhausted) host_.add(throttled_counter_);
  return login;
}

Result<void> AuthLocal::account_get(const Call &, AccountId id, AccountEmitter emit) {
  return emit_one(store_->get(id), emit);
}

Result<void> AuthLocal::account_find(const Call &, std::uint32_t kind, std::string_view name, AccountEmitter emit) {
  return emit_one(store_->find(kind, name), emit);
}

Result<void> AuthLocal::account_search(const Call &, std::uint32_t kind, std::string_view text, std::string_view after,
                                       std::uint64_t limit, AccountEmitter emit) {
  return emit_all(store_->search(kind, text, after, limit), emit);
}

Result<void> AuthLocal::groups_of(const Call &, AccountId user, AccountEmitter emit) {
  return emit_all(store_->groups_of(user), emit);
}

Result<void> AuthLocal::members_of(const Call &, AccountId group, AccountEmitter emit) {
  return emit_all(store_->members_of(group), emit);
}

Result<void> AuthLocal::account_page(const Call &, const atoll_account_query &raw, AccountEmitter emit) {
  AccountQuery query;
  query.kind = raw.kind;
  query.order = raw.order;
  query.flags = raw.flags;
  query.roles = raw.roles;
  query.text = view(raw.text);
  query.name = view(raw.name);
  query.display_name = view(raw.display_name);
  query.mail = view(raw.mail);
  query.after = view(raw.after);
  query.after_id = from_abi<AccountId>(raw.after_id);
  query.limit = raw.limit;
  for (std::uint64_t i = 0; i < raw.groups.count; ++i) query.groups.push_back(from_abi<AccountId>(raw.groups.items[i]));
  return emit_all(store_->page(query), emit);
}

Result<void> AuthLocal::groups_of_many(const Call &, const std::vector<AccountId> &users, MembershipEmitter emit) {
  return emit_memberships(store_->memberships(users, false), emit);
}

Result<void> AuthLocal::members_of_many(const Call &, const std::vector<AccountId> &groups, MembershipEmitter emit) {
  return emit_memberships(store_->memberships(groups, true), emit);
}

Result<void> AuthLocal::account_create(const Call &, const atoll_account &account, std::string_view password,
                                       AccountEmitter emit) {
  return emit_one(add(from_abi_account(account), password), emit);
}

Result<void> AuthLocal::account_update(const Call &call, const atoll_account &account) {
  return account_change(
      call, account,
      ATOLL_ACCOUNT_SET_DISPLAY_NAME | ATOLL_ACCOUNT_SET_MAIL | ATOLL_ACCOUNT_SET_APP_ROLE | ATOLL_ACCOUNT_SET_ENABLED);
}

Result<void> AuthLocal::account_change(const Call &, const atoll_account &account, std::uint32_t fields) {
  const Account changed = from_abi_account(account);
  auto done = store_->change(changed, fields);
  cache_.forget(changed.id);
  return done;
}

Result<void> AuthLocal::account_change_password(const Call &, AccountId id, std::string_view old_password,
                                                std::string_view new_password, std::uint32_t flags) {
  const auto account = store_->get(id);
  if (!account) return account.error();
  if (account->kind != ATOLL_ACCOUNT_USER) return error(Status::InvalidArgument, "only users have a password");
  const auto old_hash = authenticator_.verify_own_password(*account, old_password);
  if (!old_hash) return old_hash.error();
  if (auto checked = check_password(new_password, policy_); !checked) return checked;
  const auto hash = hasher_.hash(new_password);
  if (!hash) return hash.error();
  auto done = store_->change_password_hash(id, *old_hash, *hash, (flags & ATOLL_PASSWORD_END_TOKENS) != 0);
  cache_.forget(id);
  return done;
}

Result<void> AuthLocal::account_import(const Call &, const std::vector<AccountEntry> &entries, std::uint32_t flags,
                                       ProblemEmitter problem) {
  std::vector<ImportEntry> all;
  all.reserve(entries.size());
  const bool dry = (flags & ATOLL_IMPORT_DRY) != 0;
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    ImportEntry entry;
    entry.account = from_abi_account(entries[i].account);
    entry.fields = entries[i].fields;
    for (const std::string_view group : entries[i].groups) entry.groups.emplace_back(group);
    for (const std::string_view member : entries[i].members) entry.members.emplace_back(member);
    if (const std::string_view password = entries[i].password; !password.empty()) {
      auto checked = entry.account.kind == ATOLL_ACCOUNT_USER
                         ? check_password(password, policy_)
                         : Result<void>(error(Status::InvalidArgument, "only users have a password"));
      if (!checked) {
        ++wrong;
        problem(i, checked.error().message);
      }
    }
    all.push_back(std::move(entry));
  }
  // Hashing takes long: only when all is well is it done.
  const auto say = [&](std::size_t entry, const std::string &why) { problem(entry, why); };
  const bool update = (flags & ATOLL_IMPORT_UPDATE) != 0;
  const bool hashes =
      std::any_of(entries.begin(), entries.end(), [](const auto &one) { return !one.password.empty(); });
  if (dry || hashes)
    if (auto tried = store_->import(all, update, true, say); !tried) return tried;
  if (wrong > 0)
    return error(Status::InvalidArgument, std::to_string(wrong) + " of " + std::to_string(entries.size()) +
                                              " entries are wrong; nothing was changed");
  if (dry) return {};
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (entries[i].password.empty()) continue;
    auto hashed = hasher_.hash(entries[i].password);
    if (!hashed) return hashed.error();
    all[i].password_hash = *std::move(hashed);
  }
  auto done = store_->import(all, update, false, say);
  cache_.forget_all();
  return done;
}

Result<void> AuthLocal::tokens_list(const Call &, AccountId account, AppTokenEmitter emit) {
  const auto tokens = store_->tokens_of(account);
  if (!tokens) return tokens.error();
  for (const AppToken &token : *tokens)
    if (!emit(to_abi_token(token))) break;
  return {};
}

Result<void> AuthLocal::token_create(const Call &, AccountId account, std::string_view label, std::int64_t expires_ns,
                                     AppTokenEmitter emit, Emitter<atoll_text_sink> secret) {
  if (auto checked = check_text("label", label); !checked) return checked;
  if (expires_ns != 0 && expires_ns <= base::now_unix_ns())
    return error(Status::InvalidArgument, "the token would have expired already");
  AppToken wanted;
  wanted.label = label;
  wanted.expires_ns = expires_ns;
  const std::string text = new_app_token();
  const auto made = store_->token_add(account, wanted, token_digest(text));
  if (!made) return made.error();
  emit(to_abi_token(*made));
  secret(str(text));
  return {};
}

Result<void> AuthLocal::token_remove(const Call &, AccountId account, Uuid token, std::string_view secret) {
  auto done = store_->token_remove(account, token, token.none() ? token_digest(secret) : std::string());
  cache_.forget(account);
  return done;
}

Result<void> AuthLocal::tokens_remove_all(const Call &, AccountId account) {
  auto done = store_->tokens_remove_all(account);
  cache_.forget(account);
  return done;
}

Result<void> AuthLocal::account_set_password(const Call &, AccountId id, std::string_view password) {
  if (auto checked = check_password(password, policy_); !checked) return checked;
  const auto hash = hasher_.hash(password);
  if (!hash) return hash.error();
  auto done = store_->set_password_hash(id, *hash);
  cache_.forget(id);
  return done;
}

Result<void> AuthLocal::account_remove(const Call &, AccountId id) {
  auto done = store_->remove(id);
  cache_.forget_all();  // a group that goes changes all its members
  return done;
}

Result<void> AuthLocal::member_add(const Call &, AccountId group, AccountId user) {
  auto done = store_->member_add(group, user);
  cache_.forget(user);
  return done;
}

Result<void> AuthLocal::member_remove(const Call &, AccountId group, AccountId user) {
  auto done = store_->member_remove(group, user);
  cache_.forget(user);
  return done;
}

}  // namespace Atoll::auth_local
