// SPDX-License-Identifier: Apache-2.0
// How GatewayFiles calls a driver: for its .cpp files only.
#pragma once

#include "core/gateway/files.hpp"

namespace Atoll::gateway {

inline constexpr std::uint32_t kNotAtRoot = ATOLL_MAY_DELETE | ATOLL_MAY_MOVE;

inline atoll_ref raw_ref(const RefView &ref) {
  auto raw = sized<atoll_ref>();
  raw.space = to_abi(ref.space);
  raw.node = to_abi(ref.node);
  raw.path = str(ref.path);
  return raw;
}

/// What the principal may do with a node of the space that he has these permissions on.
inline atoll_stat permitted(const atoll_stat *raw, std::uint32_t permissions) {
  atoll_stat stat = copied(raw);
  stat.permissions = permissions;
  if (std::memcmp(stat.node.bytes, stat.space.bytes, 16) == 0) stat.permissions &= ~kNotAtRoot;
  return stat;
}

template <class F>
Result<void> GatewayFiles::drive(const Call &call, const Road &road, F f) {
  auto admitted = admission_.enter(road.provider->name());
  if (!admitted) return std::move(admitted).error();
  OutgoingCall out(call.raw());
  out.conditions(call.conditions());
  std::vector<std::string> tokens;
  for (const auto token : call.lock_tokens()) tokens.emplace_back(token);
  out.lock_tokens(tokens);
  const auto entered = road.provider->enter();
  const std::int32_t status = f(out.get(), road.provider->self());
  if (status == ATOLL_OK) return {};
  Error failure = out.error(status);
  if (failure.status == Status::Unavailable) lookup_.doubt(road.provider->name());
  if (failure.status == Status::NotFound) {
    const auto space = to_abi(road.record->id);
    OutgoingCall again(call.raw());
    const auto ignore = make_sink<atoll_space_sink>([](const atoll_space *) {});
    if (road.fs->space_get(again.get(), road.provider->self(), &space, ignore.get()) != ATOLL_OK) {
      lookup_.doubt(road.provider->name());
      return Error{Status::Unavailable,
                   "The provider " + road.record->provider + " does not answer for this space. Nothing was deleted.", 0,
                   5000};
    }
  }
  return failure;
}

template <class F>
Result<void> GatewayFiles::drive_stats(const Call &call, const Road &road, const StatEmitter &emit, F f) {
  auto sink =
      make_sink<atoll_stat_sink>([&](const atoll_stat *raw) { return emit(permitted(raw, road.record->permissions)); });
  auto done = drive(call, road, [&](const atoll_call *c, void *self) { return f(c, self, sink.get()); });
  sink.rethrow();
  return done;
}

template <class Table, class F>
Result<void> GatewayFiles::drive_optional(const Call &call, const Road &road, const char *interface_id,
                                          const char *what, F f) {
  const auto *table = static_cast<const Table *>(road.provider->query(interface_id));
  if (!table) return unimplemented(what);
  return drive(call, road, [&](const atoll_call *c, void *self) { return f(table, c, self); });
}

}  // namespace Atoll::gateway
