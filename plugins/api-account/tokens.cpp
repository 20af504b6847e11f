// SPDX-License-Identifier: Apache-2.0
#include "plugins/api-account/tokens.hpp"

#include <algorithm>
#include <map>

#include "core/base/text.hpp"
#include "core/base/time.hpp"
#include "core/base/uri.hpp"
#include "plugins/api-account/duration.hpp"

namespace Atoll::account {
namespace {

constexpr std::int64_t kNsInSecond = 1'000'000'000;

/// The parameters of a query; InvalidArgument for one that is not known or comes twice.
Result<std::map<std::string, std::string>> parameters(std::string_view query,
                                                      std::initializer_list<std::string_view> known) {
  std::map<std::string, std::string> out;
  for (const auto part : base::split(query, '&')) {
    if (part.empty()) continue;
    const auto equals = part.find('=');
    std::string raw(equals == part.npos ? std::string_view() : part.substr(equals + 1));
    for (char &c : raw)
      if (c == '+') c = ' ';
    const auto value = base::percent_decode(raw);
    const std::string name(part.substr(0, equals));
    if (!value || !base::valid_utf8(*value)) return error(Status::InvalidArgument, "The query is not well formed.");
    if (std::find(known.begin(), known.end(), name) == known.end())
      return error(Status::InvalidArgument, "There is no parameter '" + name + "'.");
    if (!out.emplace(name, *value).second)
      return error(Status::InvalidArgument, "The parameter '" + name + "' comes twice.");
  }
  return out;
}

void append_token(base::JsonWriter &json, const AppTokenRecord &token) {
  json.begin_object().field("id", token.id.text());
  json.field("token", token.secret.empty() ? token.id.text() : token.secret).field("label", token.label);
  json.field("created_date", base::iso8601(token.created_ns / kNsInSecond));
  if (token.expires_ns != 0) json.field("expiration_date", base::iso8601(token.expires_ns / kNsInSecond));
  if (token.last_used_ns != 0) json.field("last_used_date", base::iso8601(token.last_used_ns / kNsInSecond));
  json.end_object();
}

}  // namespace

Answer tokens(const AccountsClient &accounts, const Call &call, const Request &request) {
  Answer out;
  base::JsonWriter json(out.body);
  if (request.method() == "GET" || request.method() == "HEAD") {
    if (const auto none = parameters(request.query(), {}); !none) return refusal(none.error());
    const auto all = accounts.tokens(call);
    if (!all) return refusal(all.error());
    json.begin_array();
    for (const AppTokenRecord &token : *all) append_token(json, token);
    json.end_array();
    return out;
  }
  if (request.method() == "POST") {
    const auto given = parameters(request.query(), {"expiry", "label"});
    if (!given) return refusal(given.error());
    const auto expiry = given->find("expiry"), label = given->find("label");
    std::int64_t expires_ns = 0;
    if (expiry == given->end()) return refusal(400, "invalidRequest", "Say how long it shall last: ?expiry=72h");
    const auto lasts = read_duration(expiry->second);
    if (!lasts)
      return refusal(400, "invalidRequest", "The expiry is a time like 72h, 90m or 30d, of 100 years at most.");
    expires_ns = base::now_unix_ns() + *lasts;
    const auto made =
        accounts.token_create(call, label == given->end() ? "Made by a program" : label->second, expires_ns);
    if (!made) return refusal(made.error());
    append_token(json, *made);
    return out;
  }
  if (request.method() == "DELETE") {
    const auto given = parameters(request.query(), {"token"});
    if (!given) return refusal(given.error());
    const auto token = given->find("token");
    if (token == given->end() || token->second.empty())
      return refusal(400, "invalidRequest", "Name the token: ?token=ID, or its text.");
    const auto id = Uuid::parse(token->second);
    const auto done = accounts.token_remove(call, id.value_or(Uuid()), id ? std::string_view() : token->second);
    if (!done) return refusal(done.error());
    return out;
  }
  return wrong_method("GET, POST, DELETE");
}

}  // namespace Atoll::account
