// SPDX-License-Identifier: Apache-2.0
#include "plugins/api-account/settings.hpp"

#include <algorithm>
#include <atoll/sdk/app_roles.hpp>

#include "core/base/text.hpp"

namespace Atoll::account {
namespace {

constexpr std::string_view kProfile = "2a506de7-99bd-4f0d-994e-c38e72c28fd9";
constexpr std::string_view kLanguage = "aa8cfbe5-95d4-4f7e-a032-c3c01f5f062f";

struct Permission {
  std::string_view name, constraint;
  std::uint32_t from;  ///< the least app role that has it
};
/// What the gateway and this server do; nothing that only other servers of the family have.
constexpr Permission kPermissions[] = {
    {"Accounts.ReadWrite", "all", ATOLL_ROLE_ADMIN},
    {"Groups.ReadWrite", "all", ATOLL_ROLE_ADMIN},
    {"Roles.ReadWrite", "all", ATOLL_ROLE_ADMIN},
    {"Settings.ReadWrite", "all", ATOLL_ROLE_ADMIN},
    {"Drives.ReadWritePersonalQuota", "all", ATOLL_ROLE_ADMIN},
    {"Drives.DeletePersonal", "all", ATOLL_ROLE_ADMIN},
    {"Drives.List", "all", ATOLL_ROLE_SPACE_ADMIN},
    {"Drives.ReadWrite", "all", ATOLL_ROLE_SPACE_ADMIN},
    {"Drives.ReadWriteEnabled", "all", ATOLL_ROLE_SPACE_ADMIN},
    {"Drives.ReadWriteProjectQuota", "all", ATOLL_ROLE_SPACE_ADMIN},
    {"Drives.DeleteProject", "all", ATOLL_ROLE_SPACE_ADMIN},
    {"Language.ReadWrite", "own", ATOLL_ROLE_USER_LIGHT},
    {"Self.ReadWrite", "own", ATOLL_ROLE_USER_LIGHT},
};

constexpr std::string_view kEndpoints[] = {"roles-list",
                                           "bundles-list",
                                           "bundle-get",
                                           "assignments-list",
                                           "assignments-add",
                                           "assignments-remove",
                                           "permissions-list",
                                           "values-list",
                                           "values-get",
                                           "values-save",
                                           "values-get-by-unique-identifiers"};

/// Whether spaces can be made is a matter of [server] project_creators.
constexpr std::string_view kCreate = "Drives.Create.all";

/// The text at a name or at its other spelling: bodies come in both.
std::optional<std::string> text_of(const base::JsonObject &body, const char *name, const char *other) {
  auto text = base::json_string(body, name);
  return text ? text : base::json_string(body, other);
}

void append_resource(base::JsonWriter &json, std::string_view type) {
  json.key("resource").begin_object().field("type", type).end_object();
}

void append_role_bundle(base::JsonWriter &json, const AppRole &role) {
  json.begin_object().field("id", role.id).field("name", role.name).field("type", "TYPE_ROLE");
  json.field("extension", "ocis-roles").field("displayName", role.display_name);
  append_resource(json, "TYPE_SYSTEM");
  json.key("settings").begin_array();
  for (const Permission &permission : kPermissions) {
    if (role.role < permission.from) continue;
    json.begin_object().field("name", permission.name).field("displayName", permission.name);
    append_resource(json, "TYPE_SYSTEM");
    json.key("permissionValue").begin_object().field("operation", "OPERATION_READWRITE");
    json.field("constraint", permission.constraint == "all" ? "CONSTRAINT_ALL" : "CONSTRAINT_OWN");
    json.end_object().end_object();
  }
  json.end_array().end_object();
}

void append_profile_bundle(base::JsonWriter &json) {
  json.begin_object().field("id", kProfile).field("name", "profile").field("type", "TYPE_DEFAULT");
  json.field("extension", "ocis-accounts").field("displayName", "Profile");
  append_resource(json, "TYPE_SYSTEM");
  json.key("settings").begin_array().begin_object().field("id", kLanguage).field("name", "language");
  json.field("displayName", "Language").field("description", "User language");
  append_resource(json, "TYPE_USER");
  json.key("singleChoiceValue").begin_object().key("options").begin_array();
  constexpr std::pair<std::string_view, std::string_view> kLanguages[] = {
      {"bg", "български"},  {"cs", "Čeština"}, {"de", "Deutsch"},   {"en", "English"}, {"es", "Español"},
      {"fr", "Français"},   {"gl", "Galego"},  {"it", "Italiano"},  {"ja", "日本語"},  {"ko", "한국어"},
      {"nl", "Nederlands"}, {"pl", "Polski"},  {"pt", "Português"}, {"ru", "Русский"}, {"sv", "Svenska"},
      {"uk", "Українська"}, {"zh", "汉语"}};
  for (const auto &[tag, name] : kLanguages) {
    json.begin_object().key("value").begin_object().field("stringValue", tag).end_object();
    json.field("displayValue", name);
    if (tag == "en") json.field("default", true);
    json.end_object();
  }
  json.end_array().end_object().end_object().end_array().end_object();
}

void append_language(base::JsonWriter &json, const AccountRecord &account) {
  json.begin_object().key("identifier").begin_object().field("extension", "ocis-accounts");
  json.field("bundle", "profile").field("setting", "language").end_object();
  json.key("value").begin_object().field("id", account.id.text()).field("bundleId", kProfile);
  json.field("settingId", kLanguage).field("accountUuid", account.id.text());
  append_resource(json, "TYPE_USER");
  json.key("listValue").begin_object().key("values").begin_array().begin_object();
  json.field("stringValue", account.language).end_object().end_array().end_object();
  json.end_object().end_object();
}

/// The one assignment of an account has the id of the account.
void append_assignment(base::JsonWriter &json, const AccountRecord &account) {
  json.begin_object().field("id", account.id.text()).field("accountUuid", account.id.text());
  json.field("roleId", app_role_of(account.app_role)->id).end_object();
}

Answer bundles(const base::JsonObject &body, bool roles) {
  const base::JsonArray wanted = base::json_array(body, body->has("bundle_ids") ? "bundle_ids" : "bundleIds");
  const auto asked_for = [&](std::string_view id) {
    if (!wanted || wanted->size() == 0) return true;
    for (std::size_t i = 0; i < wanted->size(); ++i) {
      const auto one = wanted->get(static_cast<unsigned>(i));
      if (one.isString() && one.convert<std::string>() == id) return true;
    }
    return false;
  };
  Answer out;
  out.status = 201;
  base::JsonWriter json(out.body);
  json.begin_object().key("bundles").begin_array();
  if (roles) {
    for (const AppRole &role : kAppRoles)
      if (asked_for(role.id)) append_role_bundle(json, role);
  } else if (asked_for(kProfile)) {
    append_profile_bundle(json);
  }
  json.end_array().end_object();
  return out;
}

Answer bundle(const base::JsonObject &body) {
  const std::string id = text_of(body, "bundle_id", "bundleId").value_or("");
  Answer out;
  out.status = 201;
  base::JsonWriter json(out.body);
  json.begin_object().key("bundle");
  if (id == kProfile) {
    append_profile_bundle(json);
  } else if (const AppRole *role = find_app_role(id)) {
    append_role_bundle(json, *role);
  } else {
    return refusal(404, "itemNotFound", "There is no such bundle.");
  }
  json.end_object();
  return out;
}

}  // namespace

Answer Settings::answer(const Call &call, std::string_view method, std::string_view endpoint,
                        std::string_view text) const {
  const bool known =
      std::any_of(std::begin(kEndpoints), std::end(kEndpoints), [&](std::string_view one) { return one == endpoint; });
  if (!known) return refusal(404, "itemNotFound", "There is no such resource.");
  if (method != "POST") return wrong_method("POST");
  auto body = base::trim(text).empty() ? Result<base::JsonObject>(base::JsonObject(new Poco::JSON::Object))
                                       : base::parse_json_object(text);
  if (!body) return refusal(400, "invalidRequest", "The body is no JSON object.");
  if (endpoint == "roles-list") return bundles(*body, true);
  if (endpoint == "bundles-list") return bundles(*body, false);
  if (endpoint == "bundle-get") return bundle(*body);
  if (endpoint == "assignments-list") return assignments(call, *body);
  if (endpoint == "assignments-add") return assign(call, *body);
  if (endpoint == "assignments-remove") return unassign(call, *body);
  if (endpoint == "permissions-list") return permissions(call, *body);
  if (endpoint == "values-list") return values(call, *body);
  if (endpoint == "values-get") return value(call, *body, false);
  if (endpoint == "values-get-by-unique-identifiers") return value(call, *body, true);
  return save(call, *body);
}

Result<AccountRecord> Settings::account_of(const Call &call, const base::JsonObject &body) const {
  const std::string asked = text_of(body, "account_uuid", "accountUuid").value_or("me");
  auto me = accounts_.me(call);
  if (!me || asked == "me" || asked.empty()) return me;
  const auto id = AccountId::parse(asked);
  if (!id) return error(Status::InvalidArgument, "account_uuid is me, or the id of an account.");
  if (*id == me->id) return me;
  // The same for whoever is there and who is not.
  if (me->app_role < ATOLL_ROLE_ADMIN) return error(Status::NotFound, "There is no such account.");
  return accounts_.get(call, *id);
}

Answer Settings::assignments(const Call &call, const base::JsonObject &body) const {
  const auto account = account_of(call, body);
  if (!account) return refusal(account.error());
  Answer out;
  out.status = 201;
  base::JsonWriter json(out.body);
  json.begin_object().key("assignments").begin_array();
  if (app_role_of(account->app_role)) append_assignment(json, *account);
  json.end_array().end_object();
  return out;
}

Answer Settings::assign(const Call &call, const base::JsonObject &body) const {
  const AppRole *role = find_app_role(text_of(body, "role_id", "roleId").value_or(""));
  auto account = account_of(call, body);
  if (!account) return refusal(account.error());
  if (!role) return refusal(400, "invalidRequest", "There is no such role.");
  if (account->kind != ATOLL_ACCOUNT_USER) return refusal(error(Status::NotFound, "There is no such account."));
  account->app_role = role->role;
  if (const auto done = accounts_.change(call, *account, ATOLL_ACCOUNT_SET_APP_ROLE); !done)
    return refusal(done.error());
  Answer out;
  out.status = 201;
  base::JsonWriter json(out.body);
  json.begin_object().key("assignment");
  append_assignment(json, *account);
  json.end_object();
  return out;
}

Answer Settings::unassign(const Call &call, const base::JsonObject &body) const {
  const auto id = AccountId::parse(base::json_string(body, "id").value_or(""));
  if (!id) return refusal(400, "invalidRequest", "id is the id of an assignment.");
  AccountRecord account;
  account.id = *id;
  account.app_role = ATOLL_ROLE_NONE;
  const auto done = accounts_.change(call, account, ATOLL_ACCOUNT_SET_APP_ROLE);
  if (!done) return refusal(done.error());
  Answer out;
  out.status = 204;
  return out;
}

std::vector<std::string> Settings::permissions_of(const Call &call, const AccountRecord &account) const {
  std::vector<std::string> out;
  for (const Permission &permission : kPermissions)
    if (account.app_role >= permission.from)
      out.push_back(std::string(permission.name) + "." + std::string(permission.constraint));
  // As that account would be answered.
  auto principal = sized<atoll_principal>();
  principal.kind = ATOLL_PRINCIPAL_USER;
  principal.app_role = account.app_role;
  principal.account = to_abi(account.id);
  OutgoingCall outgoing(call.raw());
  if (spaces_ && spaces_->may_create(outgoing.principal(&principal).get(), spaces_->self) == ATOLL_OK)
    out.emplace_back(kCreate);
  return out;
}

Answer Settings::permissions(const Call &call, const base::JsonObject &body) const {
  const auto account = account_of(call, body);
  if (!account) return refusal(account.error());
  Answer out;
  out.status = 201;
  base::JsonWriter json(out.body);
  json.begin_object().key("permissions").begin_array();
  for (const std::string &permission : permissions_of(call, *account)) json.string(permission);
  json.end_array().end_object();
  return out;
}

Answer Settings::values(const Call &call, const base::JsonObject &body) const {
  const auto account = account_of(call, body);
  if (!account) return refusal(account.error());
  const auto bundle_id = text_of(body, "bundle_id", "bundleId");
  Answer out;
  out.status = 201;
  base::JsonWriter json(out.body);
  json.begin_object().key("values").begin_array();
  if (!account->language.empty() && (!bundle_id || bundle_id->empty() || *bundle_id == kProfile))
    append_language(json, *account);
  json.end_array().end_object();
  return out;
}

Answer Settings::value(const Call &call, const base::JsonObject &body, bool by_setting) const {
  // Of himself: a value has the id of its account.
  auto account = by_setting ? account_of(call, body) : accounts_.me(call);
  if (!account) return refusal(account.error());
  const bool asked = by_setting ? text_of(body, "setting_id", "settingId") == kLanguage
                                : base::json_string(body, "id") == account->id.text();
  if (!asked || account->language.empty()) return refusal(404, "itemNotFound", "There is no such value.");
  Answer out;
  out.status = 201;
  base::JsonWriter json(out.body);
  json.begin_object().key("value");
  append_language(json, *account);
  json.end_object();
  return out;
}

Answer Settings::save(const Call &call, const base::JsonObject &body) const {
  const base::JsonObject value = base::json_object(body, "value");
  if (!value) return refusal(400, "invalidRequest", "value is an object.");
  if (text_of(value, "setting_id", "settingId") != kLanguage || text_of(value, "bundle_id", "bundleId") != kProfile)
    return refusal(404, "itemNotFound", "There is no such setting.");
  auto account = account_of(call, value);
  if (!account) return refusal(account.error());
  const base::JsonObject list = base::json_object(value, value->has("list_value") ? "list_value" : "listValue");
  const base::JsonArray values = list ? base::json_array(list, "values") : base::JsonArray();
  const base::JsonObject first = values && values->size() == 1 ? values->getObject(0) : base::JsonObject();
  const auto language =
      first ? text_of(first, "string_value", "stringValue") : text_of(value, "string_value", "stringValue");
  if (!language) return refusal(400, "invalidRequest", "The language is one text: listValue.values[0].stringValue.");
  account->language = *language;
  if (const auto done = accounts_.change(call, *account, ATOLL_ACCOUNT_SET_LANGUAGE); !done)
    return refusal(done.error());
  Answer out;
  out.status = 201;
  base::JsonWriter json(out.body);
  json.begin_object().key("value");
  append_language(json, *account);
  json.end_object();
  return out;
}

}  // namespace Atoll::account
