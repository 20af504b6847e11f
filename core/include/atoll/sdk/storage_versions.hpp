// SPDX-License-Identifier: Apache-2.0
// StorageFsVersions<D>: the driver's side of atoll.storage.fs.versions/1.
#ifndef ATOLL_SDK_STORAGE_VERSIONS_HPP
#define ATOLL_SDK_STORAGE_VERSIONS_HPP

#include <atoll/abi/storage_versions.h>
#include <atoll/sdk/storage_fs.hpp>

namespace Atoll {
inline namespace sdk0 {

using VersionEmitter = Emitter<atoll_version_sink>;

/// Versions. D has versions(call, ref, emitter), version_open(call, ref, id, emitter) -> unique_ptr<ReadHandle>, which
/// the functions of StorageFs<D> read from, version_restore(call, ref, id, emitter), version_remove(call, ref, id)
/// and versions_usage(call, SpaceId) -> bytes.
template <class D>
class StorageFsVersions {
 public:
  static constexpr const char *interface_id = ATOLL_STORAGE_FS_VERSIONS;
  static const atoll_storage_fs_versions *table() noexcept {
    static const atoll_storage_fs_versions t = [] {
      using C = const atoll_call *;
      using R = const atoll_ref *;
      auto made = sized<atoll_storage_fs_versions>();
      made.list = [](C c, void *self, R ref, const atoll_version_sink *sink) noexcept {
        return guarded(c, [&] { return d(self).versions(Call(c), RefView(ref), VersionEmitter(sink)); });
      };
      made.open_read = [](C c, void *self, R ref, atoll_str version, const atoll_stat_sink *sink,
                          void **handle) noexcept {
        return guarded(c, [&]() -> Result<void> {
          auto opened = d(self).version_open(Call(c), RefView(ref), view(version), StatEmitter(sink));
          if (!opened) return std::move(opened).error();
          *handle = static_cast<ReadHandle *>((*std::move(opened)).release());
          return {};
        });
      };
      made.restore = [](C c, void *self, R ref, atoll_str version, const atoll_stat_sink *sink) noexcept {
        return guarded(
            c, [&] { return d(self).version_restore(Call(c), RefView(ref), view(version), StatEmitter(sink)); });
      };
      made.remove = [](C c, void *self, R ref, atoll_str version) noexcept {
        return guarded(c, [&] { return d(self).version_remove(Call(c), RefView(ref), view(version)); });
      };
      made.usage = [](const atoll_call *c, void *self, const atoll_uuid *space, std::uint64_t *bytes) noexcept {
        return guarded(c, [&]() -> Result<void> {
          auto sum = d(self).versions_usage(Call(c), from_abi<SpaceId>(*space));
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
