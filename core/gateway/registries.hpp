// SPDX-License-Identifier: Apache-2.0
// Asking the registries: for .cpp files of the gateway only.
#pragma once

#include "core/gateway/admission.hpp"
#include "core/gateway/lookup.hpp"

#include <atoll/sdk/call.hpp>
#include <atoll/sdk/registry.hpp>
#include <atoll/sdk/registry_table.hpp>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace Atoll::gateway {

inline Error no_space() { return error(Status::NotFound, "There is no such space, or you have no access to it."); }
inline Error no_registry() {
  return error(Status::Unavailable, "no space registry is configured: add a [registry:...] section");
}
inline Error unauthenticated() { return error(Status::Unauthenticated, "Log in to see this."); }

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

/// Of two records of one space, whether that of the later registry counts: a space here goes before one elsewhere, then
/// the order of the configuration.
inline bool overrules(const SpaceRecord &later, const SpaceRecord &earlier) {
  return earlier.remote() && !later.remote();
}

/// Which generations of which registries an answer stands on.
using Generations = std::vector<std::pair<std::string, std::uint64_t>>;

/// A record and the registry that has it.
struct Registered {
  Lease registry;
  Generations generations;  ///< of all that were asked; the record is as new or newer
  SpaceRecord record;
};

/// Calls into registries, admitted like those into providers: one that hangs must not hold every worker. [worker]
class Registries {
 public:
  Registries(InstanceLookup &lookup, Admission &admission) : lookup_(lookup), admission_(admission) {}

  /// One call of a function of a registry: f(RegistryTable, call, self) gives its status.
  template <class F>
  Result<void> call(const Call &call, const Lease &registry, F f) const {
    auto admitted = admission_.enter(registry->name());
    if (!admitted) return std::move(admitted).error();
    OutgoingCall out(call.raw());
    const auto entered = registry->enter();
    const RegistryTable table(static_cast<const atoll_registry *>(registry->query(ATOLL_REGISTRY)), registry->self());
    return out.result(f(table, out.get(), registry->self()));
  }

  /// The same for a function that emits records; each is handed on.
  template <class F, class Take>
  Result<void> ask(const Call &call, const Lease &registry, F f, Take take) const {
    const auto sink =
        make_sink<atoll_space_record_sink>([&](const atoll_space_record *raw) { take(SpaceRecord::from(raw)); });
    auto done = this->call(call, registry, [&](const RegistryTable &t, const atoll_call *c, void *self) {
      return f(t, c, self, sink.get());
    });
    sink.rethrow();
    return done;
  }

  /// UNAVAILABLE when there is none, and when one of them is not running.
  Result<std::vector<Lease>> all() const {
    auto found = lookup_.all(ATOLL_REGISTRY);
    if (found && found->empty()) return no_registry();
    return found;
  }
  /// The same, for those who can do without the ones that are not running.
  Result<std::vector<InstanceLookup::Configured>> configured() const {
    auto found = lookup_.configured(ATOLL_REGISTRY);
    if (found && found->empty()) return no_registry();
    return found;
  }

  Result<std::uint64_t> generation(const Call &call, const Lease &registry) const {
    std::uint64_t now = 0;
    auto asked = this->call(call, registry, [&](const RegistryTable &t, const atoll_call *c, void *self) {
      return t->generation(c, self, &now);
    });
    if (!asked) return untold(std::move(asked).error());
    return now;
  }
  /// Whether what was told then is told still. An error: cannot be told.
  Result<bool> stand(const Call &call, const Generations &generations) const {
    for (const auto &[name, then] : generations) {
      auto registry = lookup_.lease(name);
      if (!registry) return untold(std::move(registry).error());
      auto now = generation(call, *registry);
      if (!now) return std::move(now).error();
      if (*now != then) return false;
    }
    return true;
  }

  /// The record that get(table, call, self, sink) finds, as overrules() decides. NOT_FOUND only when every registry was
  /// asked. UNAVAILABLE when one cannot tell that may have a record which goes before the one that was found.
  template <class Get>
  Result<Registered> find_record(const Call &call, Get get) const;

  /// The record of a space with the permissions of the call's principal, be they none.
  Result<Registered> find(const Call &call, const SpaceId &space) const {
    const atoll_uuid raw = to_abi(space);
    return find_record(call, [&](const RegistryTable &t, const atoll_call *c, void *self,
                                 const atoll_space_record_sink *sink) { return t->get(c, self, &raw, sink); });
  }

 private:
  InstanceLookup &lookup_;
  Admission &admission_;
};

template <class Get>
Result<Registered> Registries::find_record(const Call &call, Get get) const {
  auto all = configured();
  if (!all) return std::move(all).error();
  std::optional<Error> silent;
  std::optional<Registered> elsewhere;
  Generations generations;
  for (auto &[name, lease] : *all) {
    if (!lease) {
      silent = untold(std::move(lease).error());
      continue;
    }
    auto now = generation(call, *lease);
    if (!now) {
      lookup_.doubt(name);
      silent = std::move(now).error();
      continue;
    }
    generations.emplace_back(name, *now);
    std::optional<SpaceRecord> found;
    auto asked = ask(call, *lease, get, [&](SpaceRecord record) { found = std::move(record); });
    if (asked.status() == Status::NotFound) continue;  // the only proof
    if (cannot_tell(asked.status())) {
      lookup_.doubt(name);
      silent = std::move(asked).error();
      continue;
    }
    if (!asked) return std::move(asked).error();
    if (!found) return error(Status::Internal, "the registry " + name + " answered OK and gave no record");
    if (!found->remote()) {
      if (silent) return *std::move(silent);  // an earlier one may have another
      return Registered{*std::move(lease), std::move(generations), *std::move(found)};
    }
    if (!elsewhere) elsewhere = Registered{*std::move(lease), {}, *std::move(found)};
  }
  if (silent) return *std::move(silent);
  if (!elsewhere) return no_space();
  elsewhere->generations = std::move(generations);
  return *std::move(elsewhere);
}

}  // namespace Atoll::gateway
