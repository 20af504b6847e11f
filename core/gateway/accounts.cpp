// SPDX-License-Identifier: Apache-2.0
#include "core/gateway/accounts.hpp"

#include "core/base/text.hpp"
#include "core/gateway/account_rules.hpp"
#include "core/gateway/registries.hpp"

#include <Poco/UTF8String.h>

#include <algorithm>

namespace Atoll::gateway {
namespace {

/// A record with its texts, for merging the pages of several directories.
struct KeptAccount {
  atoll_account raw;
  std::string name, display_name, mail, given_name, surname, language, issuer, description;

  explicit KeptAccount(const atoll_account *from) : raw(copied(from)) {
    for (const auto &[text, kept] : fields()) {
      kept->assign(view(*text));
    }
  }
  const atoll_account *get() {
    for (const auto &[text, kept] : fields()) *text = str(*kept);
    return &raw;
  }
  const std::string &key(std::uint32_t order) const {
    return order == ATOLL_ACCOUNT_BY_DISPLAY_NAME ? display_name : order == ATOLL_ACCOUNT_BY_MAIL ? mail : name;
  }

 private:
  std::array<std::pair<atoll_str *, std::string *>, 8> fields() {
    return {{{&raw.name, &name},
             {&raw.display_name, &display_name},
             {&raw.mail, &mail},
             {&raw.given_name, &given_name},
             {&raw.surname, &surname},
             {&raw.language, &language},
             {&raw.issuer, &issuer},
             {&raw.description, &description}}};
  }
};

bool asks_for_hidden(const atoll_account_query &query, bool show_mail) {
  return query.roles != 0 || (!show_mail && (query.mail.len != 0 || query.order == ATOLL_ACCOUNT_BY_MAIL)) ||
         (query.flags & (ATOLL_ACCOUNT_QUERY_DISABLED | ATOLL_ACCOUNT_QUERY_GUESTS | ATOLL_ACCOUNT_QUERY_MEMBERS)) != 0;
}

}  // namespace

template <class Table, class F>
Result<void> Accounts::ask(const Call &call, const Lease &directory, const char *interface_id, F f) {
  const auto *table = static_cast<const Table *>(directory->query(interface_id));
  if (!table) return managed_elsewhere();
  OutgoingCall out(call.raw());
  const auto entered = directory->enter();
  return out.result(f(table, out.get(), directory->self()));
}

Result<std::vector<Lease>> Accounts::directories() {
  auto all = lookup_.all(ATOLL_DIRECTORY);
  if (all && all->empty()) return error(Status::Unavailable, "no directory is configured: add a [auth:...] section");
  return all;
}

template <class Take>
Result<Lease> Accounts::locate(const Call &call, const AccountId &id, Take take) {
  auto all = directories();
  if (!all) return std::move(all).error();
  const atoll_uuid raw = to_abi(id);
  for (Lease &directory : *all) {
    const auto sink = make_sink<atoll_account_sink>(take);
    auto asked = ask<atoll_directory>(
        call, directory, ATOLL_DIRECTORY,
        [&](const atoll_directory *t, const atoll_call *c, void *self) { return t->get(c, self, &raw, sink.get()); });
    sink.rethrow();
    if (asked) return std::move(directory);
    if (asked.status() != Status::NotFound) return std::move(asked).error();
  }
  return no_account();
}

Result<Lease> Accounts::changeable(const Call &call, const AccountId &id, std::uint32_t *kind) {
  auto found = locate(call, id, [&](const atoll_account *raw) {
    if (kind) *kind = raw->kind;
  });
  if (found && !(*found)->query(ATOLL_DIRECTORY_ADMIN)) return managed_elsewhere();
  return found;
}

atoll_account Accounts::shown(const atoll_principal &principal, const atoll_account *raw) const {
  atoll_account out = copied(raw);
  const bool own = from_abi<AccountId>(out.id) == from_abi<AccountId>(principal.account);
  if (own || is_admin(principal)) return out;
  out.app_role = ATOLL_ROLE_NONE;
  out.enabled = 1;
  out.created_ns = out.last_login_ns = out.expires_ns = 0;
  out.guest = 0;
  out.language = out.issuer = atoll_str{};
  if (!options_.show_mail) out.mail = atoll_str{};
  return out;
}

Result<void> Accounts::known_to_guest(const Call &call, Known &known) {
  const atoll_principal &principal = *call.principal();
  known.insert(from_abi<AccountId>(principal.account));
  for (std::uint64_t i = 0; i < principal.groups.count; ++i)
    known.insert(from_abi<AccountId>(principal.groups.items[i]));
  auto reached = spaces_.reachable(call);
  if (!reached) return std::move(reached).error();
  std::vector<SpaceId> spaces;
  for (const auto &[record, stale] : *reached) spaces.push_back(record.id);
  const auto sink = make_sink<atoll_member_sink>(
      [&](const atoll_member *member) { known.insert(from_abi<AccountId>(member->account)); });
  auto asked = space_admin_.members_many(call, std::move(spaces), MemberEmitter(sink.get()));
  sink.rethrow();
  return asked;
}

// ---- looking

Result<void> Accounts::account_get(const Call &call, AccountId id, AccountEmitter emit) {
  const atoll_principal *principal = call.principal();
  if (!principal) return unauthenticated();
  if (!reads_names(*principal)) {
    if (!is_guest(*principal)) return no_account();
    Known known;
    if (auto told = known_to_guest(call, known); !told) return told;
    if (known.count(id) == 0) return no_account();
  }
  auto found = locate(call, id, [&](const atoll_account *raw) { emit(shown(*principal, raw)); });
  return found ? Result<void>() : std::move(found).error();
}

Result<void> Accounts::account_find(const Call &call, std::uint32_t kind, std::string_view name, AccountEmitter emit) {
  const atoll_principal *principal = call.principal();
  if (!principal) return unauthenticated();
  Known known;
  const bool all_names = reads_names(*principal);
  if (!all_names) {
    if (!is_guest(*principal)) return no_account();
    if (auto told = known_to_guest(call, known); !told) return told;
  }
  auto all = directories();
  if (!all) return std::move(all).error();
  for (const Lease &directory : *all) {
    bool hidden = false;
    const auto sink = make_sink<atoll_account_sink>([&](const atoll_account *raw) {
      hidden = !all_names && known.count(from_abi<AccountId>(raw->id)) == 0;
      if (!hidden) emit(shown(*principal, raw));
    });
    auto asked = ask<atoll_directory>(call, directory, ATOLL_DIRECTORY,
                                      [&](const atoll_directory *t, const atoll_call *c, void *self) {
                                        return t->find(c, self, kind, str(name), sink.get());
                                      });
    sink.rethrow();
    if (asked && !hidden) return {};
    if (!asked && asked.status() != Status::NotFound) return asked;
    if (hidden) break;
  }
  return no_account();
}

Result<void> Accounts::account_search(const Call &call, std::uint32_t kind, std::string_view text,
                                      std::string_view after, std::uint64_t limit, AccountEmitter emit) {
  auto query = sized<atoll_account_query>();
  query.kind = kind;
  query.text = str(text);
  query.after = str(after);
  query.limit = limit;
  return account_page(call, query, emit);
}

Result<void> Accounts::account_page(const Call &call, const atoll_account_query &wanted, AccountEmitter emit) {
  const atoll_principal *principal = call.principal();
  if (!principal) return unauthenticated();
  atoll_account_query query = wanted;
  if (!is_admin(*principal)) {
    if (asks_for_hidden(query, options_.show_mail))
      return error(Status::PermissionDenied, "Only admins search by roles, states and mail addresses.");
    for (std::uint64_t i = 0; i < query.groups.count; ++i)
      if (!in_group(*principal, from_abi<AccountId>(query.groups.items[i])))
        return error(Status::PermissionDenied, "You may ask for the members of your own groups only.");
    if (!reads_names(*principal)) return {};  // finds nobody
    if (query.kind == ATOLL_ACCOUNT_USER) query.flags |= ATOLL_ACCOUNT_QUERY_ENABLED;
    if (!options_.show_mail) query.flags |= ATOLL_ACCOUNT_QUERY_WHOLE_MAIL;
  }
  if (query.limit == 0 || query.limit > kMostAccounts) query.limit = kMostAccounts;
  auto all = directories();
  if (!all) return std::move(all).error();
  std::vector<KeptAccount> found;
  for (const Lease &directory : *all) {
    const auto sink = make_sink<atoll_account_sink>([&](const atoll_account *raw) {
      const atoll_account account = shown(*principal, raw);
      if (all->size() == 1) return emit(account);
      found.emplace_back(&account);
      return true;
    });
    auto asked = ask<atoll_directory>(
        call, directory, ATOLL_DIRECTORY, [&](const atoll_directory *t, const atoll_call *c, void *self) {
          return ATOLL_HAS(t, atoll_directory, page) && t->page ? t->page(c, self, &query, sink.get())
                                                                : ATOLL_UNIMPLEMENTED;
        });
    sink.rethrow();
    if (!asked) return asked;
  }
  const bool down = (query.flags & ATOLL_ACCOUNT_QUERY_DESCENDING) != 0;
  std::stable_sort(found.begin(), found.end(), [&](const KeptAccount &a, const KeptAccount &b) {
    // As directories sort: a page that is merged in another order would leave accounts out.
    const auto x = std::pair(Poco::UTF8::toLower(a.key(query.order)), from_abi<AccountId>(a.raw.id));
    const auto y = std::pair(Poco::UTF8::toLower(b.key(query.order)), from_abi<AccountId>(b.raw.id));
    return down ? y < x : x < y;
  });
  std::uint64_t given = 0;
  Known seen;
  for (KeptAccount &account : found) {
    if (given == query.limit) break;
    if (!seen.insert(from_abi<AccountId>(account.raw.id)).second) continue;
    ++given;
    if (!emit(*account.get())) break;
  }
  return {};
}

Result<void> Accounts::memberships(const Call &call, std::vector<AccountId> of, bool of_groups,
                                   MembershipEmitter emit) {
  const atoll_principal *principal = call.principal();
  if (!principal) return unauthenticated();
  if (!is_admin(*principal))
    for (const AccountId &one : of)
      if (of_groups ? !in_group(*principal, one) : one != from_abi<AccountId>(principal->account))
        return error(Status::PermissionDenied, "Only admins see the memberships of others.");
  if (of.empty()) return {};
  // Who reads no names is told of those in his groups whom he knows anyway.
  const bool some = of_groups && !reads_names(*principal);
  Known known;
  if (some && is_guest(*principal)) {
    if (auto told = known_to_guest(call, known); !told) return told;
  } else if (some) {
    known.insert(from_abi<AccountId>(principal->account));
  }
  auto all = directories();
  if (!all) return std::move(all).error();
  std::vector<atoll_uuid> ids;
  for (const AccountId &one : of) ids.push_back(to_abi(one));
  const atoll_uuids raw{ids.data(), ids.size()};
  const auto sink = make_sink<atoll_membership_sink>([&](const atoll_uuid *owner, const atoll_account *account) {
    if (some && known.count(from_abi<AccountId>(account->id)) == 0) return true;
    return emit(from_abi<AccountId>(*owner), shown(*principal, account));
  });
  for (const Lease &directory : *all) {
    auto asked = ask<atoll_directory>(call, directory, ATOLL_DIRECTORY,
                                      [&](const atoll_directory *t, const atoll_call *c, void *self) {
                                        if (!ATOLL_HAS(t, atoll_directory, members_of_many) || !t->members_of_many)
                                          return ATOLL_UNIMPLEMENTED;
                                        return of_groups ? t->members_of_many(c, self, &raw, sink.get())
                                                         : t->groups_of_many(c, self, &raw, sink.get());
                                      });
    sink.rethrow();
    if (!asked) return asked;
  }
  return {};
}

Result<void> Accounts::groups_of_many(const Call &call, const std::vector<AccountId> &users, MembershipEmitter emit) {
  return memberships(call, users, false, emit);
}

Result<void> Accounts::members_of_many(const Call &call, const std::vector<AccountId> &groups, MembershipEmitter emit) {
  return memberships(call, groups, true, emit);
}

Result<void> Accounts::groups_of(const Call &call, AccountId user, AccountEmitter emit) {
  if (auto there = account_get(call, user, AccountEmitter(nullptr)); !there) return there;
  const auto sink = make_sink<atoll_membership_sink>(
      [&](const atoll_uuid *, const atoll_account *account) { return emit(*account); });
  return memberships(call, std::vector<AccountId>(1, user), false, MembershipEmitter(sink.get()));
}

Result<void> Accounts::members_of(const Call &call, AccountId group, AccountEmitter emit) {
  if (auto there = account_get(call, group, AccountEmitter(nullptr)); !there) return there;
  const auto sink = make_sink<atoll_membership_sink>(
      [&](const atoll_uuid *, const atoll_account *account) { return emit(*account); });
  return memberships(call, std::vector<AccountId>(1, group), true, MembershipEmitter(sink.get()));
}

Result<void> Accounts::me(const Call &call, AccountEmitter emit) {
  const atoll_principal *principal = call.principal();
  if (!principal) return unauthenticated();
  if (principal->kind != ATOLL_PRINCIPAL_USER) return no_account();
  auto found =
      locate(call, from_abi<AccountId>(principal->account), [&](const atoll_account *raw) { emit(copied(raw)); });
  return found ? Result<void>() : std::move(found).error();
}

}  // namespace Atoll::gateway
