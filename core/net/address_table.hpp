// SPDX-License-Identifier: Apache-2.0
// How many connections each address has.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

namespace Atoll::net {

/// Whom connections are counted for: an IPv4 address, or the first 64 bits of an IPv6 address, since whoever has one of
/// those has all of them (RFC 4291 2.5.1).
struct AddressKey {
  std::uint64_t network = 0;
  bool v6 = false;
  bool loopback = false;

  /// `host`: numeric, without brackets. ::ffff:192.0.2.1 is 192.0.2.1. Nothing for text that is no address.
  static std::optional<AddressKey> of(const std::string &host);
  bool operator<(const AddressKey &other) const { return std::pair(v6, network) < std::pair(other.v6, other.network); }
};

/// Holds an entry per address that has a connection, so no more than there are connections. [any thread]
class AddressTable {
 public:
  /// One connection's place; given back by release() or at the end of its life.
  class Slot {
   public:
    Slot() = default;
    ~Slot() { release(); }
    Slot(Slot &&other) noexcept : table_(std::exchange(other.table_, nullptr)), key_(other.key_) {}
    Slot &operator=(Slot &&other) noexcept {
      if (this == &other) return *this;
      release();
      table_ = std::exchange(other.table_, nullptr);
      key_ = other.key_;
      return *this;
    }
    void release();

   private:
    friend class AddressTable;
    Slot(AddressTable &table, const AddressKey &key) : table_(&table), key_(key) {}
    AddressTable *table_ = nullptr;
    AddressKey key_;
  };

  /// Nothing: the address has `limit` connections already.
  std::optional<Slot> take(const AddressKey &key, std::size_t limit);
  std::size_t size() const;  ///< addresses

 private:
  mutable std::mutex mutex_;
  std::map<AddressKey, std::size_t> counts_;  // ordered: nobody can choose addresses that collide
};

}  // namespace Atoll::net
