// SPDX-License-Identifier: Apache-2.0
#include "plugins/api-graph/odata.hpp"

#include <algorithm>
#include <ctime>

#include "core/base/json.hpp"
#include "core/base/text.hpp"
#include "core/base/uri.hpp"

namespace Atoll::graph {
namespace {

/// '+' is a blank in a query.
std::optional<std::string> decoded(std::string_view text) {
  std::string plain(text);
  std::replace(plain.begin(), plain.end(), '+', ' ');
  return base::percent_decode(plain);
}

template <class Words>
bool one_of(std::string_view word, const Words &words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace

Answer failure(int status, std::string_view code, std::string_view message) {
  Answer out;
  out.status = status;
  base::JsonWriter json(out.json);
  json.begin_object()
      .key("error")
      .begin_object()
      .field("code", code)
      .field("message", message)
      .end_object()
      .end_object();
  return out;
}

Answer failure(const Error &error) {
  const auto as = [&](int status, std::string_view code, std::string_view message = {}) {
    Answer out = failure(status, code, message.empty() ? std::string_view(error.message) : message);
    out.retry_after_ms = error.retry_after_ms;
    return out;
  };
  switch (error.status) {
    case Status::InvalidArgument:
    case Status::FailedPrecondition:
    case Status::OutOfRange:
      return as(400, "invalidRequest");
    case Status::Unauthenticated:
      return as(401, "unauthenticated");
    case Status::PermissionDenied:
      return as(403, "accessDenied");
    case Status::NotFound:
      return as(404, "itemNotFound");
    case Status::AlreadyExists:
      return as(409, "nameAlreadyExists");
    case Status::Aborted:
      return as(412, "preconditionFailed");
    case Status::Locked:
      return as(423, "itemIsLocked");
    case Status::ResourceExhausted:
      return as(429, "activityLimitReached", "Too much at once; try again.");
    case Status::Unimplemented:
      return as(501, "notSupported");
    case Status::InsufficientStorage:
      return as(507, "quotaLimitReached");
    case Status::Unavailable:
    case Status::DeadlineExceeded:
      // Why is the admin's to know; it is in the log.
      return as(503, "serviceNotAvailable", "This cannot be told now; try again.");
    default:
      return as(500, "generalException", "The server failed to answer; its log says why.");
  }
}

Result<Query> Query::read(std::string_view query, std::initializer_list<std::string_view> expected) {
  Query out;
  while (!query.empty()) {
    const std::string_view one = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), one.size() + 1));
    if (one.empty()) continue;
    const auto equals = one.find('=');
    const auto name = decoded(one.substr(0, equals));
    const auto value = decoded(equals == one.npos ? std::string_view() : one.substr(equals + 1));
    if (!name || !value || !base::valid_utf8(*name) || !base::valid_utf8(*value))
      return invalid("The query is not well formed.");
    if (!one_of(*name, expected)) return invalid("The query option " + *name + " is not supported here.");
    if (!out.options_.emplace(*name, *value).second) return invalid("The query option " + *name + " comes twice.");
  }
  return out;
}

const std::string &Query::get(std::string_view name) const {
  static const std::string none;
  const auto found = options_.find(name);
  return found == options_.end() ? none : found->second;
}

Result<std::string> equals_filter(std::string_view filter, std::string_view field) {
  const auto refused = [&] {
    return invalid("Only the filter " + std::string(field) + " eq 'VALUE' is supported here.");
  };
  filter = base::trim(filter);
  if (filter.substr(0, field.size()) != field) return refused();
  filter.remove_prefix(field.size());
  if (filter.substr(0, 4) != " eq ") return refused();
  std::string_view value = base::trim(filter.substr(4));
  if (value.size() >= 2 && value.front() == '\'' && value.back() == '\'') value = value.substr(1, value.size() - 2);
  if (value.empty() || value.find_first_of(" '()") != value.npos) return refused();
  return std::string(value);
}

