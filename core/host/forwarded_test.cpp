// SPDX-License-Identifier: Apache-2.0
#include "core/host/forwarded.hpp"

#include <doctest/doctest.h>

#include <random>

namespace Atoll::host {
namespace {

Networks networks(std::string_view words) {
  auto out = Networks::parse(words);
  REQUIRE(out.ok());
  return std::move(*out);
}

struct Field {
  const char *name;
  const char *value;
};

// What comes out for a request from `peer` with these headers: "ADDRESS AUTHORITY http|https".
std::string found(const Networks &trusted, const char *peer, const std::vector<Field> &fields, bool secure = false) {
  net::RequestHead head;
  auto connection = std::make_shared<net::ConnectionInfo>();
  connection->peer.host = peer;
  connection->secure = secure;
  head.connection = connection;
  head.host = "inner:9200";
  for (const auto &field : fields) head.headers.push_back({field.name, field.value});
  const Client client = find_client(head, trusted);
  return (client.address.empty() ? connection->peer.host : client.address) + " " +
         (client.authority.empty() ? std::string(head.host) : client.authority) + (client.secure ? " https" : " http");
}

// "ADDRESS/AUTHORITY/http|https;..." with "-" for what is not said.
std::string show(const std::optional<Hops> &hops) {
  if (!hops) return "malformed";
  std::string out;
  for (const auto &hop : *hops)
    out += (out.empty() ? "" : "; ") + (hop.address ? hop.address->text() : "-") + "/" +
           (hop.authority.empty() ? "-" : hop.authority) + "/" +
           (hop.secure ? std::string(*hop.secure ? "https" : "http") : "-");
  return out;
}

TEST_CASE("networks: what is in them") {
  const Networks some = networks("10.0.0.0/8, 192.0.2.7 fd00::/8\t2001:db8::1 unix 172.16.0.0/12 0.0.0.0/32");
  for (const char *in : {"10.0.0.0", "10.255.255.255", "192.0.2.7", "::ffff:192.0.2.7", "fd00::", "fdff:1::2",
                         "2001:db8::1", "2001:0DB8:0:0::1", "unix", "172.31.255.255"}) {
    CAPTURE(in);
    CHECK(some.contains(std::string_view(in)));
  }
  for (const char *out : {"9.255.255.255", "11.0.0.0", "192.0.2.6", "192.0.2.8", "fc00::1", "fe00::1", "2001:db8::2",
                          "172.15.255.255", "172.32.0.0", "", "x", "10.0.0", "10.0.0.0.0", "010.0.0.1", "0.0.0.1"}) {
    CAPTURE(out);
    CHECK_FALSE(some.contains(std::string_view(out)));
  }
  const Networks none = networks(" ");
  CHECK(none.empty());
  CHECK_FALSE(none.contains(std::string_view("unix")));
  const Networks every = networks("0.0.0.0/0");
  CHECK(every.contains(std::string_view("255.1.2.3")));
  CHECK_FALSE(every.contains(std::string_view("::1")));
  CHECK_FALSE(every.contains(std::string_view("unix")));
  CHECK(networks("::ffff:10.1.2.3").contains(std::string_view("10.1.2.3")));
}

TEST_CASE("networks: what is none") {
  for (const char *bad : {"10.0.0.0/33", "fd00::/129", "10.0.0.1/8", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8/8",
                          "proxy", "[::1]", "10.0.0", "1.2.3.4:80", "/8", "unix/8", "fe80::1%eth0", "10.0.0.0/+8"}) {
    CAPTURE(bad);
    CHECK(Networks::parse(bad).status() == Status::InvalidArgument);
  }
  CHECK(Networks::parse("10.1.2.3/8").error().message.find("write 10.0.0.0/8") != std::string::npos);
}

TEST_CASE("forwarded: well formed") {
  const std::pair<const char *, const char *> table[] = {
      {"", ""},
      {"for=192.0.2.60;proto=http;by=203.0.113.43", "192.0.2.60/-/http"},
      {"For=\"[2001:db8:cafe::17]:4711\"", "2001:db8:cafe::17/-/-"},
      {"for=192.0.2.43, for=198.51.100.17", "192.0.2.43/-/-; 198.51.100.17/-/-"},
      {"for=192.0.2.43,for=\"[2001:db8::1]\";host=a.example", "192.0.2.43/-/-; 2001:db8::1/a.example/-"},
      {"proto=HTTPS;HOST=\"a.example:8443\"", "-/a.example:8443/https"},
      {"for=unknown", "-/-/-"},
      {"for=UNKNOWN;proto=wss", "-/-/http"},
      {"for=_hidden, for=_SEVKISEK;by=_x", "-/-/-; -/-/-"},
      {"for=\"_gazonk:_port\"", "-/-/-"},
      {"for=\"192.0.2.43:47011\"", "192.0.2.43/-/-"},
      {"for=\"192.0.2.43\"", "192.0.2.43/-/-"},
      {"for=\"1\\92.0.2.43\"", "192.0.2.43/-/-"},
      {" for=192.0.2.1 ; proto=https ,\tfor=192.0.2.2 ", "192.0.2.1/-/https; 192.0.2.2/-/-"},
      {", ,for=192.0.2.1,,", "192.0.2.1/-/-"},
      {";;for=192.0.2.1;;", "192.0.2.1/-/-"},
      {"secret=\"a,b;c=\\\"d\";for=192.0.2.1", "192.0.2.1/-/-"},
      {"host=\"[::1]:80\"", "-/[::1]:80/-"},
      {"host=under_score.example", "-/under_score.example/-"},
      {"for=\"[::ffff:192.0.2.1]\"", "192.0.2.1/-/-"},
  };
  for (const auto &[value, want] : table) {
    CAPTURE(value);
    CHECK(show(parse_forwarded(value)) == want);
  }
}

TEST_CASE("forwarded: malformed") {
  for (const char *bad : {"for",
                          "for=",
                          "=x",
                          "for==x",
                          "for=\"",
                          "for=\"192.0.2.1",
                          "for=\"192.0.2.1\\",
                          "for=192.0.2.1:80",
                          "for=[::1]",
                          "for=\"::1\"",
                          "for=\"[::1\"",
                          "for=\"[192.0.2.1]\"",
                          "for=\"[::1]x\"",
                          "for=\"[::1]:\"",
                          "for=\"[::1]:123456\"",
                          "for=\"192.0.2.1:\"",
                          "for=\"192.0.2.1:a\"",
                          "for=300.0.2.1",
                          "for=example.org",
                          "for=\"\"",
                          "for=_",
                          "for=\"_a b\"",
                          "for=192.0.2.1;for=192.0.2.2",
                          "proto=https;Proto=http",
                          "host=a;host=a",
                          "by=1.2.3.4;by=1.2.3.4",
                          "proto=\"\"",
                          "proto=\"ht tp\"",
                          "proto=\"https,http\"",
                          "host=\"\"",
                          "host=\"a b\"",
                          "host=\"a/b\"",
                          "host=\"a@b\"",
                          "host=\"a:b\"",
                          "host=\"a:\"",
                          "host=\"[::1\"",
                          "host=\"[x]\"",
                          "host=\"a\\\"b\"",
                          "for=192.0.2.1 proto=http",
                          "for=192.0.2.1 x",
                          "for =192.0.2.1",
                          "for= 192.0.2.1",
                          "for=192.0.2.1,x",
                          "for=\"a\"b",
                          "for=\"192.0.2.1\"x",
                          "for=\xc3\xa4",
                          "x=\"\x01\"",
                          "x=\"\x7f\"",
                          "by=nonsense",
                          "for=192.0.2.1\\",
                          "for='192.0.2.1'",
                          "for=\"fe80::1%eth0\"",
                          "for=\"[fe80::1%25eth0]\"",
                          "for=0x7f.1",
                          "for=127.1",
                          "\"for\"=192.0.2.1"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_forwarded(bad));
  }
  std::string many;
  for (std::size_t i = 0; i < kMostHops; ++i) many += "for=192.0.2.1,";
  CHECK(parse_forwarded(many)->size() == kMostHops);
  CHECK_FALSE(parse_forwarded(many + "for=192.0.2.1"));
  CHECK_FALSE(parse_forwarded(std::string_view("for=192.0.2.1\0", 14)));
  CHECK_FALSE(parse_forwarded(std::string_view("for=\"192.0.2.1\0\"", 16)));
}

TEST_CASE("forwarded: the older headers") {
  struct Row {
    const char *addresses, *protocols, *hosts, *want;
  };
  const Row table[] = {
      {"", "", "", ""},
      {"192.0.2.1", "https", "a.example", "192.0.2.1/a.example/https"},
      {"192.0.2.1, 192.0.2.2", "https", "", "192.0.2.1/-/https; 192.0.2.2/-/https"},
      {"192.0.2.1,192.0.2.2", "https,http", "a,b", "192.0.2.1/a/https; 192.0.2.2/b/http"},
      {"192.0.2.1", "http, https", "evil, a", "192.0.2.1/a/https"},
      {"192.0.2.1, 192.0.2.2, 192.0.2.3", "", "a, b", "192.0.2.1/a/-; 192.0.2.2/a/-; 192.0.2.3/b/-"},
      {"2001:db8::1", "", "", "2001:db8::1/-/-"},
      {"[2001:db8::1]", "", "", "2001:db8::1/-/-"},
      {"[2001:db8::1]:443, 192.0.2.1:80", "", "", "2001:db8::1/-/-; 192.0.2.1/-/-"},
      {", 192.0.2.1,", "", "", "192.0.2.1/-/-"},
      {"unknown, 192.0.2.1", "", "", "-/-/-; 192.0.2.1/-/-"},
      {"", "https", "", "-/-/https"},
      {"::ffff:192.0.2.1", "", "", "192.0.2.1/-/-"},
      {"localhost", "", "", "malformed"},
      {"192.0.2.1 192.0.2.2", "", "", "malformed"},
      {"192.0.2.1, x", "", "", "malformed"},
      {"192.0.2", "", "", "malformed"},
      {"1:2:3", "", "", "malformed"},
      {"::1%eth0", "", "", "malformed"},
      {"192.0.2.1", "ht tps", "", "malformed"},
      {"192.0.2.1", "\"https\"", "", "malformed"},
      {"192.0.2.1", "https", "a b", "malformed"},
      {"192.0.2.1", "https", "a\tb", "malformed"},
      {"192.0.2.1", "https", "http://a/", "malformed"},
  };
  for (const auto &row : table) {
    CAPTURE(row.addresses);
    CAPTURE(row.protocols);
    CAPTURE(row.hosts);
    CHECK(show(parse_x_forwarded(row.addresses, row.protocols, row.hosts)) == row.want);
  }
}

TEST_CASE("forwarded: only trusted proxies are believed") {
  const Networks none, local = networks("127.0.0.1"), farm = networks("127.0.0.0/8 10.0.0.0/8 fd00::/8 unix");
  const std::vector<Field> x{
      {"X-Forwarded-For", "203.0.113.9"}, {"X-Forwarded-Proto", "https"}, {"X-Forwarded-Host", "cloud.example"}};
  const std::vector<Field> forwarded{{"Forwarded", "for=203.0.113.9;proto=https;host=cloud.example"}};
  for (const auto &headers : {x, forwarded}) {
    CHECK(found(none, "127.0.0.1", headers) == "127.0.0.1 inner:9200 http");
    CHECK(found(none, "unix", headers) == "unix inner:9200 http");
    CHECK(found(local, "127.0.0.2", headers) == "127.0.0.2 inner:9200 http");
    CHECK(found(local, "unix", headers) == "unix inner:9200 http");
    CHECK(found(local, "127.0.0.1", headers) == "203.0.113.9 cloud.example https");
    CHECK(found(local, "::ffff:127.0.0.1", headers) == "203.0.113.9 cloud.example https");
    CHECK(found(farm, "unix", headers) == "203.0.113.9 cloud.example https");
  }
  CHECK(found(none, "::ffff:203.0.113.9", {}) == "203.0.113.9 inner:9200 http");
  CHECK(found(local, "127.0.0.1", {}) == "127.0.0.1 inner:9200 http");
  CHECK(found(local, "127.0.0.1", {}, true) == "127.0.0.1 inner:9200 https");

  // The last hop that is not a proxy of ours; what stands left of it may be made up.
  CHECK(found(local, "127.0.0.1", {{"X-Forwarded-For", "1.1.1.1, 203.0.113.9"}}) == "203.0.113.9 inner:9200 http");
  CHECK(found(farm, "10.0.0.1", {{"X-Forwarded-For", "1.1.1.1, 203.0.113.9, 10.0.0.7, 10.0.0.2"}}) ==
        "203.0.113.9 inner:9200 http");
  CHECK(found(farm, "10.0.0.1",
              {{"Forwarded", "for=1.1.1.1;host=evil;proto=http"},
               {"forwarded", "for=203.0.113.9;proto=https;host=cloud.example"},
               {"FORWARDED", "for=\"[fd00::1]\";proto=http;host=inside"}}) == "203.0.113.9 cloud.example https");
  CHECK(found(farm, "10.0.0.1", {{"X-Forwarded-For", "10.0.0.9, 10.0.0.2"}}) == "10.0.0.9 inner:9200 http");
  CHECK(found(farm, "10.0.0.1", {{"Forwarded", "for=1.1.1.1, for=unknown;proto=https, for=10.0.0.2"}}) ==
        "10.0.0.2 inner:9200 https");
  CHECK(found(local, "127.0.0.1", {{"Forwarded", "for=203.0.113.9;proto=http"}}, true) ==
        "203.0.113.9 inner:9200 http");

  // One malformed header takes the others with it.
  CHECK(found(local, "127.0.0.1", {{"Forwarded", "for=\"x"}, x[0], x[1], x[2]}) == "127.0.0.1 inner:9200 http");
  CHECK(found(local, "127.0.0.1", {x[0], x[1], {"X-Forwarded-Host", "a b"}}) == "127.0.0.1 inner:9200 http");

  // A client that sends the kind of header that its proxy does not write.
  CHECK(found(local, "127.0.0.1", {x[0], x[1], x[2], forwarded[0]}) == "203.0.113.9 cloud.example https");
  CHECK(found(local, "127.0.0.1", {x[0], {"Forwarded", "for=1.1.1.1"}}) == "127.0.0.1 inner:9200 http");
  CHECK(found(local, "127.0.0.1", {x[0], x[1], {"Forwarded", "proto=http"}}) == "127.0.0.1 inner:9200 http");
  CHECK(found(local, "127.0.0.1", {x[2], {"Forwarded", "for=203.0.113.9;host=evil"}}) == "127.0.0.1 inner:9200 http");
}

TEST_CASE("forwarded: damaged headers never make an address of nothing") {
  const auto seed = std::random_device()();
  CAPTURE(seed);
  std::mt19937 random(seed);
  const std::string good = "for=\"[2001:db8::1]:80\";proto=https;host=\"a.example:8443\", for=192.0.2.1;by=_x";
  constexpr std::string_view pieces = "\"\\,;=:[]_ \tfor.0123456789abcdefx\x80";
  for (int round = 0; round < 20'000; ++round) {
    std::string text = good;
    for (unsigned change = random() % 6; change > 0; --change) {
      const auto at = random() % (text.size() + 1);
      switch (random() % 3) {
        case 0:
          text.insert(at, 1, pieces[random() % pieces.size()]);
          break;
        case 1:
          text.erase(at, random() % 8);
          break;
        default:
          if (at < text.size()) text[at] = pieces[random() % pieces.size()];
      }
    }
    CAPTURE(text);
    for (const auto &hops :
         {parse_forwarded(text), parse_x_forwarded(text, "", ""), parse_x_forwarded("", text, text)}) {
      if (!hops) continue;
      CHECK(hops->size() <= kMostHops);
      for (const auto &hop : *hops) {
        if (hop.address) CHECK(Address::parse(hop.address->text()) == hop.address);
        CHECK(hop.authority.find_first_of("\"\\,; /@\t") == std::string::npos);
      }
    }
  }
}

}  // namespace
}  // namespace Atoll::host
