// SPDX-License-Identifier: Apache-2.0
#include "core/net/request.hpp"

#include "core/base/text.hpp"

namespace Atoll::net {

std::string Endpoint::text() const {
  if (port == 0 && host.find_first_of(".:") == std::string::npos) return host;
  if (host.find(':') != std::string::npos) return "[" + host + "]:" + std::to_string(port);
  return host + ":" + std::to_string(port);
}

std::optional<std::string_view> RequestHead::header(std::string_view name) const {
  for (const auto &field : headers)
    if (field.name.size() == name.size() && base::iequals(field.name, name)) return field.value;
  return std::nullopt;
}

std::optional<std::string> RequestHead::joined(std::string_view name) const {
  std::optional<std::string> all;
  for (const auto &field : headers) {
    if (field.name.size() != name.size() || !base::iequals(field.name, name)) continue;
    if (all)
      all->append(", ").append(field.value);
    else
      all.emplace(field.value);
  }
  return all;
}

}  // namespace Atoll::net
