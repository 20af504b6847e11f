// SPDX-License-Identifier: Apache-2.0
#include "plugins/api-webdav/if_header.hpp"

#include <algorithm>

#include "core/base/text.hpp"

namespace Atoll::webdav {

namespace {

constexpr std::size_t kMostLists = 64;
constexpr std::size_t kMostConditions = 256;

class Parser {
 public:
  explicit Parser(std::string_view text) : rest_(text) {}

  std::optional<IfHeader> parse() {
    IfHeader header;
    std::string tag;
    bool tagged = false, list_since_tag = true;
    for (skip(); !rest_.empty(); skip()) {
      if (rest_.front() == '<') {
        // Untagged and tagged lists do not mix, and a tag is followed by a list.
        if (!list_since_tag || (!tagged && !header.lists.empty())) return std::nullopt;
        auto uri = bracketed('<', '>');
        if (!uri || uri->empty()) return std::nullopt;
        tag = *uri;
        tagged = true;
        list_since_tag = false;
      } else if (rest_.front() == '(') {
        IfList list;
        list.tag = tag;
        if (header.lists.size() == kMostLists || !conditions(list)) return std::nullopt;
        header.lists.push_back(std::move(list));
        list_since_tag = true;
      } else {
        return std::nullopt;
      }
    }
    if (header.lists.empty() || !list_since_tag) return std::nullopt;
    return header;
  }

 private:
  void skip() {
    while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\t')) rest_.remove_prefix(1);
  }

  std::optional<std::string> bracketed(char open, char close) {
    if (rest_.empty() || rest_.front() != open) return std::nullopt;
    const std::size_t end = rest_.find(close);
    if (end == std::string_view::npos) return std::nullopt;
    std::string inside(rest_.substr(1, end - 1));
    rest_.remove_prefix(end + 1);
    return inside;
  }

  bool conditions(IfList &list) {
    rest_.remove_prefix(1);  // the parenthesis
    for (skip(); !rest_.empty(); skip()) {
      if (rest_.front() == ')') {
        rest_.remove_prefix(1);
        return !list.conditions.empty();
      }
      if (++count_ > kMostConditions) return false;
      IfCondition condition;
      if (base::iequals(rest_.substr(0, 3), "Not")) {
        condition.negated = true;
        rest_.remove_prefix(3);
        skip();
        if (rest_.empty()) return false;
      }
      if (rest_.front() == '<') {
        auto token = bracketed('<', '>');
        if (!token || token->empty()) return false;
        condition.text = std::move(*token);
      } else if (rest_.front() == '[') {
        auto etag = bracketed('[', ']');
        if (!etag) return false;
        condition.kind = IfCondition::Kind::Etag;
        std::string_view text = base::trim(*etag);
        if (text.starts_with("W/")) {
          condition.weak = true;
          text.remove_prefix(2);
        }
        if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
        condition.text = text;
      } else {
        return false;
      }
      list.conditions.push_back(std::move(condition));
    }
    return false;
  }

  std::string_view rest_;
  std::size_t count_ = 0;
};

bool holds(const IfCondition &condition, const std::optional<IfState> &state) {
  bool match = false;
  if (state && condition.kind == IfCondition::Kind::Token) {
    match = std::find(state->tokens.begin(), state->tokens.end(), condition.text) != state->tokens.end();
  } else if (state) {
    match = !condition.weak && state->etag && *state->etag == condition.text;
  }
  return match != condition.negated;
}

}  // namespace

std::vector<std::string> IfHeader::submitted_tokens() const {
  std::vector<std::string> tokens;
  for (const IfList &list : lists) {
    for (const IfCondition &condition : list.conditions) {
      if (condition.kind != IfCondition::Kind::Token || condition.negated) continue;
      if (std::find(tokens.begin(), tokens.end(), condition.text) == tokens.end()) tokens.push_back(condition.text);
    }
  }
  return tokens;
}

std::optional<IfHeader> parse_if(std::string_view value) { return Parser(value).parse(); }

bool evaluate_if(const IfHeader &header,
                 const std::function<std::optional<IfState>(const std::string &tag)> &state_of) {
  for (const IfList &list : header.lists) {
    const std::optional<IfState> state = state_of(list.tag);
    if (std::all_of(list.conditions.begin(), list.conditions.end(),
                    [&](const IfCondition &condition) { return holds(condition, state); })) {
      return true;
    }
  }
  return false;
}

}  // namespace Atoll::webdav
