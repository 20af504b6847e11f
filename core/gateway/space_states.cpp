// SPDX-License-Identifier: Apache-2.0
// Taking spaces out of use, into use again, and ending them.
#include "core/gateway/space_admin.hpp"
#include "core/gateway/space_rules.hpp"

namespace Atoll::gateway {
namespace {

Error busy() {
  return Error{Status::Unavailable, "The space is being disabled, restored or purged just now.", 0, 1000};
}

}  // namespace

Error SpaceAdmin::being_purged() {
  return error(Status::FailedPrecondition, "The files of this space have been purged: purge it again to end it.");
}

Error SpaceAdmin::never_finished() {
  return error(Status::FailedPrecondition, "This space was not made to its end: purge it, and make another one.");
}

Result<void> SpaceAdmin::set_state(const Call &call, const Registered &found, std::uint32_t state) {
  if (found.record.state == state) return {};
  SpaceRecord record = found.record;
  record.state = state;
  auto set = registries_.call(call, found.registry, [&](const RegistryTable &t, const atoll_call *c, void *) {
    return t.change(c, record, ATOLL_SPACE_SET_STATE, found.record.state);
  });
  spaces_.last_known().drop_space(record.id);  // also when it is not known whether it was set
  if (set.status() == Status::Aborted || set.status() == Status::NotFound)  // by another server on the same registry
    return Error{Status::Unavailable, "The space was changed by somebody else just now; try again.", 0, 1000};
  return woken(std::move(set));
}

Result<void> SpaceAdmin::disable(const Call &call, const SpaceId &space) {
  if (auto may = manageable(call, space); !may) return std::move(may).error();
  const auto held = spaces_.state_changes().hold(space);
  if (!held) return busy();
  auto found = manageable(call, space);
  if (!found) return std::move(found).error();
  if (!administers(*call.principal(), found->record) && found->record.type == ATOLL_SPACE_PERSONAL)
    return error(Status::PermissionDenied, "Only an admin takes a personal space out of use.");
  if (!has_or_administers(*call.principal(), found->record, ATOLL_MAY_DELETE))
    return error(Status::PermissionDenied, "You may not take this space out of use.");
  if (found->record.state == ATOLL_SPACE_STATE_PURGING) return being_purged();
  // Whatever is disabled has been made, so that restore() can tell when its files have gone.
  if (found->record.state == ATOLL_SPACE_STATE_CREATING) {
    if (found->record.type != ATOLL_SPACE_PERSONAL) return {};  // it is not in use, and never will be
    if (auto made = spaces_.make_at_provider(call, found->record); !made) return made;
    if (auto noted = spaces_.note_made(call, found->registry, found->record); !noted) return noted;
  }
  return set_state(call, *found, ATOLL_SPACE_STATE_DISABLED);
}

Result<void> SpaceAdmin::there(const Call &call, const SpaceRecord &record) {
  const atoll_uuid id = to_abi(record.id);
  const auto ignore = make_sink<atoll_space_sink>([](const atoll_space *) {});
  return at_provider(call, record, [&](const atoll_storage_fs *fs, const atoll_call *c, void *self) {
    return fs->space_get(c, self, &id, ignore.get());
  });
}

Result<void> SpaceAdmin::restore(const Call &call, const SpaceId &space, const SpaceViewEmitter &emit) {
  if (auto may = manageable(call, space); !may) return std::move(may).error();
  const auto held = spaces_.state_changes().hold(space);
  if (!held) return busy();
  auto found = manageable(call, space);
  if (!found) return std::move(found).error();
  if (!administers(*call.principal(), found->record) && found->record.type == ATOLL_SPACE_PERSONAL)
    return error(Status::PermissionDenied, "Only an admin takes a personal space into use again.");
  if (found->record.state == ATOLL_SPACE_STATE_PURGING) return being_purged();
  if (unfinished(found->record)) return never_finished();
  if (found->record.state == ATOLL_SPACE_STATE_DISABLED) {
    auto asked = there(call, found->record);
    if (asked.status() == Status::NotFound) return being_purged();
    if (!asked) return asked;
    if (auto set = set_state(call, *found, ATOLL_SPACE_STATE_ACTIVE); !set) return set;
    found->record.state = ATOLL_SPACE_STATE_ACTIVE;
  }
  return show_done(call, std::move(found->record), emit);
}

Result<void> SpaceAdmin::purge(const Call &call, const SpaceId &space) {
  if (auto may = manageable(call, space); !may) return std::move(may).error();
  const auto held = spaces_.state_changes().hold(space);
  if (!held) return busy();
  auto found = manageable(call, space);
  if (!found) return std::move(found).error();
  if (!administers(*call.principal(), found->record) && found->record.type == ATOLL_SPACE_PERSONAL)
    return error(Status::PermissionDenied, "Only an admin ends a personal space.");
  if (!has_or_administers(*call.principal(), found->record, ATOLL_MAY_PURGE))
    return error(Status::PermissionDenied, "You may not end this space.");
  if (found->record.state == ATOLL_SPACE_STATE_ACTIVE)
    return error(Status::FailedPrecondition, "The space is in use: disable it first.");
  if (found->record.state != ATOLL_SPACE_STATE_PURGING) {
    // While the provider does not answer nothing has begun, and the space can still be restored.
    if (auto asked = there(call, found->record); !asked && asked.status() != Status::NotFound) return asked;
    bool told = false;
    auto marked = registries_.call(call, found->registry, [&](const RegistryTable &t, const atoll_call *, void *) {
      told = t.changes();
      return ATOLL_OK;
    });
    if (!marked) return marked;
    // From here on it is not restored. A registry that does not know this state has to do without.
    if (told)
      if (auto set = set_state(call, *found, ATOLL_SPACE_STATE_PURGING); !set) return set;
    // It may have been moved to another provider until then.
    found = manageable(call, space);
    if (!found) return std::move(found).error();
  }
  const atoll_uuid id = to_abi(space);
  auto removed = at_provider(call, found->record, [&](const atoll_storage_fs *fs, const atoll_call *c, void *self) {
    return fs->space_remove ? fs->space_remove(c, self, &id) : ATOLL_UNIMPLEMENTED;
  });
  // NOT_FOUND: an earlier attempt came that far.
  if (!removed && removed.status() != Status::NotFound) return removed;
  auto ended = registries_.call(call, found->registry, [&](const RegistryTable &t, const atoll_call *c, void *self) {
    return t->remove(c, self, &id);
  });
  spaces_.last_known().drop_space(space);
  return woken(std::move(ended));
}

}  // namespace Atoll::gateway
