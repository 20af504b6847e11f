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

using Parameters = std::map<std::string, std::string>;

/// Whose tokens: none for one's own, else the account that userID or userName says, which is for admins.
Result<AccountId> account_of(const AccountsClient &accounts, const Call &call, const Parameters &given) {
  const auto id = given.find("userID"), name = given.find("userName");
  if (id != given.end() && name != given.end())
    return error(Status::InvalidArgument, "Give userID or userName, not both.");
  if (id != given.end()) {
    const auto parsed = AccountId::parse(id->second);
    if (!parsed || parsed->none()) return error(Status::InvalidArgument, "userID is the id of an account.");
    return *parsed;
  }
  if (name == given.end()) return AccountId();
  const auto found = accounts.find(call, ATOLL_ACCOUNT_USER, name->second);
  if (!found) return found.error();
  return found->id;
}

Answer remove(const AccountsClient &accounts, const Call &call, const Request &request) {
  const auto given = parameters(request.query(), {"token", "all", "userID", "userName"});
  if (!given) return refusal(given.error());
  const auto token = given->find("token"), all = given->find("all");
  const bool every = all != given->end();
  if (every && (all->second != "true" || token != given->end()))
    return refusal(400, "invalidRequest", "all=true stands alone.");
  if (!every && (token == given->end() || token->second.empty()))
    return refusal(400, "invalidRequest", "Name the token: ?token=ID, or its text; or ?all=true.");
  const auto account = account_of(accounts, call, *given);
  if (!account) return refusal(account.error());
  if (every) {
    const auto done = accounts.tokens_remove_all(call, *account);
    return done ? Answer() : refusal(done.error());
  }
  const auto id = Uuid::parse(token->second);
  const auto done = accounts.token_remove(call, id.value_or(Uuid()), id ? std::string_view() : token->second, *account);
  return done ? Answer() : refusal(done.error());
}

}  // namespace

Answer tokens(const AccountsClient &accounts, const Call &call, const Request &request) {
  Answer out;
  base::JsonWriter json(out.body);
  if (request.method() == "GET" || request.method() == "HEAD") {
    const auto given = parameters(request.query(), {"userID", "userName"});
    if (!given) return refusal(given.error());
    const auto account = account_of(accounts, call, *given);
    if (!account) return refusal(account.error());
    const auto all = accounts.tokens(call, *account);
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
  if (request.method() == "DELETE") return remove(accounts, call, request);
  return wrong_method("GET, POST, DELETE");
}

}  // namespace Atoll::account
