// SPDX-License-Identifier: Apache-2.0
#include "core/host/space_rows.hpp"

#include <optional>

namespace Atoll::host {
namespace {

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
    row.state = raw->state == ATOLL_SPACE_STATE_DISABLED   ? "disabled"
                : raw->state == ATOLL_SPACE_STATE_CREATING ? "creating"
                : raw->state == ATOLL_SPACE_STATE_PURGING  ? "purging"
                                                           : "active";
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

}  // namespace

Result<std::vector<SpaceRow>> all_spaces(const Runtime &runtime) {
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
  return rows;
}

Result<std::vector<SpaceRow>> spaces_named(const Runtime &runtime, const std::string &name) {
  auto rows = all_spaces(runtime);
  if (!rows) return std::move(rows).error();
  if (name.empty()) return std::move(*rows);
  for (const bool by_name : {false, true}) {
    std::vector<SpaceRow> found;
    for (const SpaceRow &row : *rows)
      if (by_name ? row.name == name : row.id == name || row.alias == name) found.push_back(row);
    if (found.size() > 1)
      return error(Status::FailedPrecondition,
                   "several spaces are named '" + name + "'; give the id (atoll space list)");
    if (found.size() == 1) return found;
  }
  return error(Status::NotFound, "there is no space '" + name + "'; atoll space list shows all");
}

}  // namespace Atoll::host
