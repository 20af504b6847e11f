// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "core/base/text.hpp"
#include "core/host/admin_verbs.hpp"
#include "core/host/log.hpp"
#include "core/host/server.hpp"

#include <atoll/abi/storage_changes.h>

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

std::vector<std::string> words_of(const std::string &text) {
  std::vector<std::string> out;
  for (const auto part : base::split(text, ',')) {
    const std::string_view word = base::trim(part);
    if (!word.empty()) out.emplace_back(word);
  }
  return out;
}

gateway::GatewayOptions gateway_options(const Configuration &configuration) {
  gateway::GatewayOptions out;
  out.calls_per_provider = calls_per_provider(configuration);
  const std::string &creators = configuration.server_text("project_creators");
  out.project_creators = creators == "users"          ? ATOLL_ROLE_USER
                         : creators == "space-admins" ? ATOLL_ROLE_SPACE_ADMIN
                                                      : ATOLL_ROLE_ADMIN;
  const auto quota = [&](const char *key) {
    const std::int64_t bytes = configuration.server_integer(key);
    return bytes == 0 ? ATOLL_QUOTA_NONE : static_cast<std::uint64_t>(bytes);
  };
  out.public_url = configuration.public_url;
  if (const auto templates = configuration.server.find("space_templates"); templates != configuration.server.end())
    out.space_templates = templates->second.text;
  out.stale_listings = std::chrono::nanoseconds(configuration.server_integer("stale_listings"));
  out.warn = [](const std::string &what) { log(ATOLL_LOG_ERROR, "gateway", what); };
  out.show_mail = configuration.server_integer("show_mail") != 0;
  out.personal_quota = quota("personal_quota");
  out.project_quota = quota("project_quota");
  for (const InstanceConfig &instance : configuration.instances) {
    if (instance.name.rfind("storage:", 0) != 0) continue;
    gateway::PlacementRule rule;
    rule.provider = instance.name;
    const std::string &takes = instance.placement.at("takes").text;
    rule.personal = takes != "projects";
    rule.project = takes != "personal";
    rule.owners = words_of(instance.placement.at("takes_owners").text);
    rule.groups = words_of(instance.placement.at("takes_groups").text);
    if (const auto weight = instance.placement.find("weight"); weight != instance.placement.end())
      rule.weight = static_cast<unsigned>(weight->second.integer);
    rule.drain = instance.placement.at("drain").integer != 0;
    out.placement.push_back(std::move(rule));
  }
  return out;
}

}  // namespace

Core::Core(DataFolder data, const Configuration &configuration, PasswordListener listener)
    : data_(std::move(data)), gateway_(lookup_, gateway_options(configuration)) {
  runtime_.tmp = data_.tmp();
  runtime_.public_url = configuration.public_url;
  runtime_.gateway = gateway_.service();
  runtime_.gateway_spaces = gateway_.spaces_service();
  runtime_.gateway_accounts = gateway_.accounts_service();
  runtime_.events.listen([this](const atoll_event *event) {
    if (!event)
      gateway_.root_log().lost();
    else if (view(event->kind) == ATOLL_EVENT_SPACE_CHANGED)
      gateway_.root_log().changed(from_abi<SpaceId>(event->space));
  });
  if (listener)
    runtime_.on_generated_password = [listener = std::move(listener)](std::string_view, std::string_view name,
                                                                      std::string_view password) {
      listener(name, password);
    };
  for (const auto &instance : configuration.instances) runtime_.instances.add(instance, runtime_);
  supervisor_ = std::make_unique<Supervisor>(runtime_.instances, Supervisor::Options{});
}

Core::~Core() {
  supervisor_.reset();
  runtime_.events.stop();  // its thread uses the gateway
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
