// SPDX-License-Identifier: Apache-2.0
#include "core/gateway/placement.hpp"

#include "core/base/text.hpp"

#include <atoll/abi/storage_fs.h>

#include <algorithm>
#include <cmath>

namespace Atoll::gateway {
namespace {

enum Fit { No, Anybody, ByGroup, ByName };

Fit fit(const PlacementRule &rule, std::uint32_t type, const PlacementOwner &owner) {
  if (rule.drain || rule.weight == 0u) return No;
  if (type == ATOLL_SPACE_PERSONAL ? !rule.personal : !rule.project) return No;
  if (std::any_of(rule.owners.begin(), rule.owners.end(),
                  [&](const std::string &name) { return base::iequals(name, owner.name); }))
    return ByName;
  if (std::any_of(rule.groups.begin(), rule.groups.end(), owner.in_group)) return ByGroup;
  return rule.owners.empty() && rule.groups.empty() ? Anybody : No;
}

/// The same number between 0 and 1 for the same pair (FNV-1a, then a finalizer that spreads it over all bits).
double draw(const SpaceId &space, std::string_view provider) {
  std::uint64_t hash = 0xcbf29ce484222325;
  const auto add = [&](std::uint8_t byte) { hash = (hash ^ byte) * 0x100000001b3; };
  for (const auto byte : space.bytes()) add(byte);
  for (const char c : provider) add(static_cast<std::uint8_t>(c));
  hash = (hash ^ hash >> 33) * 0xff51afd7ed558ccd;
  hash = (hash ^ hash >> 33) * 0xc4ceb9fe1a85ec53;
  hash ^= hash >> 33;
  return (static_cast<double>(hash >> 11) + 0.5) / static_cast<double>(std::uint64_t{1} << 53);
}

}  // namespace

Result<std::string> place(const std::vector<PlacementRule> &rules, std::uint32_t type, const SpaceId &space,
                          const PlacementOwner &owner) {
  if (rules.empty())
    return error(Status::Unavailable, "no storage is configured for new spaces: add a [storage:...] section");
  std::vector<const PlacementRule *> takers;  // equals
  Fit best = No;
  for (const PlacementRule &rule : rules) {
    const Fit found = fit(rule, type, owner);
    if (found == No || found < best) continue;
    if (found > best) takers.clear();
    best = found;
    takers.push_back(&rule);
  }
  const bool weighed =
      std::any_of(takers.begin(), takers.end(), [](const PlacementRule *rule) { return rule->weight.has_value(); });
  const PlacementRule *chosen = nullptr;
  double lowest = 0;
  for (const PlacementRule *rule : takers) {
    const double cost = weighed ? -std::log(draw(space, rule->provider)) / rule->weight.value_or(1) : 0;
    if (chosen && cost >= lowest) continue;
    chosen = rule;
    lowest = cost;
  }
  if (chosen) return chosen->provider;
  return error(Status::Unavailable, std::string("no storage takes a new ") +
                                        (type == ATOLL_SPACE_PERSONAL ? "personal" : "project") + " space of " +
                                        std::string(owner.name) +
                                        ": see takes, takes_owners, takes_groups, weight and drain of [storage:...]");
}

}  // namespace Atoll::gateway
