// SPDX-License-Identifier: Apache-2.0
#include "plugins/api-account/webfinger.hpp"

#include <algorithm>

#include "core/base/json.hpp"
#include "core/base/text.hpp"
#include "core/base/uri.hpp"
#include "core/base/xml.hpp"

namespace Atoll::account {
namespace {

constexpr std::size_t kLongestResource = 2048, kMostRels = 16;
constexpr std::string_view kServerRels[] = {"http://webfinger.owncloud/rel/server-instance",
                                            "http://webfinger.opencloud/rel/server-instance"};

/// "host:port" of an http or https URL; the default port is left out.
std::string host_of(std::string_view url) {
  const bool secure = base::iequals(url.substr(0, 8), "https://"), plain = base::iequals(url.substr(0, 7), "http://");
  if (!secure && !plain) return {};
  url.remove_prefix(secure ? 8 : 7);
  std::string host = base::to_lower(url.substr(0, url.find_first_of("/?#")));
  const std::string_view port = secure ? ":443" : ":80";
  if (host.size() > port.size() && host.compare(host.size() - port.size(), port.size(), port) == 0)
    host.resize(host.size() - port.size());
  return host.find('@') == std::string::npos ? host : std::string();
}

std::string_view without_port(std::string_view host) {
  const auto colon = host.rfind(':');
  return colon == host.npos || host.find(']', colon) != host.npos ? host : host.substr(0, colon);
}

std::string lrdd(std::string_view public_url) {
  return std::string(public_url) + "/.well-known/webfinger?resource={uri}";
}

}  // namespace

Result<FingerQuery> read_finger_query(std::string_view query) {
  const auto wrong = [](const char *why) { return error(Status::InvalidArgument, why); };
  FingerQuery out;
  bool given = false;
  for (const auto part : base::split(query, '&')) {
    const auto equals = part.find('=');
    const auto name = part.substr(0, equals);
    if (name != "resource" && name != "rel") continue;  // RFC 7033, 4.1: others are left alone
    const auto value = base::percent_decode(equals == part.npos ? std::string_view() : part.substr(equals + 1));
    if (!value || !base::valid_utf8(*value) || base::has_control(*value) || value->find('\t') != value->npos)
      return wrong("The query is not well formed.");
    if (name == "rel") {
      if (out.rels.size() == kMostRels) return wrong("There are too many rel parameters.");
      out.rels.push_back(*value);
      continue;
    }
    if (given) return wrong("There is one resource only.");
    given = true;
    out.resource = *value;
  }
  if (out.resource.empty()) return wrong("Name the resource: ?resource=acct:NAME@HOST");
  if (out.resource.size() > kLongestResource) return wrong("The resource is too long.");
  if (out.resource.find(':') == std::string::npos) return wrong("The resource is no URI.");
  return out;
}

bool is_ours(std::string_view resource, std::string_view public_url, std::string_view asked_at) {
  const std::string here = host_of(public_url), asked = base::to_lower(asked_at);
  const auto same = [&](std::string_view host) {
    return !host.empty() && (base::iequals(host, here) || base::iequals(host, without_port(here)) ||
                             base::iequals(host, asked) || base::iequals(host, without_port(asked)));
  };
  if (base::iequals(resource.substr(0, 5), "acct:")) {
    const auto at = resource.rfind('@');
    return at != resource.npos && at > 5 && same(resource.substr(at + 1));
  }
  return same(host_of(resource));
}

std::string finger_answer(const FingerQuery &query, std::string_view public_url) {
  std::string out;
  base::JsonWriter json(out);
  json.begin_object().field("subject", query.resource).key("links").begin_array();
  for (const std::string_view rel : kServerRels) {
    if (!query.rels.empty() && std::find(query.rels.begin(), query.rels.end(), rel) == query.rels.end()) continue;
    json.begin_object().field("rel", rel).field("href", public_url).key("titles").begin_object();
    json.field("en", "Atoll").end_object().end_object();
  }
  json.end_array().end_object();
  return out;
}

std::string host_meta_xml(std::string_view public_url) {
  std::string out =
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<XRD xmlns=\"http://docs.oasis-open.org/ns/xri/xrd-1.0\">"
      "<Link rel=\"lrdd\" type=\"application/jrd+json\" template=\"";
  base::append_xml_escaped(out, lrdd(public_url));
  return out + "\"/></XRD>\n";
}

std::string host_meta_json(std::string_view public_url) {
  std::string out;
  base::JsonWriter json(out);
  json.begin_object().key("links").begin_array().begin_object().field("rel", "lrdd");
  json.field("type", "application/jrd+json").field("template", lrdd(public_url));
  json.end_object().end_array().end_object();
  return out;
}

}  // namespace Atoll::account
