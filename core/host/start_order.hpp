// SPDX-License-Identifier: Apache-2.0
// Who must be ready before whom.
#pragma once

#include <string_view>
#include <vector>

#include "core/host/origin.hpp"

namespace Atoll::host {

struct InstanceConfig;

/// Whether the host itself offers this id as a service, so that a need for it is always met.
bool is_host_service(std::string_view id);

/// Adds a problem for each need that nobody offers, and for a circle of needs. [any thread]
void check_needs(const std::vector<InstanceConfig> &instances, Problems &problems);

/// Indices of `instances`, each after all that offer what it needs; else in the order of the configuration. Empty when
/// there is a circle. [any thread]
std::vector<std::size_t> start_order(const std::vector<InstanceConfig> &instances);

/// Indices of the instances that offer something that `instance` needs.
std::vector<std::size_t> needed_by(const std::vector<InstanceConfig> &instances, std::size_t instance);

}  // namespace Atoll::host
