// SPDX-License-Identifier: Apache-2.0
#include "plugins/auth-local/login_cache.hpp"

#include <openssl/crypto.h>

#include <algorithm>
#include <string>
#include <utility>

#include "core/base/uuid.hpp"

namespace Atoll::auth_local {

namespace {

base::HmacSha256 with_random_key() {
  std::array<std::uint8_t, 32> secret{};
  base::random_bytes(secret);
  return base::HmacSha256(secret);
}

}  // namespace

LoginCache::LoginCache(std::size_t capacity, std::int64_t lifetime_ns)
    : capacity_(capacity), lifetime_ns_(lifetime_ns), hmac_(with_random_key()) {}

LoginKey LoginCache::key(std::string_view folded_name, std::string_view password) const {
  std::string text;
  text.reserve(folded_name.size() + password.size() + 1);
  text.append(folded_name).push_back('\0');  // no name holds one
  text.append(password);
  const LoginKey digest = hmac_(text);
  OPENSSL_cleanse(text.data(), text.size());
  return digest;
}

std::shared_ptr<const Principal> LoginCache::find(const LoginKey &key, std::int64_t now_ns, std::int64_t *stamp) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(key);
  if (found == entries_.end()) return nullptr;
  if (found->second->expires_ns <= now_ns) {
    order_.erase(found->second);
    entries_.erase(found);
    return nullptr;
  }
  order_.splice(order_.begin(), order_, found->second);
  if (stamp) *stamp = found->second->stamp;
  return found->second->principal;
}

LoginCache::Ticket LoginCache::ticket() const {
  const std::lock_guard lock(mutex_);
  return changes_;
}

bool LoginCache::insert(const LoginKey &key, std::shared_ptr<const Principal> principal, Ticket ticket,
                        std::int64_t now_ns, std::int64_t at_most_ns, std::int64_t stamp) {
  const std::lock_guard lock(mutex_);
  if (ticket != changes_) return false;
  if (capacity_ == 0) return true;
  const auto found = entries_.find(key);
  if (found != entries_.end()) {
    order_.erase(found->second);
    entries_.erase(found);
  } else if (entries_.size() >= capacity_) {
    entries_.erase(order_.back().key);
    order_.pop_back();
  }
  const std::int64_t lifetime = at_most_ns > 0 ? std::min(at_most_ns, lifetime_ns_) : lifetime_ns_;
  order_.push_front(Entry{key, std::move(principal), now_ns + lifetime, stamp});
  entries_[key] = order_.begin();
  return true;
}

void LoginCache::forget(const AccountId &account) {
  const std::lock_guard lock(mutex_);
  ++changes_;
  for (auto at = order_.begin(); at != order_.end();) {
    if (at->principal->account == account) {
      entries_.erase(at->key);
      at = order_.erase(at);
    } else {
      ++at;
    }
  }
}

void LoginCache::forget_all() {
  const std::lock_guard lock(mutex_);
  ++changes_;
  entries_.clear();
  order_.clear();
}

std::size_t LoginCache::size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

}  // namespace Atoll::auth_local
