// SPDX-License-Identifier: Apache-2.0
#include "plugins/api-webdav/destination.hpp"

#include "core/base/text.hpp"

namespace Atoll::webdav {

namespace {

/// The authority without user information and without the default port of either scheme.
std::string_view host_of(std::string_view authority) {
  const std::size_t at = authority.rfind('@');
  if (at != std::string_view::npos) authority.remove_prefix(at + 1);
  for (const std::string_view port : {":80", ":443", ":"}) {
    if (authority.ends_with(port)) return authority.substr(0, authority.size() - port.size());
  }
  return authority;
}

}  // namespace

Result<UrlTarget> parse_url_target(std::string_view value, std::string_view authority) {
  UrlTarget out;
  value = base::trim(value);
  if (!value.starts_with('/')) {
    const std::size_t scheme = value.find("://");
    if (scheme == std::string_view::npos ||
        (!base::iequals(value.substr(0, scheme), "http") && !base::iequals(value.substr(0, scheme), "https"))) {
      return error(Status::InvalidArgument, "The destination is neither an http URL nor an absolute path.");
    }
    const std::string_view rest = value.substr(scheme + 3);
    const std::size_t slash = rest.find('/');
    const std::string_view host = rest.substr(0, slash);
    if (host.empty()) return error(Status::InvalidArgument, "The destination names no host.");
    if (!base::iequals(host_of(host), host_of(authority))) {
      out.other_host = true;
      return out;
    }
    value = slash == std::string_view::npos ? std::string_view("/") : rest.substr(slash);
  }
  if (value.find_first_of("?#") != std::string_view::npos) {
    return error(Status::InvalidArgument, "The destination has a query or a fragment: encode ? as %3F and # as %23.");
  }
  auto location = parse_location(value);
  if (!location) return std::move(location).error();
  out.location = *std::move(location);
  return out;
}

}  // namespace Atoll::webdav
