// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/gateway/files.hpp"
#include "core/gateway/spaces.hpp"

#include <atoll/abi/gateway.h>

namespace Atoll::gateway {

/// The one road from a protocol to a driver: atoll.gateway/1 for the instances of this host.
class Gateway {
 public:
  /// lookup outlives the gateway. calls_per_provider: how many calls may run in one provider at a time.
  Gateway(InstanceLookup &lookup, unsigned calls_per_provider);

  /// Valid as long as the gateway. [any thread]
  const atoll_gateway_service *service() const noexcept { return &service_; }
  Spaces &spaces() noexcept { return spaces_; }

 private:
  Result<void> account(const Call &call, const AccountId &id, const atoll_account_sink *sink);

  InstanceLookup &lookup_;
  Admission admission_;
  Spaces spaces_;
  GatewayFiles files_;
  atoll_gateway_service service_{};
};

}  // namespace Atoll::gateway
