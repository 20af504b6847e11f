// SPDX-License-Identifier: Apache-2.0
// The sections that belong to the server itself, and the configuration that it has without a file.
#pragma once

#include <span>
#include <string_view>

#include "core/host/schema.hpp"

namespace Atoll::host {

std::span<const KeySpec> server_keys();    ///< [server]
std::span<const KeySpec> log_keys();       ///< [log]
std::span<const KeySpec> database_keys();  ///< [database]
std::span<const KeySpec> storage_keys();   ///< the same for [storage:name], with those of instance_keys()
std::span<const KeySpec> instance_keys();  ///< what every [kind:name] has besides its plugin's keys

/// A kind of instance sections and the interface that its plugins must offer.
struct Kind {
  std::string_view name;
  std::string_view interface_id;
  std::string_view what;  ///< for messages: "a storage driver"
};
std::span<const Kind> kinds();
const Kind *find_kind(std::string_view name);

/// Used when there is no configuration file.
std::string_view embedded_configuration();

}  // namespace Atoll::host
