// SPDX-License-Identifier: Apache-2.0
// Forwarded (RFC 7239) and X-Forwarded-*: bounds, one meaning, and nobody but a trusted proxy is believed.
#include <algorithm>

#include "core/base/text.hpp"
#include "core/host/forwarded.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace Atoll;
using namespace Atoll::host;

namespace {

void check_authority(std::string_view authority) {
  FUZZ_CHECK(authority.size() <= 300);
  for (const char c : authority)
    FUZZ_CHECK((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               std::string_view(".:-_[]").find(c) != std::string_view::npos);
}

void check_hops(const Hops &hops) {
  FUZZ_CHECK(hops.size() <= kMostHops);
  for (const auto &hop : hops) {
    check_authority(hop.authority);
    if (!hop.address) continue;
    const auto again = Address::parse(hop.address->text());
    FUZZ_CHECK(again && *again == *hop.address);
  }
}

/// The hops as their plainest header.
std::string written(const Hops &hops) {
  std::string out;
  for (const auto &hop : hops) {
    if (!out.empty()) out += ",";
    out += "x=y";
    if (hop.address) {
      const auto text = hop.address->text();
      out += ";FOR=\"" + (text.find(':') == std::string::npos ? text : "[" + text + "]") + "\"";
    }
    if (hop.secure) out += *hop.secure ? ";proto=https" : ";proto=http";
    if (!hop.authority.empty()) out += ";host=\"" + hop.authority + "\"";
  }
  return out;
}

bool same(const Hops &a, const Hops &b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Hop &x, const Hop &y) {
    return x.address.has_value() == y.address.has_value() && (!x.address || *x.address == *y.address) &&
           x.secure == y.secure && x.authority == y.authority;
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
  fuzz::Input input(data, size);
  const auto choice = input.byte();
  const std::string forwarded(input.line()), addresses(input.line()), protocols(input.line()), hosts(input.line());

  const auto hops = parse_forwarded(forwarded);
  const auto older = parse_x_forwarded(addresses, protocols, hosts);
  if (hops) {
    check_hops(*hops);
    const auto again = parse_forwarded(written(*hops));
    FUZZ_CHECK(again && same(*hops, *again));
    // What a client puts in front of what its proxy writes changes nothing of that.
    const auto after = parse_forwarded(forwarded + ", for=192.0.2.1;proto=https");
    FUZZ_CHECK(hops->size() == kMostHops ||
               (after && after->size() == hops->size() + 1 && after->back().secure == true));
  }
  if (older) check_hops(*older);

  auto connection = std::make_shared<net::ConnectionInfo>();
  const char *const peers[] = {"127.0.0.1", "192.0.2.7", "2001:db8::1", "unix", "::ffff:192.0.2.7", "10.1.2.3"};
  connection->peer.host = peers[choice % 6];
  connection->secure = choice >= 128;
  net::RequestHead head;
  head.connection = connection;
  head.headers = {{"Forwarded", forwarded},
                  {"X-Forwarded-For", addresses},
                  {"X-Forwarded-Proto", protocols},
                  {"X-Forwarded-Host", hosts}};

  const Networks nobody;
  const auto direct = find_client(head, nobody);
  FUZZ_CHECK(direct.authority.empty() && direct.secure == connection->secure);
  FUZZ_CHECK(direct.address.empty() || direct.address == "192.0.2.7");

  static const Networks proxies = *Networks::parse("192.0.2.0/24 10.0.0.0/8 2001:db8::/32");
  const auto client = find_client(head, proxies);
  check_authority(client.authority);
  if (!client.address.empty()) {
    const auto address = Address::parse(client.address);
    FUZZ_CHECK(address && address->text() == client.address);
  }
  if (!proxies.contains(std::string_view(connection->peer.host)) || !hops || !older)
    FUZZ_CHECK(client.authority.empty() && client.secure == connection->secure);
  return 0;
}
