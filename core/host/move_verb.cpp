// SPDX-License-Identifier: Apache-2.0
#include "core/host/move_verb.hpp"

#include <atoll/abi/storage_move.h>
#include <atoll/sdk/call.hpp>
#include <atoll/sdk/registry.hpp>
#include <atoll/sdk/registry_table.hpp>

#include <map>
#include <optional>

#include "core/host/log.hpp"
#include "core/host/nearest.hpp"
#include "core/host/space_rows.hpp"

namespace Atoll::host {
namespace {

Error not_running(const std::string &name) { return error(Status::Unavailable, "[" + name + "] is not running"); }

/// A storage that can move spaces, while it runs.
struct Storage {
  std::string name;
  Lease lease;
  const atoll_storage_fs_move *move = nullptr;
};

/// "archive" is [storage:archive].
std::string meant(const Runtime &runtime, const std::string &name) {
  std::vector<std::string> names;
  for (const auto &instance : runtime.instances.all()) {
    if (!instance->plugin().query(ATOLL_STORAGE_FS)) continue;
    if (instance->name() == "storage:" + name) return "; did you mean '" + instance->name() + "'?";
    names.push_back(instance->name());
  }
  return did_you_mean(name, names);
}

Result<Storage> storage(const Runtime &runtime, const std::string &name) {
  Storage found;
  found.name = name;
  Instance *instance = runtime.instances.find(name);
  if (!instance || !instance->plugin().query(ATOLL_STORAGE_FS))
    return error(Status::NotFound,
                 "there is no storage '" + name + "'" + meant(runtime, name) + "; atoll instance list shows all");
  found.lease = instance->lease();
  if (!found.lease) return not_running(name);
  found.move = found.lease.table<atoll_storage_fs_move>(ATOLL_STORAGE_FS_MOVE);
  if (!found.move) return error(Status::Unimplemented, "the storage [" + name + "] cannot move spaces");
  return found;
}

Result<void> settle(const Storage &storage, const atoll_uuid &space, bool here) {
  OutgoingCall call;
  const CallLock lock = storage.lease.lock();
  return call.result(storage.move->settle(call.get(), storage.lease.self(), &space, here ? 1 : 0));
}

bool has(const Storage &storage, const atoll_uuid &space) {
  OutgoingCall call;
  const auto ignore = make_sink<atoll_space_sink>([](const atoll_space *) {});
  const CallLock lock = storage.lease.lock();
  const auto *fs = storage.lease.table<atoll_storage_fs>(ATOLL_STORAGE_FS);
  return fs->space_get(call.get(), storage.lease.self(), &space, ignore.get()) == ATOLL_OK;
}

/// Asks the registries for the space's record and gives it to `f` with the one that has it.
Result<void> with_record(const Runtime &runtime, const atoll_uuid &space,
                         const std::function<Result<void>(const Lease &, SpaceRecord)> &f) {
  Result<void> done = error(Status::NotFound, "no registry has the space");
  const auto asked = runtime.instances.each(ATOLL_REGISTRY, [&](const Lease &lease) {
    std::optional<SpaceRecord> record;
    auto sink =
        make_sink<atoll_space_record_sink>([&](const atoll_space_record *raw) { record = SpaceRecord::from(raw); });
    OutgoingCall call;
    const CallLock lock = lease.lock();
    const auto *table = lease.table<atoll_registry>(ATOLL_REGISTRY);
    auto got = call.result(table->get(call.get(), lease.self(), &space, sink.get()));
    sink.rethrow();
    if (!got && got.status() == Status::NotFound) return true;
    if (!got) {
      done = std::move(got);
      return false;
    }
    if (!record) return true;
    done = f(lease, std::move(*record));
    return false;
  });
  if (!asked) return asked.error();
  return done;
}

/// Where the registry says that the space lives.
Result<std::string> home(const Runtime &runtime, const atoll_uuid &space) {
  std::string name;
  auto found = with_record(runtime, space, [&](const Lease &, SpaceRecord record) -> Result<void> {
    name = record.provider;
    return {};
  });
  if (!found) return std::move(found).error();
  return name;
}

Result<void> set_home(const Runtime &runtime, const atoll_uuid &space, const std::string &name) {
  return with_record(runtime, space, [&](const Lease &lease, SpaceRecord record) -> Result<void> {
    if (record.state == ATOLL_SPACE_STATE_PURGING)
      return error(Status::FailedPrecondition, "the space is being purged");
    record.provider = name;
    OutgoingCall call;
    const RegistryTable table(lease.table<atoll_registry>(ATOLL_REGISTRY), lease.self());
    // Nothing but that: names, quotas and members may be changed at the same time. It must not end meanwhile.
    return call.result(table.change(call.get(), record, ATOLL_SPACE_SET_PROVIDER, record.state));
  });
}

void warn(const std::string &what, const std::string &space, const std::string &name) {
  log(ATOLL_LOG_WARNING, "space", what, {{"space", space}, {"storage", name}});
}

void settle_one(const Runtime &runtime, const Storage &here, const atoll_uuid &space) {
  const std::string id = from_abi<Uuid>(space).text();
  const auto lives = home(runtime, space);
  if (!lives) return warn("a move is not settled yet: " + lives.error().message, id, here.name);
  if (*lives != here.name) {
    // It goes only when it is surely somewhere else.
    const auto other = storage(runtime, *lives);
    if (!other || !has(*other, space))
      return warn("a move is not settled yet: " + *lives + " does not answer", id, here.name);
  }
  if (auto done = settle(here, space, *lives == here.name); !done)
    return warn("a move is not settled yet: " + done.error().message, id, here.name);
  log(ATOLL_LOG_INFO, "space", "a move that was interrupted is settled", {{"space", id}, {"storage", *lives}});
}

}  // namespace

void settle_moves(const Runtime &runtime) {
  for (const auto &instance : runtime.instances.all()) {
    if (!instance->plugin().query(ATOLL_STORAGE_FS_MOVE)) continue;
    const auto here = storage(runtime, instance->name());
    if (!here) continue;
    std::vector<atoll_uuid> spaces;
    {
      auto sink = make_sink<atoll_care_sink>([&](const atoll_care_record *raw) {
        spaces.push_back(raw->node);
        return true;
      });
      OutgoingCall call;
      const CallLock lock = here->lease.lock();
      const auto listed = call.result(here->move->unsettled(call.get(), here->lease.self(), sink.get()));
      if (!listed) warn("cannot tell whether moves are unsettled: " + listed.error().message, "", here->name);
    }
    for (const atoll_uuid &space : spaces) settle_one(runtime, *here, space);
  }
}

Result<std::string> move_space(const Runtime &runtime, const base::JsonObject &request, const Say &say) {
  const std::string name = base::json_string(request, "name").value_or("");
  const std::string goal = base::json_string(request, "provider").value_or("");
  if (name.empty() || goal.empty()) return error(Status::InvalidArgument, "which space, and to which storage?");
  settle_moves(runtime);
  const auto rows = spaces_named(runtime, name);
  if (!rows) return rows.error();
  const SpaceRow &row = rows->front();
  if (row.provider.empty()) return error(Status::FailedPrecondition, shown(row) + " lives on another server");
  if (row.state == "purging") return error(Status::FailedPrecondition, shown(row) + " is being purged");
  const auto to = storage(runtime, goal);
  if (!to) return to.error();
  if (row.provider == goal) return error(Status::AlreadyExists, shown(row) + " is on " + goal + " already");
  const auto from = storage(runtime, row.provider);
  if (!from) return from.error();
  if (from->move != to->move)
    return error(Status::FailedPrecondition, "[" + row.provider + "] and [" + goal +
                                                 "] are of different plugins: take a snapshot and restore it there");
  std::map<std::string, std::uint64_t> counts;
  std::map<std::string, std::string> texts;
  {
    auto sink = make_sink<atoll_care_sink>([&](const atoll_care_record *raw) {
      if (raw->kind == ATOLL_CARE_RESULT) {
        if (raw->text.len > 0)
          texts[std::string(view(raw->code))] = view(raw->text);
        else
          counts[std::string(view(raw->code))] = raw->done;
        return true;
      }
      if (!say) return true;
      std::string line;
      base::JsonWriter json(line);
      json.begin_object().key("line").begin_object().field("kind", "progress").field("space", shown(row));
      json.field("done", raw->done).end_object().end_object();
      return say(line);
    });
    // In one order, whatever way spaces go.
    const bool first = from->name < to->name;
    const CallLock one = (first ? from : to)->lease.lock();
    const CallLock two = (first ? to : from)->lease.lock();
    OutgoingCall call;
    auto received =
        call.result(to->move->receive(call.get(), to->lease.self(), &row.raw_id, from->lease.self(), sink.get()));
    sink.rethrow();
    if (!received) return Error{received.status(), shown(row) + ": " + received.error().message, 0, 0};
  }
  auto moved = set_home(runtime, row.raw_id, goal);
  if (!moved) {
    const auto lives = home(runtime, row.raw_id);
    if (!lives)
      return error(Status::Unavailable, "the registry does not tell whether " + shown(row) + " lives on " + goal +
                                            " now; it can only be read until the next start: " + moved.error().message);
    if (*lives == goal) moved = Result<void>();
  }
  const Storage &home_now = moved ? *to : *from, &other = moved ? *from : *to;
  // The copy that does not count goes first: should that fail, the next start does it.
  if (auto gone = settle(other, row.raw_id, false); !gone) warn(gone.error().message, row.id, other.name);
  if (auto stays = settle(home_now, row.raw_id, true); !stays) warn(stays.error().message, row.id, home_now.name);
  if (!moved) return Error{moved.status(), "the registry could not be changed: " + moved.error().message, 0, 0};
  std::string out;
  base::JsonWriter json(out);
  json.begin_object().key("spaces").begin_array().begin_object().field("id", row.id).field("alias", row.alias);
  for (const auto &[code, count] : counts) json.field(code, count);
  for (const auto &[code, said] : texts) json.field(code, said);
  json.end_object().end_array().end_object();
  return out;
}

}  // namespace Atoll::host
