// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/gateway/lookup.hpp"
#include "core/gateway/options.hpp"
#include "core/gateway/space_admin.hpp"
#include "core/gateway/spaces.hpp"

#include <atoll/abi/gateway_accounts.h>
#include <atoll/sdk/accounts.hpp>

#include <functional>
#include <unordered_set>

namespace Atoll::gateway {

/// The directories of the server under the principal of a call: what atoll.gateway.accounts/1 offers, where the rules
/// are told. [worker]
class Accounts : public Directory<Accounts>, public DirectoryAdmin<Accounts>, public DirectoryTokens<Accounts> {
 public:
  Accounts(InstanceLookup &lookup, Spaces &spaces, SpaceAdmin &space_admin, const GatewayOptions &options)
      : lookup_(lookup), spaces_(spaces), space_admin_(space_admin), options_(options) {}

  // ---- atoll.directory/1
  Result<void> account_get(const Call &, AccountId id, AccountEmitter emit);
  Result<void> account_find(const Call &, std::uint32_t kind, std::string_view name, AccountEmitter emit);
  Result<void> account_search(const Call &, std::uint32_t kind, std::string_view text, std::string_view after,
                              std::uint64_t limit, AccountEmitter emit);
  Result<void> account_page(const Call &, const atoll_account_query &query, AccountEmitter emit);
  Result<void> groups_of(const Call &, AccountId user, AccountEmitter emit);
  Result<void> members_of(const Call &, AccountId group, AccountEmitter emit);
  Result<void> groups_of_many(const Call &, const std::vector<AccountId> &users, MembershipEmitter emit);
  Result<void> members_of_many(const Call &, const std::vector<AccountId> &groups, MembershipEmitter emit);

  // ---- atoll.directory.admin/1
  Result<void> account_create(const Call &, const atoll_account &account, std::string_view password,
                              AccountEmitter emit);
  Result<void> account_update(const Call &, const atoll_account &account);
  Result<void> account_change(const Call &, const atoll_account &account, std::uint32_t fields);
  Result<void> account_set_password(const Call &, AccountId id, std::string_view password);
  Result<void> account_remove(const Call &call, AccountId id) { return remove(call, id, false); }
  Result<void> member_add(const Call &, AccountId group, AccountId user);
  Result<void> member_remove(const Call &, AccountId group, AccountId user);
  Result<void> account_change_password(const Call &, AccountId, std::string_view, std::string_view, std::uint32_t);
  Result<void> account_import(const Call &, const std::vector<AccountEntry> &entries, std::uint32_t flags,
                              ProblemEmitter problem);

  // ---- atoll.directory.tokens/1
  Result<void> tokens_list(const Call &, AccountId account, AppTokenEmitter emit);
  Result<void> token_create(const Call &, AccountId account, std::string_view label, std::int64_t expires_ns,
                            AppTokenEmitter emit, Emitter<atoll_text_sink> secret);
  Result<void> token_remove(const Call &, AccountId account, Uuid token, std::string_view secret);
  Result<void> tokens_remove_all(const Call &, AccountId account);

  // ---- the rest
  Result<void> me(const Call &, AccountEmitter emit);
  Result<void> change_own_password(const Call &, std::string_view old_password, std::string_view new_password,
                                   std::uint32_t flags = 0);
  Result<void> remove(const Call &, const AccountId &id, bool purge);

 private:
  using Known = std::unordered_set<AccountId>;

  /// One call of a function of a directory: f(table, call, self) gives its status.
  template <class Table, class F>
  static Result<void> ask(const Call &call, const Lease &directory, const char *interface_id, F f);
  /// The account in the first directory that has it; take(record) is called there.
  template <class Take>
  Result<Lease> locate(const Call &call, const AccountId &id, Take take);
  /// The same, of a directory that can be changed.
  Result<Lease> changeable(const Call &call, const AccountId &id, std::uint32_t *kind = nullptr);
  Result<std::vector<Lease>> directories();

  /// What the principal is shown of an account. Borrows from it.
  atoll_account shown(const atoll_principal &, const atoll_account *raw) const;
  /// Whom a guest knows: himself, his groups, the members of his spaces.
  Result<void> known_to_guest(const Call &call, Known &known);
  Result<void> require_admin(const Call &call) const;
  /// The principal's own account; else PERMISSION_DENIED.
  Result<AccountId> own(const Call &call, const AccountId &account) const;
  /// The same, of any account for admins.
  Result<AccountId> tokens_of(const Call &call, const AccountId &account) const;
  /// No other directory has the name.
  Result<void> name_is_free(const Call &call, std::uint32_t kind, std::string_view name, const AccountId &but);
  Result<void> end_memberships(const Call &call, const AccountId &id, std::uint32_t kind);
  Result<void> end_personal_space(const Call &call, const AccountId &id, bool purge);
  Result<void> memberships(const Call &, std::vector<AccountId> of, bool of_groups, MembershipEmitter emit);

  InstanceLookup &lookup_;
  Spaces &spaces_;
  SpaceAdmin &space_admin_;
  const GatewayOptions &options_;
};

}  // namespace Atoll::gateway
