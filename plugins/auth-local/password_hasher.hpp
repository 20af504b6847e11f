// SPDX-License-Identifier: Apache-2.0
// argon2id (RFC 9106) in a bounded number of slots.
#pragma once

#include <atoll/sdk/result.hpp>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

namespace Atoll::auth_local {

struct HashParameters {
  std::uint32_t memory_kib = 19456;
  std::uint32_t passes = 2;
  std::uint32_t lanes = 1;
};

struct HashLimits {
  unsigned slots = 2;                        ///< hashes that are computed at the same time
  unsigned queue = 64;                       ///< callers that may wait for a slot
  std::chrono::milliseconds patience{5000};  ///< how long each of them waits
};

/// Hashes and verifies. Over the limits every call is ResourceExhausted with a time to come back. [any thread]
class PasswordHasher {
 public:
  PasswordHasher(const HashParameters &parameters, const HashLimits &limits)
      : parameters_(parameters), limits_(limits) {}

  /// Text that holds algorithm, parameters, salt and hash.
  Result<std::string> hash(std::string_view password);

  /// Whether the password fits. An empty `encoded` (no such account, or one without a password) never fits, and takes
  /// as long as one that was made with the current parameters. DataLoss when `encoded` is damaged.
  Result<bool> verify(const std::string &encoded, std::string_view password);

  /// True when `encoded` was made with other parameters than hash() uses now.
  bool outdated(const std::string &encoded) const;

 private:
  class Slot;
  Result<void> acquire();
  void release() noexcept;
  Result<std::string> compute(std::string_view password) const;
  std::string prefix() const;

  const HashParameters parameters_;
  const HashLimits limits_;
  std::mutex mutex_;
  std::condition_variable changed_;
  unsigned busy_ = 0;
  unsigned waiting_ = 0;
};

}  // namespace Atoll::auth_local
