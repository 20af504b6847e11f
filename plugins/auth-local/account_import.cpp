// SPDX-License-Identifier: Apache-2.0
// Many accounts at once, all or none.
#include <map>

#include "plugins/auth-local/account_rows.hpp"
#include "plugins/auth-local/account_store.hpp"
#include "plugins/auth-local/names.hpp"

namespace Atoll::auth_local {

using Poco::Data::Keywords::into;
using Poco::Data::Keywords::useRef;

namespace {

constexpr std::uint32_t kTaken = ATOLL_ACCOUNT_SET_DISPLAY_NAME | ATOLL_ACCOUNT_SET_MAIL | ATOLL_ACCOUNT_SET_APP_ROLE |
                                 ATOLL_ACCOUNT_SET_ENABLED | ATOLL_ACCOUNT_SET_GIVEN_NAME | ATOLL_ACCOUNT_SET_SURNAME |
                                 ATOLL_ACCOUNT_SET_LANGUAGE | ATOLL_ACCOUNT_SET_EXPIRES | ATOLL_ACCOUNT_SET_DESCRIPTION;

AccountId id_of(sql::Sessions::Lease &lease, std::int64_t kind, const std::string &folded_name) {
  std::vector<std::string> ids;
  lease.run("SELECT id FROM accounts WHERE kind = $1 AND folded = $2", useRef(kind), useRef(folded_name), into(ids));
  return ids.empty() ? AccountId() : AccountId::parse(ids[0]).value_or(AccountId());
}

}  // namespace

Result<void> AccountStore::put_entry(Lease &lease, const ImportEntry &entry, bool update, bool &was_admin) {
  Account account = entry.account;
  if (auto completed = complete(account); !completed) return completed;
  const AccountId there = id_of(lease, account.kind, folded(account.name));
  if (there.none()) {
    std::int64_t same_id = 0;
    const std::string id = account.id.text();
    lease.run("SELECT count(*) FROM accounts WHERE id = $1", useRef(id), into(same_id));
    if (same_id > 0) return error(Status::AlreadyExists, "another account has the id " + id);
    insert(lease, account, entry.password_hash);
  } else {
    if (!update) return error(Status::AlreadyExists, "there is an account named " + account.name + " already");
    if (!entry.account.id.none() && entry.account.id != there)
      return error(Status::AlreadyExists, "the account " + account.name + " has another id");
    account.id = there;
    if (auto applied = apply(lease, account, kTaken, was_admin); !applied) return applied;
    if (!entry.password_hash.empty()) {
      const std::string id = there.text();
      lease.run("UPDATE accounts SET password = $1 WHERE id = $2", useRef(entry.password_hash), useRef(id));
    }
  }
  for (const std::string &name : entry.groups) {
    AccountId group = id_of(lease, ATOLL_ACCOUNT_GROUP, folded(name));
    if (group.none()) {
      Account made;
      made.kind = ATOLL_ACCOUNT_GROUP;
      made.app_role = ATOLL_ROLE_NONE;
      made.name = name;
      if (auto completed = complete(made); !completed)
        return error(Status::InvalidArgument, "group " + name + ": " + completed.error().message);
      insert(lease, made, "");
      group = made.id;
    }
    const std::string group_key = group.text(), user_key = account.id.text();
    lease.run("INSERT INTO memberships(group_id, user_id) VALUES($1, $2) ON CONFLICT DO NOTHING", useRef(group_key),
              useRef(user_key));
  }
  return {};
}

Result<void> AccountStore::import(const std::vector<ImportEntry> &entries, bool update, bool dry,
                                  const std::function<void(std::size_t, const std::string &)> &problem) {
  return with_session("import accounts", [&](Lease &lease) -> Result<void> {
    std::size_t wrong = 0;
    const auto complain = [&](std::size_t entry, const std::string &why) {
      ++wrong;
      problem(entry, why);
    };
    lease.begin();
    bool was_admin = false;
    std::map<std::pair<std::uint32_t, std::string>, std::size_t> seen;
    for (std::size_t i = 0; i < entries.size(); ++i) {
      const Account &account = entries[i].account;
      const std::string &name = account.name.empty() && account.guest ? account.mail : account.name;
      if (!seen.emplace(std::pair(account.kind, folded(name)), i).second) {
        complain(i, "the name " + name + " comes twice");
        continue;
      }
      auto put = put_entry(lease, entries[i], update, was_admin);
      if (put) continue;
      if (put.status() != Status::InvalidArgument && put.status() != Status::AlreadyExists) return put;
      complain(i, put.error().message);
    }
    if (wrong == 0 && was_admin) {
      if (auto kept = keep_an_admin(lease); !kept) return kept;
    }
    if (wrong > 0)
      return error(Status::InvalidArgument, std::to_string(wrong) + " of " + std::to_string(entries.size()) +
                                                " entries are wrong; nothing was changed");
    if (!dry) lease.commit();
    return {};
  });
}

}  // namespace Atoll::auth_local
