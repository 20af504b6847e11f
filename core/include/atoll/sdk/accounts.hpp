// SPDX-License-Identifier: Apache-2.0
// Auth<D>, Directory<D>, DirectoryAdmin<D>, DirectoryTokens<D>: the driver's side of the account interfaces.
#ifndef ATOLL_SDK_ACCOUNTS_HPP
#define ATOLL_SDK_ACCOUNTS_HPP

#include <atoll/abi/auth.h>
#include <atoll/abi/directory.h>
#include <atoll/sdk/call.hpp>

#include <memory>
#include <vector>

namespace Atoll {
inline namespace sdk0 {

using AccountEmitter = Emitter<atoll_account_sink>;
using AppTokenEmitter = Emitter<atoll_app_token_sink>;

/// Emits accounts with what they belong to.
class MembershipEmitter {
 public:
  explicit MembershipEmitter(const atoll_membership_sink *sink) : sink_(sink) {}
  bool operator()(const AccountId &of, const atoll_account &account) const {
    const atoll_uuid id = to_abi(of);
    return sink_->emit(sink_->context, &id, &account) == 0;
  }

 private:
  const atoll_membership_sink *sink_;
};

/// Emits what is wrong with an entry of an import.
class ProblemEmitter {
 public:
  explicit ProblemEmitter(const atoll_import_sink *sink) : sink_(sink) {}
  bool operator()(std::uint64_t entry, std::string_view problem) const {
    return sink_ == nullptr || sink_->emit(sink_->context, entry, str(problem)) == 0;
  }

 private:
  const atoll_import_sink *sink_;
};

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
/// and, all or none of them,
///   account_page(const atoll_account_query &, emitter)
///   groups_of_many(vector<AccountId>, MembershipEmitter)  members_of_many(vector<AccountId>, MembershipEmitter)
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
      set_pages<D>(0, made);
      return made;
    }();
    return &t;
  }

 private:
  static D &d(void *self) noexcept { return *static_cast<D *>(self); }
  template <class X>
  static auto set_pages(int, atoll_directory &made) -> decltype(&X::account_page, void()) {
    using C = const atoll_call *;
    using S = const atoll_account_sink *;
    made.page = [](C c, void *self, const atoll_account_query *query, S sink) noexcept {
      return guarded(c, [&] { return d(self).account_page(Call(c), copied(query), AccountEmitter(sink)); });
    };
    made.groups_of_many = [](C c, void *self, const atoll_uuids *users, const atoll_membership_sink *sink) noexcept {
      return guarded(c, [&] { return d(self).groups_of_many(Call(c), ids(users), MembershipEmitter(sink)); });
    };
    made.members_of_many = [](C c, void *self, const atoll_uuids *groups, const atoll_membership_sink *sink) noexcept {
      return guarded(c, [&] { return d(self).members_of_many(Call(c), ids(groups), MembershipEmitter(sink)); });
    };
  }
  template <class X>
  static void set_pages(long, atoll_directory &) {}
  static std::vector<AccountId> ids(const atoll_uuids *raw) {
    std::vector<AccountId> out;
    out.reserve(static_cast<std::size_t>(raw->count));
    for (std::uint64_t i = 0; i < raw->count; ++i) out.push_back(from_abi<AccountId>(raw->items[i]));
    return out;
  }
};

/// An entry of an import: a copy of its record, whose texts are borrowed.
struct AccountEntry {
  atoll_account account;
  std::string_view password;
  std::vector<std::string_view> groups;
  std::uint32_t fields = ~0u;  ///< ATOLL_ACCOUNT_SET_*
  std::vector<std::string_view> members{};
};

