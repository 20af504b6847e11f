// SPDX-License-Identifier: Apache-2.0
#include "core/host/start_order.hpp"

#include <atoll/abi/gateway.h>
#include <atoll/abi/host.h>

#include <algorithm>

#include "core/host/configuration.hpp"

namespace Atoll::host {
namespace {

enum class Mark { None, Open, Done };

// Depth first; false when a circle was found, whose members are in `path`.
bool visit(const std::vector<InstanceConfig> &instances, std::size_t at, std::vector<Mark> &marks,
           std::vector<std::size_t> &order, std::vector<std::size_t> &path) {
  if (marks[at] == Mark::Done) return true;
  path.push_back(at);
  if (marks[at] == Mark::Open) return false;
  marks[at] = Mark::Open;
  for (const auto other : needed_by(instances, at))
    if (!visit(instances, other, marks, order, path)) return false;
  marks[at] = Mark::Done;
  path.pop_back();
  order.push_back(at);
  return true;
}

}  // namespace

bool is_host_service(std::string_view id) {
  static constexpr std::string_view services[] = {ATOLL_SERVICE_LOG,   ATOLL_SERVICE_CONFIG,    ATOLL_SERVICE_METRICS,
                                                  ATOLL_SERVICE_CLOCK, ATOLL_SERVICE_TASK,      ATOLL_SERVICE_EVENTS,
                                                  ATOLL_SERVICE_TMP,   ATOLL_SERVICE_INSTANCES, ATOLL_SERVICE_GATEWAY};
  return std::find(std::begin(services), std::end(services), id) != std::end(services);
}

std::vector<std::size_t> needed_by(const std::vector<InstanceConfig> &instances, std::size_t instance) {
  std::vector<std::size_t> out;
  for (const auto &need : instances[instance].plugin->needs) {
    if (is_host_service(need)) continue;
    for (std::size_t i = 0; i < instances.size(); ++i)
      if (i != instance && instances[i].plugin->query(need.c_str()) &&
          std::find(out.begin(), out.end(), i) == out.end())
        out.push_back(i);
  }
  return out;
}

std::vector<std::size_t> start_order(const std::vector<InstanceConfig> &instances) {
  std::vector<Mark> marks(instances.size(), Mark::None);
  std::vector<std::size_t> order, path;
  for (std::size_t i = 0; i < instances.size(); ++i)
    if (!visit(instances, i, marks, order, path)) return {};
  return order;
}

void check_needs(const std::vector<InstanceConfig> &instances, Problems &problems) {
  for (const auto &instance : instances) {
    for (const auto &need : instance.plugin->needs) {
      if (is_host_service(need)) continue;
      const bool offered = std::any_of(instances.begin(), instances.end(), [&](const InstanceConfig &other) {
        return &other != &instance && other.plugin->query(need.c_str());
      });
      if (!offered)
        problems.push_back({instance.origin, "[" + instance.name + "] needs " + need +
                                                 ", and no section has a plugin that offers it; add one or remove [" +
                                                 instance.name + "]"});
    }
  }
  std::vector<Mark> marks(instances.size(), Mark::None);
  std::vector<std::size_t> order, path;
  for (std::size_t i = 0; i < instances.size(); ++i) {
    if (visit(instances, i, marks, order, path)) continue;
    std::string circle;
    const auto begin = std::find(path.begin(), path.end(), path.back());
    for (auto at = begin; at != path.end(); ++at)
      circle += (at == begin ? "[" : " needs [") + instances[*at].name + "]";
    problems.push_back({instances[path.back()].origin, "the sections need each other in a circle: " + circle});
    return;
  }
}

}  // namespace Atoll::host
