// SPDX-License-Identifier: Apache-2.0
// Plugin<D>: makes the descriptor of a plugin from a class. See docs/driver.md for a first driver.
//
//   class Memory : public Atoll::Plugin<Memory>, public Atoll::StorageFs<Memory> {
//    public:
//     static constexpr Atoll::PluginInfo info{"org.example.memory", "1.0", "Apache-2.0", "Keeps files in memory"};
//     using Offers = Atoll::Interfaces<Atoll::StorageFs<Memory>>;
//     static Atoll::Result<std::unique_ptr<Memory>> create(const Atoll::Call &, Atoll::Host host);
//     ...
//   };
//   ATOLL_PLUGIN(Memory)
#ifndef ATOLL_SDK_PLUGIN_HPP
#define ATOLL_SDK_PLUGIN_HPP

#include <atoll/abi/plugin.h>
#include <atoll/sdk/host.hpp>

#include <array>
#include <memory>

namespace Atoll {
inline namespace sdk0 {

struct PluginInfo {
  const char *id;
  const char *version;
  const char *licence;
  const char *summary;
  std::uint32_t threads = ATOLL_THREADS_PARALLEL;
  const char *needs = nullptr;
};

/// The interfaces that a plugin offers: types with `static constexpr const char *interface_id` and `static table()`.
template <class... I>
struct Interfaces {
  static const void *find(std::string_view id) noexcept {
    const void *found = nullptr;
    ((id == I::interface_id ? (found = I::table(), 0) : 0), ...);
    return found;
  }
};

constexpr atoll_config_key config_key(const char *name, std::uint32_t type, const char *default_text,
                                      const char *description, std::uint32_t flags = 0, const char *choices = nullptr) {
  return atoll_config_key{sizeof(atoll_config_key), type, flags, 0, name, default_text, choices, description};
}

template <class D>
class Plugin {
 public:
  static constexpr std::array<atoll_config_key, 0> config{};
  void stop() {}
  Result<void> reload(const Call &) { return {}; }

  static const atoll_plugin *descriptor() noexcept {
    static const atoll_plugin plugin = [] {
      atoll_plugin p = sized<atoll_plugin>();
      p.abi_major = ATOLL_ABI_MAJOR;
      p.abi_minor_built = ATOLL_ABI_MINOR;
      p.abi_minor_required = ATOLL_ABI_MINOR;
      p.thread_model = D::info.threads;
      p.config_key_count = static_cast<std::uint32_t>(D::config.size());
      p.config_key_size = sizeof(atoll_config_key);
      p.id = D::info.id;
      p.version = D::info.version;
      p.licence = D::info.licence;
      p.summary = D::info.summary;
      p.needs = D::info.needs;
      p.config_keys = D::config.data();
      p.query = [](const char *id) -> const void * { return D::Offers::find(id ? id : ""); };
      p.create = [](const atoll_call *call, const atoll_host *host, void **self) noexcept -> std::int32_t {
        return guarded(call, [&]() -> Result<void> {
          auto made = D::create(Call(call), Host(host));
          if (!made) return std::move(made).error();
          *self = (*std::move(made)).release();
          return {};
        });
      };
      p.stop = [](void *self) noexcept { static_cast<D *>(self)->stop(); };
      p.destroy = [](void *self) noexcept { std::unique_ptr<D>(static_cast<D *>(self)).reset(); };
      p.reload = [](const atoll_call *call, void *self) noexcept -> std::int32_t {
        return guarded(call, [&] { return static_cast<D *>(self)->reload(Call(call)); });
      };
      return p;
    }();
    return &plugin;
  }
};

}  // namespace sdk0
}  // namespace Atoll

#define ATOLL_PLUGIN(Class)                                                                                 \
  extern "C" ATOLL_EXPORT const atoll_plugin *atoll_plugin_entry(std::uint32_t host_major, std::uint32_t) { \
    return host_major == ATOLL_ABI_MAJOR ? Class::descriptor() : nullptr;                                   \
  }

#endif
