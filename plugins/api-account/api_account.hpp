// SPDX-License-Identifier: Apache-2.0
// The plugin: what clients ask about the account that they act for, and where this server is.
#pragma once

#include <atoll/sdk/gateway_accounts.hpp>
#include <atoll/sdk/http.hpp>
#include <atoll/sdk/plugin.hpp>

#include "plugins/api-account/answer.hpp"
#include "plugins/api-account/settings.hpp"

namespace Atoll::account {

class ApiAccount : public Plugin<ApiAccount>, public Http<ApiAccount> {
 public:
  static constexpr PluginInfo info{"dev.atoll.api-account", "0.1.0", "Apache-2.0",
                                   "App tokens, settings and WebFinger"};
  using Offers = Interfaces<Http<ApiAccount>>;
  static constexpr std::array<Route, 5> routes{{{"/auth-app/tokens"},
                                                {"/api/v0/settings"},
                                                {"/.well-known/webfinger", ATOLL_ROUTE_ANONYMOUS},
                                                {"/.well-known/host-meta", ATOLL_ROUTE_ANONYMOUS},
                                                {"/.well-known/host-meta.json", ATOLL_ROUTE_ANONYMOUS}}};

  static Result<std::unique_ptr<ApiAccount>> create(const Call &call, Host host);
  explicit ApiAccount(Host host) : host_(host), accounts_(host), settings_(host, accounts_) {}

  void handle(const Call &call, const Request &request, Exchange exchange);

 private:
  Answer answer(const Call &call, const Request &request, std::string_view body) const;
  Answer well_known(const Request &request, std::string_view name) const;
  static void send(const Request &request, const Exchange &exchange, Answer answer);

  Host host_;
  AccountsClient accounts_;
  Settings settings_;
};

}  // namespace Atoll::account
