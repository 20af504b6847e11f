// SPDX-License-Identifier: Apache-2.0
#include "core/gateway/gateway.hpp"

#include "core/gateway/space_rules.hpp"

namespace Atoll::gateway {

Gateway::Gateway(InstanceLookup &lookup, GatewayOptions options)
    : options_(std::move(options)),
      admission_(options_.calls_per_provider),
      spaces_(lookup, admission_, options_),
      space_admin_(lookup, spaces_, admission_, root_log_, options_),
      accounts_(lookup, spaces_, space_admin_, options_),
      files_(lookup, spaces_, admission_) {
  fill_service();
  fill_spaces_service();
  fill_accounts_service();
}

void Gateway::fill_service() {
  service_ = sized<atoll_gateway_service>();
  service_.self = this;
  service_.files = StorageFs<GatewayFiles>::table();
  service_.attributes = StorageFsAttributes<GatewayFiles>::table();
  service_.locks = StorageFsLocks<GatewayFiles>::table();
  service_.trash = StorageFsTrash<GatewayFiles>::table();
  service_.versions = StorageFsVersions<GatewayFiles>::table();
  service_.listing = StorageFsListing<GatewayFiles>::table();
  service_.uploads = StorageFsUploads<GatewayFiles>::table();
  service_.files_self = &files_;
  service_.spaces = [](const atoll_call *c, void *self, const atoll_space_record_sink *sink) noexcept {
    return guarded(c, [&]() -> Result<void> {
      auto all = static_cast<Gateway *>(self)->spaces_.reachable(Call(c));
      if (!all) return std::move(all).error();
      const SpaceRecordEmitter emit(sink);
      for (const auto &one : *all) {
        if (!sees(*Call(c).principal(), one.record)) continue;
        auto raw = one.record.abi();
        raw.flags = one.stale ? ATOLL_SPACE_STALE : 0;
        if (!emit(raw)) break;
      }
      return {};
    });
  };
  service_.space = [](const atoll_call *c, void *self, const atoll_uuid *space,
                      const atoll_space_record_sink *sink) noexcept {
    return guarded(c, [&]() -> Result<void> {
      auto record = static_cast<Gateway *>(self)->spaces_.find(Call(c), from_abi<SpaceId>(*space));
      if (!record) return std::move(record).error();
      SpaceRecordEmitter{sink}((*record)->abi());
      return {};
    });
  };
  service_.personal_space = [](const atoll_call *c, void *self, atoll_str name,
                               const atoll_space_record_sink *sink) noexcept {
    return guarded(c, [&]() -> Result<void> {
      auto record = static_cast<Gateway *>(self)->spaces_.personal(Call(c), view(name));
      if (!record) return std::move(record).error();
      SpaceRecordEmitter{sink}((*record)->abi());
      return {};
    });
  };
  service_.account = [](const atoll_call *c, void *self, const atoll_uuid *id,
                        const atoll_account_sink *sink) noexcept {
    return guarded(c, [&] {
      return static_cast<Gateway *>(self)->accounts_.account_get(Call(c), from_abi<AccountId>(*id),
                                                                 AccountEmitter(sink));
    });
  };
}

void Gateway::fill_spaces_service() {
  using C = const atoll_call *;
  using U = const atoll_uuid *;
  using R = const atoll_space_record *;
  using V = const atoll_space_view_sink *;
  static constexpr auto admin = [](void *self) -> SpaceAdmin & { return *static_cast<SpaceAdmin *>(self); };
  auto &made = spaces_service_ = sized<atoll_gateway_spaces_service>();
  made.self = &space_admin_;
  made.mine = [](C c, void *self, std::uint32_t type, V sink) noexcept {
    return guarded(c, [&] { return admin(self).mine(Call(c), type, SpaceViewEmitter(sink)); });
  };
  made.all = [](C c, void *self, std::uint32_t type, U after, std::uint64_t limit, V sink) noexcept {
    return guarded(c, [&] {
      return admin(self).all(Call(c), type, after ? from_abi<SpaceId>(*after) : SpaceId{}, limit,
                             SpaceViewEmitter(sink));
    });
  };
  made.get = [](C c, void *self, U space, V sink) noexcept {
    return guarded(c, [&] { return admin(self).get(Call(c), from_abi<SpaceId>(*space), SpaceViewEmitter(sink)); });
  };
  made.create = [](C c, void *self, R draft, V sink) noexcept {
    return guarded(c, [&] { return admin(self).create(Call(c), SpaceRecord::from(draft), SpaceViewEmitter(sink)); });
  };
  made.create_from = [](C c, void *self, R draft, atoll_str name, V sink) noexcept {
    return guarded(
        c, [&] { return admin(self).create(Call(c), SpaceRecord::from(draft), SpaceViewEmitter(sink), view(name)); });
  };
  made.update = [](C c, void *self, R record, std::uint32_t fields, V sink) noexcept {
    return guarded(
        c, [&] { return admin(self).update(Call(c), SpaceRecord::from(record), fields, SpaceViewEmitter(sink)); });
  };
  made.disable = [](C c, void *self, U space) noexcept {
    return guarded(c, [&] { return admin(self).disable(Call(c), from_abi<SpaceId>(*space)); });
  };
  made.restore = [](C c, void *self, U space, V sink) noexcept {
    return guarded(c, [&] { return admin(self).restore(Call(c), from_abi<SpaceId>(*space), SpaceViewEmitter(sink)); });
  };
  made.purge = [](C c, void *self, U space) noexcept {
    return guarded(c, [&] { return admin(self).purge(Call(c), from_abi<SpaceId>(*space)); });
  };
  made.members = [](C c, void *self, U space, const atoll_member_sink *sink) noexcept {
    return guarded(c, [&] { return admin(self).members(Call(c), from_abi<SpaceId>(*space), MemberEmitter(sink)); });
  };
  made.member_put = [](C c, void *self, U space, const atoll_member *member) noexcept {
    return guarded(c, [&] { return admin(self).member_put(Call(c), from_abi<SpaceId>(*space), copied(member)); });
  };
  made.member_remove = [](C c, void *self, U space, U account) noexcept {
    return guarded(c, [&] {
      return admin(self).member_remove(Call(c), from_abi<SpaceId>(*space), from_abi<AccountId>(*account));
    });
  };
  made.roles = [](C c, void *self, const atoll_role_sink *sink) noexcept {
    return guarded(c, [&] { return admin(self).roles(Call(c), RoleEmitter(sink)); });
  };
  made.may_create = [](C c, void *self) noexcept {
    return guarded(c, [&] { return admin(self).may_create(Call(c)); });
  };
  made.members_many = [](C c, void *self, const atoll_uuids *spaces, const atoll_member_sink *sink) noexcept {
    return guarded(c, [&] {
      std::vector<SpaceId> ids;
      for (std::uint64_t i = 0; i < spaces->count; ++i) ids.push_back(from_abi<SpaceId>(spaces->items[i]));
      return admin(self).members_many(Call(c), std::move(ids), MemberEmitter(sink));
    });
  };
  made.changed = [](C c, void *self, atoll_str token, V sink, const atoll_text_sink *next,
                    std::uint32_t *list_again) noexcept {
    return guarded(c, [&]() -> Result<void> {
      auto changes = admin(self).changed(Call(c), view(token), SpaceViewEmitter(sink));
      if (!changes) return std::move(changes).error();
      *list_again = changes->list_again ? 1 : 0;
      next->emit(next->context, str(changes->token));
      return {};
    });
  };
  made.watch = [](C c, void *self, const atoll_space_watcher *watcher, void **handle) noexcept {
    return guarded(c, [&] { return admin(self).watch(copied(watcher), handle); });
  };
  made.unwatch = [](void *self, void *handle) noexcept { admin(self).unwatch(handle); };
}

void Gateway::fill_accounts_service() {
  using C = const atoll_call *;
  static constexpr auto of = [](void *self) -> Accounts & { return *static_cast<Accounts *>(self); };
  auto &made = accounts_service_ = sized<atoll_gateway_accounts_service>();
  made.self = &accounts_;
  made.directory = Directory<Accounts>::table();
  made.admin = DirectoryAdmin<Accounts>::table();
  made.tokens = DirectoryTokens<Accounts>::table();
  made.me = [](C c, void *self, const atoll_account_sink *sink) noexcept {
    return guarded(c, [&] { return of(self).me(Call(c), AccountEmitter(sink)); });
  };
  made.change_password = [](C c, void *self, atoll_str old_password, atoll_str new_password) noexcept {
    return guarded(c, [&] { return of(self).change_own_password(Call(c), view(old_password), view(new_password)); });
  };
  made.change_password_with = [](C c, void *self, atoll_str old_password, atoll_str new_password,
                                 std::uint32_t flags) noexcept {
    return guarded(
        c, [&] { return of(self).change_own_password(Call(c), view(old_password), view(new_password), flags); });
  };
  made.remove_account = [](C c, void *self, const atoll_uuid *account, std::uint32_t purge) noexcept {
    return guarded(c, [&] { return of(self).remove(Call(c), from_abi<AccountId>(*account), purge != 0); });
  };
}

}  // namespace Atoll::gateway
