// SPDX-License-Identifier: Apache-2.0
// Making spaces: personal ones at the first request, and what is recorded at the provider that it belongs to.
#include "core/base/text.hpp"
#include "core/base/uuid.hpp"
#include "core/gateway/roles.hpp"
#include "core/gateway/space_rules.hpp"
#include "core/gateway/spaces.hpp"

#include <atoll/abi/directory.h>

namespace Atoll::gateway {

Result<void> Spaces::prove_no_personal(const Call &call, const atoll_principal &principal) {
  auto storages = lookup_.all(ATOLL_STORAGE_FS);
  if (!storages) return std::move(storages).error();
  const auto owner = from_abi<AccountId>(principal.account);
  for (const Lease &storage : *storages) {
    std::vector<SpaceId> held;
    const auto sink = make_sink<atoll_space_sink>([&](const atoll_space *raw) {
      const atoll_space space = copied(raw);
      if (space.type == ATOLL_SPACE_PERSONAL && from_abi<AccountId>(space.owner) == owner)
        held.push_back(from_abi<SpaceId>(space.id));
    });
    {
      auto admitted = admission_.enter(storage->name());
      if (!admitted) return std::move(admitted).error();
      OutgoingCall out(call.raw());
      const auto entered = storage->enter();
      const auto *fs = static_cast<const atoll_storage_fs *>(storage->query(ATOLL_STORAGE_FS));
      const std::int32_t status = fs->space_list(out.get(), storage->self(), sink.get());
      sink.rethrow();
      if (status != ATOLL_OK && status != ATOLL_UNIMPLEMENTED) return out.error(status);
    }
    for (const SpaceId &space : held) {
      // Another request of the same account may have recorded and made it since the registries were asked.
      auto recorded = registries_.find(call, space);
      if (recorded) continue;
      if (recorded.status() != Status::NotFound) return std::move(recorded).error();
      bool first = false;
      {
        const std::lock_guard lock(mutex_);
        first = unrecorded_.insert(space).second;
      }
      if (first && options_.warn)
        options_.warn(
            "No registry knows the personal space " + space.text() + " of " + std::string(view(principal.name)) +
            ", which " + std::string(storage->name()) +
            " holds: has the registry been given another database, or lost spaces? An empty space in its place "
            "would make clients delete what they have, so none is made, and the account is answered 503. Give "
            "the registry its database back, or take the space away from that storage.");
      return Error{Status::Unavailable, "Your personal space is stored, but the registry of spaces does not know it.",
                   0, 30'000};
    }
  }
  return {};
}

Result<Spaces::Shared> Spaces::make_personal(const Call &call, const atoll_principal &principal,
                                             const Lease &registry) {
  if (auto none = prove_no_personal(call, principal); !none) return std::move(none).error();
  SpaceRecord record;
  record.type = ATOLL_SPACE_PERSONAL;
  record.state = ATOLL_SPACE_STATE_CREATING;
  record.permissions = kAllPermissions;
  record.id = base::random_id<SpaceId>();
  record.birth = base::random_id<Uuid>();
  record.owner = from_abi<AccountId>(principal.account);
  record.name = view(principal.name);
  record.alias = "personal/" + base::to_lower(view(principal.name));
  record.quota = options_.personal_quota;
  auto provider = provider_for(call, record.type, record.id);
  if (!provider) return std::move(provider).error();
  record.provider = *std::move(provider);
  auto inserted = registries_.call(call, registry, [&](const RegistryTable &t, const atoll_call *c, void *self) {
    const auto raw = record.abi();
    return t->insert(c, self, &raw);
  });
  // Another request of the same account was faster: then its record counts.
  if (!inserted && inserted.status() != Status::AlreadyExists) return std::move(inserted).error();
  std::optional<SpaceRecord> stored;
  auto asked = registries_.ask(
      call, registry,
      [&](const RegistryTable &t, const atoll_call *c, void *self, const atoll_space_record_sink *sink) {
        return t->personal(c, self, &principal.account, sink);
      },
      [&](SpaceRecord found) { stored = std::move(found); });
  if (!asked) return std::move(asked).error();
  if (!stored) return error(Status::Internal, "the registry lost the personal space that was just recorded");
  if (auto done = complete(call, registry, *stored); !done) return std::move(done).error();
  return std::make_shared<const SpaceRecord>(*std::move(stored));
}

Result<void> Spaces::complete(const Call &call, const Lease &registry, SpaceRecord &record) {
  if (record.state == ATOLL_SPACE_STATE_CREATING && !record.provider.empty()) {
    const auto held = state_changes_.hold(record.id, std::chrono::seconds(10));
    if (!held) return Error{Status::Unavailable, "The space is being made just now.", 0, 1000};
    // As it is now: another request may have made it, or ended it.
    const atoll_uuid id = to_abi(record.id);
    auto asked = registries_.ask(
        call, registry,
        [&](const RegistryTable &t, const atoll_call *c, void *self, const atoll_space_record_sink *sink) {
          return t->get(c, self, &id, sink);
        },
        [&](SpaceRecord now) { record = std::move(now); });
    if (asked.status() == Status::NotFound) return no_space();
    if (!asked) return asked;
    if (record.state == ATOLL_SPACE_STATE_CREATING) {
      if (record.type != ATOLL_SPACE_PERSONAL) return Error{Status::Unavailable, "The space is being made.", 0, 1000};
      if (auto made = make_at_provider(call, record); !made) return made;
      if (auto noted = note_made(call, registry, record); !noted) return noted;
    }
  }
  if (!out_of_use(record)) return {};
  // That it is there is for managers to know.
  if (!sees(*call.principal(), record)) return no_space();
  return error(Status::NotFound, "This space is disabled.");
}

Result<void> Spaces::make_at_provider(const Call &call, const SpaceRecord &record) {
  auto provider = lookup_.lease(record.provider);
  if (!provider)
    return Error{Status::Unavailable,
                 "the storage provider " + record.provider + " is not there: " + provider.error().message, 0, 2000};
  auto space = sized<atoll_space>();
  space.type = record.type;
  space.id = to_abi(record.id);
  space.birth = to_abi(record.birth);
  space.owner = to_abi(record.owner);
  space.name = str(record.name);
  space.quota = record.quota;
  const auto *fs = static_cast<const atoll_storage_fs *>((*provider)->query(ATOLL_STORAGE_FS));
  auto admitted = admission_.enter(record.provider);
  if (!admitted) return std::move(admitted).error();
  OutgoingCall out(call.raw());
  const auto entered = (*provider)->enter();
  return out.result(fs->space_create(out.get(), (*provider)->self(), &space));
}

Result<void> Spaces::note_made(const Call &call, const Lease &registry, SpaceRecord &record) {
  record.state = ATOLL_SPACE_STATE_ACTIVE;
  auto noted = registries_.call(call, registry, [&](const RegistryTable &t, const atoll_call *c, void *) {
    return t.change(c, record, ATOLL_SPACE_SET_STATE, ATOLL_SPACE_STATE_CREATING);
  });
  if (noted.status() ==
      Status::Aborted)  // by another server on the same registry: how it is now comes with the next look
    return Error{Status::Unavailable, "The space was changed while it was made; try again.", 0, 1000};
  return noted;
}

Result<std::string> Spaces::provider_for(const Call &call, std::uint32_t type, const SpaceId &space) {
  const atoll_principal *principal = call.principal();
  PlacementOwner owner;
  owner.name = principal ? view(principal->name) : std::string_view();
  std::optional<Error> failed;
  owner.in_group = [&](const std::string &group) {
    auto in = in_group(call, group);
    if (!in && !failed) failed = std::move(in).error();
    return in && *in;
  };
  auto chosen = [&]() -> Result<std::string> {
    if (!options_.placement.empty()) return place(options_.placement, type, space, owner);
    auto storages = lookup_.all(ATOLL_STORAGE_FS);
    if (!storages) return std::move(storages).error();
    if (storages->empty()) return place({}, type, space, owner);
    return std::string(storages->front()->name());
  }();
  if (failed) return *std::move(failed);  // cannot tell where it belongs
  return chosen;
}

Result<bool> Spaces::in_group(const Call &call, const std::string &group) {
  const atoll_principal *principal = call.principal();
  if (!principal || principal->groups.count == 0) return false;
  auto directories = lookup_.all(ATOLL_DIRECTORY);
  if (!directories) return std::move(directories).error();
  bool member = false;
  for (const Lease &directory : *directories) {
    const auto sink = make_sink<atoll_account_sink>([&](const atoll_account *found) {
      const auto id = from_abi<AccountId>(found->id);
      for (std::uint64_t i = 0; i < principal->groups.count; ++i)
        member |= from_abi<AccountId>(principal->groups.items[i]) == id;
    });
    OutgoingCall out(call.raw());
    const auto entered = directory->enter();
    const auto *table = static_cast<const atoll_directory *>(directory->query(ATOLL_DIRECTORY));
    const auto status = table->find(out.get(), directory->self(), ATOLL_ACCOUNT_GROUP, str(group), sink.get());
    if (status != ATOLL_OK && status != ATOLL_NOT_FOUND) return out.error(status);
    if (member) return true;
  }
  return false;
}

}  // namespace Atoll::gateway