Result<Order> read_order(std::string_view text, std::initializer_list<std::string_view> fields) {
  text = base::trim(text);
  Order out;
  const auto blank = text.find(' ');
  out.field = text.substr(0, blank);
  const std::string_view direction = blank == text.npos ? "asc" : base::trim(text.substr(blank + 1));
  out.descending = direction == "desc";
  if (!one_of(out.field, fields) || (direction != "asc" && direction != "desc")) {
    std::string all;
    for (const auto field : fields) all += (all.empty() ? "" : ", ") + std::string(field);
    return invalid("The order can be by " + all + ", asc or desc.");
  }
  return out;
}

Result<std::set<std::string, std::less<>>> read_select(std::string_view text,
                                                       std::span<const std::string_view> fields) {
  std::set<std::string, std::less<>> out;
  for (const auto part : base::split(text, ',')) {
    const std::string_view field = base::trim(part);
    if (field.empty() && base::trim(text).empty()) break;
    if (!one_of(field, fields)) return invalid("There is no field '" + std::string(field) + "' to select.");
    out.emplace(field);
  }
  return out;
}

std::string next_link(std::string_view public_url, std::string_view path, std::string_view query,
                      std::string_view place) {
  std::string out = std::string(public_url) + std::string(path) + "?";
  for (const auto part : base::split(query, '&')) {
    const auto name = decoded(part.substr(0, part.find('=')));
    if (!part.empty() && name != "$skiptoken") out.append(part).append("&");
  }
  return out.append("$skiptoken=").append(place);
}

std::optional<std::int64_t> read_instant(std::string_view text) {
  const auto digits = [&](std::size_t at, std::size_t count) -> int {
    int value = 0;
    for (std::size_t i = at; i < at + count; ++i) {
      if (i >= text.size() || text[i] < '0' || text[i] > '9') return -1;
      value = value * 10 + (text[i] - '0');
    }
    return value;
  };
  const auto mark = [&](std::size_t at, std::string_view marks) {
    return at < text.size() && marks.find(text[at]) != marks.npos;
  };
  const int year = digits(0, 4), month = digits(5, 2), day = digits(8, 2), hour = digits(11, 2), minute = digits(14, 2),
            second = digits(17, 2);
  if (year < 1970 || year > 2261 || month < 1 || month > 12 || day < 1 || day > 31 || hour < 0 || hour > 23 ||
      minute < 0 || minute > 59 || second < 0 || second > 60 || !mark(4, "-") || !mark(7, "-") || !mark(10, "Tt ") ||
      !mark(13, ":") || !mark(16, ":"))
    return std::nullopt;
  std::size_t at = 19;
  std::int64_t fraction = 0;
  if (mark(at, ".")) {
    std::int64_t unit = 100'000'000;
    const std::size_t first = ++at;
    for (; mark(at, "0123456789"); ++at, unit /= 10) fraction += (text[at] - '0') * unit;
    if (at == first) return std::nullopt;
  }
  std::int64_t offset = 0;
  if (mark(at, "+-")) {
    const int hours = digits(at + 1, 2), minutes = digits(at + 4, 2);
    if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59 || !mark(at + 3, ":")) return std::nullopt;
    offset = (text[at] == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
    at += 6;
  } else if (mark(at, "Zz")) {
    ++at;
  } else {
    return std::nullopt;
  }
  if (at != text.size()) return std::nullopt;
  std::tm parts{};
  parts.tm_year = year - 1900;
  parts.tm_mon = month - 1;
  parts.tm_mday = day;
  parts.tm_hour = hour;
  parts.tm_min = minute;
  parts.tm_sec = second;
  const std::time_t seconds = ::timegm(&parts);
  if (parts.tm_mday != day) return std::nullopt;  // 31 April
  return (static_cast<std::int64_t>(seconds) - offset) * 1'000'000'000 + fraction;
}

}  // namespace Atoll::graph
