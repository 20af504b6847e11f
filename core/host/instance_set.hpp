// SPDX-License-Identifier: Apache-2.0
// All instances of a server, found by name or by what they offer.
#pragma once

#include <atoll/sdk/result.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/host/instance.hpp"

namespace Atoll::host {

/// Fixed once it is filled: everything is [any thread] after that.
class InstanceSet {
 public:
  /// [start-up] In the order of the configuration.
  void add(InstanceConfig config, Runtime &runtime);

  Instance *find(std::string_view name) const;
  const std::vector<std::unique_ptr<Instance>> &all() const { return instances_; }
  /// The instances whose plugin offers the interface, running or not, in the order of the configuration.
  const std::vector<Instance *> &offering(std::string_view interface_id) const;
  /// Calls f with a lease on each running one; false from f stops. NotFound when none is configured, Unavailable when
  /// one is configured but none is running.
  Result<void> each(std::string_view interface_id, const std::function<bool(const Lease &)> &f) const;

 private:
  std::vector<std::unique_ptr<Instance>> instances_;
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>()(text); }
  };
  std::unordered_map<std::string, std::vector<Instance *>, Hash, std::equal_to<>> by_interface_;
};

}  // namespace Atoll::host
