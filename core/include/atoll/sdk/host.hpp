// SPDX-License-Identifier: Apache-2.0
// Host: the services of the host, as an instance sees them. Copy it freely; valid until the instance is destroyed.
#ifndef ATOLL_SDK_HOST_HPP
#define ATOLL_SDK_HOST_HPP

#include <atoll/abi/gateway.h>
#include <atoll/abi/host.h>
#include <atoll/sdk/call.hpp>

#include <functional>
#include <initializer_list>
#include <memory>

namespace Atoll {
inline namespace sdk0 {

struct Field {
  std::string_view name;
  std::string_view value;
};

class Host {
 public:
  Host() = default;
  explicit Host(const atoll_host *raw) : raw_(raw) {
    log_ = query<atoll_log_service>(ATOLL_SERVICE_LOG);
    config_ = query<atoll_config_service>(ATOLL_SERVICE_CONFIG);
    metrics_ = query<atoll_metrics_service>(ATOLL_SERVICE_METRICS);
  }

  const atoll_host *raw() const noexcept { return raw_; }
  std::string_view instance() const { return raw_ ? view(raw_->instance) : std::string_view(); }
  /// The table of a service, or nullptr.
  template <class Service>
  const Service *query(const char *id) const {
    return raw_ && raw_->query ? static_cast<const Service *>(raw_->query(raw_->context, id)) : nullptr;
  }
  const atoll_gateway_service *gateway() const { return query<atoll_gateway_service>(ATOLL_SERVICE_GATEWAY); }

  // ---- log [any thread]
  void log(std::uint32_t level, std::string_view message, std::initializer_list<Field> fields = {},
           const atoll_call *call = nullptr) const {
    if (!log_) return;
    std::vector<atoll_field> raw;
    for (const auto &field : fields) raw.push_back(atoll_field{str(field.name), str(field.value)});
    log_->write(raw_->context, call, level, str(message), raw.data(), raw.size());
  }
  void info(std::string_view message, std::initializer_list<Field> fields = {}) const {
    log(ATOLL_LOG_INFO, message, fields);
  }
  void warning(std::string_view message, std::initializer_list<Field> fields = {}) const {
    log(ATOLL_LOG_WARNING, message, fields);
  }

  // ---- configuration [any thread]
  std::optional<std::string> text(const char *key) const {
    if (!config_) return std::nullopt;
    std::optional<std::string> out;
    auto sink = make_sink<atoll_text_sink>([&](atoll_str value) { out = std::string(view(value)); });
    if (config_->text(raw_->context, key, sink.get()) != ATOLL_OK) return std::nullopt;
    return out;
  }
  std::string text(const char *key, std::string_view fallback) const {
    auto value = text(key);
    return value ? *value : std::string(fallback);
  }
  std::optional<std::int64_t> integer(const char *key) const {
    std::int64_t value = 0;
    if (!config_ || config_->integer(raw_->context, key, &value) != ATOLL_OK) return std::nullopt;
    return value;
  }
  std::int64_t integer(const char *key, std::int64_t fallback) const {
    auto value = integer(key);
    return value ? *value : fallback;
  }

  /// Where clients reach the server, without a slash at its end; nothing on a host that does not tell. [any thread]
  std::optional<std::string> public_url() const {
    const auto *server = query<atoll_server_service>(ATOLL_SERVICE_SERVER);
    if (!server) return std::nullopt;
    std::optional<std::string> out;
    auto sink = make_sink<atoll_text_sink>([&](atoll_str value) { out = std::string(view(value)); });
    if (server->public_url(raw_->context, sink.get()) != ATOLL_OK) return std::nullopt;
    return out;
  }

  // ---- metrics: define only while the instance is made; add and set from any thread
  std::uint64_t define_counter(std::string_view name, std::string_view help) const {
    std::uint64_t handle = 0;
    if (metrics_) metrics_->define(raw_->context, ATOLL_METRIC_COUNTER, str(name), str(help), &handle);
    return handle;
  }
  void add(std::uint64_t counter, std::int64_t delta = 1) const {
    if (metrics_) metrics_->add(raw_->context, counter, delta);
  }

  /// Runs f on a thread of the host after a delay; false when the host is stopping.
  bool run_later(std::uint64_t delay_ms, std::function<void()> f) const {
    const auto *task = query<atoll_task_service>(ATOLL_SERVICE_TASK);
    if (!task) return false;
    auto owned = std::make_unique<std::function<void()>>(std::move(f));
    const auto run = [](void *argument) {
      std::unique_ptr<std::function<void()>> job(static_cast<std::function<void()> *>(argument));
      try {
        (*job)();
      } catch (...) {  // a task has nobody to report to
      }
    };
    if (task->run(raw_->context, delay_ms, run, owned.get()) != ATOLL_OK) return false;
    owned.release();
    return true;
  }

  /// Calls f(instance name, table, self) for each running instance that offers the interface; false from f stops.
  template <class Table, class F>
  Result<void> each(const char *interface_id, F f) const {
    const auto *instances = query<atoll_instances_service>(ATOLL_SERVICE_INSTANCES);
    if (!instances) return error(Status::Unavailable, "this host offers no other instances");
    auto sink = make_sink<atoll_interface_sink>([&](atoll_str name, const atoll_interface *found) {
      return f(view(name), static_cast<const Table *>(found->table), found->self);
    });
    const std::int32_t status = instances->each(raw_->context, interface_id, sink.get());
    sink.rethrow();
    if (status == ATOLL_OK) return {};
    return error(static_cast<Status>(status), std::string("no running instance offers ") + interface_id);
  }

 private:
  const atoll_host *raw_ = nullptr;
  const atoll_log_service *log_ = nullptr;
  const atoll_config_service *config_ = nullptr;
  const atoll_metrics_service *metrics_ = nullptr;
};

}  // namespace sdk0
}  // namespace Atoll

#endif
