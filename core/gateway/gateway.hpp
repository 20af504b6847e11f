// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/gateway/accounts.hpp"
#include "core/gateway/files.hpp"
#include "core/gateway/options.hpp"
#include "core/gateway/root_log.hpp"
#include "core/gateway/space_admin.hpp"
#include "core/gateway/spaces.hpp"

#include <atoll/abi/gateway.h>

namespace Atoll::gateway {

/// The one road from a protocol to a driver: atoll.gateway/1, atoll.gateway.spaces/1 and
/// atoll.gateway.accounts/1 for the instances of this host.
class Gateway {
 public:
  /// lookup outlives the gateway.
  Gateway(InstanceLookup &lookup, GatewayOptions options);

  /// Valid as long as the gateway. [any thread]
  const atoll_gateway_service *service() const noexcept { return &service_; }
  const atoll_gateway_spaces_service *spaces_service() const noexcept { return &spaces_service_; }
  const atoll_gateway_accounts_service *accounts_service() const noexcept { return &accounts_service_; }
  Spaces &spaces() noexcept { return spaces_; }
  /// Told by the host: the roots of spaces that changed here. [any thread]
  RootLog &root_log() noexcept { return root_log_; }

 private:
  void fill_service();
  void fill_spaces_service();
  void fill_accounts_service();

  const GatewayOptions options_;
  Admission admission_;
  Spaces spaces_;
  RootLog root_log_;
  SpaceAdmin space_admin_;
  Accounts accounts_;
  GatewayFiles files_;
  atoll_gateway_service service_{};
  atoll_gateway_spaces_service spaces_service_{};
  atoll_gateway_accounts_service accounts_service_{};
};

}  // namespace Atoll::gateway
