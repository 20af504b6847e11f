// SPDX-License-Identifier: Apache-2.0
#include "core/host/instance.hpp"

#include <atoll/abi/storage_fs.h>

#include "core/host/instance_host.hpp"
#include "core/host/log.hpp"
#include "core/host/runtime.hpp"

namespace Atoll::host {

Lease::~Lease() {
  if (instance_) instance_->gate_.leave();
}

void *Lease::self() const { return instance_->self_; }

CallLock Lease::lock() const { return instance_->call_lock(); }

CallLock Instance::call_lock() {
  switch (plugin().descriptor->thread_model) {
    case ATOLL_THREADS_SERIAL:
      return CallLock(plugin().serial);
    case ATOLL_THREADS_PER_INSTANCE:
      return CallLock(serial_);
    default:
      return {};
  }
}

Instance::Instance(InstanceConfig config, Runtime &runtime)
    : config_(std::move(config)), host_(std::make_unique<InstanceHost>(*this, runtime)) {
  next_values_ = config_.values;
}

Instance::~Instance() = default;

Result<void> Instance::create() {
  host_->begin(next_values_);
  OutgoingCall call;
  void *self = nullptr;
  std::int32_t status = ATOLL_OK;
  {
    const CallLock lock = call_lock();
    status = plugin().descriptor->create(call.get(), host_->raw(), &self);
  }
  if (status != ATOLL_OK) {
    host_->end();
    return call.error(status);
  }
  host_->created();
  self_ = self;
  durability_ = promised();
  gate_.open();
  return {};
}

std::uint32_t Instance::promised() {
  const auto *table = static_cast<const atoll_storage_fs *>(plugin().query(ATOLL_STORAGE_FS));
  if (!table || !ATOLL_HAS(table, atoll_storage_fs, capabilities) || !table->capabilities) return 0;
  OutgoingCall call;
  auto caps = sized<atoll_storage_caps>();
  const CallLock lock = call_lock();
  return table->capabilities(call.get(), self_, &caps) == ATOLL_OK ? caps.durability : 0;
}

std::string_view Instance::durability() const {
  switch (durability_) {
    case ATOLL_DURABILITY_POWER_CUT:
      return "power-cut";
    case ATOLL_DURABILITY_CRASH:
      return "crash";
    case ATOLL_DURABILITY_NONE:
      return "none";
    default:
      return {};
  }
}

Result<void> Instance::health() {
  doubted_ = false;
  const Lease held = lease();
  if (!held) return error(Status::Unavailable, "it is not running");
  const auto *table = held.table<atoll_storage_fs>(ATOLL_STORAGE_FS);
  if (!table || !ATOLL_HAS(table, atoll_storage_fs, health) || !table->health) return {};
  OutgoingCall call;
  const CallLock lock = held.lock();
  return call.result(table->health(call.get(), held.self()));
}

bool Instance::shut(std::chrono::milliseconds patience) {
  if (!gate_.close(patience)) return false;
  if (!self_) return true;
  if (plugin().descriptor->stop) {
    const CallLock lock = call_lock();
    plugin().descriptor->stop(self_);
  }
  host_->end();  // waits for tasks, which may want the lock
  const CallLock lock = call_lock();
  plugin().descriptor->destroy(self_);
  self_ = nullptr;
  return true;
}

std::vector<std::string> Instance::reload(Values values) {
  std::vector<std::string> need_restart;
  Values now = host_->values();
  bool changed = false;
  for (const auto &key : plugin().keys) {
    const auto old_value = now.find(key.name), new_value = values.find(key.name);
    const bool was = old_value != now.end(), is = new_value != values.end();
    if (was == is && (!was || old_value->second == new_value->second)) continue;
    if (!key.has(ATOLL_CONFIG_RELOADABLE)) {
      need_restart.push_back(key.name);
      continue;
    }
    changed = true;
    if (is)
      now[key.name] = new_value->second;
    else
      now.erase(key.name);
  }
  next_values_ = std::move(values);
  if (!changed) return need_restart;
  host_->set_values(std::move(now));
  if (const Lease held = lease(); held && plugin().descriptor->reload) {
    OutgoingCall call;
    const CallLock lock = held.lock();
    const auto done = call.result(plugin().descriptor->reload(call.get(), held.self()));
    if (!done) log(ATOLL_LOG_ERROR, name(), "reload failed: " + done.error().message, {});
  }
  return need_restart;
}

}  // namespace Atoll::host
