// SPDX-License-Identifier: Apache-2.0
#include "core/net/tls_tickets.hpp"

#include <openssl/crypto.h>

#include <algorithm>

#include "core/base/uuid.hpp"

namespace Atoll::net {

TicketKeys::~TicketKeys() {
  for (auto &slot : slots_) OPENSSL_cleanse(&slot.key, sizeof slot.key);
}

void TicketKeys::rotate(std::int64_t now_ns) {
  auto &[newest, older] = slots_;
  if (newest.used && now_ns - newest.born_ns < kPeriodNs) return;
  const bool stale = !newest.used || now_ns - newest.born_ns >= 2 * kPeriodNs;
  older = stale ? Slot{} : newest;
  base::random_bytes(newest.key.name);
  base::random_bytes(newest.key.cipher);
  base::random_bytes(newest.key.mac);
  newest.born_ns = now_ns;
  newest.used = true;
}

TicketKeys::Key TicketKeys::newest(std::int64_t now_ns) {
  const std::lock_guard lock(mutex_);
  rotate(now_ns);
  return slots_[0].key;
}

std::optional<TicketKeys::Found> TicketKeys::find(std::span<const std::uint8_t, 16> name, std::int64_t now_ns) {
  const std::lock_guard lock(mutex_);
  rotate(now_ns);
  for (const auto &slot : slots_)
    if (slot.used && std::equal(name.begin(), name.end(), slot.key.name.begin()))
      return Found{slot.key, &slot == &slots_[0]};
  return std::nullopt;
}

}  // namespace Atoll::net
