// SPDX-License-Identifier: Apache-2.0
// How the gateway finds instances.
#pragma once

#include "core/gateway/lookup.hpp"
#include "core/host/instance_set.hpp"

namespace Atoll::host {

class GatewayLookup final : public gateway::InstanceLookup {
 public:
  explicit GatewayLookup(const InstanceSet &instances) : instances_(instances) {}
  Result<gateway::Lease> lease(std::string_view name) override;
  Result<std::vector<gateway::Lease>> all(const char *interface_id) override;
  Result<std::vector<Configured>> configured(const char *interface_id) override;
  Result<void> each(const char *interface_id, const std::function<Result<void>(const gateway::Instance &)> &f) override;
  void doubt(std::string_view name) override;

 private:
  const InstanceSet &instances_;
};

}  // namespace Atoll::host
