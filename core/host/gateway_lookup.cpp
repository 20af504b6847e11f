// SPDX-License-Identifier: Apache-2.0
#include "core/host/gateway_lookup.hpp"

namespace Atoll::host {
namespace {

class Held final : public gateway::Instance {
 public:
  explicit Held(Lease lease) : lease_(std::move(lease)) {}
  std::string_view name() const override { return lease_.instance().name(); }
  void *self() const override { return lease_.self(); }
  const void *query(const char *interface_id) const override { return lease_.table<void>(interface_id); }
  std::unique_lock<std::recursive_mutex> enter() const override { return lease_.lock(); }

 private:
  Lease lease_;
};

Error not_running(const host::Instance &instance) {
  return Error{Status::Unavailable, "[" + instance.name() + "] is not running now", 0, 1000};
}

Result<gateway::Lease> hold(host::Instance &instance) {
  Lease lease = instance.lease();
  if (!lease) return not_running(instance);
  return gateway::Lease(std::make_shared<Held>(std::move(lease)));
}

}  // namespace

Result<gateway::Lease> GatewayLookup::lease(std::string_view name) {
  host::Instance *instance = instances_.find(name);
  if (!instance) return error(Status::NotFound, "no instance '" + std::string(name) + "' is configured");
  return hold(*instance);
}

void GatewayLookup::doubt(std::string_view name) {
  if (host::Instance *instance = instances_.find(name)) instance->doubt();
}

Result<std::vector<gateway::Lease>> GatewayLookup::all(const char *interface_id) {
  std::vector<gateway::Lease> out;
  for (host::Instance *instance : instances_.offering(interface_id)) {
    auto held = hold(*instance);
    if (!held) return std::move(held).error();
    out.push_back(std::move(*held));
  }
  return out;
}

Result<std::vector<gateway::InstanceLookup::Configured>> GatewayLookup::configured(const char *interface_id) {
  std::vector<Configured> out;
  for (host::Instance *instance : instances_.offering(interface_id)) out.push_back({instance->name(), hold(*instance)});
  return out;
}

Result<void> GatewayLookup::each(const char *interface_id,
                                 const std::function<Result<void>(const gateway::Instance &)> &f) {
  for (host::Instance *instance : instances_.offering(interface_id)) {
    Lease lease = instance->lease();
    if (!lease) return not_running(*instance);
    if (auto done = f(Held(std::move(lease))); !done) return done;
  }
  return {};
}

}  // namespace Atoll::host
