// SPDX-License-Identifier: Apache-2.0
// The If field of RFC 4918, section 10.4. [any thread]
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace Atoll::webdav {

/// One condition: a state token or an etag, perhaps negated.
struct IfCondition {
  enum class Kind : std::uint8_t { Token, Etag };
  Kind kind = Kind::Token;
  bool negated = false;
  std::string text;   ///< the token without angle brackets, the etag without quotes
  bool weak = false;  ///< of an etag: never matches ours
};

/// Conditions that must all hold, about one resource.
struct IfList {
  std::string tag;  ///< URL that it is about; empty: the resource of the request
  std::vector<IfCondition> conditions;
};

/// Holds when one of its lists holds.
struct IfHeader {
  std::vector<IfList> lists;

  /// Every token that stands in it without Not: what the client submits (RFC 4918, 10.4.1).
  std::vector<std::string> submitted_tokens() const;
};

/// Nothing for what is not of that grammar, or has more than 64 lists or 256 conditions.
std::optional<IfHeader> parse_if(std::string_view value);

/// What is known of a resource that a list is about.
struct IfState {
  std::optional<std::string> etag;  ///< nullopt: nothing is there
  std::vector<std::string> tokens;  ///< of the locks that apply to it
};

/// True when one list holds. `state_of` gives the state for a tag (empty: the resource of the request), and is asked
/// once for each list that needs it; nullopt is a resource that is not ours, of which nothing holds.
bool evaluate_if(const IfHeader &header, const std::function<std::optional<IfState>(const std::string &tag)> &state_of);

}  // namespace Atoll::webdav
