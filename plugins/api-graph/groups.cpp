// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "core/base/text.hpp"
#include "plugins/api-graph/user_filter.hpp"
#include "plugins/api-graph/users.hpp"

namespace Atoll::graph {
namespace {

constexpr std::string_view kGroupFields[] = {"id", "displayName", "description", "members", "groupTypes"};
constexpr std::size_t kMostAtOnce = 20;

Error no_group() { return error(Status::NotFound, "There is no such group."); }

/// "$expand=members"
Result<bool> expands_members(const std::string &text) {
  if (base::trim(text).empty()) return false;
  if (base::trim(text) != "members") return invalid("Only members can be expanded here.");
  return true;
}

/// The users of `members@odata.bind`; none where the key is missing.
Result<std::vector<AccountId>> read_bound_members(const base::JsonObject &body) {
  std::vector<AccountId> added;
  if (!body->has("members@odata.bind")) return added;
  const base::JsonArray bind = base::json_array(body, "members@odata.bind");
  if (!bind || bind->size() > kMostAtOnce)
    return invalid("members@odata.bind is a list of at most " + std::to_string(kMostAtOnce) + " users.");
  for (std::size_t i = 0; i < bind->size(); ++i) {
    const auto value = bind->get(static_cast<unsigned>(i));
    const auto user = value.isString() ? read_account_url(value.convert<std::string>()) : std::nullopt;
    if (!user) return invalid("Each of members@odata.bind is the URL of a user: .../users/{id}");
    added.push_back(*user);
  }
  return added;
}

}  // namespace

void append_group(base::JsonWriter &json, const AccountRecord &group, const AccountFields &fields,
                  const std::vector<AccountRecord> *members) {
  const auto wanted = [&](std::string_view name) { return fields.empty() || fields.count(name) != 0; };
  json.begin_object();
  if (wanted("id")) json.field("id", group.id.text());
  if (wanted("displayName")) json.field("displayName", group.display_name);
  if (wanted("description") && !group.description.empty()) json.field("description", group.description);
  if (wanted("groupTypes")) json.key("groupTypes").begin_array().end_array();
  if (members) {
    json.key("members").begin_array();
    for (const AccountRecord &member : *members) append_user(json, member, {}, nullptr, false, {});
    json.end_array();
  }
  json.end_object();
}

Result<AccountRecord> Groups::named(const Call &call, const std::string &id_or_name) const {
  const auto id = AccountId::parse(id_or_name);
  auto found = id ? accounts_.get(call, *id) : accounts_.find(call, ATOLL_ACCOUNT_GROUP, id_or_name);
  if (found.status() == Status::NotFound || (found && found->kind != ATOLL_ACCOUNT_GROUP)) return no_group();
  return found;
}

Answer Groups::groups(const Asked &asked) const {
  if (asked.path.empty()) {
    if (asked.reads()) return list(asked);
    return asked.is("POST") ? create(asked) : wrong_method("GET, POST");
  }
  const auto group = named(asked.call, asked.path[0]);
  if (!group) return failure(group.error());
  if (asked.path.size() == 1) {
    if (asked.reads()) return get(asked, *group);
    if (!asked.is("PATCH") && !asked.is("DELETE")) return wrong_method("GET, PATCH, DELETE");
    if (const auto options = Query::read(asked.request.query(), {}); !options) return failure(options.error());
    if (asked.is("PATCH")) return change(asked, *group);
    const auto done = accounts_.remove(asked.call, group->id);
    return done ? Answer{204, {}, {}, 0} : failure(done.error());
  }
  if (asked.path[1] != "members") return failure(404, "itemNotFound", "There is no such resource.");
  return members(asked, *group);
}

Answer Groups::list(const Asked &asked) const {
  const auto options = Query::read(asked.request.query(),
                                   {"$search", "$filter", "$select", "$expand", "$orderby", "$top", "$skiptoken"});
  if (!options) return failure(options.error());
  auto page = read_page(*options, ATOLL_ACCOUNT_GROUP);
  if (!page) return failure(page.error());
  if (page->roles != 0 || !page->groups.empty() || !page->mail.empty() || !page->name.empty() ||
      (page->flags & ~ATOLL_ACCOUNT_QUERY_DESCENDING) != 0)
    return failure(invalid("Groups are filtered by displayName only."));
  const auto fields = read_select(options->get("$select"), kGroupFields);
  if (!fields) return failure(fields.error());
  const auto with_members = expands_members(options->get("$expand"));
  if (!with_members) return failure(with_members.error());
  const std::uint64_t wanted = std::min<std::uint64_t>(page->limit, 999);
  page->limit = wanted + 1;
  auto found = accounts_.page(asked.call, *page);
  if (!found) return failure(found.error());
  const std::string next = cut_page(*found, *page, wanted);
  AccountsClient::Memberships members;
  if (*with_members) {
    std::vector<AccountId> ids;
    for (const AccountRecord &group : *found) ids.push_back(group.id);
    auto told = accounts_.members_of(asked.call, ids);
    if (!told) return failure(told.error());
    members = *std::move(told);
  }
  std::string link;
  if (!next.empty()) {
    link = next_link(host_.public_url().value_or(""), asked.request.path(), asked.request.query(), next);
  }
  Answer out;
  base::JsonWriter json(out.json);
  json.begin_object();
  if (!link.empty()) json.field("@odata.nextLink", link);
  json.key("value").begin_array();
  for (const AccountRecord &group : *found)
    append_group(json, group, *fields, *with_members ? &members[group.id] : nullptr);
  json.end_array().end_object();
  return out;
}

Answer Groups::get(const Asked &asked, const AccountRecord &group) const {
  const auto options = Query::read(asked.request.query(), {"$select", "$expand"});
  if (!options) return failure(options.error());
  const auto fields = read_select(options->get("$select"), kGroupFields);
  if (!fields) return failure(fields.error());
  const auto with_members = expands_members(options->get("$expand"));
  if (!with_members) return failure(with_members.error());
  AccountsClient::Memberships members;
  if (*with_members) {
    auto told = accounts_.members_of(asked.call, {group.id});
    if (!told) return failure(told.error());
    members = *std::move(told);
  }
  Answer out;
  base::JsonWriter json(out.json);
  append_group(json, group, *fields, *with_members ? &members[group.id] : nullptr);
  return out;
}

Answer Groups::create(const Asked &asked) const {
  if (const auto options = Query::read(asked.request.query(), {}); !options) return failure(options.error());
  const auto body = object_of(asked.body);
  if (!body) return failure(body.error());
  const auto name = read_text(*body, "displayName"), description = read_text(*body, "description");
  if (!name) return failure(name.error());
  if (!description) return failure(description.error());
  if (!*name || (*name)->empty()) return failure(invalid("A group needs a displayName."));
  const auto added = read_bound_members(*body);
  if (!added) return failure(added.error());
  AccountRecord group;
  group.kind = ATOLL_ACCOUNT_GROUP;
  group.name = group.display_name = **name;
  group.description = description->value_or("");
  const auto made = accounts_.create(asked.call, group, "");
  if (!made) return failure(made.error());
  if (!added->empty())
    if (const auto done = add_members(asked.call, made->id, *added); !done) {
      static_cast<void>(accounts_.remove(asked.call, made->id));
      return failure(done.error());
    }
  Answer out;
  out.status = 201;
  base::JsonWriter json(out.json);
  append_group(json, *made, {}, nullptr);
  return out;
}

Answer Groups::change(const Asked &asked, const AccountRecord &group) const {
  const auto body = object_of(asked.body);
  if (!body) return failure(body.error());
  const auto name = read_text(*body, "displayName"), description = read_text(*body, "description");
  if (!name) return failure(name.error());
  if (!description) return failure(description.error());
  const auto added = read_bound_members(*body);
  if (!added) return failure(added.error());
  AccountRecord changed = group;
  std::uint32_t fields = 0;
  if (*name) {
    changed.name = changed.display_name = **name;
    fields |= ATOLL_ACCOUNT_SET_NAME | ATOLL_ACCOUNT_SET_DISPLAY_NAME;
  }
  if (*description) {
    changed.description = **description;
    fields |= ATOLL_ACCOUNT_SET_DESCRIPTION;
  }
  if (fields != 0 || added->empty())
    if (const auto done = accounts_.change(asked.call, changed, fields); !done) return failure(done.error());
  if (!added->empty())
    if (const auto done = add_members(asked.call, group.id, *added); !done) {
      if (fields != 0) static_cast<void>(accounts_.change(asked.call, group, fields));
      return failure(done.error());
    }
  return {204, {}, {}, 0};
}

Result<void> Groups::add_members(const Call &call, const AccountId &group, const std::vector<AccountId> &users) const {
  // Who was one before stays one when another cannot be added.
  // Asked of the users: the group may have very many members.
  Result<AccountsClient::Memberships> told = AccountsClient::Memberships();
  if (users.size() > 1) told = accounts_.groups_of(call, users);
  if (!told) return std::move(told).error();
  const auto is_member = [&](const AccountId &user) {
    const auto &all = (*told)[user];
    return std::any_of(all.begin(), all.end(), [&](const AccountRecord &one) { return one.id == group; });
  };
  for (std::size_t i = 0; i < users.size(); ++i) {
    auto done = accounts_.member_add(call, group, users[i]);
    if (done) continue;
    while (i-- > 0)
      if (!is_member(users[i])) static_cast<void>(accounts_.member_remove(call, group, users[i]));
    if (done.status() != Status::NotFound) return done;
    // Which of the two it is: the group may have ended meanwhile.
    const auto still = accounts_.get(call, group);
    if (still.status() == Status::NotFound) return no_group();
    return still ? Result<void>(invalid("There is no such user.")) : Result<void>(still.error());
  }
  return {};
}

Answer Groups::members(const Asked &asked, const AccountRecord &group) const {
  if (const auto options = Query::read(asked.request.query(), {}); !options) return failure(options.error());
  const auto rest = asked.path.subspan(2);
  if (rest.empty()) {
    if (!asked.reads()) return wrong_method("GET");
    auto told = accounts_.members_of(asked.call, {group.id});
    if (!told) return failure(told.error());
    Answer out;
    base::JsonWriter json(out.json);
    json.begin_object().key("value").begin_array();
    for (const AccountRecord &member : (*told)[group.id]) append_user(json, member, {}, nullptr, false, {});
    json.end_array().end_object();
    return out;
  }
  if (rest.size() == 1 && rest[0] == "$ref") {
    if (!asked.is("POST")) return wrong_method("POST");
    const auto body = object_of(asked.body);
    if (!body) return failure(body.error());
    const auto user = read_account_url(base::json_string(*body, "@odata.id").value_or(""));
    if (!user) return failure(invalid("@odata.id is the URL of a user: .../users/{id}"));
    const auto done = add_members(asked.call, group.id, {*user});
    return done ? Answer{204, {}, {}, 0} : failure(done.error());
  }
  if (rest.size() != 2 || rest[1] != "$ref") return failure(404, "itemNotFound", "There is no such resource.");
  if (!asked.is("DELETE")) return wrong_method("DELETE");
  const auto user = AccountId::parse(rest[0]);
  if (!user) return failure(404, "itemNotFound", "There is no such member.");
  const auto done = accounts_.member_remove(asked.call, group.id, *user);
  return done ? Answer{204, {}, {}, 0} : failure(done.error());
}

}  // namespace Atoll::graph
