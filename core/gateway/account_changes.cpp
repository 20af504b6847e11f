// SPDX-License-Identifier: Apache-2.0
// Changing accounts, and what goes with the end of one.
#include "core/base/time.hpp"
#include "core/gateway/account_rules.hpp"
#include "core/gateway/accounts.hpp"
#include "core/gateway/registries.hpp"

namespace Atoll::gateway {
namespace {

/// One call of the admin table of a directory: f(table, call, self) gives its status.
template <class F>
Result<void> at_directory(const Call &call, const Lease &directory, F f) {
  const auto *table = static_cast<const atoll_directory_admin *>(directory->query(ATOLL_DIRECTORY_ADMIN));
  if (!table) return managed_elsewhere();
  OutgoingCall out(call.raw());
  const auto entered = directory->enter();
  return out.result(f(table, out.get(), directory->self()));
}

Result<void> expires_ahead(std::int64_t expires_ns) {
  if (expires_ns == 0 || expires_ns > base::now_unix_ns()) return {};
  return error(Status::InvalidArgument, "The account would have expired already.");
}

}  // namespace

Result<void> Accounts::require_admin(const Call &call) const {
  const atoll_principal *principal = call.principal();
  if (!principal) return unauthenticated();
  if (is_admin(*principal)) return {};
  return error(Status::PermissionDenied, "Only admins manage accounts.");
}

Result<AccountId> Accounts::own(const Call &call, const AccountId &account) const {
  const atoll_principal *principal = call.principal();
  if (!principal) return unauthenticated();
  const auto mine = from_abi<AccountId>(principal->account);
  if (principal->kind != ATOLL_PRINCIPAL_USER || mine.none() || (!account.none() && account != mine))
    return error(Status::PermissionDenied, "App tokens belong to the account that made them.");
  return mine;
}

Result<AccountId> Accounts::tokens_of(const Call &call, const AccountId &account) const {
  const atoll_principal *principal = call.principal();
  if (principal && is_admin(*principal) && !account.none()) return account;
  return own(call, account);
}

Result<void> Accounts::name_is_free(const Call &call, std::uint32_t kind, std::string_view name, const AccountId &but) {
  auto all = directories();
  if (!all) return std::move(all).error();
  for (const Lease &directory : *all) {
    AccountId found;
    const auto sink =
        make_sink<atoll_account_sink>([&](const atoll_account *raw) { found = from_abi<AccountId>(raw->id); });
    OutgoingCall out(call.raw());
    const auto entered = directory->enter();
    const auto *table = static_cast<const atoll_directory *>(directory->query(ATOLL_DIRECTORY));
    const std::int32_t status = table->find(out.get(), directory->self(), kind, str(name), sink.get());
    if (status == ATOLL_NOT_FOUND || (status == ATOLL_OK && found == but)) continue;
    if (status != ATOLL_OK) return out.error(status);
    return error(Status::AlreadyExists, "The name " + std::string(name) + " is taken.");
  }
  return {};
}

Result<void> Accounts::account_create(const Call &call, const atoll_account &account, std::string_view password,
                                      AccountEmitter emit) {
  if (auto may = require_admin(call); !may) return may;
  if (account.app_role > ATOLL_ROLE_USER && with_token(*call.principal())) return needs_password();
  if (account.kind != ATOLL_ACCOUNT_USER && account.kind != ATOLL_ACCOUNT_GROUP)
    return error(Status::InvalidArgument, "Only users and groups can be made.");
  if (auto ahead = expires_ahead(account.expires_ns); !ahead) return ahead;
  if (auto free = name_is_free(call, account.kind, view(account.name.len == 0 ? account.mail : account.name), {});
      !free)
    return free;
  auto all = lookup_.all(ATOLL_DIRECTORY_ADMIN);
  if (!all) return std::move(all).error();
  if (all->empty()) return managed_elsewhere();
  return at_directory(call, all->front(), [&](const atoll_directory_admin *t, const atoll_call *c, void *self) {
    return t->create(c, self, &account, str(password), emit.sink());
  });
}

Result<void> Accounts::account_update(const Call &call, const atoll_account &account) {
  return account_change(
      call, account,
      ATOLL_ACCOUNT_SET_DISPLAY_NAME | ATOLL_ACCOUNT_SET_MAIL | ATOLL_ACCOUNT_SET_APP_ROLE | ATOLL_ACCOUNT_SET_ENABLED);
}

Result<void> Accounts::account_change(const Call &call, const atoll_account &account, std::uint32_t fields) {
  const atoll_principal *principal = call.principal();
  if (!principal) return unauthenticated();
  const auto id = from_abi<AccountId>(account.id);
  const bool own_language = fields == ATOLL_ACCOUNT_SET_LANGUAGE && principal->kind == ATOLL_PRINCIPAL_USER &&
                            id == from_abi<AccountId>(principal->account);
  if (!own_language)
    if (auto may = require_admin(call); !may) return may;
  if ((fields & ATOLL_ACCOUNT_SET_APP_ROLE) != 0 && account.app_role > ATOLL_ROLE_USER && with_token(*principal))
    return needs_password();
  if ((fields & ATOLL_ACCOUNT_SET_EXPIRES) != 0)
    if (auto ahead = expires_ahead(account.expires_ns); !ahead) return ahead;
  std::uint32_t kind = 0;
  auto directory = changeable(call, id, &kind);
  if (!directory) return std::move(directory).error();
  if ((fields & ATOLL_ACCOUNT_SET_NAME) != 0)
    if (auto free = name_is_free(call, kind, view(account.name), id); !free) return free;
  return at_directory(call, *directory, [&](const atoll_directory_admin *t, const atoll_call *c, void *self) {
    return ATOLL_HAS(t, atoll_directory_admin, change) && t->change ? t->change(c, self, &account, fields)
                                                                    : ATOLL_UNIMPLEMENTED;
  });
}

Result<void> Accounts::account_set_password(const Call &call, AccountId id, std::string_view password) {
  if (auto may = require_admin(call); !may) return may;
  if (with_token(*call.principal())) return needs_password();
  auto directory = changeable(call, id);
  if (!directory) return std::move(directory).error();
  const atoll_uuid raw = to_abi(id);
  return at_directory(call, *directory, [&](const atoll_directory_admin *t, const atoll_call *c, void *self) {
    return t->set_password(c, self, &raw, str(password));
  });
}

Result<void> Accounts::account_change_password(const Call &, AccountId, std::string_view, std::string_view,
                                               std::uint32_t) {
  return error(Status::Unimplemented, "Everybody changes his own password only.");
}

Result<void> Accounts::change_own_password(const Call &call, std::string_view old_password,
                                           std::string_view new_password, std::uint32_t flags) {
  const atoll_principal *principal = call.principal();
  if (!principal) return unauthenticated();
  if (principal->kind != ATOLL_PRINCIPAL_USER) return error(Status::PermissionDenied, "Only users have a password.");
  if (with_token(*principal)) return needs_password();
  auto directory = changeable(call, from_abi<AccountId>(principal->account));
  if (!directory) return std::move(directory).error();
  return at_directory(call, *directory, [&](const atoll_directory_admin *t, const atoll_call *c, void *self) {
    if (flags != 0)
      return ATOLL_HAS(t, atoll_directory_admin, change_password_with) && t->change_password_with
                 ? t->change_password_with(c, self, &principal->account, str(old_password), str(new_password), flags)
                 : ATOLL_UNIMPLEMENTED;
    return ATOLL_HAS(t, atoll_directory_admin, change_password) && t->change_password
               ? t->change_password(c, self, &principal->account, str(old_password), str(new_password))
               : ATOLL_UNIMPLEMENTED;
  });
}

Result<void> Accounts::member_add(const Call &call, AccountId group, AccountId user) {
  if (auto may = require_admin(call); !may) return may;
  auto directory = changeable(call, group);
  if (!directory) return std::move(directory).error();
  const atoll_uuid group_id = to_abi(group), user_id = to_abi(user);
  return at_directory(call, *directory, [&](const atoll_directory_admin *t, const atoll_call *c, void *self) {
    return t->member_add(c, self, &group_id, &user_id);
  });
}

Result<void> Accounts::member_remove(const Call &call, AccountId group, AccountId user) {
  if (auto may = require_admin(call); !may) return may;
  auto directory = changeable(call, group);
  if (!directory) return std::move(directory).error();
  const atoll_uuid group_id = to_abi(group), user_id = to_abi(user);
  return at_directory(call, *directory, [&](const atoll_directory_admin *t, const atoll_call *c, void *self) {
    return t->member_remove(c, self, &group_id, &user_id);
  });
}

Result<void> Accounts::account_import(const Call &call, const std::vector<AccountEntry> &entries, std::uint32_t flags,
                                      ProblemEmitter problem) {
  if (auto may = require_admin(call); !may) return may;
  if (with_token(*call.principal())) return needs_password();
  auto all = lookup_.all(ATOLL_DIRECTORY_ADMIN);
  if (!all) return std::move(all).error();
  if (all->empty()) return managed_elsewhere();
  auto known = directories();
  if (!known) return std::move(known).error();
  std::vector<atoll_account_entry> raw;
  std::vector<std::vector<atoll_str>> groups(entries.size()), members(entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    auto one = sized<atoll_account_entry>();
    one.account = entries[i].account;
    one.password = str(entries[i].password);
    for (const std::string_view group : entries[i].groups) groups[i].push_back(str(group));
    for (const std::string_view member : entries[i].members) members[i].push_back(str(member));
    one.groups = atoll_strs{groups[i].data(), groups[i].size()};
    one.members = atoll_strs{members[i].data(), members[i].size()};
    one.fields = entries[i].fields;
    raw.push_back(one);
  }
  if (known->size() > 1) {
    for (std::size_t i = 0; i < entries.size(); ++i) {
      // What the directory that takes them has is its own to judge.
      for (const Lease &directory : *known) {
        if (directory->name() == all->front()->name()) continue;
        OutgoingCall out(call.raw());
        const auto sink = make_sink<atoll_account_sink>([](const atoll_account *) {});
        const auto entered = directory->enter();
        const auto *table = static_cast<const atoll_directory *>(directory->query(ATOLL_DIRECTORY));
        const atoll_account &one = raw[i].account;
        const auto status =
            table->find(out.get(), directory->self(), one.kind, one.name.len == 0 ? one.mail : one.name, sink.get());
        if (status == ATOLL_NOT_FOUND) continue;
        if (status != ATOLL_OK) return out.error(status);
        problem(i, "another directory has this name");
        return error(Status::InvalidArgument, "a name is taken by another directory; nothing was changed");
      }
    }
  }
  const auto sink =
      make_sink<atoll_import_sink>([&](std::uint64_t entry, atoll_str why) { return problem(entry, view(why)); });
  auto done = at_directory(call, all->front(), [&](const atoll_directory_admin *t, const atoll_call *c, void *self) {
    return ATOLL_HAS(t, atoll_directory_admin, import_) && t->import_
               ? t->import_(c, self, raw.data(), raw.size(), sizeof(atoll_account_entry), flags, sink.get())
               : ATOLL_UNIMPLEMENTED;
  });
  sink.rethrow();
  return done;
}

// ---- the end of an account

Result<void> Accounts::end_memberships(const Call &call, const AccountId &id, std::uint32_t kind) {
  const Registries &registries = spaces_.registries();
  auto all = registries.all();
  if (!all) return std::move(all).error();
  // Asked as the account itself: that is who the registry tells of its spaces.
  const atoll_uuid raw = to_abi(id);
  auto principal = sized<atoll_principal>();
  principal.kind = ATOLL_PRINCIPAL_USER;
  principal.account = raw;
  if (kind == ATOLL_ACCOUNT_GROUP) principal.groups = atoll_uuids{&raw, 1};
  OutgoingCall as_account(call.raw());
  const Call own(as_account.principal(&principal).get());
  for (const Lease &registry : *all) {
    std::vector<SpaceId> spaces;
    auto asked = registries.ask(
        own, registry,
        [](const RegistryTable &t, const atoll_call *c, void *self, const atoll_space_record_sink *sink) {
          return t->spaces_of(c, self, sink);
        },
        [&](const SpaceRecord &record) {
          if (record.type != ATOLL_SPACE_PERSONAL) spaces.push_back(record.id);
        });
    if (!asked) return asked;
    for (const SpaceId &space : spaces) {
      const atoll_uuid space_id = to_abi(space);
      auto removed = registries.call(call, registry, [&](const RegistryTable &t, const atoll_call *c, void *self) {
        return t->member_remove(c, self, &space_id, &raw);
      });
      if (!removed && removed.status() != Status::NotFound) return removed;
    }
  }
  return {};
}

Result<void> Accounts::end_personal_space(const Call &call, const AccountId &id, bool purge) {
  const atoll_uuid raw = to_abi(id);
  auto found = spaces_.registries().find_record(
      call, [&](const RegistryTable &t, const atoll_call *c, void *self, const atoll_space_record_sink *sink) {
        return t->personal(c, self, &raw, sink);
      });
  if (found.status() == Status::NotFound) return {};
  if (!found) return std::move(found).error();
  const SpaceRecord &record = found->record;
  const bool purging = record.state == ATOLL_SPACE_STATE_PURGING;
  if (record.state != ATOLL_SPACE_STATE_DISABLED && !purging)
    if (auto disabled = space_admin_.disable(call, record.id); !disabled) return disabled;
  return purge || purging ? space_admin_.purge(call, record.id) : Result<void>();
}

Result<void> Accounts::remove(const Call &call, const AccountId &id, bool purge) {
  if (auto may = require_admin(call); !may) return may;
  std::uint32_t kind = 0;
  auto directory = changeable(call, id, &kind);
  if (!directory) return std::move(directory).error();
  const atoll_uuid raw = to_abi(id);
  if (kind == ATOLL_ACCOUNT_USER) {
    // From here on he cannot log in, so nothing of his is made anew; this also keeps the last admin.
    auto ended = sized<atoll_account>();
    ended.id = raw;
    ended.kind = kind;
    if (auto disabled = account_change(call, ended, ATOLL_ACCOUNT_SET_ENABLED); !disabled) return disabled;
    if (auto done = end_personal_space(call, id, purge); !done) return done;
  }
  if (auto done = end_memberships(call, id, kind); !done) return done;
  auto removed = at_directory(call, *directory, [&](const atoll_directory_admin *t, const atoll_call *c, void *self) {
    return t->remove(c, self, &raw);
  });
  if (!removed) return removed;
  // A request of his, or an invitation, that was under way may have come to its end since: that ends, too. Nobody is
  // let in by what this cannot reach.
  if (kind == ATOLL_ACCOUNT_USER) static_cast<void>(end_personal_space(call, id, purge));
  static_cast<void>(end_memberships(call, id, kind));
  return {};
}

// ---- app tokens

namespace {

template <class F>
Result<void> at_tokens(const Call &call, const Lease &directory, F f) {
  const auto *table = static_cast<const atoll_directory_tokens *>(directory->query(ATOLL_DIRECTORY_TOKENS));
  if (!table) return error(Status::FailedPrecondition, "This account's directory has no app tokens.");
  OutgoingCall out(call.raw());
  const auto entered = directory->enter();
  return out.result(f(table, out.get(), directory->self()));
}

}  // namespace

Result<void> Accounts::tokens_list(const Call &call, AccountId account, AppTokenEmitter emit) {
  auto mine = tokens_of(call, account);
  if (!mine) return std::move(mine).error();
  auto directory = changeable(call, *mine);
  if (!directory) return std::move(directory).error();
  const atoll_uuid raw = to_abi(*mine);
  return at_tokens(call, *directory, [&](const atoll_directory_tokens *t, const atoll_call *c, void *self) {
    return t->list(c, self, &raw, emit.sink());
  });
}

Result<void> Accounts::token_create(const Call &call, AccountId account, std::string_view label,
                                    std::int64_t expires_ns, AppTokenEmitter emit, Emitter<atoll_text_sink> secret) {
  auto mine = own(call, account);
  if (!mine) return std::move(mine).error();
  if (with_token(*call.principal())) return needs_password();
  auto directory = changeable(call, *mine);
  if (!directory) return std::move(directory).error();
  const atoll_uuid raw = to_abi(*mine);
  return at_tokens(call, *directory, [&](const atoll_directory_tokens *t, const atoll_call *c, void *self) {
    return t->create(c, self, &raw, str(label), expires_ns, emit.sink(), secret.sink());
  });
}

Result<void> Accounts::token_remove(const Call &call, AccountId account, Uuid token, std::string_view secret) {
  auto mine = tokens_of(call, account);
  if (!mine) return std::move(mine).error();
  // Whoever knows its text has it: that ends it, whatever he logged in with.
  if (!token.none() && with_token(*call.principal())) return needs_password();
  auto directory = changeable(call, *mine);
  if (!directory) return std::move(directory).error();
  const atoll_uuid raw = to_abi(*mine), token_id = to_abi(token);
  return at_tokens(call, *directory, [&](const atoll_directory_tokens *t, const atoll_call *c, void *self) {
    return t->remove(c, self, &raw, &token_id, str(secret));
  });
}

Result<void> Accounts::tokens_remove_all(const Call &call, AccountId account) {
  auto mine = tokens_of(call, account);
  if (!mine) return std::move(mine).error();
  if (with_token(*call.principal())) return needs_password();
  auto directory = changeable(call, *mine);
  if (!directory) return std::move(directory).error();
  const atoll_uuid raw = to_abi(*mine);
  return at_tokens(call, *directory, [&](const atoll_directory_tokens *t, const atoll_call *c, void *self) {
    return ATOLL_HAS(t, atoll_directory_tokens, remove_all) && t->remove_all ? t->remove_all(c, self, &raw)
                                                                             : ATOLL_UNIMPLEMENTED;
  });
}

}  // namespace Atoll::gateway
