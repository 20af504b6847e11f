// SPDX-License-Identifier: Apache-2.0
#include "core/host/router.hpp"

#include <atoll/abi/http.h>
#include <atoll/sdk/types.hpp>

#include <algorithm>

#include "core/base/uri.hpp"
#include "core/host/instance_set.hpp"

namespace Atoll::host {

void Router::add(Route route) {
  const auto at = std::find_if(routes_.begin(), routes_.end(),
                               [&](const Route &other) { return other.prefix.size() < route.prefix.size(); });
  routes_.insert(at, std::move(route));
}

const Route *Router::find(std::string_view path) const {
  for (const auto &route : routes_) {
    const auto size = route.prefix.size();
    if (path.compare(0, size, route.prefix) == 0 && (path.size() == size || path[size] == '/')) return &route;
  }
  return nullptr;
}

std::optional<std::string> normalise_path(std::string_view path) {
  if (path.empty() || path[0] != '/') return std::nullopt;
  auto decoded = base::percent_decode(path);
  if (!decoded) return std::nullopt;
  decoded->erase(std::unique(decoded->begin(), decoded->end(), [](char a, char b) { return a == '/' && b == '/'; }),
                 decoded->end());
  return decoded;
}

Router make_router(const InstanceSet &instances, Problems &problems) {
  Router router;
  for (Instance *instance : instances.offering(ATOLL_HTTP)) {
    const auto *table = static_cast<const atoll_http *>(instance->plugin().query(ATOLL_HTTP));
    const auto sink = make_sink<atoll_route_sink>([&](const atoll_route *raw) {
      Route route;
      route.prefix = std::string(view(raw->prefix));
      while (!route.prefix.empty() && route.prefix.back() == '/') route.prefix.pop_back();
      route.anonymous = (raw->flags & ATOLL_ROUTE_ANONYMOUS) != 0;
      route.instance = instance;
      const auto twin = std::find_if(router.routes().begin(), router.routes().end(),
                                     [&](const Route &other) { return other.prefix == route.prefix; });
      if (twin != router.routes().end())
        problems.push_back({instance->config().origin, "[" + instance->name() + "] and [" + twin->instance->name() +
                                                           "] both want to answer " + route.prefix +
                                                           "/; remove one of them"});
      else
        router.add(std::move(route));
    });
    if (table->routes(nullptr, sink.get()) != ATOLL_OK)
      problems.push_back({instance->config().origin,
                          "plugin '" + instance->plugin().name + "' could not tell its " + "routes; ask its author"});
  }
  return router;
}

}  // namespace Atoll::host
