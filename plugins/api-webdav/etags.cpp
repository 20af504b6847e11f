// SPDX-License-Identifier: Apache-2.0
#include "plugins/api-webdav/etags.hpp"

#include <algorithm>

namespace Atoll::webdav {

bool to_conditions(const ConditionalFields &fields, Conditions &out) {
  if (fields.if_match) {
    const auto list = parse_etags(*fields.if_match);
    if (!list) return false;
    if (list->any) out.match_any = true;
    for (const auto &item : list->items) {
      // A weak etag never matches strongly; it still makes the condition one that has to hold.
      out.if_match.push_back(item.weak ? "W/" + item.text : item.text);
    }
  }
  if (fields.if_none_match) {
    const auto list = parse_etags(*fields.if_none_match);
    if (!list) return false;
    if (list->any) out.none_match_any = true;
    for (const auto &item : list->items) out.if_none_match.push_back(item.text);
  }
  return true;
}

bool conditions_hold(const Conditions &conditions, std::optional<std::string_view> etag) {
  const auto has = [&](const std::vector<std::string> &list) {
    return etag && std::find(list.begin(), list.end(), *etag) != list.end();
  };
  if (conditions.match_any && !etag) return false;
  if (conditions.none_match_any && etag) return false;
  if (!conditions.if_match.empty() && !has(conditions.if_match)) return false;
  return !has(conditions.if_none_match);
}

}  // namespace Atoll::webdav
