// SPDX-License-Identifier: Apache-2.0
#include "plugins/api-graph/users.hpp"

#include <atoll/sdk/app_roles.hpp>

#include <algorithm>

#include "core/base/text.hpp"
#include "core/base/time.hpp"
#include "plugins/api-graph/user_filter.hpp"

namespace Atoll::graph {
namespace {

constexpr std::string_view kUserFields[] = {
    "id",       "displayName",     "mail",           "onPremisesSamAccountName", "givenName",         "surname",
    "userType", "memberOf",        "accountEnabled", "appRoleAssignments",       "preferredLanguage", "identities",
    "drive",    "createdDateTime", "signInActivity", "expirationDateTime"};
/// The server as an application: its roles are the app roles.
constexpr std::string_view kApplication = "8f4e1c5a-6a5d-4d0e-9d1f-0a5f4c2b7e31";
constexpr std::uint64_t kDefaultTop = 1000;

bool has(const AccountFields &fields, std::string_view name) { return fields.empty() || fields.count(name) != 0; }

void append_assignment(base::JsonWriter &json, const AccountRecord &user) {
  const AppRole *role = app_role_of(user.app_role);
  json.begin_object().field("id", user.id.text()).field("appRoleId", role ? role->id : std::string_view());
  json.field("principalDisplayName", user.display_name).field("principalId", user.id.text());
  json.field("principalType", "User").field("resourceDisplayName", "Atoll").field("resourceId", kApplication);
  json.end_object();
}

void append_application(base::JsonWriter &json) {
  json.begin_object().field("id", kApplication).field("displayName", "Atoll").key("appRoles").begin_array();
  for (const AppRole &role : kAppRoles)
    json.begin_object().field("id", role.id).field("displayName", role.display_name).end_object();
  json.end_array().end_object();
}

}  // namespace

std::optional<AccountId> read_account_url(std::string_view url) {
  while (!url.empty() && url.back() == '/') url.remove_suffix(1);
  const auto slash = url.rfind('/');
  if (slash == url.npos) return std::nullopt;
  const std::string_view before = url.substr(0, slash);
  if (before.size() < 6 || before.substr(before.size() - 6) != "/users") return std::nullopt;
  return AccountId::parse(url.substr(slash + 1));
}

Result<AccountPage> read_page(const Query &query, std::uint32_t kind) {
  AccountPage page;
  page.kind = kind;
  page.limit = kDefaultTop;
  if (const std::string &top = query.get("$top"); !top.empty()) {
    const auto count = base::parse_u64(top);
    if (!count || *count == 0 || *count > 999) return invalid("$top is a number from 1 to 999.");
    page.limit = *count;
  }
  if (const std::string &order = query.get("$orderby"); !order.empty()) {
    auto read = kind == ATOLL_ACCOUNT_USER ? read_order(order, {"displayName", "mail", "onPremisesSamAccountName"})
                                           : read_order(order, {"displayName"});
    if (!read) return std::move(read).error();
    if (kind == ATOLL_ACCOUNT_USER && read->field == "displayName") page.order = ATOLL_ACCOUNT_BY_DISPLAY_NAME;
    if (read->field == "mail") page.order = ATOLL_ACCOUNT_BY_MAIL;
    if (read->descending) page.flags |= ATOLL_ACCOUNT_QUERY_DESCENDING;
  }
  if (const std::string &filter = query.get("$filter"); !filter.empty())
    if (auto read = apply_filter(filter, page); !read) return std::move(read).error();
  if (const std::string &search = query.get("$search"); !search.empty()) {
    auto text = search_of(search);
    if (!text) return std::move(text).error();
    if (!page.text.empty()) return invalid("Give either $search or contains(), not both.");
    page.text = *std::move(text);
  }
  if (const std::string &place = query.get("$skiptoken"); !place.empty())
    if (auto read = read_place(place, page); !read) return std::move(read).error();
  return page;
}

std::string cut_page(std::vector<AccountRecord> &found, AccountPage &page, std::uint64_t wanted) {
  if (found.size() <= wanted) return {};
  found.resize(static_cast<std::size_t>(wanted));
  return place_of(found.back(), page.order);
}

void append_user(base::JsonWriter &json, const AccountRecord &user, const AccountFields &fields,
                 const std::vector<AccountRecord> *groups, bool role, std::string_view drive) {
  const auto time = [&](std::string_view name, std::int64_t at_ns) {
    if (at_ns != 0 && has(fields, name)) json.field(name, base::iso8601(at_ns / 1'000'000'000));
  };
  json.begin_object();
  if (has(fields, "id")) json.field("id", user.id.text());
  if (has(fields, "displayName")) json.field("displayName", user.display_name);
  if (has(fields, "onPremisesSamAccountName")) json.field("onPremisesSamAccountName", user.name);
  for (const auto &[name, text] : {std::pair("mail", &user.mail),
                                   {"givenName", &user.given_name},
                                   {"surname", &user.surname},
                                   {"preferredLanguage", &user.language}})
    // The description of libre-graph has every user with a mail.
    if (has(fields, name) && (text == &user.mail || !text->empty())) json.field(name, *text);
  // What others are not told is empty, and then these are not known either.
  const bool told = !user.issuer.empty();
  if (has(fields, "userType")) json.field("userType", user.guest ? "Guest" : "Member");
  if (told && has(fields, "accountEnabled")) json.field("accountEnabled", user.enabled);
  time("createdDateTime", user.created_ns);
  time("expirationDateTime", user.expires_ns);
  if (told && has(fields, "identities")) {
    json.key("identities").begin_array().begin_object().field("issuer", user.issuer);
    json.field("issuerAssignedId", user.id.text()).end_object().end_array();
  }
  if (user.last_login_ns != 0 && has(fields, "signInActivity"))
    json.key("signInActivity")
        .begin_object()
        .field("lastSuccessfulSignInDateTime", base::iso8601(user.last_login_ns / 1'000'000'000))
        .end_object();
  if (groups) {
    json.key("memberOf").begin_array();
    for (const AccountRecord &group : *groups) append_group(json, group, {}, nullptr);
    json.end_array();
  }
  if (role) {
    json.key("appRoleAssignments").begin_array();
    if (app_role_of(user.app_role)) append_assignment(json, user);
    json.end_array();
  }
  if (!drive.empty()) json.key("drive").raw(drive);
  json.end_object();
}

struct Users::Expanded {
  bool groups = false, roles = false;
  AccountsClient::Memberships memberships;
  std::string drive;

  const std::vector<AccountRecord> *of(const AccountId &user) const {
    static const std::vector<AccountRecord> none;
    if (!groups) return nullptr;
    const auto found = memberships.find(user);
    return found == memberships.end() ? &none : &found->second;
  }
};

Result<Users::Expanded> Users::expand(const Asked &asked, const std::string &text,
                                      const std::vector<AccountRecord> &accounts) const {
  Expanded out;
  for (const auto part : base::split(text, ',')) {
    const std::string_view name = base::trim(part);
    if (name.empty() && base::trim(text).empty()) break;
    if (name == "memberOf") {
      out.groups = true;
    } else if (name == "appRoleAssignments") {
      out.roles = true;
    } else if (name == "drive") {
      const atoll_principal *principal = asked.call.principal();
      const bool own = accounts.size() == 1 && principal && accounts[0].id == from_abi<AccountId>(principal->account);
      if (accounts.size() != 1 || (!own && (!principal || principal->app_role < ATOLL_ROLE_ADMIN)))
        return invalid("drive can be expanded of one user, by himself and by admins.");
      const Answer drive = own ? drives_.mine(asked.call, {}) : drives_.personal_of(asked.call, accounts[0].id);
      if (drive.status == 200)
        out.drive = drive.json;
      else if (drive.status != 404)
        return error(Status::Unavailable, "the personal drive cannot be told");
    } else {
      return invalid("Only memberOf, appRoleAssignments and drive can be expanded here.");
    }
  }
  if (!out.groups) return out;
  std::vector<AccountId> ids;
  for (const AccountRecord &account : accounts) ids.push_back(account.id);
  auto told = accounts_.groups_of(asked.call, ids);
  if (!told) return std::move(told).error();
  out.memberships = *std::move(told);
  return out;
}

Result<AccountRecord> Users::named(const Call &call, const std::string &id_or_name) const {
  const auto missing = [] { return error(Status::NotFound, "There is no such user."); };
  const auto id = AccountId::parse(id_or_name);
  auto found = id ? accounts_.get(call, *id) : accounts_.find(call, ATOLL_ACCOUNT_USER, id_or_name);
  if (found.status() == Status::NotFound || (found && found->kind != ATOLL_ACCOUNT_USER)) return missing();
  return found;
}

Answer Users::users(const Asked &asked) const {
  if (asked.path.empty()) {
    if (asked.reads()) return list(asked);
    if (!asked.is("POST")) return wrong_method("GET, POST");
    return create(asked);
  }
  const auto user = named(asked.call, asked.path[0]);
  if (asked.path.size() == 1) {
    if (asked.reads()) return get(asked, user);
    if (!asked.is("PATCH") && !asked.is("DELETE")) return wrong_method("GET, PATCH, DELETE");
    if (const auto options = Query::read(asked.request.query(), {}); !options) return failure(options.error());
    if (!user) return failure(user.error());
    if (asked.is("PATCH")) return change(asked, *user);
    const auto done = accounts_.remove(asked.call, user->id);
    return done ? Answer{204, {}, {}, 0} : failure(done.error());
  }
  if (asked.path[1] != "appRoleAssignments" || asked.path.size() > 3)
    return failure(404, "itemNotFound", "There is no such resource.");
  return user ? assignments(asked, *user) : failure(user.error());
}

Answer Users::list(const Asked &asked) const {
  const auto options = Query::read(asked.request.query(),
                                   {"$search", "$filter", "$select", "$expand", "$orderby", "$top", "$skiptoken"});
  if (!options) return failure(options.error());
  auto page = read_page(*options, ATOLL_ACCOUNT_USER);
  if (!page) return failure(page.error());
  const auto fields = read_select(options->get("$select"), kUserFields);
  if (!fields) return failure(fields.error());
  const std::uint64_t wanted = std::min<std::uint64_t>(page->limit, 999);
  page->limit = wanted + 1;
  auto found = accounts_.page(asked.call, *page);
  if (!found) return failure(found.error());
  const std::string next = cut_page(*found, *page, wanted);
  const auto expanded = expand(asked, options->get("$expand"), *found);
  if (!expanded) return failure(expanded.error());
  std::string link;
  if (!next.empty()) {
    link = next_link(host_.public_url().value_or(""), asked.request.path(), asked.request.query(), next);
  }
  Answer out;
  base::JsonWriter json(out.json);
  json.begin_object();
  if (!link.empty()) json.field("@odata.nextLink", link);
  json.key("value").begin_array();
  for (const AccountRecord &user : *found) append_user(json, user, *fields, expanded->of(user.id), expanded->roles, {});
  json.end_array().end_object();
  return out;
}

Answer Users::get(const Asked &asked, const Result<AccountRecord> &account) const {
  const auto options = Query::read(asked.request.query(), {"$select", "$expand"});
  if (!options) return failure(options.error());
  const auto fields = read_select(options->get("$select"), kUserFields);
  if (!fields) return failure(fields.error());
  if (!account) return failure(account.error());
  const auto expanded = expand(asked, options->get("$expand"), {*account});
  if (!expanded) return failure(expanded.error());
  Answer out;
  base::JsonWriter json(out.json);
  append_user(json, *account, *fields, expanded->of(account->id), expanded->roles, expanded->drive);
  return out;
}

namespace {

struct ReadUser {
  AccountRecord account;
  std::uint32_t fields = 0;
  std::optional<std::string> password;
};

Result<ReadUser> read_user(const base::JsonObject &body) {
  ReadUser out;
  const std::tuple<const char *, std::uint32_t, std::string AccountRecord::*> texts[] = {
      {"onPremisesSamAccountName", ATOLL_ACCOUNT_SET_NAME, &AccountRecord::name},
      {"displayName", ATOLL_ACCOUNT_SET_DISPLAY_NAME, &AccountRecord::display_name},
      {"mail", ATOLL_ACCOUNT_SET_MAIL, &AccountRecord::mail},
      {"givenName", ATOLL_ACCOUNT_SET_GIVEN_NAME, &AccountRecord::given_name},
      {"surname", ATOLL_ACCOUNT_SET_SURNAME, &AccountRecord::surname},
      {"preferredLanguage", ATOLL_ACCOUNT_SET_LANGUAGE, &AccountRecord::language}};
  for (const auto &[name, field, member] : texts) {
    auto text = read_text(body, name);
    if (!text) return std::move(text).error();
    if (!*text) continue;
    out.account.*member = **std::move(text);
    out.fields |= field;
  }
  if (body->has("accountEnabled")) {
    const auto enabled = base::json_boolean(body, "accountEnabled");
    if (!enabled) return invalid("accountEnabled is true or false.");
    out.account.enabled = *enabled;
    out.fields |= ATOLL_ACCOUNT_SET_ENABLED;
  }
  if (body->has("expirationDateTime")) {
    if (!body->isNull("expirationDateTime")) {
      const std::optional<std::int64_t> at = read_instant(base::json_string(body, "expirationDateTime").value_or(""));
      if (!at || *at <= 0) return invalid("expirationDateTime is no instant like 2030-01-31T12:00:00Z.");
      out.account.expires_ns = *at;
    }
    out.fields |= ATOLL_ACCOUNT_SET_EXPIRES;
  }
  if (body->has("passwordProfile")) {
    const base::JsonObject profile = base::json_object(body, "passwordProfile");
    out.password = profile ? base::json_string(profile, "password") : std::nullopt;
    if (!out.password || out.password->empty()) return invalid("passwordProfile.password is a text.");
  }
  return out;
}

}  // namespace

Answer Users::create(const Asked &asked) const {
  if (const auto options = Query::read(asked.request.query(), {}); !options) return failure(options.error());
  const auto body = object_of(asked.body);
  if (!body) return failure(body.error());
  auto read = read_user(*body);
  if (!read) return failure(read.error());
  const auto type = read_text(*body, "userType");
  if (!type) return failure(type.error());
  if (*type && **type != "Member" && **type != "Guest") return failure(invalid("userType is Member or Guest."));
  AccountRecord &account = read->account;
  account.guest = *type && **type == "Guest";
  account.app_role = account.guest ? ATOLL_ROLE_USER_LIGHT : ATOLL_ROLE_USER;
  if (account.name.empty() && !account.guest) return failure(invalid("A user needs an onPremisesSamAccountName."));
  if (account.guest && account.name.empty()) account.name = account.mail;
  const auto made = accounts_.create(asked.call, account, read->password.value_or(""));
  if (!made) return failure(made.error());
  Answer out;
  out.status = 201;
  base::JsonWriter json(out.json);
  append_user(json, *made, {}, nullptr, true, {});
  return out;
}

Answer Users::change(const Asked &asked, const AccountRecord &account) const {
  const auto body = object_of(asked.body);
  if (!body) return failure(body.error());
  auto read = read_user(*body);
  if (!read) return failure(read.error());
  read->account.id = account.id;
  read->account.kind = ATOLL_ACCOUNT_USER;
  if (read->fields != 0 || !read->password)
    if (const auto done = accounts_.change(asked.call, read->account, read->fields); !done)
      return failure(done.error());
  // The password last: it cannot be taken back, and ends what logs in now.
  if (read->password)
    if (const auto done = accounts_.set_password(asked.call, account.id, *read->password); !done) {
      if (read->fields != 0 && !accounts_.change(asked.call, account, read->fields)) {
        // It may have been closed before, and cannot be made so again, as with an expiry in the past.
        AccountRecord closed = account;
        closed.enabled = false;
        static_cast<void>(accounts_.change(asked.call, closed, ATOLL_ACCOUNT_SET_ENABLED));
      }
      return failure(done.error());
    }
  const auto now = accounts_.get(asked.call, account.id);
  if (!now) return failure(now.error());
  Answer out;
  base::JsonWriter json(out.json);
  append_user(json, *now, {}, nullptr, false, {});
  return out;
}

Answer Users::me(const Asked &asked) const {
  if (asked.path.size() == 1 && asked.path[0] == "changePassword")
    return asked.is("POST") ? change_password(asked) : wrong_method("POST");
  if (!asked.path.empty()) return failure(404, "itemNotFound", "There is no such resource.");
  const auto me = accounts_.me(asked.call);
  if (asked.reads()) return get(asked, me);
  if (!asked.is("PATCH")) return wrong_method("GET, PATCH");
  if (const auto options = Query::read(asked.request.query(), {}); !options) return failure(options.error());
  if (!me) return failure(me.error());
  const auto body = object_of(asked.body);
  if (!body) return failure(body.error());
  if ((*body)->has("passwordProfile")) return failure(invalid("Change your own password with me/changePassword."));
  return change(asked, *me);
}

Answer Users::change_password(const Asked &asked) const {
  if (const auto options = Query::read(asked.request.query(), {}); !options) return failure(options.error());
  const auto body = object_of(asked.body);
  if (!body) return failure(body.error());
  const auto old_password = base::json_string(*body, "currentPassword"),
             new_password = base::json_string(*body, "newPassword");
  if (!old_password || !new_password || old_password->empty() || new_password->empty())
    return failure(invalid("Give currentPassword and newPassword."));
  if (*old_password == *new_password) return failure(invalid("The new password is the one that you have."));
  // Not in the description of the API: programs stay logged in unless this says otherwise.
  const auto end_programs = base::json_boolean(*body, "removeAppTokens");
  if ((*body)->has("removeAppTokens") && !end_programs) return failure(invalid("removeAppTokens is true or false."));
  const auto done = accounts_.change_password(asked.call, *old_password, *new_password,
                                              end_programs.value_or(false) ? ATOLL_PASSWORD_END_TOKENS : 0u);
  // 401 would make a client ask for the login again.
  if (done.status() == Status::Unauthenticated) return failure(invalid("currentPassword is wrong."));
  return done ? Answer{204, {}, {}, 0} : failure(done.error());
}

Answer Users::assignments(const Asked &asked, const AccountRecord &user) const {
  if (const auto options = Query::read(asked.request.query(), {}); !options) return failure(options.error());
  const bool one = asked.path.size() == 3;
  const auto *principal = asked.call.principal();
  const bool own = principal && from_abi<AccountId>(principal->account) == user.id;
  if (!own && (!principal || principal->app_role < ATOLL_ROLE_ADMIN))
    return failure(error(Status::PermissionDenied, "Only admins see the roles of others."));
  Answer out;
  base::JsonWriter json(out.json);
  if (!one && asked.reads()) {
    json.begin_object().key("value").begin_array();
    if (app_role_of(user.app_role)) append_assignment(json, user);
    json.end_array().end_object();
    return out;
  }
  AccountRecord changed = user;
  if (one) {
    if (!asked.is("DELETE")) return wrong_method("DELETE");
    if (asked.path[2] != user.id.text() || !app_role_of(user.app_role))
      return failure(404, "itemNotFound", "There is no such assignment.");
    changed.app_role = ATOLL_ROLE_NONE;
    const auto done = accounts_.change(asked.call, changed, ATOLL_ACCOUNT_SET_APP_ROLE);
    return done ? Answer{204, {}, {}, 0} : failure(done.error());
  }
  if (!asked.is("POST")) return wrong_method("GET, POST");
  const auto body = object_of(asked.body);
  if (!body) return failure(body.error());
  const AppRole *role = find_app_role(base::json_string(*body, "appRoleId").value_or(""));
  if (!role) return failure(invalid("There is no such appRoleId."));
  if (base::json_string(*body, "principalId") != user.id.text())
    return failure(invalid("principalId is the id of the user."));
  if (base::json_string(*body, "resourceId") != kApplication)
    return failure(invalid("resourceId is the id of an application."));
  changed.app_role = role->role;
  if (const auto done = accounts_.change(asked.call, changed, ATOLL_ACCOUNT_SET_APP_ROLE); !done)
    return failure(done.error());
  out.status = 201;
  append_assignment(json, changed);
  return out;
}

Answer Users::applications(const Asked &asked) {
  if (!asked.reads()) return wrong_method("GET");
  if (const auto options = Query::read(asked.request.query(), {}); !options) return failure(options.error());
  Answer out;
  base::JsonWriter json(out.json);
  if (asked.path.empty()) {
    json.begin_object().key("value").begin_array();
    append_application(json);
    json.end_array().end_object();
    return out;
  }
  if (asked.path.size() > 1 || asked.path[0] != kApplication)
    return failure(404, "itemNotFound", "There is no such application.");
  append_application(json);
  return out;
}

}  // namespace Atoll::graph
