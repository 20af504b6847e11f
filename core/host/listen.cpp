// SPDX-License-Identifier: Apache-2.0
#include "core/host/listen.hpp"

#include <algorithm>

#include "core/base/text.hpp"
#include "core/host/networks.hpp"

namespace Atoll::host {
namespace {

constexpr std::string_view kHow =
    "write ADDRESS:PORT, [IPv6]:PORT, unix:/path or systemd, each TCP one perhaps with "
    "http:// or https:// in front";

bool take(std::string_view &text, std::string_view prefix) {
  if (text.substr(0, prefix.size()) != prefix) return false;
  text.remove_prefix(prefix.size());
  return true;
}

Error wrong(std::string_view word, std::string_view why) {
  return error(Status::InvalidArgument, "'" + std::string(word.substr(0, 120)) + "' " + std::string(why));
}

Result<ListenSpec> parse_word(std::string_view word, bool tls) {
  std::string_view rest = word;
  const bool plain = take(rest, "http://"), secure = take(rest, "https://");
  ListenSpec out;
  out.tls = secure || (tls && !plain);
  if (rest == "systemd" || rest.substr(0, 8) == "systemd:") {
    out.kind = ListenSpec::Kind::Systemd;
    out.address = rest.substr(std::min<std::size_t>(rest.size(), 8));
    if (rest == "systemd:") return wrong(word, "names no socket; write systemd:NAME or systemd");
    return out;
  }
  if (rest.substr(0, 5) == "unix:") {
    if (plain || secure) return wrong(word, "is a unix socket, which is always plain; leave the scheme out");
    if (rest.size() < 7 || rest[5] != '/') return wrong(word, "needs an absolute path: unix:/path");
    out.kind = ListenSpec::Kind::Unix;
    out.address = rest;
    out.tls = false;
    return out;
  }
  const auto colon = rest.rfind(':');
  const auto port = colon == rest.npos ? std::nullopt : base::parse_u64(rest.substr(colon + 1));
  std::string_view host = rest.substr(0, colon == rest.npos ? 0 : colon);
  if (!host.empty() && host.front() == '[') {
    const auto address = Address::parse(host.substr(1, host.size() - 2));
    if (host.back() != ']' || host.find(':') == host.npos || !address)
      return wrong(word, "is no address; " + std::string(kHow));
  } else if (host.find(':') != host.npos) {
    return wrong(word, "is no address; an IPv6 address needs brackets: [::1]:9200");
  }
  if (host.empty() || !port || *port > 65535 || host.find('/') != host.npos)
    return wrong(word, "is no address; " + std::string(kHow));
  out.address = rest;
  return out;
}

}  // namespace

bool ListenSpec::exposed() const { return kind == Kind::Tcp && !on_loopback(address); }

std::string ListenSpec::text() const {
  if (kind == Kind::Unix) return address;
  const std::string scheme = tls ? "https://" : "http://";
  if (kind == Kind::Tcp) return scheme + address;
  return scheme + (address.empty() ? "systemd" : "systemd:" + address);
}

bool on_loopback(std::string_view address) {
  std::string_view host = address.substr(0, address.rfind(':'));
  if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
  if (base::iequals(host, "localhost")) return true;
  const auto parsed = Address::parse(host);
  return parsed && parsed->loopback();
}

Result<std::vector<ListenSpec>> parse_listen(std::string_view words, bool tls) {
  std::vector<ListenSpec> out;
  std::string blanks(words);
  std::replace(blanks.begin(), blanks.end(), '\t', ' ');
  for (const auto word : base::split(blanks, ' ')) {
    if (word.empty()) continue;
    auto spec = parse_word(word, tls);
    if (!spec) return std::move(spec).error();
    for (const auto &other : out)
      if (other.kind == spec->kind && other.address == spec->address && !other.address.ends_with(":0"))
        return wrong(word, "is there twice");
    out.push_back(std::move(*spec));
  }
  return out;
}

std::string exposed_plainly(std::string_view key, std::string_view where) {
  return std::string(key) + ": plain HTTP at " + std::string(where) +
         " would carry passwords and files readable through the network; set tls = auto (the server makes a "
         "certificate), or tls = files (with a certificate of yours), or listen on 127.0.0.1 behind a proxy with TLS; "
         "plain_http = yes allows it where only such a proxy can connect";
}

}  // namespace Atoll::host
