// SPDX-License-Identifier: Apache-2.0
// StorageFsCare<D>: the driver's side of atoll.storage.fs.care/1.
#ifndef ATOLL_SDK_STORAGE_CARE_HPP
#define ATOLL_SDK_STORAGE_CARE_HPP

#include <atoll/abi/storage_care.h>
#include <atoll/sdk/call.hpp>

namespace Atoll {
inline namespace sdk0 {

using CareEmitter = Emitter<atoll_care_sink>;

/// Care. D has care_check(call, SpaceId, flags, entries_per_second, emitter), care_rebuild(call, SpaceId, emitter),
/// care_snapshot(call, SpaceId, folder, emitter), care_restore(call, SpaceId, folder, path, emitter),
/// care_confirm(call, SpaceId) and care_names(call, SpaceId, rule, emitter).
template <class D>
class StorageFsCare {
 public:
  static constexpr const char *interface_id = ATOLL_STORAGE_FS_CARE;
  static const atoll_storage_fs_care *table() noexcept {
    static const atoll_storage_fs_care t = [] {
      using C = const atoll_call *;
      using Space = const atoll_uuid *;
      using Sink = const atoll_care_sink *;
      auto made = sized<atoll_storage_fs_care>();
      made.check = [](C c, void *self, Space space, std::uint32_t flags, std::uint64_t pace, Sink sink) noexcept {
        return guarded(
            c, [&] { return d(self).care_check(Call(c), from_abi<SpaceId>(*space), flags, pace, CareEmitter(sink)); });
      };
      made.rebuild = [](C c, void *self, Space space, Sink sink) noexcept {
        return guarded(c, [&] { return d(self).care_rebuild(Call(c), from_abi<SpaceId>(*space), CareEmitter(sink)); });
      };
      made.snapshot = [](C c, void *self, Space space, atoll_str folder, Sink sink) noexcept {
        return guarded(c, [&] {
          return d(self).care_snapshot(Call(c), from_abi<SpaceId>(*space), view(folder), CareEmitter(sink));
        });
      };
      made.restore = [](C c, void *self, Space space, atoll_str folder, atoll_str path, Sink sink) noexcept {
        return guarded(c, [&] {
          return d(self).care_restore(Call(c), from_abi<SpaceId>(*space), view(folder), view(path), CareEmitter(sink));
        });
      };
      made.confirm = [](C c, void *self, Space space) noexcept {
        return guarded(c, [&] { return d(self).care_confirm(Call(c), from_abi<SpaceId>(*space)); });
      };
      made.names = [](C c, void *self, Space space, atoll_str rule, Sink sink) noexcept {
        return guarded(
            c, [&] { return d(self).care_names(Call(c), from_abi<SpaceId>(*space), view(rule), CareEmitter(sink)); });
      };
      return made;
    }();
    return &t;
  }

 private:
  static D &d(void *self) noexcept { return *static_cast<D *>(self); }
};

}  // namespace sdk0
}  // namespace Atoll

#endif
