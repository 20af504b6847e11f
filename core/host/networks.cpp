// SPDX-License-Identifier: Apache-2.0
#include "core/host/networks.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

#include "core/base/text.hpp"

namespace Atoll::host {
namespace {

constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool same_bits(const std::uint8_t *a, const std::uint8_t *b, unsigned bits) {
  const unsigned whole = bits / 8, rest = bits % 8;
  if (std::memcmp(a, b, whole) != 0) return false;
  return rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

}  // namespace

std::optional<Address> Address::parse(std::string_view text) {
  char copy[INET6_ADDRSTRLEN];
  if (text.empty() || text.size() >= sizeof copy || text.find('\0') != text.npos) return std::nullopt;
  std::memcpy(copy, text.data(), text.size());
  copy[text.size()] = '\0';
  Address out;
  if (text.find(':') == text.npos) {
    if (::inet_pton(AF_INET, copy, out.bytes.data()) != 1) return std::nullopt;
    return out;
  }
  if (::inet_pton(AF_INET6, copy, out.bytes.data()) != 1) return std::nullopt;
  out.v6 = true;
  if (!std::equal(kMapped.begin(), kMapped.end(), out.bytes.begin())) return out;
  Address v4;
  std::copy(out.bytes.begin() + 12, out.bytes.end(), v4.bytes.begin());
  return v4;
}

std::string Address::text() const {
  char out[INET6_ADDRSTRLEN] = "";
  ::inet_ntop(v6 ? AF_INET6 : AF_INET, bytes.data(), out, sizeof out);
  return out;
}

bool Address::loopback() const {
  if (!v6) return bytes[0] == 127;
  Address one;
  one.v6 = true;
  one.bytes[15] = 1;
  return *this == one;
}

bool Address::any() const {
  return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte == 0; });
}

Result<Networks> Networks::parse(std::string_view words) {
  std::string blanks(words);
  std::replace_if(
      blanks.begin(), blanks.end(), [](char c) { return c == ',' || c == '\t'; }, ' ');
  Networks out;
  for (const auto word : base::split(blanks, ' ')) {
    if (word.empty()) continue;
    if (word == "unix") {
      out.unix_ = true;
      continue;
    }
    const auto slash = word.find('/');
    const auto address = Address::parse(word.substr(0, slash));
    const unsigned most = address && address->v6 ? 128 : 32;
    const auto bits = slash == word.npos ? most : base::parse_u64(word.substr(slash + 1));
    const std::string shown = "'" + std::string(word.substr(0, 80)) + "'";
    if (!address || !bits || *bits > most)
      return error(Status::InvalidArgument,
                   shown +
                       " is neither an address nor a network; write for example 192.0.2.7, 10.0.0.0/8, fd00::/8 "
                       "or unix");
    const unsigned length = static_cast<unsigned>(*bits);
    Address masked = *address;
    for (unsigned bit = length; bit < most; ++bit)
      masked.bytes[bit / 8] = static_cast<std::uint8_t>(masked.bytes[bit / 8] & ~(0x80u >> (bit % 8)));
    if (!(masked == *address))
      return error(Status::InvalidArgument, shown + " has bits beyond its length; write " + masked.text() + "/" +
                                                std::to_string(length) + " or the address alone");
    out.networks_.push_back({*address, length});
  }
  return out;
}

bool Networks::contains(const Address &address) const {
  return std::any_of(networks_.begin(), networks_.end(), [&](const Network &network) {
    return network.address.v6 == address.v6 &&
           same_bits(network.address.bytes.data(), address.bytes.data(), network.bits);
  });
}

bool Networks::contains(std::string_view host) const {
  if (empty()) return false;
  if (host == "unix") return unix_;
  const auto address = Address::parse(host);
  return address && contains(*address);
}

}  // namespace Atoll::host
