// SPDX-License-Identifier: Apache-2.0
#include "core/host/instance_host.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <system_error>

#include "core/base/time.hpp"
#include "core/host/instance.hpp"
#include "core/host/log.hpp"
#include "core/host/runtime.hpp"

namespace Atoll::host {

// The functions behind the tables. None lets an exception out: what runs out of memory reports a failure.
struct InstanceHost::Services {
  static InstanceHost &host(void *context) { return *static_cast<InstanceHost *>(context); }

  static void write(void *context, const atoll_call *call, std::uint32_t level, atoll_str message,
                    const atoll_field *fields, std::uint64_t count) noexcept try {
    const auto &self = host(context);
    std::vector<LogField> copy;
    std::string_view account, generated;
    for (std::uint64_t i = 0; i < count; ++i) {
      copy.push_back(LogField{view(fields[i].name), view(fields[i].value)});
      if (copy.back().name == "name") account = copy.back().value;
      if (copy.back().name == "password") generated = copy.back().value;
    }
    if (!generated.empty() && self.runtime_.on_generated_password)
      self.runtime_.on_generated_password(self.instance_.name(), account, generated);
    log(level, self.instance_.name(), view(message), copy, call ? view(call->request_id) : std::string_view());
  } catch (...) {
  }
  static std::int32_t enabled(void *, std::uint32_t level) noexcept { return log_enabled(level) ? 1 : 0; }

  static std::int32_t text(void *context, const char *key, const atoll_text_sink *sink) noexcept try {
    std::string value;
    {
      const std::shared_lock lock(host(context).values_mutex_);
      const auto found = host(context).values_.find(key);
      if (found == host(context).values_.end()) return ATOLL_NOT_FOUND;
      value = found->second.text;
    }
    sink->emit(sink->context, str(value));
    return ATOLL_OK;
  } catch (...) {
    return ATOLL_INTERNAL;
  }
  static std::int32_t integer(void *context, const char *key, std::int64_t *value) noexcept try {
    const std::shared_lock lock(host(context).values_mutex_);
    const auto found = host(context).values_.find(key);
    if (found == host(context).values_.end()) return ATOLL_NOT_FOUND;
    const auto type = found->second.type;
    if (type == ATOLL_CONFIG_TEXT || type == ATOLL_CONFIG_PATH || type == ATOLL_CONFIG_CHOICE)
      return ATOLL_INVALID_ARGUMENT;
    *value = found->second.integer;
    return ATOLL_OK;
  } catch (...) {
    return ATOLL_INTERNAL;
  }

  static std::int32_t define(void *context, std::uint32_t kind, atoll_str name, atoll_str help,
                             std::uint64_t *handle) noexcept try {
    auto &self = host(context);
    if (!self.defining_) return ATOLL_FAILED_PRECONDITION;
    *handle = self.runtime_.metrics.define(self.instance_.name(), kind, view(name), view(help));
    return *handle != 0 ? ATOLL_OK : ATOLL_INVALID_ARGUMENT;
  } catch (...) {
    return ATOLL_INTERNAL;
  }
  static void add(void *context, std::uint64_t handle, std::int64_t delta) noexcept {
    host(context).runtime_.metrics.add(handle, delta);
  }
  static void set(void *context, std::uint64_t handle, std::int64_t value) noexcept {
    host(context).runtime_.metrics.set(handle, value);
  }

  static std::int64_t now_ns(void *) noexcept { return base::now_unix_ns(); }
  static std::uint64_t monotonic_ns(void *) noexcept { return static_cast<std::uint64_t>(base::monotonic_ns()); }

  static std::int32_t run(void *context, std::uint64_t delay_ms, void (*fn)(void *), void *argument) noexcept try {
    auto &self = host(context);
    const auto job = [&instance = self.instance_, fn, argument] {
      const CallLock lock = instance.call_lock();
      fn(argument);
    };
    const auto delay = std::chrono::milliseconds(std::min<std::uint64_t>(delay_ms, 1ull << 40));
    return self.runtime_.tasks.run(&self.instance_, delay, job) ? ATOLL_OK : ATOLL_UNAVAILABLE;
  } catch (...) {
    return ATOLL_INTERNAL;
  }

  static void publish(void *context, const atoll_event *event) noexcept try {
    const atoll_event copy = copied(event);
    host(context).runtime_.events.publish(copy);
  } catch (...) {
  }

