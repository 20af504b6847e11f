// SPDX-License-Identifier: Apache-2.0
#include "plugins/api-webdav/plan_cache.hpp"

#include "plugins/api-webdav/request_bodies.hpp"

#include <mutex>

namespace Atoll::webdav {

Result<std::shared_ptr<const PropertyPlan>> PlanCache::plan(std::string_view body, bool minimal) {
  const bool short_enough = body.size() <= kLongest;
  if (short_enough) {
    const std::shared_lock lock(mutex_);
    for (const Entry &entry : entries_)
      if (entry.plan && entry.plan->minimal == minimal && entry.body == body) return entry.plan;
  }
  const auto wish = parse_propfind(body);
  if (!wish) return wish.error();
  auto plan = std::make_shared<const PropertyPlan>(compile(*wish, minimal));
  if (short_enough) {
    const std::lock_guard lock(mutex_);
    entries_[next_++ % kEntries] = {std::string(body), plan};
  }
  return std::shared_ptr<const PropertyPlan>(std::move(plan));
}

}  // namespace Atoll::webdav
