// SPDX-License-Identifier: Apache-2.0
// StorageFsMove<D>: the driver's side of atoll.storage.fs.move/1.
#ifndef ATOLL_SDK_STORAGE_MOVE_HPP
#define ATOLL_SDK_STORAGE_MOVE_HPP

#include <atoll/abi/storage_move.h>
#include <atoll/sdk/storage_care.hpp>

namespace Atoll {
inline namespace sdk0 {

/// Moves. D has move_receive(call, SpaceId, D &from, emitter), move_settle(call, SpaceId, bool here) and
/// move_unsettled(call, emitter).
template <class D>
class StorageFsMove {
 public:
  static constexpr const char *interface_id = ATOLL_STORAGE_FS_MOVE;
  static const atoll_storage_fs_move *table() noexcept {
    static const atoll_storage_fs_move t = [] {
      using C = const atoll_call *;
      using Space = const atoll_uuid *;
      using Sink = const atoll_care_sink *;
      auto made = sized<atoll_storage_fs_move>();
      made.receive = [](C c, void *self, Space space, void *from, Sink sink) noexcept {
        return guarded(
            c, [&] { return d(self).move_receive(Call(c), from_abi<SpaceId>(*space), d(from), CareEmitter(sink)); });
      };
      made.settle = [](C c, void *self, Space space, std::int32_t here) noexcept {
        return guarded(c, [&] { return d(self).move_settle(Call(c), from_abi<SpaceId>(*space), here != 0); });
      };
      made.unsettled = [](C c, void *self, Sink sink) noexcept {
        return guarded(c, [&] { return d(self).move_unsettled(Call(c), CareEmitter(sink)); });
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
