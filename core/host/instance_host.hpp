// SPDX-License-Identifier: Apache-2.0
// The service tables as one instance sees them.
#pragma once

#include <atoll/abi/host.h>

#include <atomic>
#include <shared_mutex>
#include <string>

#include "core/host/schema.hpp"

namespace Atoll::host {

class Instance;
struct Runtime;

/// The context behind an atoll_host. Lives as long as its Instance, over all lives of the plugin's object.
class InstanceHost {
 public:
  InstanceHost(Instance &instance, Runtime &runtime);
  InstanceHost(const InstanceHost &) = delete;
  InstanceHost &operator=(const InstanceHost &) = delete;

  const atoll_host *raw() const { return &raw_; }

  // ---- for Instance
  void begin(Values values);  ///< before create: tasks are taken, metrics may be defined
  void created();             ///< after create: no more definitions
  void end();                 ///< after stop: drops tasks and waits for running ones
  Values values() const;
  void set_values(Values values);

 private:
  struct Services;
  friend struct Services;

  Instance &instance_;
  Runtime &runtime_;
  mutable std::shared_mutex values_mutex_;
  Values values_;
  std::atomic<bool> defining_{false};
  atoll_host raw_{};
};

}  // namespace Atoll::host
