// SPDX-License-Identifier: Apache-2.0
#include "plugins/api-graph/members.hpp"

#include <algorithm>

#include "core/base/time.hpp"
#include "plugins/api-graph/actions.hpp"

namespace Atoll::graph {
namespace {

constexpr std::size_t kMostRecipients = 100;

/// The texts of an array; nothing when it holds anything else.
std::optional<std::vector<std::string>> texts_of(const base::JsonObject &body, const std::string &name) {
  const base::JsonArray array = base::json_array(body, name);
  if (!array) return std::nullopt;
  std::vector<std::string> out;
  for (std::size_t i = 0; i < array->size(); ++i) {
    const auto value = array->get(static_cast<unsigned>(i));
    if (!value.isString()) return std::nullopt;
    out.push_back(value.convert<std::string>());
  }
  return out;
}

}  // namespace

const std::string *Names::find(const AccountId &account) {
  auto at = known_.find(account);
  if (at == known_.end()) {
    auto name = spaces_.name_of(call_, account);
    at = known_.emplace(account, name ? *std::move(name) : std::nullopt).first;
  }
  return at->second ? &*at->second : nullptr;
}

void append_role(base::JsonWriter &json, const RoleDefinition &role) {
  json.begin_object()
      .field("id", role.id.text())
      .field("displayName", role.name)
      .field("description", role.description);
  json.field("@libre.graph.weight", role.weight).key("rolePermissions").begin_array();
  for (const auto &[bit, condition] : {std::pair(ATOLL_ROLE_ON_SPACE, "exists @Resource.Root"),
                                       std::pair(ATOLL_ROLE_ON_FOLDER, "exists @Resource.Folder"),
                                       std::pair(ATOLL_ROLE_ON_FILE, "exists @Resource.File")}) {
    if ((role.on & bit) == 0) continue;
    json.begin_object().key("allowedResourceActions").begin_array();
    for (const auto action : actions_of(role.permissions)) json.string(action);
    json.end_array().field("condition", condition).end_object();
  }
  json.end_array().end_object();
}

void append_permission(base::JsonWriter &json, const SpaceMember &member, Names &names) {
  const bool group = member.kind == ATOLL_ACCOUNT_GROUP;
  json.begin_object().field("id", Holder{member.kind, member.account}.text());
  if (!member.role.empty()) {
    json.key("roles").begin_array().string(member.role).end_array();
  } else {
    json.key("@libre.graph.permissions.actions").begin_array();
    for (const auto action : actions_of(member.permissions)) json.string(action);
    json.end_array();
  }
  json.key("grantedToV2")
      .begin_object()
      .key(group ? "group" : "user")
      .begin_object()
      .field("id", member.account.text());
  const std::string *name = names.find(member.account);
  json.field("displayName", name ? std::string_view(*name) : std::string_view());  // always there, as clients want it
  if (!group) json.field("@libre.graph.userType", "Member");
  json.end_object().end_object();
  if (member.expires_ns != 0) json.field("expirationDateTime", base::iso8601(member.expires_ns / 1'000'000'000));
  json.end_object();
}

Result<std::vector<SpaceMember>> Members::members_of(const Call &call, const SpaceId &space) const {
  if (auto there = spaces_.get(call, space); !there) return std::move(there).error();  // also: may he see it
  return spaces_.members(call, {space});
}

Result<SpaceMember> Members::member_of(const Call &call, const SpaceId &space, std::string_view id) const {
  auto all = members_of(call, space);
  if (!all) return std::move(all).error();
  const auto holder = Holder::read(id);
  for (SpaceMember &member : *all)
    if (holder && member.account == holder->account && member.kind == holder->kind) return std::move(member);
  return error(Status::NotFound, "There is no such permission.");
}

Answer Members::shown(const Call &call, const SpaceMember &member) const {
  Names names(call, spaces_);
  Answer out;
  base::JsonWriter json(out.json);
  append_permission(json, member, names);
  return out;
}

Answer Members::list(const Call &call, const SpaceId &space) const {
  const auto all = members_of(call, space);
  if (!all) return failure(all.error());
  const auto roles = spaces_.roles(call);
  if (!roles) return failure(roles.error());
  Names names(call, spaces_);
  Answer out;
  base::JsonWriter json(out.json);
  json.begin_object().key("@libre.graph.permissions.roles.allowedValues").begin_array();
  for (const RoleDefinition &role : *roles)
    if (role.enabled && (role.on & ATOLL_ROLE_ON_SPACE) != 0) append_role(json, role);
  json.end_array().key("@libre.graph.permissions.actions.allowedValues").begin_array();
  for (const auto action : actions_of(~0u)) json.string(action);
  json.end_array().key("value").begin_array();
  for (const SpaceMember &member : *all) append_permission(json, member, names);
  json.end_array().end_object();
  return out;
}

Answer Members::get(const Call &call, const SpaceId &space, std::string_view id) const {
  const auto member = member_of(call, space, id);
  return member ? shown(call, *member) : failure(member.error());
}

Result<void> Members::read_terms(const base::JsonObject &body, SpaceMember &member, bool must_say) {
  const auto roles = texts_of(body, "roles"), actions = texts_of(body, "@libre.graph.permissions.actions");
  if ((body->has("roles") && !roles) || (body->has("@libre.graph.permissions.actions") && !actions))
    return invalid("roles and @libre.graph.permissions.actions are lists of texts.");
  const bool says_role = roles && !roles->empty(), says_actions = actions && !actions->empty();
  if (says_role && says_actions) return invalid("Give either a role or actions.");
  if (must_say && !says_role && !says_actions) return invalid("Give a role, or actions.");
  if (says_role) {
    if (roles->size() != 1) return invalid("Give one role.");
    member.role = roles->front();
    member.permissions = 0;
  }
  if (says_actions) {
    member.role.clear();
    member.permissions = 0;
    for (const std::string &action : *actions) {
      const auto permissions = permissions_for(action);
      if (!permissions) return invalid("There is no action '" + action + "'.");
      member.permissions |= *permissions;
    }
  }
  if (!body->has("expirationDateTime")) return {};
  if (body->isNull("expirationDateTime")) {
    member.expires_ns = 0;
    return {};
  }
  const auto text = base::json_string(body, "expirationDateTime");
  const auto instant = text ? read_instant(*text) : std::nullopt;
  if (!instant || *instant <= 0) return invalid("expirationDateTime is no instant like 2030-01-31T12:00:00Z.");
  member.expires_ns = *instant;
  return {};
}

Answer Members::invite(const Call &call, const SpaceId &space, const base::JsonObject &body) const {
  const auto all = members_of(call, space);
  if (!all) return failure(all.error());
  SpaceMember terms;
  terms.space = space;
  if (auto read = read_terms(body, terms, true); !read) return failure(read.error());
  const base::JsonArray recipients = base::json_array(body, "recipients");
  if (!recipients || recipients->size() == 0 || recipients->size() > kMostRecipients)
    return failure(invalid("recipients is a list of one to " + std::to_string(kMostRecipients) + " users and groups."));
  std::vector<SpaceMember> wanted;
  for (std::size_t i = 0; i < recipients->size(); ++i) {
    const base::JsonObject one = recipients->getObject(static_cast<unsigned>(i));
    const auto id = one ? base::json_string(one, "objectId") : std::nullopt;
    const auto account = id ? AccountId::parse(*id) : std::nullopt;
    const std::string kind =
        one ? base::json_string(one, "@libre.graph.recipient.type").value_or("user") : std::string();
    if (!account || (kind != "user" && kind != "group"))
      return failure(invalid("A recipient has an objectId and the @libre.graph.recipient.type user or group."));
    SpaceMember member = terms;
    member.account = *account;
    member.kind = kind == "group" ? ATOLL_ACCOUNT_GROUP : ATOLL_ACCOUNT_USER;
    const auto same = [&](const SpaceMember &other) { return other.account == member.account; };
    if (std::any_of(all->begin(), all->end(), same) || std::any_of(wanted.begin(), wanted.end(), same))
      return failure(error(Status::AlreadyExists, "One of them is a member already; change his permission instead."));
    wanted.push_back(std::move(member));
  }
  std::size_t put = 0;
  for (const SpaceMember &member : wanted) {
    if (auto done = spaces_.member_put(call, member); !done) {
      while (put > 0) static_cast<void>(spaces_.member_remove(call, space, wanted[--put].account));  // all or none
      return failure(done.error());
    }
    ++put;
  }
  Names names(call, spaces_);
  Answer out;
  base::JsonWriter json(out.json);
  json.begin_object().key("value").begin_array();
  for (const SpaceMember &member : wanted) append_permission(json, member, names);
  json.end_array().end_object();
  return out;
}

Answer Members::change(const Call &call, const SpaceId &space, std::string_view id,
                       const base::JsonObject &body) const {
  auto member = member_of(call, space, id);
  if (!member) return failure(member.error());
  member->space = space;
  if (auto read = read_terms(body, *member, false); !read) return failure(read.error());
  if (auto done = spaces_.member_put(call, *member); !done) return failure(done.error());
  return shown(call, *member);
}

Answer Members::remove(const Call &call, const SpaceId &space, std::string_view id) const {
  const auto member = member_of(call, space, id);
  if (!member) return failure(member.error());
  if (auto done = spaces_.member_remove(call, space, member->account); !done) return failure(done.error());
  return {204, {}, {}, 0};
}

}  // namespace Atoll::graph
