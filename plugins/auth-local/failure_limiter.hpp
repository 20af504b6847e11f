// SPDX-License-Identifier: Apache-2.0
// Slows down who guesses passwords.
#pragma once

#include <atoll/sdk/result.hpp>

#include <cstdint>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace Atoll::auth_local {

struct FailureLimits {
  unsigned account_failures = 10;                   ///< free failures per account before the first pause
  unsigned address_failures = 50;                   ///< the same per address
  std::int64_t first_pause_ns = 1'000'000'000;      ///< doubled with each further failure
  std::int64_t account_pause_ns = 60'000'000'000;   ///< longest pause of an account
  std::int64_t address_pause_ns = 300'000'000'000;  ///< longest pause of an address
  std::int64_t forget_ns = 900'000'000'000;         ///< without a failure for so long, an entry starts anew
  std::size_t entries = 16384;                      ///< of each table; the oldest go first
};

/// Counts failures per account, per address (of IPv6 the /64), and per pair of both where a login has succeeded before.
/// Such a pair has a count of its own and neither of the others: whoever guesses at an account from elsewhere cannot
/// keep its owner out. An attempt counts as a failure until it is said to be none, so that many at once gain nothing.
/// All times are of one monotonic clock. [any thread]
class FailureLimiter {
 public:
  explicit FailureLimiter(const FailureLimits &limits) : limits_(limits) {}

  /// Asks to try. ResourceExhausted with the time to come back; the same for accounts that do not exist.
  Result<void> attempt(std::string_view folded_name, std::string_view address, std::int64_t now_ns);
  /// The attempt had the right password.
  void succeeded(std::string_view folded_name, std::string_view address, std::int64_t now_ns);
  /// The attempt came to no end: it is not counted.
  void abandoned(std::string_view folded_name, std::string_view address);

  /// Entries in all tables, for tests.
  std::size_t size() const;

 private:
  struct Count {
    unsigned failures = 0;
    std::int64_t last_ns = 0;
    std::int64_t blocked_until_ns = 0;
  };

  /// A bounded table, the least recently touched entry out first.
  class Table {
   public:
    Count *find(const std::string &key);
    Count &touch(const std::string &key, std::size_t limit);
    void erase(const std::string &key);
    std::size_t size() const { return entries_.size(); }

   private:
    using Order = std::list<std::pair<std::string, Count>>;
    Order order_;
    std::unordered_map<std::string_view, Order::iterator> entries_;  // the keys are those in order_
  };

  static std::string network_of(std::string_view address);
  static std::string pair_of(std::string_view folded_name, const std::string &network);
  void refresh(Count &count, std::int64_t now_ns) const;
  void debit(Count &count, unsigned free, std::int64_t longest_ns, std::int64_t now_ns) const;
  static void refund(Count *count, unsigned free);

  const FailureLimits limits_;
  mutable std::mutex mutex_;
  Table accounts_, addresses_, pairs_;
};

}  // namespace Atoll::auth_local
