// SPDX-License-Identifier: Apache-2.0
#include "plugins/auth-local/account_store.hpp"

#include <algorithm>
#include <array>

#include "core/base/time.hpp"
#include "core/base/uuid.hpp"
#include "plugins/auth-local/account_rows.hpp"
#include "plugins/auth-local/names.hpp"

namespace Atoll::auth_local {

using Poco::Data::Keywords::into;
using Poco::Data::Keywords::use;
using Poco::Data::Keywords::useRef;

namespace {

constexpr std::array<const char *, 1> kMigrations = {
    "CREATE TABLE accounts(id TEXT PRIMARY KEY, kind BIGINT NOT NULL, name TEXT NOT NULL, folded TEXT NOT NULL,"
    " display_name TEXT NOT NULL, mail TEXT NOT NULL, search TEXT NOT NULL, app_role BIGINT NOT NULL,"
    " enabled BIGINT NOT NULL, password TEXT NOT NULL, created_ns BIGINT NOT NULL, UNIQUE(kind, folded));\n"
    "CREATE TABLE identities(issuer TEXT NOT NULL, subject TEXT NOT NULL,"
    " account TEXT NOT NULL REFERENCES accounts(id) ON DELETE CASCADE, PRIMARY KEY(issuer, subject));\n"
    "CREATE INDEX identities_by_account ON identities(account);\n"
    "CREATE TABLE memberships(group_id TEXT NOT NULL REFERENCES accounts(id) ON DELETE CASCADE,"
    " user_id TEXT NOT NULL REFERENCES accounts(id) ON DELETE CASCADE, PRIMARY KEY(group_id, user_id));\n"
    "CREATE INDEX memberships_by_user ON memberships(user_id);\n",
};

constexpr std::uint64_t kMaxSearch = 10'000;

Error not_found(std::string_view what) { return error(Status::NotFound, "there is no such " + std::string(what)); }

std::string search_text(const Account &account) {
  return folded(account.name) + "\n" + folded(account.display_name) + "\n" + folded(account.mail);
}

/// A pattern for LIKE ... ESCAPE '\' that finds the text anywhere.
std::string containing(std::string_view text) {
  std::string out("%");
  for (const char c : folded(text)) {
    if (c == '%' || c == '_' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  out.push_back('%');
  return out;
}

Result<void> check(const Account &account) {
  if (account.kind < ATOLL_ACCOUNT_USER || account.kind > ATOLL_ACCOUNT_SERVICE) {
    return error(Status::InvalidArgument, "the kind of the account is none of user, group and service");
  }
  if (account.app_role > ATOLL_ROLE_ADMIN) return error(Status::InvalidArgument, "there is no such app role");
  if (auto checked = check_text("display name", account.display_name); !checked) return checked;
  return check_text("mail address", account.mail);
}

}  // namespace

Result<std::unique_ptr<AccountStore>> AccountStore::open(const std::string &url) {
  auto sessions = sql::Sessions::open(url);
  if (!sessions) return sessions.error();
  if (auto migrated = (*sessions)->migrate("auth-local", kMigrations); !migrated) return migrated.error();
  return std::make_unique<AccountStore>(Private{}, std::move(*sessions));
}

Result<Account> AccountStore::get(const AccountId &id) {
  return with_session("read an account", [&](Lease &lease) -> Result<Account> {
    AccountRows rows;
    const std::string key = id.text();
    rows.read(lease, "a WHERE a.id = $1", useRef(key));
    if (rows.empty()) return not_found("account");
    return rows.account(0);
  });
}

Result<Account> AccountStore::find(std::uint32_t kind, std::string_view name) {
  return with_session("look up an account", [&](Lease &lease) -> Result<Account> {
    AccountRows rows;
    const std::string key = folded(name);
    const std::int64_t wanted = kind;
    rows.read(lease, "a WHERE a.kind = $1 AND a.folded = $2", useRef(wanted), useRef(key));
    if (rows.empty()) return not_found(kind == ATOLL_ACCOUNT_GROUP ? "group" : "account");
    return rows.account(0);
  });
}

Result<std::vector<Account>> AccountStore::search(std::uint32_t kind, std::string_view text, std::string_view after,
                                                  std::uint64_t limit) {
  return with_session("search accounts", [&](Lease &lease) -> Result<std::vector<Account>> {
    AccountRows rows;
    const std::int64_t wanted = kind;
    const std::string pattern = containing(text);
    const std::string from = folded(after);
    const auto at_most = static_cast<std::int64_t>(limit == 0 ? kMaxSearch : std::min(limit, kMaxSearch));
    rows.read(lease,
              "a WHERE a.kind = $1 AND a.folded > $2 AND a.search LIKE $3 ESCAPE '\\' ORDER BY a.folded LIMIT $4",
              useRef(wanted), useRef(from), useRef(pattern), useRef(at_most));
    return rows.accounts();
  });
}

Result<std::vector<Account>> AccountStore::groups_of(const AccountId &user) {
  return with_session("read the groups of an account", [&](Lease &lease) -> Result<std::vector<Account>> {
    AccountRows rows;
    const std::string key = user.text();
    rows.read(lease, "a JOIN memberships m ON m.group_id = a.id WHERE m.user_id = $1 ORDER BY a.folded", useRef(key));
    return rows.accounts();
  });
}

Result<std::vector<Account>> AccountStore::members_of(const AccountId &group) {
  return with_session("read the members of a group", [&](Lease &lease) -> Result<std::vector<Account>> {
    AccountRows rows;
    const std::string key = group.text();
    rows.read(lease, "a JOIN memberships m ON m.user_id = a.id WHERE m.group_id = $1 ORDER BY a.folded", useRef(key));
    return rows.accounts();
  });
}

Result<std::optional<Credentials>> AccountStore::credentials(const std::string &folded_name) {
  return with_session("look up a login", [&](Lease &lease) -> Result<std::optional<Credentials>> {
    AccountRows rows;
    const std::int64_t user = ATOLL_ACCOUNT_USER;
    rows.read(lease, "a WHERE a.kind = $1 AND a.folded = $2", useRef(user), useRef(folded_name));
    if (rows.empty()) return std::optional<Credentials>();
    const Account account = rows.account(0);
    Credentials found;
    found.enabled = account.enabled;
    found.password_hash = rows.password(0);
    found.principal.kind = ATOLL_PRINCIPAL_USER;
    found.principal.app_role = account.app_role;
    found.principal.account = account.id;
    found.principal.issuer = kLocalIssuer;
    found.principal.subject = account.id.text();
    found.principal.name = account.name;
    found.principal.display_name = account.display_name;
    found.principal.mail = account.mail;
    std::vector<std::string> groups;
    lease.run("SELECT group_id FROM memberships WHERE user_id = $1", useRef(found.principal.subject), into(groups));
    for (const std::string &group : groups) {
      if (const auto id = AccountId::parse(group)) found.principal.groups.push_back(*id);
    }
    return std::optional<Credentials>(std::move(found));
  });
}

Result<std::vector<Identity>> AccountStore::identities_of(const AccountId &id) {
  return with_session("read the identities of an account", [&](Lease &lease) -> Result<std::vector<Identity>> {
    const std::string key = id.text();
    std::vector<std::string> issuers, subjects;
    lease.run("SELECT issuer, subject FROM identities WHERE account = $1 ORDER BY issuer, subject", useRef(key),
              into(issuers), into(subjects));
    std::vector<Identity> identities;
    for (std::size_t i = 0; i < issuers.size(); ++i) identities.push_back({issuers[i], subjects[i]});
    return identities;
  });
}

Result<AccountId> AccountStore::account_of(const Identity &identity) {
  return with_session("look up an identity", [&](Lease &lease) -> Result<AccountId> {
    std::vector<std::string> ids;
    lease.run("SELECT account FROM identities WHERE issuer = $1 AND subject = $2", useRef(identity.issuer),
              useRef(identity.subject), into(ids));
    const auto id = ids.empty() ? std::nullopt : AccountId::parse(ids.front());
    if (!id) return not_found("identity");
    return *id;
  });
}

Result<bool> AccountStore::has_users() {
  return with_session("count accounts", [&](Lease &lease) -> Result<bool> {
    std::int64_t count = 0;
    lease.run("SELECT count(*) FROM accounts WHERE kind = 1", into(count));
    return count > 0;
  });
}

Result<Account> AccountStore::create(Account account, const std::string &password_hash) {
  if (auto checked = check(account); !checked) return checked.error();
  if (auto checked = check_name(account.name); !checked) return checked.error();
  if (account.id.none()) account.id = base::random_id<AccountId>();
  if (account.display_name.empty()) account.display_name = account.name;
  account.created_ns = base::now_unix_ns();
  auto created = with_session("create an account", [&](Lease &lease) -> Result<Account> {
    const std::string id = account.id.text();
    const std::string key = folded(account.name);
    const std::string search = search_text(account);
    const std::int64_t kind = account.kind;
    const std::int64_t role = account.app_role;
    const std::int64_t enabled = account.enabled ? 1 : 0;
    lease.begin();
    lease.run(
        "INSERT INTO accounts(id, kind, name, folded, display_name, mail, search, app_role, enabled, password,"
        " created_ns) VALUES($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        useRef(id), useRef(kind), useRef(account.name), useRef(key), useRef(account.display_name), useRef(account.mail),
        useRef(search), useRef(role), useRef(enabled), useRef(password_hash), useRef(account.created_ns));
    if (account.kind == ATOLL_ACCOUNT_USER) {
      const std::string issuer(kLocalIssuer);
      lease.run("INSERT INTO identities(issuer, subject, account) VALUES($1, $2, $2)", useRef(issuer), useRef(id));
    }
    lease.commit();
    return account;
  });
  if (created.status() == Status::AlreadyExists) {
    return error(Status::AlreadyExists, "the name " + account.name + " or its id is taken");
  }
  return created;
}

Result<void> AccountStore::keep_an_admin(Lease &lease) {
  std::int64_t admins = 0;
  const std::int64_t role = ATOLL_ROLE_ADMIN;
  lease.run("SELECT count(*) FROM accounts WHERE kind = 1 AND enabled = 1 AND app_role = $1", useRef(role),
            into(admins));
  if (admins > 0) return {};
  return error(Status::FailedPrecondition,
               "this is the last account with the role Admin: give it to another one first");
}

Result<void> AccountStore::require(Lease &lease, const AccountId &id, std::uint32_t kind, const char *what) {
  const std::string key = id.text();
  const std::int64_t wanted = kind;
  std::int64_t count = 0;
  lease.run("SELECT count(*) FROM accounts WHERE id = $1 AND kind = $2", useRef(key), useRef(wanted), into(count));
  if (count == 0) return not_found(what);
  return {};
}

Result<void> AccountStore::update(const Account &account) {
  return with_session("change an account", [&](Lease &lease) -> Result<void> {
    lease.begin();
    AccountRows rows;
    const std::string id = account.id.text();
    rows.read(lease, "a WHERE a.id = $1", useRef(id));
    if (rows.empty()) return not_found("account");
    Account changed = rows.account(0);
    const bool was_admin =
        changed.kind == ATOLL_ACCOUNT_USER && changed.enabled && changed.app_role == ATOLL_ROLE_ADMIN;
    changed.display_name = account.display_name.empty() ? changed.name : account.display_name;
    changed.mail = account.mail;
    changed.app_role = account.app_role;
    changed.enabled = account.enabled;
    if (auto checked = check(changed); !checked) return checked;
    const std::string search = search_text(changed);
    const std::int64_t role = changed.app_role;
    const std::int64_t enabled = changed.enabled ? 1 : 0;
    lease.run(
        "UPDATE accounts SET display_name = $1, mail = $2, search = $3, app_role = $4, enabled = $5"
        " WHERE id = $6",
        useRef(changed.display_name), useRef(changed.mail), useRef(search), useRef(role), useRef(enabled), useRef(id));
    if (was_admin) {
      if (auto kept = keep_an_admin(lease); !kept) return kept;
    }
    lease.commit();
    return {};
  });
}

Result<void> AccountStore::set_password_hash(const AccountId &id, const std::string &password_hash) {
  return with_session("change a password", [&](Lease &lease) -> Result<void> {
    const std::string key = id.text();
    lease.begin();
    if (auto found = require(lease, id, ATOLL_ACCOUNT_USER, "user"); !found) return found;
    lease.run("UPDATE accounts SET password = $1 WHERE id = $2", useRef(password_hash), useRef(key));
    lease.commit();
    return {};
  });
}

Result<void> AccountStore::replace_password_hash(const AccountId &id, const std::string &old_hash,
                                                 const std::string &new_hash) {
  return with_session("renew a password hash", [&](Lease &lease) -> Result<void> {
    const std::string key = id.text();
    lease.run("UPDATE accounts SET password = $1 WHERE id = $2 AND password = $3", useRef(new_hash), useRef(key),
              useRef(old_hash));
    return {};
  });
}

Result<void> AccountStore::remove(const AccountId &id) {
  return with_session("remove an account", [&](Lease &lease) -> Result<void> {
    lease.begin();
    AccountRows rows;
    const std::string key = id.text();
    rows.read(lease, "a WHERE a.id = $1", useRef(key));
    if (rows.empty()) return not_found("account");
    const Account account = rows.account(0);
    lease.run("DELETE FROM accounts WHERE id = $1", useRef(key));
    if (account.kind == ATOLL_ACCOUNT_USER && account.enabled && account.app_role == ATOLL_ROLE_ADMIN) {
      if (auto kept = keep_an_admin(lease); !kept) return kept;
    }
    lease.commit();
    return {};
  });
}

Result<void> AccountStore::member_add(const AccountId &group, const AccountId &user) {
  return with_session("add a member to a group", [&](Lease &lease) -> Result<void> {
    const std::string group_key = group.text();
    const std::string user_key = user.text();
    lease.begin();
    if (auto found = require(lease, group, ATOLL_ACCOUNT_GROUP, "group"); !found) return found;
    if (auto found = require(lease, user, ATOLL_ACCOUNT_USER, "user"); !found) return found;
    lease.run("INSERT INTO memberships(group_id, user_id) VALUES($1, $2) ON CONFLICT DO NOTHING", useRef(group_key),
              useRef(user_key));
    lease.commit();
    return {};
  });
}

Result<void> AccountStore::member_remove(const AccountId &group, const AccountId &user) {
  return with_session("remove a member from a group", [&](Lease &lease) -> Result<void> {
    const std::string group_key = group.text();
    const std::string user_key = user.text();
    lease.begin();
    std::int64_t count = 0;
    lease.run("SELECT count(*) FROM memberships WHERE group_id = $1 AND user_id = $2", useRef(group_key),
              useRef(user_key), into(count));
    if (count == 0) return not_found("member of the group");
    lease.run("DELETE FROM memberships WHERE group_id = $1 AND user_id = $2", useRef(group_key), useRef(user_key));
    lease.commit();
    return {};
  });
}

Result<void> AccountStore::identity_add(const AccountId &id, const Identity &identity) {
  return with_session("add an identity", [&](Lease &lease) -> Result<void> {
    const std::string key = id.text();
    lease.begin();
    if (auto found = require(lease, id, ATOLL_ACCOUNT_USER, "user"); !found) return found;
    lease.run("INSERT INTO identities(issuer, subject, account) VALUES($1, $2, $3)", useRef(identity.issuer),
              useRef(identity.subject), useRef(key));
    lease.commit();
    return {};
  });
}

}  // namespace Atoll::auth_local
