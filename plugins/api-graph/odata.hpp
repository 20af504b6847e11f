// SPDX-License-Identifier: Apache-2.0
// What answers and query options of the Graph API have in common (OData 4.01, protocol parts 8 and 11).
#pragma once

#include <atoll/sdk/result.hpp>

#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace Atoll::graph {

/// What a handler gives: a status and a JSON text, or nothing.
struct Answer {
  int status = 200;
  std::string json;
  std::string allow;                 ///< of a 405
  std::uint32_t retry_after_ms = 0;  ///< of 429 and 503
};

inline Error invalid(std::string message) { return error(Status::InvalidArgument, std::move(message)); }

/// {"error":{"code":...,"message":...}} with the HTTP status that belongs to the error. [any thread]
Answer failure(const Error &error);
/// The same for a status that no Error has.
Answer failure(int status, std::string_view code, std::string_view message);

/// The options of a query, decoded. A name that is not expected, or that comes twice, is InvalidArgument: an option
/// that is ignored would give what nobody asked for.
class Query {
 public:
  static Result<Query> read(std::string_view query, std::initializer_list<std::string_view> expected);
  /// Empty when it is not given.
  const std::string &get(std::string_view name) const;

 private:
  std::map<std::string, std::string, std::less<>> options_;
};

/// "FIELD eq VALUE" with the value in single quotes or without; the value. InvalidArgument for every other filter.
Result<std::string> equals_filter(std::string_view filter, std::string_view field);

struct Order {
  std::string field;
  bool descending = false;
};
/// "FIELD", "FIELD asc" or "FIELD desc", with a field out of these.
Result<Order> read_order(std::string_view text, std::initializer_list<std::string_view> fields);

/// "a,b,c" out of these; empty: all fields are wanted.
Result<std::set<std::string, std::less<>>> read_select(std::string_view text, std::span<const std::string_view> fields);

/// Where a list goes on: the address of this request with another $skiptoken.
std::string next_link(std::string_view public_url, std::string_view path, std::string_view query,
                      std::string_view place);

/// An instant of RFC 3339 as nanoseconds since 1970.
std::optional<std::int64_t> read_instant(std::string_view text);

}  // namespace Atoll::graph
