// SPDX-License-Identifier: Apache-2.0
// StorageFsChanges<D>: the driver's side of atoll.storage.fs.changes/1.
#ifndef ATOLL_SDK_STORAGE_CHANGES_HPP
#define ATOLL_SDK_STORAGE_CHANGES_HPP

#include <atoll/abi/storage_changes.h>
#include <atoll/sdk/call.hpp>

#include <string>

namespace Atoll {
inline namespace sdk0 {

using ChangeEmitter = Emitter<atoll_change_sink>;

/// The change log. D has changes_now(call, SpaceId) -> Result<std::string>,
/// changes_since(call, SpaceId, token, limit, emitter, bool &more) -> Result<std::string>,
/// changes_cursor(call, SpaceId, consumer) -> Result<std::string>, changes_keep(call, SpaceId, consumer, token) and
/// changes_forget(call, consumer).
template <class D>
class StorageFsChanges {
 public:
  static constexpr const char *interface_id = ATOLL_STORAGE_FS_CHANGES;
  static const atoll_storage_fs_changes *table() noexcept {
    static const atoll_storage_fs_changes t = [] {
      using C = const atoll_call *;
      using Space = const atoll_uuid *;
      using Text = const atoll_text_sink *;
      auto made = sized<atoll_storage_fs_changes>();
      made.now = [](C c, void *self, Space space, Text token) noexcept {
        return guarded(c, [&] { return give(d(self).changes_now(Call(c), from_abi<SpaceId>(*space)), token); });
      };
      made.since = [](C c, void *self, Space space, atoll_str token, std::uint64_t limit, const atoll_change_sink *sink,
                      Text next, std::uint32_t *more) noexcept {
        return guarded(c, [&]() -> Result<void> {
          bool left = false;
          auto done = give(
              d(self).changes_since(Call(c), from_abi<SpaceId>(*space), view(token), limit, ChangeEmitter(sink), left),
              next);
          if (done && more != nullptr) *more = left ? 1 : 0;
          return done;
        });
      };
      made.cursor = [](C c, void *self, Space space, atoll_str consumer, Text token) noexcept {
        return guarded(
            c, [&] { return give(d(self).changes_cursor(Call(c), from_abi<SpaceId>(*space), view(consumer)), token); });
      };
      made.keep = [](C c, void *self, Space space, atoll_str consumer, atoll_str token) noexcept {
        return guarded(
            c, [&] { return d(self).changes_keep(Call(c), from_abi<SpaceId>(*space), view(consumer), view(token)); });
      };
      made.forget = [](C c, void *self, atoll_str consumer) noexcept {
        return guarded(c, [&] { return d(self).changes_forget(Call(c), view(consumer)); });
      };
      return made;
    }();
    return &t;
  }

 private:
  static D &d(void *self) noexcept { return *static_cast<D *>(self); }
  static Result<void> give(Result<std::string> text, const atoll_text_sink *sink) {
    if (!text) return std::move(text).error();
    if (sink != nullptr) sink->emit(sink->context, str(*text));
    return {};
  }
};

}  // namespace sdk0
}  // namespace Atoll

#endif
