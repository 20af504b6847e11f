// SPDX-License-Identifier: Apache-2.0
#include "plugins/auth-local/failure_limiter.hpp"

#include <arpa/inet.h>

#include <algorithm>

namespace Atoll::auth_local {

namespace {

Error slow_down(std::int64_t until_ns, std::int64_t now_ns) {
  const std::int64_t wait_ms = std::max<std::int64_t>((until_ns - now_ns) / 1'000'000, 1);
  return Error{Status::ResourceExhausted, "too many failed logins: wait before the next try", 0,
               static_cast<std::uint32_t>(std::min<std::int64_t>(wait_ms, UINT32_MAX))};
}

}  // namespace

FailureLimiter::Count *FailureLimiter::Table::find(const std::string &key) {
  const auto found = entries_.find(key);
  return found == entries_.end() ? nullptr : &found->second->second;
}

FailureLimiter::Count &FailureLimiter::Table::touch(const std::string &key, std::size_t limit) {
  const auto found = entries_.find(key);
  if (found != entries_.end()) {
    order_.splice(order_.begin(), order_, found->second);
    return found->second->second;
  }
  if (entries_.size() >= limit && !order_.empty()) {
    entries_.erase(order_.back().first);
    order_.pop_back();
  }
  order_.emplace_front(key, Count{});
  entries_.emplace(order_.front().first, order_.begin());
  return order_.front().second;
}

void FailureLimiter::Table::erase(const std::string &key) {
  const auto found = entries_.find(key);
  if (found == entries_.end()) return;
  const auto node = found->second;
  entries_.erase(found);
  order_.erase(node);
}

std::string FailureLimiter::network_of(std::string_view address) {
  const std::string text(address.substr(0, 64));
  in6_addr six{};
  if (::inet_pton(AF_INET6, text.c_str(), &six) == 1) {
    const bool mapped = IN6_IS_ADDR_V4MAPPED(&six);
    return std::string(reinterpret_cast<const char *>(six.s6_addr), mapped ? 16 : 8);
  }
  return text;
}

std::string FailureLimiter::pair_of(std::string_view folded_name, const std::string &network) {
  std::string key(folded_name);
  key.push_back('\0');
  return key.append(network);
}

void FailureLimiter::refresh(Count &count, std::int64_t now_ns) const {
  if (count.failures > 0 && now_ns - count.last_ns > limits_.forget_ns) count = Count{};
}

void FailureLimiter::debit(Count &count, unsigned free, std::int64_t longest_ns, std::int64_t now_ns) const {
  ++count.failures;
  count.last_ns = now_ns;
  if (count.failures <= free) return;
  const unsigned doublings = std::min(count.failures - free - 1, 30u);
  std::int64_t pause = limits_.first_pause_ns;
  for (unsigned i = 0; i < doublings && pause < longest_ns; ++i) pause *= 2;
  count.blocked_until_ns = now_ns + std::min(pause, longest_ns);
}

void FailureLimiter::refund(Count *count, unsigned free) {
  if (count == nullptr || count->failures == 0) return;
  --count->failures;
  if (count->failures <= free) count->blocked_until_ns = 0;
}

Result<void> FailureLimiter::attempt(std::string_view folded_name, std::string_view address, std::int64_t now_ns) {
  const std::string network = network_of(address);
  const std::string name(folded_name);
  const std::string pair = pair_of(folded_name, network);
  const std::lock_guard lock(mutex_);
  if (Count *own = pairs_.find(pair)) {
    refresh(*own, now_ns);
    if (own->blocked_until_ns > now_ns) return slow_down(own->blocked_until_ns, now_ns);
    debit(pairs_.touch(pair, limits_.entries), limits_.account_failures, limits_.account_pause_ns, now_ns);
    return {};
  }
  Count &by_address = addresses_.touch(network, limits_.entries);
  refresh(by_address, now_ns);
  if (by_address.blocked_until_ns > now_ns) return slow_down(by_address.blocked_until_ns, now_ns);
  Count &by_account = accounts_.touch(name, limits_.entries);
  refresh(by_account, now_ns);
  if (by_account.blocked_until_ns > now_ns) return slow_down(by_account.blocked_until_ns, now_ns);
  debit(by_address, limits_.address_failures, limits_.address_pause_ns, now_ns);
  debit(by_account, limits_.account_failures, limits_.account_pause_ns, now_ns);
  return {};
}

void FailureLimiter::succeeded(std::string_view folded_name, std::string_view address, std::int64_t now_ns) {
  const std::string network = network_of(address);
  const std::string pair = pair_of(folded_name, network);
  const std::lock_guard lock(mutex_);
  if (Count *own = pairs_.find(pair)) {
    *own = Count{};
  } else {
    // Only this attempt is taken back: a right password of one's own must not wipe out guesses at others'.
    refund(addresses_.find(network), limits_.address_failures);
    refund(accounts_.find(std::string(folded_name)), limits_.account_failures);
  }
  pairs_.touch(pair, limits_.entries).last_ns = now_ns;
}

void FailureLimiter::abandoned(std::string_view folded_name, std::string_view address) {
  const std::string network = network_of(address);
  const std::lock_guard lock(mutex_);
  if (Count *own = pairs_.find(pair_of(folded_name, network))) {
    refund(own, limits_.account_failures);
  } else {
    refund(addresses_.find(network), limits_.address_failures);
    refund(accounts_.find(std::string(folded_name)), limits_.account_failures);
  }
}

std::size_t FailureLimiter::size() const {
  const std::lock_guard lock(mutex_);
  return accounts_.size() + addresses_.size() + pairs_.size();
}

}  // namespace Atoll::auth_local
