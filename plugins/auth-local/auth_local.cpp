// SPDX-License-Identifier: Apache-2.0
#include "plugins/auth-local/auth_local.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <thread>
#include <utility>

#include "core/base/uuid.hpp"
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

/// 20 characters that are not mistaken for each other: about 98 bits.
std::string generated_password() {
  constexpr std::string_view alphabet = "abcdefghijkmnpqrstuvwxyz23456789";  // 32 of them
  static_assert(alphabet.size() == 32);
  std::array<std::uint8_t, 20> random{};
  base::random_bytes(random);
  std::string out;
  for (const std::uint8_t byte : random) out.push_back(alphabet[byte & 31]);
  return out;
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
  settings.database_url = "sqlite:" + host.text("database", "accounts.db");
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
                  Key{"address_failures", 50, 1, 1'000'000, 0}};
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
  return settings;
}

}  // namespace

AuthLocal::AuthLocal(Private, std::unique_ptr<AccountStore> store, const Settings &settings, Host host)
    : host_(host),
      store_(std::move(store)),
      hasher_(settings.hash, settings.hash_limits),
      cache_(settings.cache_entries, settings.cache_lifetime_ns),
      limiter_(settings.failures),
      authenticator_(*store_, hasher_, cache_, limiter_) {
  failures_counter_ = host_.define_counter("login_failures_total", "Logins with a wrong name or password.");
  throttled_counter_ = host_.define_counter("logins_throttled_total", "Logins that were told to come back later.");
}

Result<std::unique_ptr<AuthLocal>> AuthLocal::create(const Call &, Host host) {
  const auto settings = read_settings(host);
  if (!settings) return settings.error();
  return open(*settings, host);
}

Result<std::unique_ptr<AuthLocal>> AuthLocal::open(const Settings &settings, Host host) {
  auto store = AccountStore::open(settings.database_url);
  if (!store) return store.error();
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
  const std::string password = given_password.empty() ? generated_password() : given_password;
  if (auto added = add(admin, password); !added) return added.error();
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
    if (auto checked = check_password(password); !checked) return checked.error();
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

Result<void> AuthLocal::account_create(const Call &, const atoll_account &account, std::string_view password,
                                       AccountEmitter emit) {
  return emit_one(add(from_abi_account(account), password), emit);
}

Result<void> AuthLocal::account_update(const Call &, const atoll_account &account) {
  const Account changed = from_abi_account(account);
  auto done = store_->update(changed);
  cache_.forget(changed.id);
  return done;
}

Result<void> AuthLocal::account_set_password(const Call &, AccountId id, std::string_view password) {
  if (auto checked = check_password(password); !checked) return checked;
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
