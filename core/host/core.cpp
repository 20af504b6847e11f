// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "core/host/admin_verbs.hpp"
#include "core/host/server.hpp"

namespace Atoll::host {
namespace {

// Calls that may run in one storage provider at the same time: a share of the workers, so that a dead backend leaves
// enough of them for the others.
unsigned calls_per_provider(const Configuration &configuration) {
  const auto workers = configuration.server_integer("workers");
  const unsigned threads = workers > 0 ? static_cast<unsigned>(workers)
                                       : std::max(24u, 4 * std::max(1u, std::thread::hardware_concurrency()));
  return std::max(2u, threads * 3 / 4);
}

}  // namespace

Core::Core(DataFolder data, const Configuration &configuration, PasswordListener listener)
    : data_(std::move(data)), gateway_(lookup_, calls_per_provider(configuration)) {
  runtime_.tmp = data_.tmp();
  runtime_.gateway = gateway_.service();
  if (listener)
    runtime_.on_generated_password = [listener = std::move(listener)](std::string_view, std::string_view name,
                                                                      std::string_view password) {
      listener(name, password);
    };
  for (const auto &instance : configuration.instances) runtime_.instances.add(instance, runtime_);
  supervisor_ = std::make_unique<Supervisor>(runtime_.instances, Supervisor::Options{});
}

Result<std::unique_ptr<Core>> Core::open(const Configuration &configuration, PasswordListener listener) {
  auto data = DataFolder::open(configuration.data);
  if (!data) return std::move(data).error();
  return std::unique_ptr<Core>(new Core(std::move(*data), configuration, std::move(listener)));
}

Result<std::string> run_verb_offline(const Configuration &configuration, const base::JsonObject &request,
                                     PasswordListener listener, const Say &say) {
  auto core = Core::open(configuration, std::move(listener));
  if (!core) return std::move(core).error();
  const auto wanted = interfaces_for_verb(base::json_string(request, "verb").value_or(""));
  std::vector<std::string> names;
  for (const auto &instance : (*core)->runtime().instances.all())
    if (std::any_of(wanted.begin(), wanted.end(),
                    [&](const std::string &id) { return instance->plugin().query(id.c_str()) != nullptr; }))
      names.push_back(instance->name());
  auto &supervisor = (*core)->supervisor();
  supervisor.start_only(names);
  if (!supervisor.wait_settled(std::chrono::seconds(30)))
    return error(Status::Unavailable, "the instances that this needs did not start in time");
  for (const auto &status : supervisor.status())
    if (status.state == State::BackingOff)
      return error(Status::Unavailable, "[" + status.name + "] could not be started: " + status.reason);
  auto result = run_verb((*core)->runtime(), supervisor, request, say);
  supervisor.stop(std::chrono::seconds(30));
  return result;
}

}  // namespace Atoll::host