  static std::int32_t folder(void *context, const atoll_text_sink *sink) noexcept try {
    const auto &self = host(context);
    std::string name = self.instance_.name();
    std::replace(name.begin(), name.end(), ':', '-');
    const std::string path = self.runtime_.tmp + "/" + name;
    if (self.runtime_.tmp.empty()) return ATOLL_UNAVAILABLE;
    if (::mkdir(self.runtime_.tmp.c_str(), 0700) != 0 && errno != EEXIST) return ATOLL_UNAVAILABLE;
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return ATOLL_UNAVAILABLE;
    sink->emit(sink->context, str(path));
    return ATOLL_OK;
  } catch (...) {
    return ATOLL_INTERNAL;
  }

  static std::int32_t each(void *context, const char *interface_id, const atoll_interface_sink *sink) noexcept try {
    const auto done = host(context).runtime_.instances.each(interface_id, [&](const Lease &lease) {
      auto found = sized<atoll_interface>();
      found.table = lease.table<void>(interface_id);
      found.self = lease.self();
      const CallLock lock = lease.lock();
      return sink->emit(sink->context, str(lease.instance().name()), &found) == 0;
    });
    return static_cast<std::int32_t>(done.status());
  } catch (...) {
    return ATOLL_INTERNAL;
  }

  static std::int32_t public_url(void *context, const atoll_text_sink *sink) noexcept try {
    sink->emit(sink->context, str(host(context).runtime_.public_url));
    return ATOLL_OK;
  } catch (...) {
    return ATOLL_INTERNAL;
  }

  static const void *query(void *context, const char *id) noexcept {
    static constexpr atoll_log_service log_table{sizeof(atoll_log_service), 0, write, enabled};
    static constexpr atoll_config_service config_table{sizeof(atoll_config_service), 0, text, integer};
    static constexpr atoll_metrics_service metrics_table{sizeof(atoll_metrics_service), 0, define, add, set};
    static constexpr atoll_clock_service clock_table{sizeof(atoll_clock_service), 0, now_ns, monotonic_ns};
    static constexpr atoll_task_service task_table{sizeof(atoll_task_service), 0, run};
    static constexpr atoll_events_service events_table{sizeof(atoll_events_service), 0, publish};
    static constexpr atoll_tmp_service tmp_table{sizeof(atoll_tmp_service), 0, folder};
    static constexpr atoll_instances_service instances_table{sizeof(atoll_instances_service), 0, each};
    static constexpr atoll_server_service server_table{sizeof(atoll_server_service), 0, public_url};
    const std::string_view wanted = id ? id : "";
    if (wanted == ATOLL_SERVICE_LOG) return &log_table;
    if (wanted == ATOLL_SERVICE_CONFIG) return &config_table;
    if (wanted == ATOLL_SERVICE_METRICS) return &metrics_table;
    if (wanted == ATOLL_SERVICE_CLOCK) return &clock_table;
    if (wanted == ATOLL_SERVICE_TASK) return &task_table;
    if (wanted == ATOLL_SERVICE_EVENTS) return &events_table;
    if (wanted == ATOLL_SERVICE_TMP) return &tmp_table;
    if (wanted == ATOLL_SERVICE_INSTANCES) return &instances_table;
    if (wanted == ATOLL_SERVICE_SERVER) return &server_table;
    if (wanted == ATOLL_SERVICE_GATEWAY) return host(context).runtime_.gateway;
    if (wanted == ATOLL_SERVICE_GATEWAY_SPACES) return host(context).runtime_.gateway_spaces;
    if (wanted == ATOLL_SERVICE_GATEWAY_ACCOUNTS) return host(context).runtime_.gateway_accounts;
    return nullptr;
  }
};

InstanceHost::InstanceHost(Instance &instance, Runtime &runtime) : instance_(instance), runtime_(runtime) {
  raw_ = sized<atoll_host>();
  raw_.abi_minor = ATOLL_ABI_MINOR;
  raw_.context = this;
  raw_.instance = str(instance.name());
  raw_.query = &Services::query;
}

void InstanceHost::begin(Values values) {
  set_values(std::move(values));
  defining_ = true;
  runtime_.tasks.admit(&instance_);
}

void InstanceHost::created() { defining_ = false; }

void InstanceHost::end() {
  defining_ = false;
  runtime_.tasks.dismiss(&instance_);
}

Values InstanceHost::values() const {
  const std::shared_lock lock(values_mutex_);
  return values_;
}

void InstanceHost::set_values(Values values) {
  const std::unique_lock lock(values_mutex_);
  values_ = std::move(values);
}

}  // namespace Atoll::host
