// SPDX-License-Identifier: Apache-2.0
#include "core/host/forwarded.hpp"

#include <algorithm>
#include <utility>

#include "core/base/text.hpp"

namespace Atoll::host {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alnum(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
// RFC 9110 5.6.2
bool is_token_char(char c) {
  return is_alnum(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}
bool is_blank(char c) { return c == ' ' || c == '\t'; }

template <class Each>
bool all(std::string_view text, Each each) {
  return !text.empty() && std::all_of(text.begin(), text.end(), each);
}

bool is_port(std::string_view text) { return text.size() <= 5 && all(text, is_digit); }
// RFC 7239 6.3: a name instead of an address or of a port.
bool is_obfuscated(std::string_view text) {
  return text.size() >= 2 && text.size() <= 255 && text[0] == '_' &&
         all(text.substr(1), [](char c) { return is_alnum(c) || c == '.' || c == '_' || c == '-'; });
}

// A host name, an IPv4 address or an IPv6 address in brackets, with or without a port.
bool is_authority(std::string_view text) {
  if (text.empty() || text.size() > 300) return false;
  std::string_view rest;
  if (text[0] == '[') {
    const auto close = text.find(']');
    if (close == text.npos) return false;
    const auto inside = Address::parse(text.substr(1, close - 1));
    if (!inside || text.find(':') > close) return false;
    rest = text.substr(close + 1);
  } else {
    const auto colon = std::min(text.find(':'), text.size());
    if (!all(text.substr(0, colon), [](char c) { return is_alnum(c) || c == '.' || c == '_' || c == '-'; }))
      return false;
    rest = text.substr(colon);
  }
  return rest.empty() || (rest[0] == ':' && is_port(rest.substr(1)));
}

// RFC 3986 3.1. Only what is called https is secure.
bool read_protocol(std::string_view text, std::optional<bool> &secure) {
  if (text.size() > 32 || !all(text, [](char c) { return is_alnum(c) || c == '+' || c == '-' || c == '.'; }))
    return false;
  secure = base::iequals(text, "https");
  return true;
}

// RFC 7239 6: an address with or without a port, "unknown", or an obfuscated name. `bare_v6`: X-Forwarded-For has IPv6
// without brackets.
bool read_node(std::string_view text, bool bare_v6, std::optional<Address> &out) {
  if (bare_v6 && text.find(':') != text.rfind(':') && text[0] != '[') {
    out = Address::parse(text);
    return out.has_value();
  }
  std::string_view name = text, port;
  if (!text.empty() && text[0] == '[') {
    const auto close = text.find(']');
    if (close == text.npos) return false;
    name = text.substr(1, close - 1);
    port = text.substr(close + 1);
    if (name.find(':') == name.npos) return false;
    out = Address::parse(name);
    if (!out) return false;
  } else {
    const auto colon = std::min(text.find(':'), text.size());
    name = text.substr(0, colon);
    port = text.substr(colon);
    out = Address::parse(name);
    if (!out && !base::iequals(name, "unknown") && !is_obfuscated(name)) return false;
  }
  return port.empty() || (port[0] == ':' && (is_port(port.substr(1)) || is_obfuscated(port.substr(1))));
}

// One pass over a Forwarded header.
class ForwardedReader {
 public:
  explicit ForwardedReader(std::string_view text) : text_(text) {}

  // forwarded-element: pairs with semicolons between. Empty ones are skipped.
  bool element(Hop &hop, bool &empty) {
    unsigned seen = 0;
    empty = true;
    for (;;) {
      blanks();
      if (!at(',') && !at(';') && at_ < text_.size()) {
        if (!pair(hop, seen)) return false;
        empty = false;
        blanks();
      }
      if (at_ == text_.size() || at(',')) return true;
      if (!at(';')) return false;
      ++at_;
    }
  }
  bool next() {
    if (!at(',')) return false;
    ++at_;
    return true;
  }

 private:
  enum : unsigned { kFor = 1, kProto = 2, kHost = 4, kBy = 8 };

  bool at(char c) const { return at_ < text_.size() && text_[at_] == c; }
  void blanks() {
    while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
  }
  std::string_view token() {
    const auto begin = at_;
    while (at_ < text_.size() && is_token_char(text_[at_])) ++at_;
    return text_.substr(begin, at_ - begin);
  }
  bool quoted(std::string &out) {
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == '"') {
        ++at_;
        return true;
      }
      if (text_[at_] == '\\' && ++at_ == text_.size()) return false;
      const auto byte = static_cast<unsigned char>(text_[at_]);
      if ((byte < 0x20 && byte != '\t') || byte == 0x7f) return false;
      out += text_[at_];
    }
    return false;
  }
  bool pair(Hop &hop, unsigned &seen) {
    const auto name = token();
    if (name.empty() || !at('=')) return false;
    ++at_;
    std::string value;
    if (at('"')) {
      if (!quoted(value)) return false;
    } else {
      value = token();
      if (value.empty()) return false;
    }
    const auto once = [&](unsigned which) { return (std::exchange(seen, seen | which) & which) == 0; };
    std::optional<Address> by;
    if (base::iequals(name, "for")) return once(kFor) && read_node(value, false, hop.address);
    if (base::iequals(name, "by")) return once(kBy) && read_node(value, false, by);
    if (base::iequals(name, "proto")) return once(kProto) && read_protocol(value, hop.secure);
    if (!base::iequals(name, "host")) return true;  // RFC 7239 5.5: extensions
    hop.authority = std::move(value);
    return once(kHost) && is_authority(hop.authority);
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

std::vector<std::string_view> list(std::string_view text) {
  std::vector<std::string_view> out;
  for (auto entry : base::split(text, ','))
    if (entry = base::trim(entry); !entry.empty()) out.push_back(entry);
  return out;
}

// The entry that belongs to the hop `index` of `count`, counted from the right.
std::string_view aligned(const std::vector<std::string_view> &entries, std::size_t index, std::size_t count) {
  const auto from_right = count - index;
  return entries[entries.size() >= from_right ? entries.size() - from_right : 0];
}

// What a chain of hops comes to.
Hop walk(const Hops &hops, const Networks &trusted) {
  Hop out;
  for (auto hop = hops.rbegin(); hop != hops.rend(); ++hop) {
    out.secure = hop->secure;
    out.authority = hop->authority;
    if (!hop->address) break;
    out.address = hop->address;
    if (!trusted.contains(*hop->address)) break;
  }
  return out;
}

// Takes from `other` what `hop` does not say; false when they contradict each other.
bool join(Hop &hop, const Hop &other) {
  if (hop.address && other.address && !(*hop.address == *other.address)) return false;
  if (hop.secure && other.secure && *hop.secure != *other.secure) return false;
  if (!hop.authority.empty() && !other.authority.empty() && !base::iequals(hop.authority, other.authority))
    return false;
  if (!hop.address) hop.address = other.address;
  if (!hop.secure) hop.secure = other.secure;
  if (hop.authority.empty()) hop.authority = other.authority;
  return true;
}

}  // namespace

std::optional<Hops> parse_forwarded(std::string_view value) {
  Hops out;
  ForwardedReader reader(value);
  do {
    Hop hop;
    bool empty = false;
    if (!reader.element(hop, empty)) return std::nullopt;
    if (empty) continue;
    if (out.size() == kMostHops) return std::nullopt;
    out.push_back(std::move(hop));
  } while (reader.next());
  return out;
}

std::optional<Hops> parse_x_forwarded(std::string_view addresses, std::string_view protocols, std::string_view hosts) {
  const auto nodes = list(addresses), schemes = list(protocols), names = list(hosts);
  if (std::max({nodes.size(), schemes.size(), names.size()}) > kMostHops) return std::nullopt;
  if (nodes.empty() && schemes.empty() && names.empty()) return Hops();
  Hops out(std::max<std::size_t>(1, nodes.size()));
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (!nodes.empty() && !read_node(nodes[i], true, out[i].address)) return std::nullopt;
    if (!schemes.empty() && !read_protocol(aligned(schemes, i, out.size()), out[i].secure)) return std::nullopt;
    if (!names.empty()) out[i].authority = aligned(names, i, out.size());
    if (!names.empty() && !is_authority(out[i].authority)) return std::nullopt;
  }
  return out;
}

Client find_client(const net::RequestHead &head, const Networks &trusted) {
  Client out;
  const auto &connection = *head.connection;
  out.secure = connection.secure;
  const std::string &peer = connection.peer.host;
  if (peer.compare(0, 7, "::ffff:") == 0)
    if (const auto address = Address::parse(peer)) out.address = address->text();
  if (!trusted.contains(peer)) return out;

  const auto hops = parse_forwarded(head.joined("Forwarded").value_or(""));
  const auto older =
      parse_x_forwarded(head.joined("X-Forwarded-For").value_or(""), head.joined("X-Forwarded-Proto").value_or(""),
                        head.joined("X-Forwarded-Host").value_or(""));
  if (!hops || !older) return out;
  Hop said = walk(*hops, trusted);
  if (!join(said, walk(*older, trusted))) return out;
  if (said.address) out.address = said.address->text();
  out.authority = std::move(said.authority);
  out.secure = said.secure.value_or(out.secure);
  return out;
}

}  // namespace Atoll::host
