// SPDX-License-Identifier: Apache-2.0
// One configured instance of a plugin, and the leases by which it is used.
#pragma once

#include <atoll/abi/plugin.h>
#include <atoll/sdk/call.hpp>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "core/host/configuration.hpp"
#include "core/host/gate.hpp"

namespace Atoll::host {

class Instance;
class InstanceHost;
struct Runtime;

/// Held around one call into an instance: the lock that its thread model asks for. Often none.
using CallLock = std::unique_lock<std::recursive_mutex>;

/// The right to use a running instance: it is not stopped before all leases are gone. Move-only.
class Lease {
 public:
  Lease() = default;
  explicit Lease(Instance *entered) : instance_(entered) {}
  Lease(Lease &&other) noexcept : instance_(std::exchange(other.instance_, nullptr)) {}
  Lease &operator=(Lease &&other) noexcept {
    std::swap(instance_, other.instance_);
    return *this;
  }
  Lease(const Lease &) = delete;
  Lease &operator=(const Lease &) = delete;
  ~Lease();

  explicit operator bool() const { return instance_ != nullptr; }
  Instance &instance() const { return *instance_; }
  void *self() const;
  /// nullptr when the plugin does not offer it.
  template <class Table>
  const Table *table(const char *interface_id) const;
  CallLock lock() const;

 private:
  Instance *instance_ = nullptr;
};

/// Created once per section and never moved; the plugin's own object inside comes and goes.
class Instance {
 public:
  Instance(InstanceConfig config, Runtime &runtime);
  ~Instance();
  Instance(const Instance &) = delete;
  Instance &operator=(const Instance &) = delete;

  const std::string &name() const { return config_.name; }
  const LoadedPlugin &plugin() const { return *config_.plugin; }
  const InstanceConfig &config() const { return config_; }

  /// Empty when it is not running. [any thread]
  Lease lease() { return gate_.enter() ? Lease(this) : Lease(); }
  bool running() const { return gate_.is_open(); }
  /// Somebody found that it cannot do its work: its health is looked at soon. [any thread]
  void doubt() {
    if (!doubted_.exchange(true) && on_doubt_) on_doubt_();
  }
  /// What a storage promises of acknowledged changes: "power-cut", "crash" or "none"; empty for what is no storage or
  /// does not say. [any thread]
  std::string_view durability() const;

  /// What Lease::lock() gives, for calls that are not made through a lease: create, destroy, tasks.
  CallLock call_lock();

  // ---- for the supervisor, one thread at a time
  /// Makes the plugin's object and lets callers in.
  Result<void> create();
  /// Asks a storage driver for its health; others are always well. Doubts that come from now on are new ones.
  Result<void> health();
  bool doubted() const { return doubted_; }
  /// Called with the first doubt after a look at its health. [start-up and end]
  void on_doubt(std::function<void()> f) { on_doubt_ = std::move(f); }
  /// Lets nobody in, waits for those inside, then stops and destroys. False when some are still inside after
  /// `patience`: then nothing was destroyed and it must be called again.
  bool shut(std::chrono::milliseconds patience);
  /// Takes new values over: reloadable keys at once. Gives the names of keys that need a restart.
  std::vector<std::string> reload(Values values);

 private:
  friend class Lease;
  std::uint32_t promised();

  InstanceConfig config_;
  std::unique_ptr<InstanceHost> host_;
  Gate gate_;
  std::recursive_mutex serial_;               // around calls when the thread model is PER_INSTANCE
  std::atomic<std::uint32_t> durability_{0};  // ATOLL_DURABILITY_*
  std::atomic<bool> doubted_{false};
  std::function<void()> on_doubt_;
  void *self_ = nullptr;  // written while the gate is closed
  Values next_values_;    // in force from the next create on
};

template <class Table>
const Table *Lease::table(const char *interface_id) const {
  return static_cast<const Table *>(instance_->plugin().query(interface_id));
}

}  // namespace Atoll::host
