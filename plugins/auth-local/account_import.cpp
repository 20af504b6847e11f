// SPDX-License-Identifier: Apache-2.0
// Many accounts at once, all or none.
#include <set>

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

void put_membership(sql::Sessions::Lease &lease, const AccountId &group, const AccountId &user) {
  const std::string group_key = group.text(), user_key = user.text();
  lease.run("INSERT INTO memberships(group_id, user_id) VALUES($1, $2) ON CONFLICT DO NOTHING", useRef(group_key),
            useRef(user_key));
  lease.run("UPDATE accounts SET stamp = stamp + 1 WHERE id = $1", useRef(user_key));
}

}  // namespace

Result<void> AccountStore::put_change(Lease &lease, const ImportEntry &entry, const AccountId &there, bool &was_admin) {
  Account account = entry.account;
  if (!account.id.none() && account.id != there)
    return error(Status::AlreadyExists, "the account " + account.name + " has another id");
  account.id = there;
  const std::string id = there.text();
  std::int64_t guest = 0;
  lease.run("SELECT guest FROM accounts WHERE id = $1", useRef(id), into(guest));
  if ((entry.fields & ATOLL_ACCOUNT_SET_GUEST) != 0 && account.guest != (guest != 0))
    return error(Status::InvalidArgument, "the account " + account.name +
                                              (guest != 0 ? " is a guest" : " is no guest") +
                                              ", which an import cannot change");
  if (auto applied = apply(lease, account, entry.fields & kTaken, was_admin); !applied) return applied;
  if (entry.password_hash.empty()) return {};
  lease.run("UPDATE accounts SET password = $1, stamp = stamp + 1 WHERE id = $2", useRef(entry.password_hash),
            useRef(id));
  lease.run("DELETE FROM app_tokens WHERE account = $1", useRef(id));
  return {};
}

Result<void> AccountStore::put_groups(Lease &lease, const AccountId &user, const std::vector<std::string> &names) {
  for (const std::string &name : names) {
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
    put_membership(lease, group, user);
  }
  return {};
}

Result<void> AccountStore::put_members(Lease &lease, const ImportEntry &entry) {
  if (entry.members.empty()) return {};
  if (entry.account.kind != ATOLL_ACCOUNT_GROUP) return error(Status::InvalidArgument, "only groups have members");
  const AccountId group = id_of(lease, ATOLL_ACCOUNT_GROUP, folded(entry.account.name));
  for (const std::string &name : entry.members) {
    const AccountId user = id_of(lease, ATOLL_ACCOUNT_USER, folded(name));
    if (user.none()) return error(Status::InvalidArgument, "the member '" + name + "' is no user of the file or here");
    put_membership(lease, group, user);
  }
  return {};
}

Result<void> AccountStore::put_entry(Lease &lease, const ImportEntry &entry, bool update, bool &was_admin) {
  ImportEntry put = entry;
  Account &account = put.account;
  if (account.name.empty() && account.guest) account.name = account.mail;
  if (auto checked = check_name(account.name); !checked) return checked;
  AccountId id = id_of(lease, account.kind, folded(account.name));
  if (id.none()) {
    if (auto completed = complete(account); !completed) return completed;
    id = account.id;
    std::int64_t same_id = 0;
    const std::string key = id.text();
    lease.run("SELECT count(*) FROM accounts WHERE id = $1", useRef(key), into(same_id));
    if (same_id > 0) return error(Status::AlreadyExists, "another account has the id " + key);
    insert(lease, account, entry.password_hash);
  } else {
    if (!update) return error(Status::AlreadyExists, "there is an account named " + account.name + " already");
    if (auto changed = put_change(lease, put, id, was_admin); !changed) return changed;
  }
  return put_groups(lease, id, entry.groups);
}

Result<void> AccountStore::import(const std::vector<ImportEntry> &entries, bool update, bool dry,
                                  const std::function<void(std::size_t, const std::string &)> &problem) {
  return with_session("import accounts", [&](Lease &lease) -> Result<void> {
    std::size_t wrong = 0;
    const auto complain = [&](std::size_t entry, const std::string &why) {
      ++wrong;
      problem(entry, why);
    };
    begin_change(lease);
    bool was_admin = false;
    std::set<std::pair<std::uint32_t, std::string>> seen;
    const auto each = [&](auto takes, auto put_one) -> Result<void> {
      for (std::size_t i = 0; i < entries.size(); ++i) {
        if (!takes(entries[i])) continue;
        auto put = put_one(entries[i]);
        if (put) continue;
        if (put.status() != Status::InvalidArgument && put.status() != Status::AlreadyExists) return put;
        complain(i, put.error().message);
      }
      return {};
    };
    const auto put_once = [&](const ImportEntry &entry) -> Result<void> {
      const Account &account = entry.account;
      const std::string &name = account.name.empty() && account.guest ? account.mail : account.name;
      if (!seen.emplace(account.kind, folded(name)).second)
        return error(Status::AlreadyExists, "the name " + name + " comes twice");
      return put_entry(lease, entry, update, was_admin);
    };
    // Groups first: users name them, and make those that are missing.
    for (const bool groups : {true, false})
      if (auto put =
              each([&](const ImportEntry &entry) { return (entry.account.kind == ATOLL_ACCOUNT_GROUP) == groups; },
                   put_once);
          !put)
        return put;
    if (wrong == 0)
      if (auto put = each([](const ImportEntry &entry) { return !entry.members.empty(); },
                          [&](const ImportEntry &entry) { return put_members(lease, entry); });
          !put)
        return put;
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
