// SPDX-License-Identifier: Apache-2.0
#include "core/base/conditional.hpp"

#include <algorithm>

#include "core/base/text.hpp"
#include "core/base/time.hpp"

namespace Atoll::base {

bool EtagList::has_strong(std::string_view etag) const {
  return std::any_of(items.begin(), items.end(), [&](const Item &item) { return !item.weak && item.text == etag; });
}

bool EtagList::has_weak(std::string_view etag) const {
  return std::any_of(items.begin(), items.end(), [&](const Item &item) { return item.text == etag; });
}

std::optional<EtagList> parse_etags(std::string_view value) {
  EtagList out;
  value = trim(value);
  if (value == "*") {
    out.any = true;
    return out;
  }
  while (!value.empty()) {
    EtagList::Item item;
    if (value.starts_with("W/")) {
      item.weak = true;
      value.remove_prefix(2);
    }
    std::string_view text;
    if (value.starts_with('"')) {
      const std::size_t end = value.find('"', 1);
      if (end == std::string_view::npos) return std::nullopt;
      text = value.substr(1, end - 1);
      value.remove_prefix(end + 1);
    } else {
      const std::size_t end = std::min(value.find(','), value.size());
      text = trim(value.substr(0, end));
      value.remove_prefix(end);
      if (text.empty() || text.find_first_of("\" \t") != std::string_view::npos) return std::nullopt;
    }
    if (text.ends_with("-gzip")) text.remove_suffix(5);
    item.text = text;
    out.items.push_back(std::move(item));
    value = trim(value);
    if (value.empty()) break;
    if (!value.starts_with(',')) return std::nullopt;
    value = trim(value.substr(1));
  }
  if (out.items.empty()) return std::nullopt;
  return out;
}

Verdict evaluate_read(const ConditionalFields &fields, std::string_view etag, std::int64_t mtime_s) {
  if (fields.if_match) {
    const auto list = parse_etags(*fields.if_match);
    if (!list) return Verdict::Malformed;
    if (!list->any && !list->has_strong(etag)) return Verdict::PreconditionFailed;
  } else if (fields.if_unmodified_since) {
    const auto date = parse_http_date(*fields.if_unmodified_since);
    if (date && mtime_s > *date) return Verdict::PreconditionFailed;
  }
  if (fields.if_none_match) {
    const auto list = parse_etags(*fields.if_none_match);
    if (!list) return Verdict::Malformed;
    if (list->any || list->has_weak(etag)) return Verdict::NotModified;
  } else if (fields.if_modified_since) {
    const auto date = parse_http_date(*fields.if_modified_since);
    if (date && mtime_s <= *date) return Verdict::NotModified;
  }
  return Verdict::Perform;
}

bool range_applies(const ConditionalFields &fields, std::string_view etag, std::int64_t mtime_s) {
  if (!fields.if_range) return true;
  const std::string_view value = trim(*fields.if_range);
  if (value.starts_with('"') || value.starts_with("W/")) {
    const auto list = parse_etags(value);
    return list && list->items.size() == 1 && list->has_strong(etag);
  }
  const auto date = parse_http_date(value);
  return date && *date == mtime_s;
}

}  // namespace Atoll::base
