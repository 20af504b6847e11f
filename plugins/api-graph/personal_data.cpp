// SPDX-License-Identifier: Apache-2.0
#include "plugins/api-graph/personal_data.hpp"

#include <atoll/sdk/app_roles.hpp>

#include <algorithm>

#include "core/base/checksum.hpp"
#include "core/base/path.hpp"
#include "core/base/time.hpp"
#include "plugins/api-graph/wire.hpp"

namespace Atoll::graph {
namespace {

constexpr std::int64_t kNsPerSecond = 1'000'000'000;

void append_instant(base::JsonWriter &json, std::string_view name, std::int64_t at_ns) {
  if (at_ns != 0) json.field(name, base::iso8601(at_ns / kNsPerSecond));
}

std::string_view kind_of(const SpaceRecord &space) {
  return space.type == ATOLL_SPACE_PERSONAL ? "personal" : space.type == ATOLL_SPACE_PROJECT ? "project" : "virtual";
}

}  // namespace

std::string personal_data(const AccountRecord &account, const std::vector<AccountRecord> &groups,
                          const std::vector<AppTokenRecord> &tokens, const std::vector<Space> &spaces,
                          std::int64_t now_ns) {
  std::string out;
  base::JsonWriter json(out);
  json.begin_object();
  append_instant(json, "exportedDateTime", now_ns);
  json.key("user").begin_object().field("id", account.id.text()).field("onPremisesSamAccountName", account.name);
  json.field("displayName", account.display_name).field("mail", account.mail).field("givenName", account.given_name);
  json.field("surname", account.surname).field("preferredLanguage", account.language);
  json.field("userType", account.guest ? "Guest" : "Member").field("accountEnabled", account.enabled);
  const AppRole *role = app_role_of(account.app_role);
  json.field("appRole", role ? role->display_name : std::string_view());
  append_instant(json, "createdDateTime", account.created_ns);
  append_instant(json, "lastSuccessfulSignInDateTime", account.last_login_ns);
  append_instant(json, "expirationDateTime", account.expires_ns);
  json.key("identities").begin_array().begin_object().field("issuer", account.issuer);
  json.field("issuerAssignedId", account.id.text()).end_object().end_array().end_object();
  json.key("memberOf").begin_array();
  for (const AccountRecord &group : groups)
    json.begin_object().field("id", group.id.text()).field("displayName", group.display_name).end_object();
  json.end_array().key("appTokens").begin_array();
  for (const AppTokenRecord &token : tokens) {
    json.begin_object().field("id", token.id.text()).field("label", token.label);
    append_instant(json, "createdDateTime", token.created_ns);
    append_instant(json, "lastUsedDateTime", token.last_used_ns);
    append_instant(json, "expirationDateTime", token.expires_ns);
    json.end_object();
  }
  json.end_array().key("drives").begin_array();
  for (const Space &space : spaces) {
    json.begin_object().field("id", drive_id(space.record.birth, space.record.id)).field("name", space.record.name);
    json.field("driveType", kind_of(space.record)).field("driveAlias", space.record.alias);
    json.field("webDavUrl", space.web_dav_url).end_object();
  }
  json.end_array().end_object();
  return out;
}

Result<std::string> export_path(std::string_view location) {
  if (location.empty()) return std::string(kExportName);
  const auto names = base::split_path(location);
  if (!names || names->empty() || location.back() == '/')
    return invalid("storageLocation is the path of a file in your personal space, like /folder/name.json.");
  std::string out;
  for (const std::string_view name : *names) out.append(out.empty() ? "" : "/").append(name);
  return out;
}

Answer PersonalData::answer(const Asked &asked, const std::string &id_or_name) const {
  if (!asked.is("POST")) return wrong_method("POST");
  if (const auto options = Query::read(asked.request.query(), {}); !options) return failure(options.error());
  const auto me = accounts_.me(asked.call);
  if (!me) return failure(me.error());
  const auto id = AccountId::parse(id_or_name);
  const auto whose = id ? accounts_.get(asked.call, *id) : accounts_.find(asked.call, ATOLL_ACCOUNT_USER, id_or_name);
  if (whose.status() == Status::NotFound || (whose && whose->kind != ATOLL_ACCOUNT_USER))
    return failure(404, "itemNotFound", "There is no such user.");
  if (!whose) return failure(whose.error());
  if (whose->id != me->id) return failure(403, "accessDenied", "Everybody exports his own data only.");
  const auto body = object_of(asked.body);
  if (!body) return failure(body.error());
  const auto location = read_text(*body, "storageLocation");
  if (!location) return failure(location.error());
  const auto path = export_path(location->value_or(""));
  if (!path) return failure(path.error());
  const auto spaces = spaces_.mine(asked.call, 0);
  if (!spaces) return failure(spaces.error());
  const auto personal = std::find_if(spaces->begin(), spaces->end(), [&](const Space &space) {
    return space.record.type == ATOLL_SPACE_PERSONAL && space.record.owner == me->id;
  });
  if (personal == spaces->end()) return failure(invalid("You have no personal space that a file could be put into."));
  auto groups = accounts_.groups_of(asked.call, {me->id});
  if (!groups) return failure(groups.error());
  auto tokens = accounts_.tokens(asked.call);
  // Of an account that is managed elsewhere, which has none.
  if (tokens.status() == Status::FailedPrecondition) tokens = std::vector<AppTokenRecord>();
  if (!tokens) return failure(tokens.error());
  const std::string text = personal_data(*me, (*groups)[me->id], *tokens, *spaces, base::now_unix_ns());
  const auto written = write(asked.call, *personal, *path, text);
  return written ? Answer{202, {}, {}, 0} : failure(written.error());
}

Result<void> PersonalData::write(const Call &call, const Space &personal, const std::string &path,
                                 const std::string &text) const {
  const Files files(gateway_->files, gateway_->files_self);
  OutgoingCall out(call.raw());
  const auto upload = files.upload_begin(out, Ref{personal.record.id, root_of(personal.record.id), path}, text.size());
  if (!upload) return upload.error();
  if (auto put = (*upload)->write(out, 0, text.data(), text.size()); !put) return put;
  base::Checksums sums;
  sums.update(std::string_view(text));
  const auto values = sums.finish();
  auto commit = sized<atoll_upload_commit>();
  commit.flags = ATOLL_STAT_SHA1 | ATOLL_STAT_MD5 | ATOLL_STAT_ADLER32;
  commit.size = text.size();
  commit.mtime_ns = ATOLL_MTIME_NOW;
  std::copy(values.sha1.begin(), values.sha1.end(), commit.sha1);
  std::copy(values.md5.begin(), values.md5.end(), commit.md5);
  commit.adler32 = values.adler32;
  const auto done = (*upload)->commit(out, commit);
  return done ? Result<void>() : Result<void>(done.error());
}

}  // namespace Atoll::graph