/// D has, each with a const Call & first and giving Result<void>:
///   account_create(atoll_account, string_view password, emitter)  account_update(atoll_account)
///   account_set_password(AccountId, string_view)  account_remove(AccountId)
///   member_add(AccountId group, AccountId user)  member_remove(AccountId group, AccountId user)
///   account_change(atoll_account, uint32_t fields)
///   account_change_password(AccountId, string_view old_password, string_view new_password, uint32_t flags)
///   account_import(const vector<AccountEntry> &, uint32_t flags, ProblemEmitter)
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
      made.change = [](C c, void *self, const atoll_account *account, std::uint32_t fields) noexcept {
        return guarded(c, [&] { return d(self).account_change(Call(c), copied(account), fields); });
      };
      made.change_password = [](C c, void *self, U id, atoll_str old_password, atoll_str new_password) noexcept {
        return guarded(c, [&] {
          return d(self).account_change_password(Call(c), from_abi<AccountId>(*id), view(old_password),
                                                 view(new_password), 0u);
        });
      };
      made.change_password_with = [](C c, void *self, U id, atoll_str old_password, atoll_str new_password,
                                     std::uint32_t flags) noexcept {
        return guarded(c, [&] {
          return d(self).account_change_password(Call(c), from_abi<AccountId>(*id), view(old_password),
                                                 view(new_password), flags);
        });
      };
      made.import_ = [](C c, void *self, const atoll_account_entry *entries, std::uint64_t count, std::uint64_t stride,
                        std::uint32_t flags, const atoll_import_sink *problems) noexcept {
        return guarded(c, [&] {
          std::vector<AccountEntry> all;
          all.reserve(static_cast<std::size_t>(count));
          const char *at = reinterpret_cast<const char *>(entries);
          for (std::uint64_t i = 0; i < count; ++i, at += stride) {
            const auto *given = reinterpret_cast<const atoll_account_entry *>(at);
            const auto raw = copied(given);
            AccountEntry entry{copied(&raw.account), view(raw.password), {}};
            if (ATOLL_HAS(given, atoll_account_entry, fields)) entry.fields = raw.fields;
            for (std::uint64_t j = 0; j < raw.members.count; ++j) entry.members.push_back(view(raw.members.items[j]));
            for (std::uint64_t j = 0; j < raw.groups.count; ++j) entry.groups.push_back(view(raw.groups.items[j]));
            all.push_back(std::move(entry));
          }
          return d(self).account_import(Call(c), all, flags, ProblemEmitter(problems));
        });
      };
      return made;
    }();
    return &t;
  }

 private:
  static D &d(void *self) noexcept { return *static_cast<D *>(self); }
};

/// D has, each with a const Call & first and giving Result<void>:
///   tokens_list(AccountId, AppTokenEmitter)
///   token_create(AccountId, string_view label, int64_t expires_ns, AppTokenEmitter, Emitter<atoll_text_sink> secret)
///   token_remove(AccountId, Uuid token, string_view secret)  tokens_remove_all(AccountId)
template <class D>
class DirectoryTokens {
 public:
  static constexpr const char *interface_id = ATOLL_DIRECTORY_TOKENS;
  static const atoll_directory_tokens *table() noexcept {
    static const atoll_directory_tokens t = [] {
      using C = const atoll_call *;
      using U = const atoll_uuid *;
      auto made = sized<atoll_directory_tokens>();
      made.list = [](C c, void *self, U account, const atoll_app_token_sink *sink) noexcept {
        return guarded(
            c, [&] { return d(self).tokens_list(Call(c), from_abi<AccountId>(*account), AppTokenEmitter(sink)); });
      };
      made.create = [](C c, void *self, U account, atoll_str label, std::int64_t expires_ns,
                       const atoll_app_token_sink *sink, const atoll_text_sink *secret) noexcept {
        return guarded(c, [&] {
          return d(self).token_create(Call(c), from_abi<AccountId>(*account), view(label), expires_ns,
                                      AppTokenEmitter(sink), Emitter<atoll_text_sink>(secret));
        });
      };
      made.remove = [](C c, void *self, U account, U token, atoll_str secret) noexcept {
        return guarded(c, [&] {
          return d(self).token_remove(Call(c), from_abi<AccountId>(*account), token ? from_abi<Uuid>(*token) : Uuid(),
                                      view(secret));
        });
      };
      made.remove_all = [](C c, void *self, U account) noexcept {
        return guarded(c, [&] { return d(self).tokens_remove_all(Call(c), from_abi<AccountId>(*account)); });
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
