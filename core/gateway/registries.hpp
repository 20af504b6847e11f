// SPDX-License-Identifier: Apache-2.0
// Asking the registries: for .cpp files of the gateway only.
#pragma once

#include "core/gateway/lookup.hpp"

#include <atoll/sdk/call.hpp>
#include <atoll/sdk/registry.hpp>

#include <optional>
#include <vector>

namespace Atoll::gateway {

inline Error no_space() { return error(Status::NotFound, "There is no such space, or you have no access to it."); }
inline Error no_registry() {
  return error(Status::Unavailable, "no space registry is configured: add a [registry:...] section");
}
inline Error unauthenticated() { return error(Status::Unauthenticated, "Log in to see this."); }

inline const atoll_registry *table_of(const Instance &registry) {
  return static_cast<const atoll_registry *>(registry.query(ATOLL_REGISTRY));
}

/// One call of a function of a registry: f(table, call, self) gives its status.
template <class F>
Result<void> call_registry(const Call &call, const Lease &registry, F f) {
  OutgoingCall out(call.raw());
  const auto entered = registry->enter();
  return out.result(f(table_of(*registry), out.get(), registry->self()));
}

/// The same for a function that emits records; each is handed on.
template <class F, class Take>
Result<void> ask_registry(const Call &call, const Lease &registry, F f, Take take) {
  OutgoingCall out(call.raw());
  auto sink = make_sink<atoll_space_record_sink>([&](const atoll_space_record *raw) { take(SpaceRecord::from(raw)); });
  const auto entered = registry->enter();
  const std::int32_t status = f(table_of(*registry), out.get(), registry->self(), sink.get());
  sink.rethrow();
  return out.result(status);
}

/// UNAVAILABLE when there is none, and when one of them is not running.
inline Result<std::vector<Lease>> all_registries(InstanceLookup &lookup) {
  auto all = lookup.all(ATOLL_REGISTRY);
  if (all && all->empty()) return no_registry();
  return all;
}

/// The same, for those who can do without the ones that are not running.
inline Result<std::vector<InstanceLookup::Configured>> configured_registries(InstanceLookup &lookup) {
  auto all = lookup.configured(ATOLL_REGISTRY);
  if (all && all->empty()) return no_registry();
  return all;
}

/// The other side did not say no: it did not say anything.
inline bool cannot_tell(Status status) {
  return status == Status::Unavailable || status == Status::DeadlineExceeded || status == Status::ResourceExhausted;
}

/// An error of a registry that proves nothing about a space, whatever it says: never NOT_FOUND.
inline Error untold(Error failed) {
  if (cannot_tell(failed.status) || failed.status == Status::Cancelled) return failed;
  failed.status = Status::Unavailable;
  return failed;
}

inline Result<std::uint64_t> generation_of(const Call &call, const Lease &registry) {
  std::uint64_t generation = 0;
  auto asked = call_registry(call, registry, [&](const atoll_registry *t, const atoll_call *c, void *self) {
    return t->generation(c, self, &generation);
  });
  if (!asked) return untold(std::move(asked).error());
  return generation;
}

/// A record and the registry that has it.
struct Registered {
  Lease registry;
  std::uint64_t generation = 0;  ///< of the registry; the record is as new or newer
  SpaceRecord record;
};

/// The first record that get(table, call, self, sink) finds in a registry, in their order. NOT_FOUND only when every
/// registry was asked: one that cannot tell makes it UNAVAILABLE, unless another one has the record.
template <class Get>
Result<Registered> find_record(InstanceLookup &lookup, const Call &call, Get get) {
  auto all = configured_registries(lookup);
  if (!all) return std::move(all).error();
  std::optional<Error> silent;
  for (auto &[name, lease] : *all) {
    if (!lease) {
      silent = untold(std::move(lease).error());
      continue;
    }
    auto generation = generation_of(call, *lease);
    if (!generation) {
      lookup.doubt(name);
      silent = std::move(generation).error();
      continue;
    }
    std::optional<SpaceRecord> found;
    auto asked = ask_registry(call, *lease, get, [&](SpaceRecord record) { found = std::move(record); });
    if (asked.status() == Status::NotFound) continue;  // the only proof
    if (cannot_tell(asked.status())) {
      lookup.doubt(name);
      silent = std::move(asked).error();
      continue;
    }
    if (!asked) return std::move(asked).error();
    if (!found) return error(Status::Internal, "the registry " + name + " answered OK and gave no record");
    return Registered{*std::move(lease), *generation, *std::move(found)};
  }
  if (silent) return *std::move(silent);
  return no_space();
}

/// The record of a space with the permissions of the call's principal, be they none.
inline Result<Registered> find_registered(InstanceLookup &lookup, const Call &call, const SpaceId &space) {
  const atoll_uuid raw = to_abi(space);
  return find_record(
      lookup, call, [&](const atoll_registry *t, const atoll_call *c, void *self, const atoll_space_record_sink *sink) {
        return t->get(c, self, &raw, sink);
      });
}

}  // namespace Atoll::gateway
