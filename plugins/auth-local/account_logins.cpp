// SPDX-License-Identifier: Apache-2.0
// What logins need to know, and app tokens.
#include "core/base/time.hpp"
#include "core/base/uuid.hpp"
#include "plugins/auth-local/account_rows.hpp"
#include "plugins/auth-local/account_store.hpp"

namespace Atoll::auth_local {

using Poco::Data::Keywords::into;
using Poco::Data::Keywords::useRef;

namespace {

constexpr std::int64_t kMostTokens = 100;

/// Of a row and the groups of its account.
Credentials credentials_of(sql::Sessions::Lease &lease, const AccountRows &rows) {
  const Account account = rows.account(0);
  Credentials found;
  found.enabled = account.enabled && (account.expires_ns == 0 || account.expires_ns > base::now_unix_ns());
  found.expires_ns = account.expires_ns;
  found.last_login_ns = account.last_login_ns;
  found.stamp = rows.stamp(0);
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
  return found;
}

}  // namespace

Result<std::optional<Credentials>> AccountStore::credentials(const std::string &folded_name) {
  return with_session("look up a login", [&](Lease &lease) -> Result<std::optional<Credentials>> {
    AccountRows rows;
    const std::int64_t user = ATOLL_ACCOUNT_USER;
    rows.read(lease, "a WHERE a.kind = $1 AND a.folded = $2", useRef(user), useRef(folded_name));
    if (rows.empty()) return std::optional<Credentials>();
    return std::optional<Credentials>(credentials_of(lease, rows));
  });
}

Result<std::optional<TokenCredentials>> AccountStore::token_credentials(const std::string &folded_name,
                                                                        const std::string &digest) {
  return with_session("look up an app token", [&](Lease &lease) -> Result<std::optional<TokenCredentials>> {
    AccountRows rows;
    std::vector<std::string> tokens;
    const std::int64_t user = ATOLL_ACCOUNT_USER, now = base::now_unix_ns();
    rows.read_with(lease, "t.id", tokens,
                   "app_tokens t JOIN accounts a ON a.id = t.account WHERE t.digest = $1 AND (t.expires_ns = 0 OR"
                   " t.expires_ns > $2) AND a.kind = $3 AND a.folded = $4",
                   useRef(digest), useRef(now), useRef(user), useRef(folded_name));
    if (rows.empty()) return std::optional<TokenCredentials>();
    TokenCredentials found;
    found.account = credentials_of(lease, rows);
    found.token = Uuid::parse(tokens[0]).value_or(Uuid());
    lease.run("SELECT expires_ns, last_used_ns FROM app_tokens WHERE id = $1", useRef(tokens[0]),
              into(found.expires_ns), into(found.last_used_ns));
    return std::optional<TokenCredentials>(std::move(found));
  });
}

Result<std::vector<AppToken>> AccountStore::tokens_of(const AccountId &id) {
  return with_session("list app tokens", [&](Lease &lease) -> Result<std::vector<AppToken>> {
    const std::string key = id.text();
    const std::int64_t now = base::now_unix_ns();
    std::vector<std::string> ids, labels;
    std::vector<std::int64_t> created, expire, used;
    lease.run(
        "SELECT id, label, created_ns, expires_ns, last_used_ns FROM app_tokens WHERE account = $1 AND (expires_ns = 0"
        " OR expires_ns > $2) ORDER BY created_ns, id",
        useRef(key), useRef(now), into(ids), into(labels), into(created), into(expire), into(used));
    std::vector<AppToken> out;
    for (std::size_t i = 0; i < ids.size(); ++i)
      out.push_back({Uuid::parse(ids[i]).value_or(Uuid()), labels[i], created[i], expire[i], used[i]});
    return out;
  });
}

Result<AppToken> AccountStore::token_add(const AccountId &account, AppToken token, const std::string &digest) {
  return with_session("make an app token", [&](Lease &lease) -> Result<AppToken> {
    const std::string key = account.text();
    const std::int64_t now = base::now_unix_ns();
    begin_change(lease);
    if (auto found = require(lease, account, ATOLL_ACCOUNT_USER, "user"); !found) return found.error();
    lease.run("DELETE FROM app_tokens WHERE account = $1 AND expires_ns > 0 AND expires_ns <= $2", useRef(key),
              useRef(now));
    std::int64_t count = 0;
    lease.run("SELECT count(*) FROM app_tokens WHERE account = $1", useRef(key), into(count));
    if (count >= kMostTokens)
      return error(Status::FailedPrecondition, "you have " + std::to_string(count) + " app tokens: delete some first");
    token.id = base::random_id<Uuid>();
    token.created_ns = now;
    token.last_used_ns = 0;
    const std::string id = token.id.text();
    lease.run(
        "INSERT INTO app_tokens(id, account, label, digest, created_ns, expires_ns, last_used_ns)"
        " VALUES($1, $2, $3, $4, $5, $6, $7)",
        useRef(id), useRef(key), useRef(token.label), useRef(digest), useRef(token.created_ns),
        useRef(token.expires_ns), useRef(token.last_used_ns));
    lease.commit();
    return token;
  });
}

Result<void> AccountStore::token_remove(const AccountId &account, const Uuid &token, const std::string &digest) {
  return with_session("delete an app token", [&](Lease &lease) -> Result<void> {
    const std::string key = account.text(), which = token.none() ? digest : token.text();
    const std::string where = token.none() ? "digest" : "id";
    std::int64_t count = 0;
    begin_change(lease);
    lease.run("SELECT count(*) FROM app_tokens WHERE account = $1 AND " + where + " = $2", useRef(key), useRef(which),
              into(count));
    if (count == 0) return error(Status::NotFound, "there is no such app token");
    lease.run("DELETE FROM app_tokens WHERE account = $1 AND " + where + " = $2", useRef(key), useRef(which));
    lease.run("UPDATE accounts SET stamp = stamp + 1 WHERE id = $1", useRef(key));
    lease.commit();
    return {};
  });
}

Result<void> AccountStore::tokens_remove_all(const AccountId &account) {
  return with_session("delete app tokens", [&](Lease &lease) -> Result<void> {
    const std::string key = account.text();
    begin_change(lease);
    lease.run("DELETE FROM app_tokens WHERE account = $1", useRef(key));
    lease.run("UPDATE accounts SET stamp = stamp + 1 WHERE id = $1", useRef(key));
    lease.commit();
    return {};
  });
}

Result<void> AccountStore::note(Lease &lease, const std::string &table, const std::string &column,
                                const std::string &id, std::int64_t at_ns) {
  if (shared()) {
    lease.run("UPDATE " + table + " SET " + column + " = $1 WHERE id IN (SELECT id FROM " + table +
                  " WHERE id = $2 FOR UPDATE SKIP LOCKED)",
              useRef(at_ns), useRef(id));
    return {};
  }
  struct Patience {
    explicit Patience(Lease &of) : lease(of) { *lease << "PRAGMA busy_timeout=0", Poco::Data::Keywords::now; }
    ~Patience() {
      try {
        *lease << "PRAGMA busy_timeout=5000", Poco::Data::Keywords::now;
      } catch (const std::exception &) {
        // then this session does not wait; what it cannot do is told as Unavailable
      }
    }
    Patience(const Patience &) = delete;
    Patience &operator=(const Patience &) = delete;
    Lease &lease;
  } none(lease);
  lease.run("UPDATE " + table + " SET " + column + " = $1 WHERE id = $2", useRef(at_ns), useRef(id));
  return {};
}

Result<void> AccountStore::note_token_use(const Uuid &token, std::int64_t at_ns) {
  return with_session("note the use of an app token", [&](Lease &lease) -> Result<void> {
    return note(lease, "app_tokens", "last_used_ns", token.text(), at_ns);
  });
}

}  // namespace Atoll::auth_local
