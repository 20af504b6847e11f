// SPDX-License-Identifier: Apache-2.0
// Looks into a plugin file without trusting it: dlopen runs constructors, so that happens in a child that can do
// nothing.
#pragma once

#include <atoll/sdk/result.hpp>

#include <chrono>
#include <string>

#include "core/base/json.hpp"

namespace Atoll::host {

/// Loads the file in a child process with no privileges, no writing, no network and bounded time, and gives what its
/// descriptor says: id, version, licence, summary, abi, thread_model, interfaces, needs, keys. [start-up, one
/// thread] Errors: those of open_plugin(); Unavailable when the child died or took too long.
Result<base::JsonObject> inspect_plugin(const std::string &file,
                                        std::chrono::milliseconds patience = std::chrono::seconds(10));

}  // namespace Atoll::host
