// SPDX-License-Identifier: Apache-2.0
// The plugin: the Graph API of the oCIS family (libre-graph), as far as it is there.
#pragma once

#include <atoll/sdk/http.hpp>
#include <atoll/sdk/plugin.hpp>

#include <span>
#include <string>

#include "plugins/api-graph/drives.hpp"
#include "plugins/api-graph/items.hpp"
#include "plugins/api-graph/members.hpp"
#include "plugins/api-graph/personal_data.hpp"
#include "plugins/api-graph/spaces.hpp"
#include "plugins/api-graph/users.hpp"

namespace Atoll::graph {

class ApiGraph : public Plugin<ApiGraph>, public Http<ApiGraph>, public HttpCapabilities<ApiGraph> {
 public:
  static constexpr PluginInfo info{"dev.atoll.api-graph", "0.1.0", "Apache-2.0",
                                   "The Graph API: users, groups, spaces, their members and roles"};
  using Offers = Interfaces<Http<ApiGraph>, HttpCapabilities<ApiGraph>>;
  static constexpr std::array<Route, 2> routes{{{"/graph/v1.0"}, {"/graph/v1beta1"}}};

  static Result<std::unique_ptr<ApiGraph>> create(const Call &call, Host host);
  explicit ApiGraph(Host host) : host_(host), spaces_(host), accounts_(host) {}

  /// That there are spaces, for clients that then ask for drives.
  Result<std::string> capabilities(const Call &call);
  void handle(const Call &call, const Request &request, Exchange exchange);

 private:
  Answer answer(const Call &call, const Request &request, std::string_view body) const;
  Answer drives(const Call &call, const Request &request, std::span<const std::string> path,
                std::string_view body) const;
  /// root..., items/{id}... of a drive.
  Answer items(const Call &call, const Request &request, const SpaceId &space, std::span<const std::string> path,
               std::string_view body) const;
  Answer permissions(const Call &call, const Request &request, const SpaceId &space, std::span<const std::string> path,
                     std::string_view body) const;
  Answer role_definitions(const Call &call, const Request &request, std::span<const std::string> path) const;
  void send(const Request &request, const Exchange &exchange, Answer answer) const;

  Host host_;
  SpacesClient spaces_;
  Drives drives_{spaces_};
  Members members_{spaces_};
  Items items_{host_, spaces_};
  AccountsClient accounts_;
  Users users_{host_, accounts_, drives_};
  Groups groups_{host_, accounts_};
  PersonalData personal_data_{host_, accounts_, spaces_};
};

}  // namespace Atoll::graph
