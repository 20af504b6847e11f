// SPDX-License-Identifier: Apache-2.0
#include "core/host/server.hpp"

#include <unistd.h>

#include <algorithm>

#include "core/base/text.hpp"
#include "core/base/time.hpp"
#include "core/host/admin_verbs.hpp"
#include "core/host/log.hpp"

namespace Atoll::host {
namespace {

std::chrono::milliseconds millis(const Configuration &configuration, const char *key) {
  return std::chrono::milliseconds(configuration.server_integer(key) / 1'000'000);
}

std::vector<net::ListenAddress> words(const std::string &text) {
  std::vector<net::ListenAddress> out;
  for (const auto word : base::split(text, ' '))
    if (!base::trim(word).empty()) out.emplace_back(std::string(base::trim(word)));
  return out;
}

// A handler that lost its temper must not take the server down.
template <class F>
void guarded_handler(const std::shared_ptr<net::Exchange> &exchange, F f) {
  try {
    f();
  } catch (const std::exception &failure) {
    log(ATOLL_LOG_ERROR, "http", std::string("a request failed: ") + failure.what(), {}, exchange->head().request_id);
    exchange->respond(net::Response(500, "The server failed to answer this request; its log says why.\n"));
  }
}

}  // namespace

Server::Server(Configuration configuration, Sources sources, PluginLoader &loader, std::string version)
    : configuration_(std::move(configuration)),
      sources_(std::move(sources)),
      loader_(loader),
      version_(std::move(version)),
      started_ns_(base::monotonic_ns()) {}

Server::~Server() {
  if (started_) stop();
}

void Server::apply_log(const Configuration &configuration) {
  configure_log(log_level(configuration.log.at("level").text),
                configuration.log.at("format").text == "json" ? LogFormat::Json : LogFormat::Text);
  access_log_ = configuration.log.at("access").integer != 0;
}

net::Options Server::engine_options() const {
  net::Options options;
  options.listen = words(configuration_.server_text("listen"));
  options.workers = static_cast<unsigned>(configuration_.server_integer("workers"));
  options.max_connections = static_cast<std::size_t>(configuration_.server_integer("max_connections"));
  options.max_head = static_cast<std::size_t>(configuration_.server_integer("max_head"));
  options.head_timeout = millis(configuration_, "head_timeout");
  options.idle_timeout = millis(configuration_, "idle_timeout");
  options.body_timeout = millis(configuration_, "body_timeout");
  options.write_timeout = millis(configuration_, "write_timeout");
  options.on_finished = [this](const net::Finished &done) {
    if (!access_log_) return;
    const std::string status = std::to_string(done.status), in = std::to_string(done.bytes_in),
                      out = std::to_string(done.bytes_out), micros = std::to_string(done.duration_ns / 1000);
    log(ATOLL_LOG_INFO, "http", done.complete ? "request" : "request cut off",
        {{"method", done.head.method},
         {"path", done.head.path},
         {"status", status},
         {"bytes_in", in},
         {"bytes_out", out},
         {"microseconds", micros},
         {"peer", done.head.connection->peer.host}},
        done.head.request_id);
  };
  return options;
}

Result<void> Server::start(PasswordListener listener) {
  apply_log(configuration_);
  auto core = Core::open(configuration_, std::move(listener));
  if (!core) return std::move(core).error();
  core_ = std::move(*core);
  started_ = true;
  Problems problems;
  router_ = make_router(core_->runtime().instances, problems);
  if (!problems.empty()) return error(Status::FailedPrecondition, problems.front().text());

  auto &supervisor = core_->supervisor();
  supervisor.start();
  supervisor.wait_settled(std::chrono::seconds(5));  // what is slower answers 503 meanwhile

  http_ =
      std::make_unique<HttpHost>(core_->runtime().instances, router_, &supervisor, configuration_.server_text("realm"));
  engine_ = std::make_unique<net::Engine>(engine_options());
  auto opened = engine_->start(
      [this](std::shared_ptr<net::Exchange> exchange) { guarded_handler(exchange, [&] { http_->handle(exchange); }); });
  if (!opened) return opened;
  if (auto metrics = start_metrics(); !metrics) return metrics;
  return control_.start(configuration_.data, [this](const std::string &line) { return control(line); });
}

Result<void> Server::start_metrics() {
  admin_http_ = std::make_unique<AdminHttp>(core_->runtime(), core_->supervisor(), engine_.get());
  const std::string &wanted = configuration_.server_text("metrics_listen");
  if (wanted == "off") return {};
  const bool automatic = wanted == "auto";
  const std::uint16_t port = engine_->port();
  const auto handler = [this](std::shared_ptr<net::Exchange> exchange) {
    guarded_handler(exchange, [&] { admin_http_->handle(*exchange); });
  };
  net::Options options;
  options.workers = 2;
  options.max_connections = 256;
  options.listen = automatic
                       ? std::vector<net::ListenAddress>{"127.0.0.1:" + std::to_string(port == 65535 ? 0 : port + 1)}
                       : words(wanted);
  if (automatic && port == 0) return {};
  metrics_engine_ = std::make_unique<net::Engine>(options);
  auto opened = metrics_engine_->start(handler);
  if (opened || !automatic || opened.status() != Status::AlreadyExists) return opened;
  options.listen = {"127.0.0.1:0"};
  metrics_engine_ = std::make_unique<net::Engine>(options);
  opened = metrics_engine_->start(handler);
  if (opened)
    log(ATOLL_LOG_WARNING, "server", "the port after the one of listen is taken; /readyz and /metrics are elsewhere",
        {{"address", metrics_engine_->addresses().front()}});
  return opened;
}

std::vector<std::string> Server::addresses() const {
  return engine_ ? engine_->addresses() : std::vector<std::string>();
}

std::vector<std::string> Server::metrics_addresses() const {
  return metrics_engine_ ? metrics_engine_->addresses() : std::vector<std::string>();
}

Result<std::string> Server::status() const {
  std::string out;
  base::JsonWriter json(out);
  json.begin_object().field("version", version_).field("pid", static_cast<std::int64_t>(::getpid()));
  json.field("uptime_s", (base::monotonic_ns() - started_ns_) / 1'000'000'000).field("data", configuration_.data);
  json.field("ready", core_->supervisor().ready());
  json.key("listen").begin_array();
  for (const auto &address : addresses()) json.string(address);
  json.end_array().key("metrics_listen").begin_array();
  for (const auto &address : metrics_addresses()) json.string(address);
  json.end_array().key("instances").begin_array();
  for (const auto &instance : core_->supervisor().status()) append_instance(json, instance);
  json.end_array().end_object();
  return out;
}

std::string Server::control(const std::string &line) {
  const auto request = base::parse_json_object(line);
  if (!request) return envelope(request.error());
  const std::string verb = base::json_string(*request, "verb").value_or("");
  if (verb == "status") return envelope(status());
  const auto result = run_verb(core_->runtime(), core_->supervisor(), *request);
  if (verb.find(".list") == verb.npos)
    log(ATOLL_LOG_INFO, "control", result ? "done" : "failed: " + result.error().message,
        {{"verb", verb}, {"name", base::json_string(*request, "name").value_or("")}});
  return envelope(result);
}

void Server::reload() {
  Problems problems;
  Configuration fresh = read_configuration(sources_, loader_, problems);
  if (!problems.empty()) {
    for (const auto &problem : problems) log(ATOLL_LOG_ERROR, "server", "reload: " + problem.text());
    log(ATOLL_LOG_ERROR, "server", "the configuration has errors, so nothing was changed");
    return;
  }
  apply_log(fresh);
  for (const auto &[key, value] : fresh.server)
    if (!(configuration_.server[key] == value))
      log(ATOLL_LOG_WARNING, "server", "[server] " + key + " changes with the next start of the server");
  for (auto &section : fresh.instances) {
    Instance *instance = core_->runtime().instances.find(section.name);
    if (!instance || &instance->plugin() != section.plugin) {
      log(ATOLL_LOG_WARNING, "server", "[" + section.name + "] changes with the next start of the server");
      continue;
    }
    for (const auto &key : instance->reload(std::move(section.values)))
      log(ATOLL_LOG_WARNING, section.name, key + " changes with: atoll instance restart " + section.name);
  }
  log(ATOLL_LOG_INFO, "server", "configuration read again");
}

bool Server::stop() {
  started_ = false;
  bool clean = true;
  if (engine_) {
    if (!engine_->drain(millis(configuration_, "drain_timeout")))
      log(ATOLL_LOG_WARNING, "server", "some requests did not finish in time and were cut off");
    clean = engine_->stop(std::chrono::seconds(5));
    if (!clean)
      log(ATOLL_LOG_ERROR, "server", "requests still wait for a storage provider or another part that hangs",
          {{"requests", std::to_string(engine_->metrics().requests_active.load())}});
  }
  control_.stop();
  if (core_) {
    clean = core_->supervisor().stop(std::chrono::seconds(clean ? 20 : 2)) && clean;
    core_->runtime().events.stop();
  }
  if (metrics_engine_) metrics_engine_->stop();
  return clean;
}

}  // namespace Atoll::host
