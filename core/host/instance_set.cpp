// SPDX-License-Identifier: Apache-2.0
#include "core/host/instance_set.hpp"

#include <atoll/abi/auth.h>
#include <atoll/abi/directory.h>
#include <atoll/abi/events.h>
#include <atoll/abi/http.h>
#include <atoll/abi/registry.h>
#include <atoll/abi/storage_fs.h>

namespace Atoll::host {
namespace {

// The interfaces that the host itself or the gateway looks for; others are searched for when asked.
constexpr const char *kKnown[] = {ATOLL_STORAGE_FS,        ATOLL_STORAGE_FS_ATTRIBUTES,
                                  ATOLL_STORAGE_FS_LOCKS,  ATOLL_AUTH,
                                  ATOLL_DIRECTORY,         ATOLL_DIRECTORY_ADMIN,
                                  ATOLL_REGISTRY,          ATOLL_HTTP,
                                  ATOLL_HTTP_CAPABILITIES, ATOLL_EVENTS};

}  // namespace

void InstanceSet::add(InstanceConfig config, Runtime &runtime) {
  instances_.push_back(std::make_unique<Instance>(std::move(config), runtime));
  for (const char *id : kKnown) {
    auto &list = by_interface_[id];
    if (instances_.back()->plugin().query(id)) list.push_back(instances_.back().get());
  }
}

Instance *InstanceSet::find(std::string_view name) const {
  for (const auto &instance : instances_)
    if (instance->name() == name) return instance.get();
  return nullptr;
}

const std::vector<Instance *> &InstanceSet::offering(std::string_view interface_id) const {
  static const std::vector<Instance *> none;
  const auto found = by_interface_.find(interface_id);
  return found == by_interface_.end() ? none : found->second;
}

Result<void> InstanceSet::each(std::string_view interface_id, const std::function<bool(const Lease &)> &f) const {
  const std::string id(interface_id);
  const auto known = by_interface_.find(id);
  std::vector<Instance *> searched;
  if (known == by_interface_.end())
    for (const auto &instance : instances_)
      if (instance->plugin().query(id.c_str())) searched.push_back(instance.get());
  const auto &list = known == by_interface_.end() ? searched : known->second;

  if (list.empty()) return error(Status::NotFound, "no instance is configured that offers " + id);
  bool any = false;
  for (Instance *instance : list) {
    const Lease lease = instance->lease();
    if (!lease) continue;
    any = true;
    if (!f(lease)) break;
  }
  if (!any) return error(Status::Unavailable, "no instance that offers " + id + " is running now");
  return {};
}

}  // namespace Atoll::host
