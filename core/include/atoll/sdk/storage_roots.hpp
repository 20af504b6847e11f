// SPDX-License-Identifier: Apache-2.0
// StorageFsRoots<D>: the driver's side of atoll.storage.fs.roots/1.
#ifndef ATOLL_SDK_STORAGE_ROOTS_HPP
#define ATOLL_SDK_STORAGE_ROOTS_HPP

#include <atoll/abi/storage_roots.h>
#include <atoll/sdk/storage_fs.hpp>

#include <vector>

namespace Atoll {
inline namespace sdk0 {

/// D has Result<void> space_roots(const Call &, const std::vector<SpaceId> &, const SpaceEmitter &).
template <class D>
class StorageFsRoots {
 public:
  static constexpr const char *interface_id = ATOLL_STORAGE_FS_ROOTS;
  static const atoll_storage_fs_roots *table() noexcept {
    static const atoll_storage_fs_roots t = [] {
      auto made = sized<atoll_storage_fs_roots>();
      made.roots = [](const atoll_call *c, void *self, const atoll_uuids *spaces,
                      const atoll_space_sink *sink) noexcept {
        return guarded(c, [&] {
          std::vector<SpaceId> ids;
          ids.reserve(spaces->count);
          for (std::uint64_t i = 0; i < spaces->count; ++i) ids.push_back(from_abi<SpaceId>(spaces->items[i]));
          return static_cast<D *>(self)->space_roots(Call(c), ids, SpaceEmitter(sink));
        });
      };
      return made;
    }();
    return &t;
  }
};

}  // namespace sdk0
}  // namespace Atoll

#endif
