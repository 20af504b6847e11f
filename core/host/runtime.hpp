// SPDX-License-Identifier: Apache-2.0
// What all instances of a server share.
#pragma once

#include <atoll/abi/gateway.h>
#include <atoll/abi/gateway_accounts.h>
#include <atoll/abi/gateway_spaces.h>

#include <functional>
#include <string>
#include <string_view>

#include "core/host/event_bus.hpp"
#include "core/host/instance_set.hpp"
#include "core/host/metrics.hpp"
#include "core/host/task_pool.hpp"

namespace Atoll::host {

struct Runtime {
  Metrics metrics;
  TaskPool tasks;
  InstanceSet instances;
  EventBus events{instances};
  const atoll_gateway_service *gateway = nullptr;                    ///< set before the first instance is created
  const atoll_gateway_spaces_service *gateway_spaces = nullptr;      ///< the same
  const atoll_gateway_accounts_service *gateway_accounts = nullptr;  ///< the same
  std::string tmp;                                                   ///< folder of the instances' temporary folders
  std::string public_url;  ///< where clients reach the server, without a slash at its end

  /// Told when an instance logs a password that it made up (fields "name" and "password"): the log itself shows "***",
  /// the admin shall see it once. Instance, account name, password. [any thread] May be empty.
  std::function<void(std::string_view, std::string_view, std::string_view)> on_generated_password;
};

}  // namespace Atoll::host
