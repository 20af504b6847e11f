// SPDX-License-Identifier: Apache-2.0
#include "core/gateway/gateway.hpp"

namespace Atoll::gateway {

Gateway::Gateway(InstanceLookup &lookup, unsigned calls_per_provider)
    : lookup_(lookup),
      admission_(calls_per_provider),
      spaces_(lookup, admission_),
      files_(lookup, spaces_, admission_) {
  service_ = sized<atoll_gateway_service>();
  service_.self = this;
  service_.files = StorageFs<GatewayFiles>::table();
  service_.attributes = StorageFsAttributes<GatewayFiles>::table();
  service_.locks = StorageFsLocks<GatewayFiles>::table();
  service_.trash = StorageFsTrash<GatewayFiles>::table();
  service_.versions = StorageFsVersions<GatewayFiles>::table();
  service_.listing = StorageFsListing<GatewayFiles>::table();
  service_.files_self = &files_;
  service_.spaces = [](const atoll_call *c, void *self, const atoll_space_record_sink *sink) noexcept {
    return guarded(c, [&]() -> Result<void> {
      auto all = static_cast<Gateway *>(self)->spaces_.reachable(Call(c));
      if (!all) return std::move(all).error();
      const SpaceRecordEmitter emit(sink);
      for (const auto &record : *all)
        if (!emit(record.abi())) break;
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
    return guarded(c, [&] { return static_cast<Gateway *>(self)->account(Call(c), from_abi<AccountId>(*id), sink); });
  };
}

Result<void> Gateway::account(const Call &call, const AccountId &id, const atoll_account_sink *sink) {
  if (!call.principal()) return error(Status::Unauthenticated, "Log in to see this.");
  auto directories = lookup_.all(ATOLL_DIRECTORY);
  if (!directories) return std::move(directories).error();
  const auto raw = to_abi(id);
  for (const auto &directory : *directories) {
    OutgoingCall out(call.raw());
    const auto entered = directory->enter();
    const auto *table = static_cast<const atoll_directory *>(directory->query(ATOLL_DIRECTORY));
    const auto status = table->get(out.get(), directory->self(), &raw, sink);
    if (status == ATOLL_NOT_FOUND) continue;
    return out.result(status);
  }
  return error(Status::NotFound, "There is no such account.");
}

}  // namespace Atoll::gateway
