// SPDX-License-Identifier: Apache-2.0
#include "core/host/admin_verbs.hpp"

#include <atoll/abi/registry.h>
#include <atoll/abi/storage_care.h>
#include <atoll/abi/storage_move.h>
#include <atoll/abi/storage_uploads.h>

#include "core/host/care_verbs.hpp"
#include "core/host/move_verb.hpp"
#include "core/host/space_rows.hpp"
#include "core/host/upload_verbs.hpp"
#include "core/host/user_verbs.hpp"

namespace Atoll::host {
namespace {

std::string instance_list(Supervisor &supervisor) {
  supervisor.look(kLookPatience);
  std::string out;
  base::JsonWriter json(out);
  json.begin_object().key("instances").begin_array();
  for (const auto &status : supervisor.status()) append_instance(json, status);
  json.end_array().end_object();
  return out;
}

Result<std::string> on_instance(Supervisor &supervisor, std::string_view verb, const std::string &name) {
  Result<void> done;
  if (verb == "instance.start")
    done = supervisor.start_instance(name);
  else if (verb == "instance.stop")
    done = supervisor.stop_instance(name);
  else
    done = supervisor.restart_instance(name);
  if (!done) return std::move(done).error();
  return std::string("{}");
}

/// What the provider of a space says about it now.
struct Told {
  std::optional<std::uint64_t> used;  ///< bytes; nothing when it cannot tell
  std::string_view state;             ///< empty: that of the registry holds
};

Told ask_provider(const Runtime &runtime, const SpaceRow &row) {
  Instance *instance = runtime.instances.find(row.provider);
  const Lease lease = instance ? instance->lease() : Lease();
  const auto *table = lease ? lease.table<atoll_storage_fs>(ATOLL_STORAGE_FS) : nullptr;
  if (!table) return {};
  OutgoingCall call;
  Told told;
  auto sink = make_sink<atoll_space_sink>([&](const atoll_space *space) { told.used = space->used; });
  const CallLock lock = lease.lock();
  const auto done = call.result(table->space_get(call.get(), lease.self(), &row.raw_id, sink.get()));
  if (done) return told;
  told.used.reset();
  if (row.state != "active") return told;
  if (done.error().reason == ATOLL_REASON_HELD_BACK)
    told.state = "held back";
  else if (done.status() == Status::Unavailable)
    told.state = "unavailable";
  return told;
}

/// What the space does about names that are alike; empty when its storage cannot tell.
std::string name_rule(const Runtime &runtime, const SpaceRow &row) {
  Instance *instance = row.provider.empty() ? nullptr : runtime.instances.find(row.provider);
  const Lease lease = instance ? instance->lease() : Lease();
  const auto *table = lease ? lease.table<atoll_storage_fs_care>(ATOLL_STORAGE_FS_CARE) : nullptr;
  if (!table || !ATOLL_HAS(table, atoll_storage_fs_care, names)) return {};
  OutgoingCall call;
  std::string rule;
  auto sink = make_sink<atoll_care_sink>([&](const atoll_care_record *record) {
    if (view(record->code) == "names") rule = view(record->text);
    return true;
  });
  const CallLock lock = lease.lock();
  if (table->names(call.get(), lease.self(), &row.raw_id, str(""), sink.get()) != ATOLL_OK) return {};
  return rule;
}

Result<std::string> space_list(const Runtime &runtime) {
  const auto rows = all_spaces(runtime);
  if (!rows) return rows.error();
  std::string out;
  base::JsonWriter json(out);
  json.begin_object().key("spaces").begin_array();
  for (const auto &row : *rows) {
    json.begin_object().field("id", row.id).field("name", row.name).field("alias", row.alias).field("type", row.type);
    const Told told = ask_provider(runtime, row);
    json.field("state", told.state.empty() ? std::string_view(row.state) : told.state)
        .field("owner", row.owner)
        .field("provider", row.provider);
    if (!row.endpoint.empty()) json.field("endpoint", row.endpoint);
    if (row.quota != ATOLL_QUOTA_NONE) json.field("quota", row.quota);
    if (told.used) json.field("used", *told.used);
    if (const std::string rule = name_rule(runtime, row); !rule.empty()) json.field("names", rule);
    json.end_object();
  }
  json.end_array().end_object();
  return out;
}

}  // namespace

void append_instance(base::JsonWriter &json, const InstanceStatus &status) {
  json.begin_object().field("name", status.name).field("plugin", status.plugin);
  json.field("state", state_name(status.state)).field("starts", status.starts);
  if (!status.durability.empty()) json.field("durability", status.durability);
  if (!status.reason.empty()) json.field("reason", status.reason);
  if (status.failures > 0) json.field("failures", status.failures);
  if (status.retry_in.count() > 0) json.field("retry_in_ms", std::int64_t{status.retry_in.count()});
  json.end_object();
}

std::vector<std::string> interfaces_for_verb(std::string_view verb) {
  if (verb == "user.remove") return {ATOLL_DIRECTORY_ADMIN, ATOLL_REGISTRY, ATOLL_STORAGE_FS};  // his space, too
  if (verb.substr(0, 5) == "user.") return {ATOLL_DIRECTORY_ADMIN};
  if (verb == "space.list") return {ATOLL_REGISTRY};
  if (verb.substr(0, 6) == "space.") return {ATOLL_REGISTRY, ATOLL_STORAGE_FS_CARE, ATOLL_STORAGE_FS_MOVE};
  if (verb.substr(0, 7) == "upload.") return {ATOLL_REGISTRY, ATOLL_STORAGE_FS_UPLOADS};
  return {};
}

Result<std::string> run_verb(Runtime &runtime, Supervisor &supervisor, const base::JsonObject &request,
                             const Say &say) try {
  const std::string verb = base::json_string(request, "verb").value_or("");
  const std::string name = base::json_string(request, "name").value_or("");
  if (verb == "instance.list") return instance_list(supervisor);
  if (verb == "instance.start" || verb == "instance.stop" || verb == "instance.restart")
    return on_instance(supervisor, verb, name);
  if (verb == "space.list") return space_list(runtime);
  if (verb.substr(0, 6) == "space.") return run_care_verb(runtime, verb, request, say);
  if (verb.substr(0, 7) == "upload.") return run_upload_verb(runtime, verb, request);
  if (verb.substr(0, 5) == "user.") return run_user_verb(runtime, verb, request);
  return error(Status::InvalidArgument, "this server knows no verb '" + verb + "'");
} catch (const std::exception &failure) {
  return error(Status::Internal, failure.what());
}

std::string envelope(const Result<std::string> &result) {
  std::string out;
  base::JsonWriter json(out);
  json.begin_object().field("ok", result.ok());
  if (result)
    json.key("result").raw(*result);
  else
    json.field("status", static_cast<std::int32_t>(result.status())).field("error", result.error().message);
  json.end_object();
  return out;
}

Result<base::JsonObject> open_envelope(const std::string &line) {
  auto object = base::parse_json_object(line, 64 << 20);
  if (!object) return std::move(object).error();
  if (base::json_boolean(*object, "ok").value_or(false)) return base::json_object(*object, "result");
  const auto status = base::json_integer(*object, "status").value_or(ATOLL_INTERNAL);
  return error(static_cast<Status>(status), base::json_string(*object, "error").value_or("the server gave no reason"));
}

}  // namespace Atoll::host
