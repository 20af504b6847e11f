// SPDX-License-Identifier: Apache-2.0
#include "core/host/admin_verbs.hpp"

#include <atoll/abi/registry.h>

#include "core/host/user_verbs.hpp"

namespace Atoll::host {
namespace {

std::string instance_list(const Supervisor &supervisor) {
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

struct SpaceRow {
  std::string id, name, alias, type, state, owner, provider, endpoint;
  std::uint64_t quota = ATOLL_QUOTA_NONE;
  atoll_uuid raw_id{}, raw_owner{};
};

// Bytes used, asked of the provider; nothing when it cannot tell now.
std::optional<std::uint64_t> used_bytes(const Runtime &runtime, const SpaceRow &row) {
  Instance *instance = runtime.instances.find(row.provider);
  const Lease lease = instance ? instance->lease() : Lease();
  const auto *table = lease ? lease.table<atoll_storage_fs>(ATOLL_STORAGE_FS) : nullptr;
  if (!table) return std::nullopt;
  OutgoingCall call;
  std::optional<std::uint64_t> used;
  auto sink = make_sink<atoll_space_sink>([&](const atoll_space *space) { used = space->used; });
  const CallLock lock = lease.lock();
  if (table->space_get(call.get(), lease.self(), &row.raw_id, sink.get()) != ATOLL_OK) return std::nullopt;
  return used;
}

Result<std::vector<SpaceRow>> spaces_of(const Lease &lease) {
  std::vector<SpaceRow> rows;
  OutgoingCall call;
  auto sink = make_sink<atoll_space_record_sink>([&](const atoll_space_record *raw) {
    SpaceRow row;
    row.raw_id = raw->id;
    row.raw_owner = raw->owner;
    row.id = from_abi<Uuid>(raw->id).text();
    row.owner = from_abi<Uuid>(raw->owner).text();
    row.name = view(raw->name);
    row.alias = view(raw->alias);
    row.type = raw->type == ATOLL_SPACE_PERSONAL ? "personal" : "project";
    row.state = raw->state == ATOLL_SPACE_STATE_DISABLED ? "disabled" : "active";
    row.provider = view(raw->provider);
    row.endpoint = view(raw->endpoint);
    row.quota = raw->quota;
    rows.push_back(std::move(row));
  });
  const atoll_uuid none{};
  const CallLock lock = lease.lock();
  const auto *table = lease.table<atoll_registry>(ATOLL_REGISTRY);
  const auto done = call.result(table->list(call.get(), lease.self(), &none, 0, sink.get()));
  sink.rethrow();
  if (!done) return done.error();
  return rows;
}

Result<std::string> space_list(const Runtime &runtime) {
  std::vector<SpaceRow> rows;
  std::optional<Error> failed;
  const auto asked = runtime.instances.each(ATOLL_REGISTRY, [&](const Lease &lease) {
    auto part = spaces_of(lease);
    if (!part) {
      failed = std::move(part).error();
      return false;
    }
    rows.insert(rows.end(), part->begin(), part->end());
    return true;
  });
  if (!asked) return asked.error();
  if (failed) return std::move(*failed);

  std::string out;
  base::JsonWriter json(out);
  json.begin_object().key("spaces").begin_array();
  for (const auto &row : rows) {
    json.begin_object().field("id", row.id).field("name", row.name).field("alias", row.alias).field("type", row.type);
    json.field("state", row.state).field("owner", row.owner).field("provider", row.provider);
    if (!row.endpoint.empty()) json.field("endpoint", row.endpoint);
    if (row.quota != ATOLL_QUOTA_NONE) json.field("quota", row.quota);
    if (const auto used = used_bytes(runtime, row)) json.field("used", *used);
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

std::string interface_for_verb(std::string_view verb) {
  if (verb.substr(0, 5) == "user.") return ATOLL_DIRECTORY_ADMIN;
  if (verb.substr(0, 6) == "space.") return ATOLL_REGISTRY;
  return {};
}

Result<std::string> run_verb(Runtime &runtime, Supervisor &supervisor, const base::JsonObject &request) try {
  const std::string verb = base::json_string(request, "verb").value_or("");
  const std::string name = base::json_string(request, "name").value_or("");
  if (verb == "instance.list") return instance_list(supervisor);
  if (verb == "instance.start" || verb == "instance.stop" || verb == "instance.restart")
    return on_instance(supervisor, verb, name);
  if (verb == "space.list") return space_list(runtime);
  if (verb.substr(0, 5) == "user.") return run_user_verb(runtime.instances, verb, request);
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
