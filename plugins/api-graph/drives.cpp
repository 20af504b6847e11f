// SPDX-License-Identifier: Apache-2.0
#include "plugins/api-graph/drives.hpp"

#include <algorithm>
#include <map>

#include "core/base/text.hpp"
#include "core/base/time.hpp"
#include "plugins/api-graph/bodies.hpp"
#include "plugins/api-graph/wire.hpp"

namespace Atoll::graph {
namespace {

constexpr std::string_view kFields[] = {"id",    "name", "description",     "driveType", "driveAlias", "owner",
                                        "quota", "root", "createdDateTime", "special",   "webUrl"};
/// A list of more drives shows their members only when it is asked to ($expand): there may be very many.
constexpr std::size_t kMembersShown = 1000;
constexpr std::string_view kExpandMembers = "root($expand=permissions)";

struct Type {
  std::string_view name;
  std::uint32_t type;
};
constexpr Type kTypes[] = {{"personal", ATOLL_SPACE_PERSONAL}, {"project", ATOLL_SPACE_PROJECT}};
/// Types that clients ask for and of which there are none yet.
constexpr std::string_view kEmptyTypes[] = {"share", "mountpoint", "virtual"};

std::string_view type_name(std::uint32_t type) {
  for (const Type &one : kTypes)
    if (one.type == type) return one.name;
  return "virtual";
}

void append_quota(base::JsonWriter &json, const Space &space) {
  const std::uint64_t total = space.record.quota, used = space.used;
  json.begin_object().field("used", used);
  if (total == ATOLL_QUOTA_NONE) {
    json.field("total", std::uint64_t{0}).field("state", "normal").end_object();
    return;
  }
  const double share = total == 0 ? 1 : static_cast<double>(used) / static_cast<double>(total);
  json.field("total", total).field("remaining", used < total ? total - used : 0);
  json.field("state", share >= 1 ? "exceeded" : share >= 0.9 ? "critical" : share >= 0.75 ? "nearing" : "normal");
  json.end_object();
}

/// A client takes a root without an etag for one that has gone.
std::string etag_of(const SpaceRecord &record) {
  std::string text = record.root_etag;
  text.erase(std::remove(text.begin(), text.end(), '"'), text.end());
  if (text.empty())
    for (const char c : record.id.text())
      if (c != '-') text.push_back(c);
  return '"' + text + '"';
}

/// The part of the WebDAV address before "/dav/"; empty for a space elsewhere.
std::string_view base_of(const Space &space) {
  if (space.record.remote()) return {};
  const std::string_view url = space.web_dav_url;
  return url.substr(0, url.rfind("/dav/spaces/"));
}

Result<std::uint64_t> read_quota(const base::JsonObject &body) {
  const base::JsonObject quota = base::json_object(body, "quota");
  const auto total = quota ? base::json_integer(quota, "total") : std::nullopt;
  if (!total || *total < 0) return invalid("quota.total is a number of bytes; 0: no quota.");
  return *total == 0 ? ATOLL_QUOTA_NONE : static_cast<std::uint64_t>(*total);
}

}  // namespace

void Drives::append(base::JsonWriter &json, const Space &space, const Fields &fields,
                    const std::vector<SpaceMember> *members, Names &names) {
  const SpaceRecord &record = space.record;
  const auto wanted = [&](std::string_view field) { return fields.empty() || fields.count(field) != 0; };
  const std::string id = drive_id(record.birth, record.id);
  json.begin_object();
  if (wanted("id")) json.field("id", id);
  if (wanted("name")) json.field("name", record.name);
  if (wanted("description") && !record.description.empty()) json.field("description", record.description);
  if (wanted("driveType")) json.field("driveType", type_name(record.type));
  if (wanted("driveAlias")) json.field("driveAlias", record.alias);
  if (wanted("createdDateTime") && record.created_ns > 0)
    json.field("createdDateTime", base::iso8601(record.created_ns / 1'000'000'000));
  if (wanted("owner")) {
    json.key("owner").begin_object().key("user").begin_object().field("id", record.owner.text());
    // Clients that are made of the description of libre-graph do not read an identity without a displayName.
    const std::string *name = record.type == ATOLL_SPACE_PERSONAL ? names.find(record.owner) : nullptr;
    json.field("displayName", name ? std::string_view(*name) : std::string_view());
    json.end_object().end_object();
  }
  if (wanted("quota")) {
    json.key("quota");
    append_quota(json, space);
  }
  if (wanted("webUrl") && !record.remote()) json.field("webUrl", std::string(base_of(space)) + "/f/" + id);
  if (wanted("root")) {
    json.key("root").begin_object().field("id", item_id(record.birth, record.id, root_of(record.id)));
    json.field("eTag", etag_of(record)).field("webDavUrl", space.web_dav_url);
    if (members) {
      json.key("permissions").begin_array();
      for (const SpaceMember &member : *members) append_permission(json, member, names);
      json.end_array();
    }
    // One that was never made to its end can only be purged, as a disabled one can.
    if (record.state != ATOLL_SPACE_STATE_ACTIVE &&
        (record.state != ATOLL_SPACE_STATE_CREATING || record.type != ATOLL_SPACE_PERSONAL))
      json.key("deleted").begin_object().field("state", "trashed").end_object();
    json.end_object();
  }
  if (wanted("special") && (!record.image.none() || !record.readme.none())) {
    json.key("special").begin_array();
    for (const auto &[node, name] : {std::pair(record.image, "image"), std::pair(record.readme, "readme")}) {
      if (node.none()) continue;
      const std::string item = item_id(record.birth, record.id, node);
      json.begin_object().field("id", item).key("specialFolder").begin_object().field("name", name).end_object();
      json.field("webDavUrl", std::string(base_of(space)) + "/dav/spaces/" + item).end_object();
    }
    json.end_array();
  }
  json.end_object();
}

Answer Drives::shown(const Call &call, const Space &space, const Fields &fields, int status, bool changed) const {
  std::optional<std::vector<SpaceMember>> members;
  if (!space.record.remote()) {
    auto told = spaces_.members(call, {space.record.id});
    if (told)
      members = *std::move(told);
    else if (!changed && told.status() != Status::Unavailable)
      return failure(told.error());
  }
  Names names(call, spaces_);
  Answer out;
  out.status = status;
  base::JsonWriter json(out.json);
  append(json, space, fields, members ? &*members : nullptr, names);
  return out;
}

Answer Drives::list(const Call &call, std::string_view query, bool everybodys) const {
  const auto options = Query::read(query, {"$filter", "$orderby", "$select", "$expand"});
  if (!options) return failure(options.error());
  std::uint32_t type = 0;
  bool none = false;
  if (const std::string &filter = options->get("$filter"); !filter.empty()) {
    const auto value = equals_filter(filter, "driveType");
    if (!value) return failure(value.error());
    for (const Type &one : kTypes)
      if (one.name == *value) type = one.type;
    none = std::find(std::begin(kEmptyTypes), std::end(kEmptyTypes), *value) != std::end(kEmptyTypes);
    if (type == 0 && !none) return failure(invalid("There is no driveType '" + *value + "'."));
  }
  Order order;
  if (const std::string &text = options->get("$orderby"); !text.empty()) {
    auto read = read_order(text, {"name", "createdDateTime"});
    if (!read) return failure(read.error());
    order = *std::move(read);
  }
  const auto fields = read_select(options->get("$select"), kFields);
  if (!fields) return failure(fields.error());
  const std::string &expand = options->get("$expand");
  if (!expand.empty() && expand != kExpandMembers && expand != "root")
    return failure(invalid("Only " + std::string(kExpandMembers) + " can be expanded here."));

  const atoll_principal *principal = call.principal();
  const bool admin = everybodys && principal && principal->kind != ATOLL_PRINCIPAL_LINK &&
                     principal->app_role >= ATOLL_ROLE_SPACE_ADMIN;
  auto spaces = none    ? Result<std::vector<Space>>(std::vector<Space>())
                : admin ? spaces_.all(call, type)
                        : spaces_.mine(call, type);
  if (!spaces) return failure(spaces.error());
  if (!order.field.empty()) {
    const auto less = [&](const Space &a, const Space &b) {
      if (order.field == "createdDateTime") return a.record.created_ns < b.record.created_ns;
      return base::to_lower(a.record.name) < base::to_lower(b.record.name);
    };
    std::stable_sort(spaces->begin(), spaces->end(),
                     [&](const Space &a, const Space &b) { return order.descending ? less(b, a) : less(a, b); });
  }
  std::map<SpaceId, std::vector<SpaceMember>> members;
  bool with_members =
      (fields->empty() || fields->count("root") != 0) && (spaces->size() <= kMembersShown || expand == kExpandMembers);
  if (with_members) {
    std::vector<SpaceId> ids;
    for (const Space &space : *spaces)
      if (!space.record.remote()) ids.push_back(space.record.id);
    auto told = spaces_.members(call, ids);
    // A registry that cannot tell: the list itself is what was known before, without members.
    if (!told && told.status() != Status::Unavailable) return failure(told.error());
    with_members = told.ok();
    if (told)
      for (SpaceMember &member : *told) members[member.space].push_back(std::move(member));
  }
  Names names(call, spaces_);
  Answer out;
  base::JsonWriter json(out.json);
  json.begin_object().key("value").begin_array();
  for (const Space &space : *spaces)
    append(json, space, *fields, with_members && !space.record.remote() ? &members[space.record.id] : nullptr, names);
  json.end_array().end_object();
  return out;
}

Answer Drives::mine(const Call &call, std::string_view query) const {
  const auto options = Query::read(query, {"$select"});
  if (!options) return failure(options.error());
  const auto fields = read_select(options->get("$select"), kFields);
  if (!fields) return failure(fields.error());
  const auto spaces = spaces_.mine(call, ATOLL_SPACE_PERSONAL);
  if (!spaces) return failure(spaces.error());
  const atoll_principal *principal = call.principal();
  for (const Space &space : *spaces)
    if (!space.record.remote() && principal && space.record.owner == from_abi<AccountId>(principal->account))
      return shown(call, space, *fields);
  return failure(error(Status::NotFound, "This account has no personal space."));
}

Answer Drives::personal_of(const Call &call, const AccountId &owner) const {
  const auto spaces = spaces_.all(call, ATOLL_SPACE_PERSONAL);
  if (!spaces) return failure(spaces.error());
  for (const Space &space : *spaces)
    if (space.record.owner == owner) return shown(call, space, {});
  return failure(error(Status::NotFound, "This account has no personal space."));
}

Answer Drives::get(const Call &call, const SpaceId &space, std::string_view query) const {
  const auto options = Query::read(query, {"$select", "$expand"});
  if (!options) return failure(options.error());
  const std::string &expand = options->get("$expand");
  if (!expand.empty() && expand != kExpandMembers && expand != "root")
    return failure(invalid("Only " + std::string(kExpandMembers) + " can be expanded here."));
  const auto fields = read_select(options->get("$select"), kFields);
  if (!fields) return failure(fields.error());
  const auto found = spaces_.get(call, space);
  return found ? shown(call, *found, *fields) : failure(found.error());
}

Answer Drives::create(const Call &call, std::string_view query, const base::JsonObject &body) const {
  const auto options = Query::read(query, {"template"});
  if (!options) return failure(options.error());
  SpaceRecord draft;
  draft.quota = ATOLL_QUOTA_NONE;
  const auto name = read_text(body, "name"), alias = read_text(body, "driveAlias"),
             description = read_text(body, "description"), type = read_text(body, "driveType");
  for (const auto *text : {&name, &alias, &description, &type})
    if (!*text) return failure(text->error());
  if (*type && **type != "project") return failure(invalid("Only drives of the driveType project can be made."));
  if (!*name) return failure(invalid("A drive needs a name."));
  draft.name = **name;
  draft.alias = alias->value_or("");
  draft.description = description->value_or("");
  if (body->has("quota")) {
    const auto quota = read_quota(body);
    if (!quota) return failure(quota.error());
    draft.quota = *quota;
  }
  const auto made = spaces_.create(call, draft, options->get("template"));
  return made ? shown(call, *made, {}, 201, true) : failure(made.error());
}

Answer Drives::change(const Call &call, const SpaceId &id, const base::JsonObject &body, bool restore) const {
  SpaceRecord wanted;
  wanted.id = id;
  std::uint32_t fields = 0;
  const auto take = [&](const char *name, std::uint32_t field, std::string &to) -> Result<void> {
    auto text = read_text(body, name);
    if (!text) return std::move(text).error();
    if (!*text) return {};
    to = **std::move(text);
    fields |= field;
    return {};
  };
  for (const auto &[name, field, to] : {std::tuple("name", ATOLL_SPACE_SET_NAME, &wanted.name),
                                        std::tuple("driveAlias", ATOLL_SPACE_SET_ALIAS, &wanted.alias),
                                        std::tuple("description", ATOLL_SPACE_SET_DESCRIPTION, &wanted.description)})
    if (auto taken = take(name, field, *to); !taken) return failure(taken.error());
  if (body->has("quota")) {
    const auto quota = read_quota(body);
    if (!quota) return failure(quota.error());
    wanted.quota = *quota;
    fields |= ATOLL_SPACE_SET_QUOTA;
  }
  if (body->has("special")) {
    const base::JsonArray special = base::json_array(body, "special");
    if (!special) return failure(invalid("special is a list."));
    for (std::size_t i = 0; i < special->size(); ++i) {
      const base::JsonObject one = special->getObject(static_cast<unsigned>(i));
      const base::JsonObject folder = one ? base::json_object(one, "specialFolder") : base::JsonObject();
      const std::string kind = folder ? base::json_string(folder, "name").value_or("") : "";
      const std::string item = one ? base::json_string(one, "id").value_or("") : "";
      const auto read = read_item_id(item);
      if ((kind != "image" && kind != "readme") || (!item.empty() && (!read || read->space != id)))
        return failure(
            invalid("special: each has an id of a file of the drive, or none, and the specialFolder.name image or "
                    "readme."));
      (kind == "image" ? wanted.image : wanted.readme) = read ? read->node : NodeId();
      fields |= kind == "image" ? ATOLL_SPACE_SET_IMAGE : ATOLL_SPACE_SET_README;
    }
  }
  // What can be refused comes first: nothing is restored by a request that fails.
  auto found = fields != 0 ? spaces_.update(call, wanted, fields) : spaces_.get(call, id);
  if (found && restore) found = spaces_.restore(call, id);
  return found ? shown(call, *found, {}, 200, restore || fields != 0) : failure(found.error());
}

Answer Drives::remove(const Call &call, const SpaceId &space, bool purge) const {
  const auto done = purge ? spaces_.purge(call, space) : spaces_.disable(call, space);
  return done ? Answer{204, {}, {}, 0} : failure(done.error());
}

}  // namespace Atoll::graph
