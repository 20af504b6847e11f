// SPDX-License-Identifier: Apache-2.0
// The keys of session tickets (RFC 5077, RFC 8446 4.6.1): made here, replaced every few hours, never stored.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>

namespace Atoll::net {

/// [any thread] A ticket can be read for at least one, at most two periods, whatever certificate is loaded meanwhile.
class TicketKeys {
 public:
  static constexpr std::int64_t kPeriodNs = 6LL * 3600 * 1'000'000'000;

  struct Key {
    std::array<std::uint8_t, 16> name{};
    std::array<std::uint8_t, 32> cipher{};  ///< AES-256-CBC
    std::array<std::uint8_t, 32> mac{};     ///< HMAC-SHA-256
  };
  struct Found {
    Key key;
    bool newest = false;  ///< else the client should get a new ticket
  };

  TicketKeys() = default;
  TicketKeys(const TicketKeys &) = delete;
  TicketKeys &operator=(const TicketKeys &) = delete;
  ~TicketKeys();

  /// The key for new tickets. `now_ns`: CLOCK_MONOTONIC.
  Key newest(std::int64_t now_ns);
  /// The key of this name, if it still counts.
  std::optional<Found> find(std::span<const std::uint8_t, 16> name, std::int64_t now_ns);

 private:
  void rotate(std::int64_t now_ns);  ///< under the lock

  struct Slot {
    Key key;
    std::int64_t born_ns = 0;
    bool used = false;
  };
  std::mutex mutex_;
  std::array<Slot, 2> slots_;  ///< newest first
};

}  // namespace Atoll::net
