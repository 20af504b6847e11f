// SPDX-License-Identifier: Apache-2.0
// The If field (RFC 4918 10.4): bounds, one meaning, and the same verdict as a plain reading of the grammar.
#include <algorithm>

#include "core/base/text.hpp"
#include "plugins/api-webdav/if_header.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace Atoll;
using namespace Atoll::webdav;

namespace {

void check_shape(const IfHeader &header) {
  FUZZ_CHECK(!header.lists.empty() && header.lists.size() <= 64);
  std::size_t conditions = 0;
  const bool tagged = !header.lists[0].tag.empty();
  for (const auto &list : header.lists) {
    FUZZ_CHECK(list.tag.empty() == !tagged);  // No-tag-list and Tagged-list do not mix
    FUZZ_CHECK(list.tag.find('>') == std::string::npos);
    FUZZ_CHECK(!list.conditions.empty());
    conditions += list.conditions.size();
    for (const auto &condition : list.conditions) {
      if (condition.kind == IfCondition::Kind::Token) {
        FUZZ_CHECK(!condition.text.empty() && !condition.weak);
        FUZZ_CHECK(condition.text.find('>') == std::string::npos);
      } else {
        FUZZ_CHECK(condition.text.find(']') == std::string::npos);
      }
    }
  }
  FUZZ_CHECK(conditions <= 256);
}

std::string written(const IfHeader &header) {
  std::string out;
  for (const auto &list : header.lists) {
    if (!list.tag.empty()) out += "<" + list.tag + ">\t";
    out += "(";
    for (const auto &condition : list.conditions) {
      if (condition.negated) out += "nOt ";
      if (condition.kind == IfCondition::Kind::Token)
        out += "<" + condition.text + "> ";
      else
        out += std::string("[") + (condition.weak ? "W/" : "") + "\"" + condition.text + "\"] ";
    }
    out += ")";
  }
  return out;
}

bool same(const IfHeader &a, const IfHeader &b) {
  return std::equal(
      a.lists.begin(), a.lists.end(), b.lists.begin(), b.lists.end(), [](const IfList &x, const IfList &y) {
        return x.tag == y.tag && std::equal(x.conditions.begin(), x.conditions.end(), y.conditions.begin(),
                                            y.conditions.end(), [](const IfCondition &c, const IfCondition &d) {
                                              return c.kind == d.kind && c.negated == d.negated && c.text == d.text &&
                                                     c.weak == d.weak;
                                            });
      });
}

/// The verdict read off the RFC: a list holds when all in it hold, the field when one list does.
bool plain_verdict(const IfHeader &header, const std::optional<IfState> &here, const std::optional<IfState> &there) {
  for (const auto &list : header.lists) {
    const auto &state = list.tag.empty() ? here : there;
    bool all = true;
    for (const auto &condition : list.conditions) {
      bool match = false;
      if (state && condition.kind == IfCondition::Kind::Token)
        for (const auto &token : state->tokens) match = match || token == condition.text;
      if (state && condition.kind == IfCondition::Kind::Etag && !condition.weak && state->etag)
        match = *state->etag == condition.text;
      if (match == condition.negated) all = false;
    }
    if (all) return true;
  }
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
  fuzz::Input input(data, size);
  const auto choice = input.byte();
  const auto text = input.rest();
  const auto header = parse_if(text);
  if (!header) return 0;
  check_shape(*header);

  const auto again = parse_if(written(*header));
  FUZZ_CHECK(again && same(*header, *again));

  const auto tokens = header->submitted_tokens();
  std::vector<std::string> positive;
  for (const auto &list : header->lists)
    for (const auto &condition : list.conditions)
      if (condition.kind == IfCondition::Kind::Token && !condition.negated) positive.push_back(condition.text);
  for (const auto &token : tokens) FUZZ_CHECK(std::count(positive.begin(), positive.end(), token) > 0);
  for (const auto &token : positive) FUZZ_CHECK(std::count(tokens.begin(), tokens.end(), token) == 1);

  // Resources in four states: not ours, nothing there, something with an etag, and locked with what was submitted.
  const auto state_of = [&](unsigned kind) -> std::optional<IfState> {
    if (kind == 0) return std::nullopt;
    IfState state;
    if (kind > 1) {
      state.etag = "e";
      for (const auto &list : header->lists)
        for (const auto &condition : list.conditions)
          if (condition.kind == IfCondition::Kind::Etag && choice & 64) state.etag = condition.text;
    }
    if (kind > 2) state.tokens = tokens;
    return state;
  };
  const auto here = state_of(choice & 3), there = state_of((choice >> 2) & 3);
  std::size_t asked = 0;
  const bool verdict = evaluate_if(*header, [&](const std::string &tag) {
    ++asked;
    return tag.empty() ? here : there;
  });
  FUZZ_CHECK(verdict == plain_verdict(*header, here, there));
  FUZZ_CHECK(asked >= 1 && asked <= header->lists.size());
  return 0;
}
