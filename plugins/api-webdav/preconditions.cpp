// SPDX-License-Identifier: Apache-2.0
#include "plugins/api-webdav/preconditions.hpp"

#include "core/base/xml.hpp"
#include "plugins/api-webdav/destination.hpp"

namespace Atoll::webdav {

namespace {

/// The locks that apply to a place; none where the storage has no locks. What is not there has the deep ones of its
/// nearest folder.
Result<std::vector<std::string>> tokens_at(const Context &context, Target at) {
  bool there = true;
  while (true) {
    OutgoingCall out(context.call.raw());
    auto locks = context.services.locks.list(out, at.ref);
    if (locks) {
      std::vector<std::string> tokens;
      for (const Lock &lock : *locks) {
        if (there || lock.deep) tokens.push_back(lock.token);
      }
      return tokens;
    }
    if (locks.status() == Status::Unimplemented) return std::vector<std::string>{};
    if (locks.status() != Status::NotFound) return std::move(locks).error();
    if (at.ref.path.empty()) return std::vector<std::string>{};
    there = false;
    at.ref = parent_of(at);
  }
}

Result<IfState> state_at(const Context &context, const Target &at) {
  IfState state;
  OutgoingCall out(context.call.raw());
  auto stat = context.services.files.stat(out, at.ref);
  if (stat) {
    state.etag = stat->etag;
  } else if (stat.status() != Status::NotFound) {
    return std::move(stat).error();
  }
  auto tokens = tokens_at(context, at);
  if (!tokens) return std::move(tokens).error();
  state.tokens = *std::move(tokens);
  return state;
}

}  // namespace

void Preconditions::attach(OutgoingCall &call) {
  if (!conditions.empty()) call.conditions(conditions.get());
  attach_tokens(call);
}

void Preconditions::attach_tokens(OutgoingCall &call) const { call.lock_tokens(tokens); }

std::optional<Response> read_preconditions(const Context &context, const Target &target, Preconditions &out) {
  if (!to_conditions(context.conditional_fields(), out.conditions)) {
    return context.fail(400, "If-Match or If-None-Match is no list of etags.");
  }
  const auto value = context.request.joined_header("If");
  if (!value) return std::nullopt;
  const auto header = parse_if(*value);
  if (!header) return context.fail(400, "The If header cannot be read.");
  out.tokens = header->submitted_tokens();

  std::optional<Error> failure;
  const auto state_of = [&](const std::string &tag) -> std::optional<IfState> {
    if (failure) return std::nullopt;
    Result<IfState> state = IfState{};
    if (tag.empty()) {
      state = state_at(context, target);
    } else {
      const auto url = parse_url_target(tag, context.request.authority());
      if (!url || url->other_host) return std::nullopt;
      auto place = context.resolve(url->location);
      if (!place && place.status() == Status::NotFound) return std::nullopt;
      if (place) {
        state = state_at(context, *place);
      } else {
        state = std::move(place).error();
      }
    }
    if (state) return *std::move(state);
    failure = std::move(state).error();
    return std::nullopt;
  };
  const bool holds = evaluate_if(*header, state_of);
  if (failure) return context.fail(*failure);
  if (!holds) return context.fail(412, "None of the lists of the If header holds.");
  if (header->lists.size() == 1 && header->lists[0].tag.empty()) {
    for (const IfCondition &condition : header->lists[0].conditions) {
      if (condition.kind != IfCondition::Kind::Etag) continue;
      if (condition.negated) {
        out.conditions.if_none_match.push_back(condition.text);
      } else if (out.conditions.if_match.empty()) {  // beside If-Match, of which one is enough, it was checked above
        out.conditions.if_match.push_back(condition.text);
      }
    }
  }
  return std::nullopt;
}

Result<bool> hold_now(const Context &context, const Conditions &conditions, const Ref &ref) {
  if (conditions.empty()) return true;
  OutgoingCall out(context.call.raw());
  auto stat = context.services.files.stat(out, ref);
  if (stat) return conditions_hold(conditions, stat->etag);
  if (stat.status() == Status::NotFound) return conditions_hold(conditions, std::nullopt);
  return std::move(stat).error();
}

Response fail_maybe_locked(const Context &context, const Error &error, std::initializer_list<const Target *> places) {
  if (error.status != Status::Locked) return context.fail(error);
  const auto describe = [](const Lock &lock) {
    return "This is locked by " + (lock.account_name.empty() ? std::string("another client") : lock.account_name) +
           " for another " + std::to_string(lock.timeout_s) + " seconds.";
  };
  std::string message = error.message;
  bool found = false;
  for (const Target *place : places) {
    Target at = *place;
    while (!found) {
      OutgoingCall out(context.call.raw());
      const auto locks = context.services.locks.list(out, at.ref);
      if (locks && !locks->empty()) {
        message = describe(locks->front());
        found = true;
      }
      if (locks || locks.status() != Status::NotFound || at.ref.path.empty()) break;
      at.ref = parent_of(at);
    }
  }
  std::string condition = "<d:lock-token-submitted><d:href>";
  base::append_xml_escaped(condition, context.location.href);
  condition.append("</d:href></d:lock-token-submitted>");
  return context.fail(423, std::move(message), std::move(condition));
}

}  // namespace Atoll::webdav
