// SPDX-License-Identifier: Apache-2.0
// Auth<D>, Directory<D>, DirectoryAdmin<D>: the driver's side of the account interfaces.
#ifndef ATOLL_SDK_ACCOUNTS_HPP
#define ATOLL_SDK_ACCOUNTS_HPP

#include <atoll/abi/auth.h>
#include <atoll/abi/directory.h>
#include <atoll/sdk/call.hpp>

#include <memory>

namespace Atoll {
inline namespace sdk0 {

using AccountEmitter = Emitter<atoll_account_sink>;

/// D has authenticate(const Call &, const atoll_credential &), giving Result<Principal> or
/// Result<std::shared_ptr<const Principal>>.
template <class D>
class Auth {
  static const Principal &value(const Principal &principal) { return principal; }
  static const Principal &value(const std::shared_ptr<const Principal> &principal) { return *principal; }

 public:
  static constexpr const char *interface_id = ATOLL_AUTH;
  static const atoll_auth *table() noexcept {
    static const atoll_auth t = [] {
      auto made = sized<atoll_auth>();
      made.authenticate = [](const atoll_call *c, void *self, const atoll_credential *credential,
                             const atoll_principal_sink *sink) noexcept {
        return guarded(c, [&]() -> Result<void> {
          auto principal = static_cast<D *>(self)->authenticate(Call(c), copied(credential));
          if (!principal) return std::move(principal).error();
          sink->emit(sink->context, AbiPrincipal(value(*principal)).get());
          return {};
        });
      };
      return made;
    }();
    return &t;
  }
};

/// D has, each with a const Call & first and giving Result<void>:
///   account_get(AccountId, emitter)  account_find(uint32_t kind, string_view name, emitter)
///   account_search(uint32_t kind, string_view text, string_view after, uint64_t limit, emitter)
///   groups_of(AccountId, emitter)  members_of(AccountId, emitter)
template <class D>
class Directory {
 public:
  static constexpr const char *interface_id = ATOLL_DIRECTORY;
  static const atoll_directory *table() noexcept {
    static const atoll_directory t = [] {
      using C = const atoll_call *;
      using S = const atoll_account_sink *;
      auto made = sized<atoll_directory>();
      made.get = [](C c, void *self, const atoll_uuid *id, S sink) noexcept {
        return guarded(c, [&] { return d(self).account_get(Call(c), from_abi<AccountId>(*id), AccountEmitter(sink)); });
      };
      made.find = [](C c, void *self, std::uint32_t kind, atoll_str name, S sink) noexcept {
        return guarded(c, [&] { return d(self).account_find(Call(c), kind, view(name), AccountEmitter(sink)); });
      };
      made.search = [](C c, void *self, std::uint32_t kind, atoll_str text, atoll_str after, std::uint64_t limit,
                       S sink) noexcept {
        return guarded(c, [&] {
          return d(self).account_search(Call(c), kind, view(text), view(after), limit, AccountEmitter(sink));
        });
      };
      made.groups_of = [](C c, void *self, const atoll_uuid *user, S sink) noexcept {
        return guarded(c, [&] { return d(self).groups_of(Call(c), from_abi<AccountId>(*user), AccountEmitter(sink)); });
      };
      made.members_of = [](C c, void *self, const atoll_uuid *group, S sink) noexcept {
        return guarded(c,
                       [&] { return d(self).members_of(Call(c), from_abi<AccountId>(*group), AccountEmitter(sink)); });
      };
      return made;
    }();
    return &t;
  }

 private:
  static D &d(void *self) noexcept { return *static_cast<D *>(self); }
};

/// D has, each with a const Call & first and giving Result<void>:
///   account_create(atoll_account, string_view password, emitter)  account_update(atoll_account)
///   account_set_password(AccountId, string_view)  account_remove(AccountId)
///   member_add(AccountId group, AccountId user)  member_remove(AccountId group, AccountId user)
template <class D>
class DirectoryAdmin {
 public:
  static constexpr const char *interface_id = ATOLL_DIRECTORY_ADMIN;
  static const atoll_directory_admin *table() noexcept {
    static const atoll_directory_admin t = [] {
      using C = const atoll_call *;
      using U = const atoll_uuid *;
      auto made = sized<atoll_directory_admin>();
      made.create = [](C c, void *self, const atoll_account *account, atoll_str password,
                       const atoll_account_sink *sink) noexcept {
        return guarded(
            c, [&] { return d(self).account_create(Call(c), copied(account), view(password), AccountEmitter(sink)); });
      };
      made.update = [](C c, void *self, const atoll_account *account) noexcept {
        return guarded(c, [&] { return d(self).account_update(Call(c), copied(account)); });
      };
      made.set_password = [](C c, void *self, U id, atoll_str password) noexcept {
        return guarded(c,
                       [&] { return d(self).account_set_password(Call(c), from_abi<AccountId>(*id), view(password)); });
      };
      made.remove = [](C c, void *self, U id) noexcept {
        return guarded(c, [&] { return d(self).account_remove(Call(c), from_abi<AccountId>(*id)); });
      };
      made.member_add = [](C c, void *self, U group, U user) noexcept {
        return guarded(
            c, [&] { return d(self).member_add(Call(c), from_abi<AccountId>(*group), from_abi<AccountId>(*user)); });
      };
      made.member_remove = [](C c, void *self, U group, U user) noexcept {
        return guarded(
            c, [&] { return d(self).member_remove(Call(c), from_abi<AccountId>(*group), from_abi<AccountId>(*user)); });
      };
      return made;
    }();
    return &t;
  }

 private:
  static D &d(void *self) noexcept { return *static_cast<D *>(self); }
};

}  // namespace sdk0
}  // namespace Atoll

#endif
