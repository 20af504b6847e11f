// SPDX-License-Identifier: Apache-2.0
// From name and password to a principal.
#pragma once

#include <atoll/sdk/call.hpp>
#include <atoll/sdk/result.hpp>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "plugins/auth-local/account_store.hpp"
#include "plugins/auth-local/failure_limiter.hpp"
#include "plugins/auth-local/login_cache.hpp"
#include "plugins/auth-local/password_hasher.hpp"

namespace Atoll::auth_local {

using Login = Result<std::shared_ptr<const Principal>>;

/// Cache, then the failure limits, then the database and the hash. An account that does not exist, one that is disabled
/// and a wrong password are told apart neither by text nor by time. Equal logins at the same time are verified once.
/// [any thread]; may block for a hash.
class Authenticator {
 public:
  Authenticator(AccountStore &store, PasswordHasher &hasher, LoginCache &cache, FailureLimiter &limiter)
      : store_(store), hasher_(hasher), cache_(cache), limiter_(limiter) {}

  /// Unauthenticated, ResourceExhausted with a time to come back, or Unavailable when it cannot tell.
  Login authenticate(std::string_view name, std::string_view password, std::string_view address);

  /// Whether this is the account's own password, no app token; never from memory. Unauthenticated, counted as a failed
  /// login of that account from itself, or as authenticate(). Gives the hash that it fits.
  Result<std::string> verify_own_password(const Account &account, std::string_view password);

 private:
  struct Flight {
    LoginCache::Ticket ticket = 0;  // when it began
    std::optional<Login> outcome;
  };
  /// A login from memory, as the account is now; nothing when it is not known.
  std::optional<Login> remembered(const LoginKey &key);
  Login verify_alone(const LoginKey &key, const std::string &folded_name, std::string_view password,
                     std::string_view address);
  Login verify(const LoginKey &key, const std::string &folded_name, std::string_view password);
  /// A login with an app token; nothing when it is none.
  Result<std::shared_ptr<const Principal>> verify_token(const LoginKey &key, const std::string &folded_name,
                                                        std::string_view password);
  void note_login(const Credentials &credentials);
  void renew_hash(const Credentials &credentials, std::string_view password);

  AccountStore &store_;
  PasswordHasher &hasher_;
  LoginCache &cache_;
  FailureLimiter &limiter_;
  std::mutex mutex_;
  std::condition_variable landed_;
  std::unordered_map<LoginKey, std::shared_ptr<Flight>, HashLoginKey> flights_;
};

}  // namespace Atoll::auth_local
