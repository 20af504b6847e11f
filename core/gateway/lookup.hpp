// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atoll/sdk/result.hpp>

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace Atoll::gateway {

/// A running instance of a plugin. Held by shared_ptr: while anyone holds one, the host does not destroy the instance.
class Instance {
 public:
  virtual ~Instance() = default;
  /// For example "storage:home". [any thread]
  virtual std::string_view name() const = 0;
  virtual void *self() const = 0;
  /// The table of an interface, or nullptr. [any thread]
  virtual const void *query(const char *interface_id) const = 0;
  /// To be held around every call into the instance: what its thread model demands, nothing for PARALLEL. Recursive,
  /// since an instance may be reached again through the gateway. [worker]
  virtual std::unique_lock<std::recursive_mutex> enter() const = 0;
};
using Lease = std::shared_ptr<const Instance>;

/// How the gateway finds instances; the host's supervisor implements it. [any thread]
class InstanceLookup {
 public:
  virtual ~InstanceLookup() = default;
  /// NOT_FOUND: no such instance is configured. UNAVAILABLE: it is not running now.
  virtual Result<Lease> lease(std::string_view name) = 0;
  /// All configured instances that offer the interface, in the order of the configuration. UNAVAILABLE when one of them
  /// is not running (naming it); an empty list when none is configured.
  virtual Result<std::vector<Lease>> all(const char *interface_id) = 0;
  /// Calls f with each of all(), for the length of the call.
  virtual Result<void> each(const char *interface_id, const std::function<Result<void>(const Instance &)> &f) {
    auto held = all(interface_id);
    if (!held) return std::move(held).error();
    for (const Lease &one : *held)
      if (auto done = f(*one); !done) return done;
    return {};
  }
  /// One of all(), or why it is not to be had now.
  struct Configured {
    std::string name;
    Result<Lease> lease;
  };
  /// As all(), but an instance that is not running leaves the others to be asked.
  virtual Result<std::vector<Configured>> configured(const char *interface_id) {
    auto held = all(interface_id);
    if (!held) return std::move(held).error();
    std::vector<Configured> out;
    for (Lease &one : *held) {
      std::string name(one->name());
      out.push_back({std::move(name), std::move(one)});
    }
    return out;
  }
  /// The instance said that it cannot do its work now: somebody should look at its health.
  virtual void doubt(std::string_view name) { static_cast<void>(name); }
};

}  // namespace Atoll::gateway
