// SPDX-License-Identifier: Apache-2.0
// AccountsClient: atoll.gateway.accounts/1 with values in place of sinks, for protocols.
#ifndef ATOLL_SDK_GATEWAY_ACCOUNTS_HPP
#define ATOLL_SDK_GATEWAY_ACCOUNTS_HPP

#include <atoll/abi/gateway_accounts.h>
#include <atoll/sdk/host.hpp>

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace Atoll {
inline namespace sdk0 {

/// An account as a value.
struct AccountRecord {
  AccountId id;
  std::uint32_t kind = ATOLL_ACCOUNT_USER, app_role = ATOLL_ROLE_NONE;
  bool enabled = true, guest = false;
  std::string name, display_name, mail, given_name, surname, language, issuer, description;
  std::int64_t created_ns = 0, last_login_ns = 0, expires_ns = 0;

  static AccountRecord from(const atoll_account *raw) {
    const atoll_account a = copied(raw);
    AccountRecord out;
    out.id = from_abi<AccountId>(a.id);
    out.kind = a.kind;
    out.app_role = a.app_role;
    out.enabled = a.enabled != 0;
    out.guest = a.guest != 0;
    out.name = view(a.name);
    out.display_name = view(a.display_name);
    out.mail = view(a.mail);
    out.given_name = view(a.given_name);
    out.surname = view(a.surname);
    out.language = view(a.language);
    out.issuer = view(a.issuer);
    out.description = view(a.description);
    out.created_ns = a.created_ns;
    out.last_login_ns = a.last_login_ns;
    out.expires_ns = a.expires_ns;
    return out;
  }
  /// Borrows the texts.
  atoll_account abi() const {
    auto out = sized<atoll_account>();
    out.kind = kind;
    out.app_role = app_role;
    out.enabled = enabled ? 1 : 0;
    out.guest = guest ? 1 : 0;
    out.id = to_abi(id);
    out.name = str(name);
    out.display_name = str(display_name);
    out.mail = str(mail);
    out.given_name = str(given_name);
    out.surname = str(surname);
    out.language = str(language);
    out.description = str(description);
    out.created_ns = created_ns;
    out.expires_ns = expires_ns;
    return out;
  }
};

/// What a page of accounts is asked for; see atoll_account_query.
struct AccountPage {
  std::uint32_t kind = ATOLL_ACCOUNT_USER, order = ATOLL_ACCOUNT_BY_NAME, flags = 0, roles = 0;
  std::string text, name, display_name, mail, after;
  std::vector<AccountId> groups;
  AccountId after_id;
  std::uint64_t limit = 0;
};

struct AppTokenRecord {
  Uuid id;
  std::string label, secret;  ///< secret: only when it was just made
  std::int64_t created_ns = 0, expires_ns = 0, last_used_ns = 0;
};

/// [worker]
class AccountsClient {
 public:
  using Accounts = std::vector<AccountRecord>;
  using Memberships = std::map<AccountId, Accounts>;

  explicit AccountsClient(const Host &host)
      : table_(host.query<atoll_gateway_accounts_service>(ATOLL_SERVICE_GATEWAY_ACCOUNTS)) {}
  bool there() const { return table_ != nullptr; }

  Result<AccountRecord> me(const Call &call) const {
    return one(call, [&](const atoll_call *c, const atoll_account_sink *s) { return table_->me(c, table_->self, s); });
  }
  Result<AccountRecord> get(const Call &call, const AccountId &id) const {
    const atoll_uuid raw = to_abi(id);
    return one(call, [&](const atoll_call *c, const atoll_account_sink *s) {
      return table_->directory->get(c, table_->self, &raw, s);
    });
  }
  Result<AccountRecord> find(const Call &call, std::uint32_t kind, std::string_view name) const {
    return one(call, [&](const atoll_call *c, const atoll_account_sink *s) {
      return table_->directory->find(c, table_->self, kind, str(name), s);
    });
  }
  Result<Accounts> page(const Call &call, const AccountPage &wanted) const {
    std::vector<atoll_uuid> groups;
    for (const AccountId &group : wanted.groups) groups.push_back(to_abi(group));
    auto query = sized<atoll_account_query>();
    query.kind = wanted.kind;
    query.order = wanted.order;
    query.flags = wanted.flags;
    query.roles = wanted.roles;
    query.text = str(wanted.text);
    query.name = str(wanted.name);
    query.display_name = str(wanted.display_name);
    query.mail = str(wanted.mail);
    query.groups = atoll_uuids{groups.data(), groups.size()};
    query.after = str(wanted.after);
    query.after_id = to_abi(wanted.after_id);
    query.limit = wanted.limit;
    return all(call, [&](const atoll_call *c, const atoll_account_sink *s) {
      return table_->directory->page(c, table_->self, &query, s);
    });
  }
  /// By the user.
  Result<Memberships> groups_of(const Call &call, const std::vector<AccountId> &users) const {
    return memberships(call, users, table_->directory->groups_of_many);
  }
  /// By the group.
  Result<Memberships> members_of(const Call &call, const std::vector<AccountId> &groups) const {
    return memberships(call, groups, table_->directory->members_of_many);
  }

  Result<AccountRecord> create(const Call &call, const AccountRecord &account, std::string_view password) const {
    const atoll_account raw = account.abi();
    return one(call, [&](const atoll_call *c, const atoll_account_sink *s) {
      return table_->admin->create(c, table_->self, &raw, str(password), s);
    });
  }
  /// fields: ATOLL_ACCOUNT_SET_*.
  Result<void> change(const Call &call, const AccountRecord &account, std::uint32_t fields) const {
    const atoll_account raw = account.abi();
    OutgoingCall out(call.raw());
    return out.result(table_->admin->change(out.get(), table_->self, &raw, fields));
  }
  Result<void> set_password(const Call &call, const AccountId &id, std::string_view password) const {
    const atoll_uuid raw = to_abi(id);
    OutgoingCall out(call.raw());
    return out.result(table_->admin->set_password(out.get(), table_->self, &raw, str(password)));
  }
  Result<void> remove(const Call &call, const AccountId &id) const {
    const atoll_uuid raw = to_abi(id);
    OutgoingCall out(call.raw());
    return out.result(table_->remove_account(out.get(), table_->self, &raw, 0));
  }
  Result<void> member_add(const Call &call, const AccountId &group, const AccountId &user) const {
    const atoll_uuid group_id = to_abi(group), user_id = to_abi(user);
    OutgoingCall out(call.raw());
    return out.result(table_->admin->member_add(out.get(), table_->self, &group_id, &user_id));
  }
  Result<void> member_remove(const Call &call, const AccountId &group, const AccountId &user) const {
    const atoll_uuid group_id = to_abi(group), user_id = to_abi(user);
    OutgoingCall out(call.raw());
    return out.result(table_->admin->member_remove(out.get(), table_->self, &group_id, &user_id));
  }
  /// flags: ATOLL_PASSWORD_*; Unimplemented where the host does not know them.
  Result<void> change_password(const Call &call, std::string_view old_password, std::string_view new_password,
                               std::uint32_t flags = 0) const {
    OutgoingCall out(call.raw());
    if (flags == 0)
      return out.result(table_->change_password(out.get(), table_->self, str(old_password), str(new_password)));
    if (!ATOLL_HAS(table_, atoll_gateway_accounts_service, change_password_with))
      return error(Status::Unimplemented, "This host cannot end app tokens with a new password.");
    return out.result(
        table_->change_password_with(out.get(), table_->self, str(old_password), str(new_password), flags));
  }

  /// account: none for the principal's own.
  Result<std::vector<AppTokenRecord>> tokens(const Call &call, const AccountId &account = {}) const {
    std::vector<AppTokenRecord> out;
    const atoll_uuid own = to_abi(account);
    const auto sink = make_sink<atoll_app_token_sink>([&](const atoll_app_token *raw) { out.push_back(token(raw)); });
    OutgoingCall outgoing(call.raw());
    const auto status = table_->tokens->list(outgoing.get(), table_->self, &own, sink.get());
    sink.rethrow();
    if (status != ATOLL_OK) return outgoing.error(status);
    return out;
  }
  Result<AppTokenRecord> token_create(const Call &call, std::string_view label, std::int64_t expires_ns) const {
    AppTokenRecord out;
    std::string secret;
    const atoll_uuid own{};
    const auto sink = make_sink<atoll_app_token_sink>([&](const atoll_app_token *raw) { out = token(raw); });
    const auto text = make_sink<atoll_text_sink>([&](atoll_str told) { secret = view(told); });
    OutgoingCall outgoing(call.raw());
    const auto status =
        table_->tokens->create(outgoing.get(), table_->self, &own, str(label), expires_ns, sink.get(), text.get());
    sink.rethrow();
    text.rethrow();
    if (status != ATOLL_OK) return outgoing.error(status);
    out.secret = std::move(secret);
    return out;
  }
  /// By its id, or (none) by its text.
  Result<void> token_remove(const Call &call, const Uuid &id, std::string_view secret,
                            const AccountId &account = {}) const {
    const atoll_uuid own = to_abi(account), raw = to_abi(id);
    OutgoingCall out(call.raw());
    return out.result(table_->tokens->remove(out.get(), table_->self, &own, &raw, str(secret)));
  }
  Result<void> tokens_remove_all(const Call &call, const AccountId &account = {}) const {
    const atoll_uuid own = to_abi(account);
    OutgoingCall out(call.raw());
    if (!ATOLL_HAS(table_->tokens, atoll_directory_tokens, remove_all))
      return error(Status::Unimplemented, "This host cannot remove all app tokens at once.");
    return out.result(table_->tokens->remove_all(out.get(), table_->self, &own));
  }

 private:
  static AppTokenRecord token(const atoll_app_token *raw) {
    const atoll_app_token t = copied(raw);
    return {from_abi<Uuid>(t.id), std::string(view(t.label)), {}, t.created_ns, t.expires_ns, t.last_used_ns};
  }
  template <class F>
  Result<Accounts> all(const Call &call, F f) const {
    Accounts out;
    const auto sink =
        make_sink<atoll_account_sink>([&](const atoll_account *raw) { out.push_back(AccountRecord::from(raw)); });
    OutgoingCall outgoing(call.raw());
    const std::int32_t status = f(outgoing.get(), sink.get());
    sink.rethrow();
    if (status != ATOLL_OK) return outgoing.error(status);
    return out;
  }
  template <class F>
  Result<AccountRecord> one(const Call &call, F f) const {
    auto found = all(call, f);
    if (!found) return std::move(found).error();
    if (found->size() != 1) return error(Status::Internal, "the gateway answered OK and gave no account");
    return std::move(found->front());
  }
  template <class F>
  Result<Memberships> memberships(const Call &call, const std::vector<AccountId> &of, F f) const {
    Memberships out;
    std::vector<atoll_uuid> ids;
    for (const AccountId &id : of) ids.push_back(to_abi(id));
    const atoll_uuids raw{ids.data(), ids.size()};
    const auto sink = make_sink<atoll_membership_sink>([&](const atoll_uuid *owner, const atoll_account *account) {
      out[from_abi<AccountId>(*owner)].push_back(AccountRecord::from(account));
    });
    OutgoingCall outgoing(call.raw());
    const std::int32_t status = f(outgoing.get(), table_->self, &raw, sink.get());
    sink.rethrow();
    if (status != ATOLL_OK) return outgoing.error(status);
    return out;
  }

  const atoll_gateway_accounts_service *table_;
};

}  // namespace sdk0
}  // namespace Atoll

#endif
