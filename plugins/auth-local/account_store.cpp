// SPDX-License-Identifier: Apache-2.0
#include "plugins/auth-local/account_store.hpp"

#include <algorithm>
#include <array>

#include "core/base/text.hpp"
#include "core/base/time.hpp"
#include "core/base/uuid.hpp"
#include "core/sql/database.hpp"
#include "plugins/auth-local/account_rows.hpp"
#include "plugins/auth-local/names.hpp"

namespace Atoll::auth_local {

using Poco::Data::Keywords::into;
using Poco::Data::Keywords::use;
using Poco::Data::Keywords::useRef;

namespace {

constexpr std::string_view kFirst =
    "CREATE TABLE accounts(id TEXT PRIMARY KEY, kind BIGINT NOT NULL, name TEXT NOT NULL, folded TEXT NOT NULL,"
    " display_name TEXT NOT NULL, mail TEXT NOT NULL, search TEXT NOT NULL, app_role BIGINT NOT NULL,"
    " enabled BIGINT NOT NULL, password TEXT NOT NULL, created_ns BIGINT NOT NULL, UNIQUE(kind, folded));\n"
    "CREATE TABLE identities(issuer TEXT NOT NULL, subject TEXT NOT NULL,"
    " account TEXT NOT NULL REFERENCES accounts(id) ON DELETE CASCADE, PRIMARY KEY(issuer, subject));\n"
    "CREATE INDEX identities_by_account ON identities(account);\n"
    "CREATE TABLE memberships(group_id TEXT NOT NULL REFERENCES accounts(id) ON DELETE CASCADE,"
    " user_id TEXT NOT NULL REFERENCES accounts(id) ON DELETE CASCADE, PRIMARY KEY(group_id, user_id));\n"
    "CREATE INDEX memberships_by_user ON memberships(user_id);\n";
// Guests, times, app tokens, and indexes for searches.
constexpr std::string_view kColumns =
    "ALTER TABLE accounts ADD COLUMN number BIGINT NOT NULL DEFAULT 0;\n"
    "ALTER TABLE accounts ADD COLUMN guest BIGINT NOT NULL DEFAULT 0;\n"
    "ALTER TABLE accounts ADD COLUMN given_name TEXT NOT NULL DEFAULT '';\n"
    "ALTER TABLE accounts ADD COLUMN surname TEXT NOT NULL DEFAULT '';\n"
    "ALTER TABLE accounts ADD COLUMN language TEXT NOT NULL DEFAULT '';\n"
    "ALTER TABLE accounts ADD COLUMN description TEXT NOT NULL DEFAULT '';\n"
    "ALTER TABLE accounts ADD COLUMN folded_display TEXT NOT NULL DEFAULT '';\n"
    "ALTER TABLE accounts ADD COLUMN folded_mail TEXT NOT NULL DEFAULT '';\n"
    "ALTER TABLE accounts ADD COLUMN last_login_ns BIGINT NOT NULL DEFAULT 0;\n"
    "ALTER TABLE accounts ADD COLUMN expires_ns BIGINT NOT NULL DEFAULT 0;\n";
// There were none on PostgreSQL before these columns.
constexpr std::string_view kFilled =
    "UPDATE accounts SET number = rowid, folded_display = substr(search, length(folded) + 2);\n"
    "UPDATE accounts SET folded_mail = substr(folded_display, instr(folded_display, char(10)) + 1),"
    " folded_display = substr(folded_display, 1, instr(folded_display, char(10)) - 1);\n";
constexpr std::string_view kIndexes =
    "CREATE UNIQUE INDEX accounts_by_number ON accounts(number);\n"
    "CREATE INDEX accounts_by_display_name ON accounts(kind, folded_display, id);\n"
    "CREATE INDEX accounts_by_mail ON accounts(kind, folded_mail, id);\n";
// `number` is the row of account_words, which holds the texts that are searched by their parts of three characters; the
// triggers keep it as the accounts are. PostgreSQL has an index of that kind of its own.
constexpr std::string_view kWords =
    "CREATE VIRTUAL TABLE account_words USING fts5(text, tokenize = 'trigram');\n"
    "INSERT INTO account_words(rowid, text) SELECT number, search FROM accounts;\n"
    "CREATE TRIGGER account_words_in AFTER INSERT ON accounts BEGIN"
    " INSERT INTO account_words(rowid, text) VALUES(new.number, new.search); END;\n"
    "CREATE TRIGGER account_words_change AFTER UPDATE OF search ON accounts BEGIN"
    " UPDATE account_words SET text = new.search WHERE rowid = new.number; END;\n"
    "CREATE TRIGGER account_words_out AFTER DELETE ON accounts BEGIN"
    " DELETE FROM account_words WHERE rowid = old.number; END;\n";
constexpr std::string_view kTokens =
    "CREATE TABLE app_tokens(id TEXT PRIMARY KEY,"
    " account TEXT NOT NULL REFERENCES accounts(id) ON DELETE CASCADE, label TEXT NOT NULL, digest TEXT NOT NULL,"
    " created_ns BIGINT NOT NULL, expires_ns BIGINT NOT NULL, last_used_ns BIGINT NOT NULL, UNIQUE(digest));\n"
    "CREATE INDEX app_tokens_by_account ON app_tokens(account);\n";
// Changes with every change of what a login of the account gives.
constexpr std::string_view kStamp = "ALTER TABLE accounts ADD COLUMN stamp BIGINT NOT NULL DEFAULT 0;\n";

std::vector<std::string> migrations_for(sql::Dialect dialect) {
  const auto joined = [](std::initializer_list<std::string_view> parts) {
    std::string out;
    for (const std::string_view part : parts) out += part;
    return out;
  };
  if (dialect == sql::Dialect::Sqlite)
    return {std::string(kFirst), joined({kColumns, kFilled, kIndexes, kWords, kTokens}), std::string(kStamp)};
  std::vector<std::string> out{std::string(kFirst), joined({kColumns, kIndexes, kTokens}), std::string(kStamp)};
  // Texts are compared by their bytes, whatever the language of the database.
  constexpr std::string_view plain = " TEXT ", bytes = " TEXT COLLATE \"C\" ";
  for (std::string &step : out)
    for (std::size_t at = 0; (at = step.find(plain, at)) != std::string::npos; at += bytes.size())
      step.replace(at, plain.size(), bytes);
  return out;
}

/// Only users have these.
void without_user_fields(Account &group) {
  group.app_role = ATOLL_ROLE_NONE;
  group.enabled = true;
}

Error not_found(std::string_view what) { return error(Status::NotFound, "there is no such " + std::string(what)); }

}  // namespace

bool findable(std::string_view text) {
  return base::valid_utf8(text) && text.find_first_of(std::string_view("\n\0", 2)) == text.npos;
}

std::string search_text(const Account &account) {
  return folded(account.name) + "\n" + folded(account.display_name) + "\n" + folded(account.mail);
}

Result<void> check_account(const Account &account) {
  if (account.kind < ATOLL_ACCOUNT_USER || account.kind > ATOLL_ACCOUNT_SERVICE)
    return error(Status::InvalidArgument, "the kind of the account is none of user, group and service");
  if (account.app_role > ATOLL_ROLE_ADMIN) return error(Status::InvalidArgument, "there is no such app role");
  if (account.expires_ns < 0) return error(Status::InvalidArgument, "the account would have expired before 1970");
  if (account.kind != ATOLL_ACCOUNT_USER && (account.guest || account.expires_ns != 0))
    return error(Status::InvalidArgument, "only users are guests or expire");
  if (account.guest && account.app_role > ATOLL_ROLE_USER_LIGHT)
    return error(Status::InvalidArgument, "a guest has the role User Light");
  if (account.guest && account.mail.find('@') == std::string::npos)
    return error(Status::InvalidArgument, "a guest needs a mail address");
  for (const auto &[what, text] : {std::pair("display name", &account.display_name),
                                   {"mail address", &account.mail},
                                   {"given name", &account.given_name},
                                   {"surname", &account.surname},
                                   {"description", &account.description}})
    if (auto checked = check_text(what, *text); !checked) return checked;
  return check_language(account.language);
}

Result<std::unique_ptr<AccountStore>> AccountStore::open(const std::string &url, std::size_t connections) {
  auto sessions = sql::Sessions::open(url, connections);
  if (!sessions) return sessions.error();
  const auto steps = migrations_for((*sessions)->dialect());
  std::vector<const char *> migrations;
  for (const std::string &step : steps) migrations.push_back(step.c_str());
  if (auto migrated = (*sessions)->migrate("auth-local", migrations); !migrated) return migrated.error();
  if ((*sessions)->dialect() == sql::Dialect::Postgresql) {
    // Where the extension may not be made, searches go through all accounts.
    for (const char *wish :
         {"CREATE EXTENSION IF NOT EXISTS pg_trgm",
          "CREATE INDEX IF NOT EXISTS accounts_by_words ON accounts USING gin (search gin_trgm_ops)"})
      static_cast<void>(sql::guarded("index the words of accounts", [&]() -> Result<void> {
        auto lease = (*sessions)->get();
        if (!lease) return lease.error();
        lease->run(wish);
        return {};
      }));
  }
  return std::make_unique<AccountStore>(Private{}, std::move(*sessions));
}

void AccountStore::begin_change(Lease &lease) {
  lease.begin();
  if (!shared()) return;  // SQLite lets one write at a time
  std::vector<std::string> nothing;
  lease.run("SELECT CAST(pg_advisory_xact_lock(4702105) AS TEXT)", into(nothing));
}

Result<std::int64_t> AccountStore::stamp(const AccountId &id) {
  return with_session("look whether an account has changed", [&](Lease &lease) -> Result<std::int64_t> {
    const std::string key = id.text();
    std::vector<std::int64_t> stamps;
    lease.run("SELECT stamp FROM accounts WHERE id = $1", useRef(key), into(stamps));
    return stamps.empty() ? std::int64_t{-1} : stamps.front();
  });
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
  if (!findable(name)) return not_found(kind == ATOLL_ACCOUNT_GROUP ? "group" : "account");
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
  AccountQuery query;
  query.kind = kind;
  query.text = text;
  query.after = after;
  query.limit = limit == 0 ? kMaxPage : limit;
  return page(query);
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

Result<bool> AccountStore::holds_users(const std::string &file) {
  sql::Options options;
  options.read_only = true;
  auto database = sql::Database::open(file, options);
  if (!database) return database.error();
  for (const char *query : {"SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'accounts'",
                            "SELECT count(*) FROM accounts WHERE kind = 1"}) {
    auto statement = database->prepare(query);
    if (!statement) return statement.error();
    auto rows = statement->query();
    const auto row = rows.next();
    if (!row) return row.error();
    if (!*row || rows.integer(0) == 0) return false;
  }
  return true;
}

Result<bool> AccountStore::has_users() {
  return with_session("count accounts", [&](Lease &lease) -> Result<bool> {
    std::int64_t count = 0;
    lease.run("SELECT count(*) FROM accounts WHERE kind = 1", into(count));
    return count > 0;
  });
}

Result<void> complete(Account &account) {
  if (account.name.empty() && account.guest) account.name = account.mail;
  if (account.kind == ATOLL_ACCOUNT_GROUP) without_user_fields(account);
  if (auto checked = check_account(account); !checked) return checked;
  if (auto checked = check_name(account.name); !checked) return checked;
  if (account.id.none()) account.id = base::random_id<AccountId>();
  if (account.display_name.empty()) account.display_name = account.name;
  account.created_ns = base::now_unix_ns();
  return {};
}

void AccountStore::insert(Lease &lease, const Account &account, const std::string &password_hash) {
  const std::string id = account.id.text(), key = folded(account.name), search = search_text(account);
  const std::string display = folded(account.display_name), mail = folded(account.mail);
  const std::int64_t kind = account.kind, role = account.app_role, enabled = account.enabled ? 1 : 0,
                     guest = account.guest ? 1 : 0;
  std::int64_t number = 0;
  lease.run("SELECT coalesce(max(number), 0) + 1 FROM accounts", into(number));
  lease.run(
      "INSERT INTO accounts(id, number, kind, name, folded, display_name, folded_display, mail, folded_mail, search,"
      " app_role, enabled, guest, given_name, surname, language, description, password, created_ns, expires_ns,"
      // Never that of an earlier account with this id, which another server may remember.
      " stamp)"
      " VALUES($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $19)",
      useRef(id), useRef(number), useRef(kind), useRef(account.name), useRef(key), useRef(account.display_name),
      useRef(display), useRef(account.mail), useRef(mail), useRef(search), useRef(role), useRef(enabled), useRef(guest),
      useRef(account.given_name), useRef(account.surname), useRef(account.language), useRef(account.description),
      useRef(password_hash), useRef(account.created_ns), useRef(account.expires_ns));
  if (account.kind == ATOLL_ACCOUNT_USER) {
    const std::string issuer(kLocalIssuer);
    lease.run("INSERT INTO identities(issuer, subject, account) VALUES($1, $2, $2)", useRef(issuer), useRef(id));
  }
}

Result<Account> AccountStore::create(Account account, const std::string &password_hash) {
  if (auto completed = complete(account); !completed) return completed.error();
  auto created = with_session("create an account", [&](Lease &lease) -> Result<Account> {
    begin_change(lease);
    insert(lease, account, password_hash);
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
  lease.run(
      "SELECT count(*) FROM accounts a WHERE a.kind = 1 AND a.enabled = 1 AND a.expires_ns = 0 AND a.app_role = $1"
      " AND (a.password <> '' OR EXISTS (SELECT 1 FROM identities i WHERE i.account = a.id AND i.issuer <> 'local'))",
      useRef(role), into(admins));
  if (admins > 0) return {};
  return error(
      Status::FailedPrecondition,
      "this is the last enabled account with the role Admin that can log in and does not expire: give the role "
      "to another one first");
}

Result<void> AccountStore::require(Lease &lease, const AccountId &id, std::uint32_t kind, const char *what) {
  const std::string key = id.text();
  const std::int64_t wanted = kind;
  std::int64_t count = 0;
  lease.run("SELECT count(*) FROM accounts WHERE id = $1 AND kind = $2", useRef(key), useRef(wanted), into(count));
  if (count == 0) return not_found(what);
  return {};
}

Result<void> AccountStore::apply(Lease &lease, const Account &account, std::uint32_t fields, bool &was_admin) {
  AccountRows rows;
  const std::string id = account.id.text();
  rows.read(lease, "a WHERE a.id = $1", useRef(id));
  if (rows.empty()) return not_found("account");
  Account changed = rows.account(0);
  const auto is_admin = [&] {
    return changed.kind == ATOLL_ACCOUNT_USER && changed.enabled && changed.app_role == ATOLL_ROLE_ADMIN;
  };
  const bool before = is_admin();
  const auto take = [&](std::uint32_t field, auto Account::*member) {
    if ((fields & field) != 0) changed.*member = account.*member;
  };
  take(ATOLL_ACCOUNT_SET_NAME, &Account::name);
  take(ATOLL_ACCOUNT_SET_DISPLAY_NAME, &Account::display_name);
  take(ATOLL_ACCOUNT_SET_MAIL, &Account::mail);
  take(ATOLL_ACCOUNT_SET_GIVEN_NAME, &Account::given_name);
  take(ATOLL_ACCOUNT_SET_SURNAME, &Account::surname);
  take(ATOLL_ACCOUNT_SET_LANGUAGE, &Account::language);
  take(ATOLL_ACCOUNT_SET_DESCRIPTION, &Account::description);
  take(ATOLL_ACCOUNT_SET_ENABLED, &Account::enabled);
  take(ATOLL_ACCOUNT_SET_APP_ROLE, &Account::app_role);
  take(ATOLL_ACCOUNT_SET_EXPIRES, &Account::expires_ns);
  if (changed.display_name.empty()) changed.display_name = changed.name;
  if (changed.kind == ATOLL_ACCOUNT_GROUP) without_user_fields(changed);
  if (auto checked = check_account(changed); !checked) return checked;
  if (auto checked = check_name(changed.name); !checked) return checked;
  was_admin |= before && (!is_admin() || changed.expires_ns != 0);
  const std::string key = folded(changed.name), search = search_text(changed);
  const std::string display = folded(changed.display_name), mail = folded(changed.mail);
  const std::int64_t role = changed.app_role, enabled = changed.enabled ? 1 : 0;
  lease.run(
      "UPDATE accounts SET name = $1, folded = $2, display_name = $3, folded_display = $4, mail = $5, folded_mail = $6,"
      " search = $7, app_role = $8, enabled = $9, given_name = $10, surname = $11, language = $12, description = $13,"
      " expires_ns = $14, stamp = stamp + 1 WHERE id = $15",
      useRef(changed.name), useRef(key), useRef(changed.display_name), useRef(display), useRef(changed.mail),
      useRef(mail), useRef(search), useRef(role), useRef(enabled), useRef(changed.given_name), useRef(changed.surname),
      useRef(changed.language), useRef(changed.description), useRef(changed.expires_ns), useRef(id));
  return {};
}

Result<void> AccountStore::change(const Account &account, std::uint32_t fields) {
  auto done = with_session("change an account", [&](Lease &lease) -> Result<void> {
    begin_change(lease);
    bool was_admin = false;
    if (auto applied = apply(lease, account, fields, was_admin); !applied) return applied;
    if (was_admin) {
      if (auto kept = keep_an_admin(lease); !kept) return kept;
    }
    lease.commit();
    return {};
  });
  if (done.status() == Status::AlreadyExists)
    return error(Status::AlreadyExists, "the name " + account.name + " is taken");
  return done;
}

Result<void> AccountStore::set_password_hash(const AccountId &id, const std::string &password_hash) {
  return with_session("change a password", [&](Lease &lease) -> Result<void> {
    const std::string key = id.text();
    begin_change(lease);
    if (auto found = require(lease, id, ATOLL_ACCOUNT_USER, "user"); !found) return found;
    lease.run("UPDATE accounts SET password = $1, stamp = stamp + 1 WHERE id = $2", useRef(password_hash), useRef(key));
    lease.run("DELETE FROM app_tokens WHERE account = $1", useRef(key));
    lease.commit();
    return {};
  });
}

Result<void> AccountStore::change_password_hash(const AccountId &id, const std::string &old_hash,
                                                const std::string &new_hash, bool end_tokens) {
  return with_session("change a password", [&](Lease &lease) -> Result<void> {
    const std::string key = id.text();
    begin_change(lease);
    const auto changed =
        lease.run("UPDATE accounts SET password = $1, stamp = stamp + 1 WHERE id = $2 AND password = $3",
                  useRef(new_hash), useRef(key), useRef(old_hash));
    if (changed != 1) return error(Status::Aborted, "the password was changed by somebody else meanwhile");
    if (end_tokens) lease.run("DELETE FROM app_tokens WHERE account = $1", useRef(key));
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
    begin_change(lease);
    AccountRows rows;
    const std::string key = id.text();
    rows.read(lease, "a WHERE a.id = $1", useRef(key));
    if (rows.empty()) return not_found("account");
    const Account account = rows.account(0);
    lease.run("UPDATE accounts SET stamp = stamp + 1 WHERE id IN (SELECT user_id FROM memberships WHERE group_id = $1)",
              useRef(key));
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
    begin_change(lease);
    if (auto found = require(lease, group, ATOLL_ACCOUNT_GROUP, "group"); !found) return found;
    if (auto found = require(lease, user, ATOLL_ACCOUNT_USER, "user"); !found) return found;
    lease.run("INSERT INTO memberships(group_id, user_id) VALUES($1, $2) ON CONFLICT DO NOTHING", useRef(group_key),
              useRef(user_key));
    lease.run("UPDATE accounts SET stamp = stamp + 1 WHERE id = $1", useRef(user_key));
    lease.commit();
    return {};
  });
}

Result<void> AccountStore::member_remove(const AccountId &group, const AccountId &user) {
  return with_session("remove a member from a group", [&](Lease &lease) -> Result<void> {
    const std::string group_key = group.text();
    const std::string user_key = user.text();
    begin_change(lease);
    std::int64_t count = 0;
    lease.run("SELECT count(*) FROM memberships WHERE group_id = $1 AND user_id = $2", useRef(group_key),
              useRef(user_key), into(count));
    if (count == 0) return not_found("member of the group");
    lease.run("DELETE FROM memberships WHERE group_id = $1 AND user_id = $2", useRef(group_key), useRef(user_key));
    lease.run("UPDATE accounts SET stamp = stamp + 1 WHERE id = $1", useRef(user_key));
    lease.commit();
    return {};
  });
}

Result<void> AccountStore::note_login(const AccountId &id, std::int64_t at_ns) {
  return with_session("note a login", [&](Lease &lease) -> Result<void> {
    return note(lease, "accounts", "last_login_ns", id.text(), at_ns);
  });
}

Result<void> AccountStore::identity_add(const AccountId &id, const Identity &identity) {
  return with_session("add an identity", [&](Lease &lease) -> Result<void> {
    const std::string key = id.text();
    begin_change(lease);
    if (auto found = require(lease, id, ATOLL_ACCOUNT_USER, "user"); !found) return found;
    lease.run("INSERT INTO identities(issuer, subject, account) VALUES($1, $2, $3)", useRef(identity.issuer),
              useRef(identity.subject), useRef(key));
    lease.commit();
    return {};
  });
}

}  // namespace Atoll::auth_local
