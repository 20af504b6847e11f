// SPDX-License-Identifier: Apache-2.0
// Which instance answers a path.
#pragma once

#include <atoll/sdk/result.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/host/origin.hpp"

namespace Atoll::host {

class Instance;
class InstanceSet;
struct InstanceConfig;

struct Route {
  std::string prefix;  ///< decoded, without a slash at its end; the root is empty
  bool anonymous = false;
  Instance *instance = nullptr;

  /// For log and metrics. Lives as long as the route.
  std::string_view label() const { return prefix.empty() ? std::string_view("/") : std::string_view(prefix); }
};

/// What the host itself answers on the main port.
inline constexpr std::string_view kHealthPath = "/healthz";

/// Fixed once it is filled; find() is [any thread].
class Router {
 public:
  void add(Route route);
  /// The route with the longest prefix of whole segments of `path`, or nullptr. `path` comes from normalise_path().
  const Route *find(std::string_view path) const;
  const std::vector<Route> &routes() const { return routes_; }

 private:
  std::vector<Route> routes_;  // longest prefix first
};

/// A request path decoded, doubled slashes as one; nothing when it is not percent-encoded properly or does not begin
/// with a slash. "." and ".." stay: no route holds them.
std::optional<std::string> normalise_path(std::string_view path);

/// Asks all protocol plugins for their routes. A prefix that two instances want is a problem. [start-up]
Router make_router(const InstanceSet &instances, Problems &problems);

}  // namespace Atoll::host
