// SPDX-License-Identifier: Apache-2.0
#include "core/net/address_table.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

namespace Atoll::net {
namespace {

AddressKey v4(std::uint32_t address) { return {address, false, (address >> 24) == 127}; }

}  // namespace

std::optional<AddressKey> AddressKey::of(const std::string &host) {
  in_addr four{};
  if (::inet_pton(AF_INET, host.c_str(), &four) == 1) return v4(ntohl(four.s_addr));
  in6_addr six{};
  if (::inet_pton(AF_INET6, host.c_str(), &six) != 1) return std::nullopt;
  const auto *bytes = six.s6_addr;
  const auto number = [bytes](int from, int count) {
    std::uint64_t out = 0;
    for (int at = from; at < from + count; ++at) out = out << 8 | bytes[at];
    return out;
  };
  if (IN6_IS_ADDR_V4MAPPED(&six)) return v4(static_cast<std::uint32_t>(number(12, 4)));
  return AddressKey{number(0, 8), true, number(0, 8) == 0 && number(8, 8) == 1};
}

std::optional<AddressTable::Slot> AddressTable::take(const AddressKey &key, std::size_t limit) {
  const std::lock_guard lock(mutex_);
  const auto found = counts_.find(key);
  if ((found == counts_.end() ? 0 : found->second) >= limit) return std::nullopt;
  ++counts_[key];
  return Slot(*this, key);
}

void AddressTable::Slot::release() {
  auto *table = std::exchange(table_, nullptr);
  if (table == nullptr) return;
  const std::lock_guard lock(table->mutex_);
  const auto found = table->counts_.find(key_);
  if (--found->second == 0) table->counts_.erase(found);
}

std::size_t AddressTable::size() const {
  const std::lock_guard lock(mutex_);
  return counts_.size();
}

}  // namespace Atoll::net
