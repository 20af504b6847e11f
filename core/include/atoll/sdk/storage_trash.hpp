// SPDX-License-Identifier: Apache-2.0
// StorageFsTrash<D>: the driver's side of atoll.storage.fs.trash/1.
#ifndef ATOLL_SDK_STORAGE_TRASH_HPP
#define ATOLL_SDK_STORAGE_TRASH_HPP

#include <atoll/abi/storage_trash.h>
#include <atoll/sdk/storage_fs.hpp>

namespace Atoll {
inline namespace sdk0 {

using TrashEmitter = Emitter<atoll_trash_sink>;

/// The trash. D has trash_list(call, SpaceId, before, limit, emitter), where `before` may be none,
/// trash_restore(call, SpaceId, item, const RefView *to, flags, emitter), where `to` may be null,
/// trash_purge(call, SpaceId, item), trash_purge_all(call, SpaceId) and trash_usage(call, SpaceId) -> bytes. Items are
/// Uuids.
template <class D>
class StorageFsTrash {
 public:
  static constexpr const char *interface_id = ATOLL_STORAGE_FS_TRASH;
  static const atoll_storage_fs_trash *table() noexcept {
    static const atoll_storage_fs_trash t = [] {
      using C = const atoll_call *;
      using Id = const atoll_uuid *;
      auto made = sized<atoll_storage_fs_trash>();
      made.list = [](C c, void *self, Id space, Id before, std::uint64_t limit, const atoll_trash_sink *sink) noexcept {
        return guarded(c, [&] {
          return d(self).trash_list(Call(c), from_abi<SpaceId>(*space), before ? from_abi<Uuid>(*before) : Uuid(),
                                    limit, TrashEmitter(sink));
        });
      };
      made.restore = [](C c, void *self, Id space, Id item, const atoll_ref *to, std::uint32_t flags,
                        const atoll_stat_sink *sink) noexcept {
        return guarded(c, [&] {
          const RefView goal = to ? RefView(to) : RefView();
          return d(self).trash_restore(Call(c), from_abi<SpaceId>(*space), from_abi<Uuid>(*item), to ? &goal : nullptr,
                                       flags, StatEmitter(sink));
        });
      };
      made.purge = [](C c, void *self, Id space, Id item) noexcept {
        return guarded(c,
                       [&] { return d(self).trash_purge(Call(c), from_abi<SpaceId>(*space), from_abi<Uuid>(*item)); });
      };
      made.purge_all = [](C c, void *self, Id space) noexcept {
        return guarded(c, [&] { return d(self).trash_purge_all(Call(c), from_abi<SpaceId>(*space)); });
      };
      made.usage = [](const atoll_call *c, void *self, const atoll_uuid *space, std::uint64_t *bytes) noexcept {
        return guarded(c, [&]() -> Result<void> {
          auto sum = d(self).trash_usage(Call(c), from_abi<SpaceId>(*space));
          if (!sum) return std::move(sum).error();
          *bytes = *sum;
          return {};
        });
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
