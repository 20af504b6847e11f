// SPDX-License-Identifier: Apache-2.0
// Logins that were verified a short while ago.
#pragma once

#include <atoll/sdk/call.hpp>
#include <atoll/sdk/ids.hpp>

#include <array>
#include <cstdint>
#include <cstring>
#include <list>
#include <memory>
#include <mutex>
#include <string_view>
#include <unordered_map>

#include "core/base/checksum.hpp"

namespace Atoll::auth_local {

/// Stands for one pair of name and password: an HMAC-SHA256 under a key that only this process has.
using LoginKey = std::array<std::uint8_t, 32>;

struct HashLoginKey {
  std::size_t operator()(const LoginKey &key) const noexcept {
    std::size_t value;
    std::memcpy(&value, key.data(), sizeof value);
    return value;
  }
};

/// Bounded, least recently used out first. Passwords are not kept in any form that can be read back. [any thread]
class LoginCache {
 public:
  /// A picture of how many changes there were; see insert().
  using Ticket = std::uint64_t;

  LoginCache(std::size_t capacity, std::int64_t lifetime_ns);

  LoginKey key(std::string_view folded_name, std::string_view password) const;

  /// Null when not there or too old. `now_ns`: monotonic clock. stamp: takes what was given to insert().
  std::shared_ptr<const Principal> find(const LoginKey &key, std::int64_t now_ns, std::int64_t *stamp = nullptr);

  /// To be taken before the account is read from the database.
  Ticket ticket() const;
  /// Keeps a verified login, unless any account has changed since the ticket was taken. True when kept. at_most_ns: it
  /// is not believed for longer than that; 0: no other limit.
  bool insert(const LoginKey &key, std::shared_ptr<const Principal> principal, Ticket ticket, std::int64_t now_ns,
              std::int64_t at_most_ns = 0, std::int64_t stamp = 0);

  /// To be called after a change of the account was committed: its logins are verified anew from now on.
  void forget(const AccountId &account);
  void forget_all();
  std::size_t size() const;

 private:
  struct Entry {
    LoginKey key;
    std::shared_ptr<const Principal> principal;
    std::int64_t expires_ns;
    std::int64_t stamp;
  };
  using Order = std::list<Entry>;  // most recently used first

  const std::size_t capacity_;
  const std::int64_t lifetime_ns_;
  const base::HmacSha256 hmac_;
  mutable std::mutex mutex_;
  Order order_;
  std::unordered_map<LoginKey, Order::iterator, HashLoginKey> entries_;
  Ticket changes_ = 0;
};

}  // namespace Atoll::auth_local
