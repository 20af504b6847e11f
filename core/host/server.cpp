// SPDX-License-Identifier: Apache-2.0
#include "core/host/server.hpp"

#include "core/host/move_verb.hpp"

#include <unistd.h>

#include <algorithm>

#include "core/base/time.hpp"
#include "core/host/access_log.hpp"
#include "core/host/admin_verbs.hpp"
#include "core/host/log.hpp"
#include "core/host/server_section.hpp"

namespace Atoll::host {
namespace {

std::chrono::milliseconds millis(const Configuration &configuration, const char *key) {
  return std::chrono::milliseconds(configuration.server_integer(key) / 1'000'000);
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

Server::Server(Configuration configuration, Sources sources, PluginLoader &loader, std::string version,
               Activation activation)
    : configuration_(std::move(configuration)),
      sources_(std::move(sources)),
      loader_(loader),
      version_(std::move(version)),
      started_ns_(base::monotonic_ns()),
      activation_(std::move(activation)) {}

Server::~Server() {
  if (started_) stop();
}

void Server::apply_log(const Configuration &configuration) {
  configure_log(log_level(configuration.log.at("level").text),
                configuration.log.at("format").text == "json" ? LogFormat::Json : LogFormat::Text);
  access_log_ = configuration.log.at("access").integer != 0;
}

Result<void> Server::start(PasswordListener listener) {
  apply_log(configuration_);
  // What is wrong here shall not touch the data; a certificate of tls = auto lies there.
  if (auto found = find_addresses(); !found) return found;
  const bool automatic = configuration_.tls.automatic;
  if (!automatic)
    if (auto tls = start_tls(); !tls) return tls;
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
  settle_moves(core_->runtime());

  if (automatic)
    if (auto tls = start_tls(); !tls) return tls;
  if (auto opened = start_main(); !opened) return opened;
  if (auto opened = start_metrics(); !opened) return opened;
  if (auto opened = control_.start(configuration_.data,
                                   [this](const std::string &line, const Say &say) { return control(line, say); });
      !opened)
    return opened;
  admin_http_->all_is_open();  // whoever waited for /readyz may ask at the control socket next
  return {};
}

Result<std::vector<net::ListenAddress>> Server::claim(const std::vector<ListenSpec> &specs, const char *key) {
  std::vector<net::ListenAddress> out;
  for (const auto &spec : specs) {
    if (spec.kind != ListenSpec::Kind::Systemd) {
      out.emplace_back(spec.address, spec.tls);
      continue;
    }
    auto sockets = spec.address.empty() ? activation_.claim_rest() : activation_.claim(spec.address);
    if (!sockets)
      return error(sockets.status(), std::string(key) + " = " + spec.text() + ": " + sockets.error().message);
    for (auto &socket : *sockets) {
      const bool tls = spec.tls && socket.address.compare(0, 5, "unix:") != 0;
      if (!tls && socket.exposed && configuration_.server_integer("plain_http") == 0)
        return error(Status::InvalidArgument, exposed_plainly(key, socket.address + " (" + spec.text() + ")"));
      out.push_back(net::ListenAddress::inherited(socket.fd.release(), tls));
      out.back().address = socket.address;
    }
  }
  return out;
}

Result<void> Server::find_addresses() {
  // The word "systemd" alone takes what no other word names, so it comes last.
  const auto last = [](std::vector<ListenSpec> specs) {
    std::stable_partition(specs.begin(), specs.end(), [](const ListenSpec &spec) {
      return spec.kind != ListenSpec::Kind::Systemd || !spec.address.empty();
    });
    return specs;
  };
  auto metrics = claim(last(configuration_.metrics_listen), "metrics_listen");
  if (!metrics) return std::move(metrics).error();
  auto main = claim(last(configuration_.listen), "listen");
  if (!main) return std::move(main).error();
  main_.addresses = std::move(*main);
  metrics_.addresses = std::move(*metrics);
  for (const auto &name : activation_.left())
    log(ATOLL_LOG_WARNING, "server", "a socket was passed that no word of listen takes; name it with systemd:NAME",
        {{"name", name}});
  return {};
}

Result<void> Server::start_tls() {
  std::vector<std::string> names;
  for (const auto *port : {&main_, &metrics_})
    for (const auto &address : port->addresses)
      if (address.tls) names.push_back(address.address);
  if (names.empty()) return {};
  auto context = open_tls(configuration_.tls, names);
  if (!context) return std::move(context).error();
  tls_ = std::move(*context);
  return {};
}

Result<void> Server::listen(Port &port, net::Options options, net::Engine::Handler handler) {
  options.listen = port.addresses;
  options.tls = tls_;
  port.engine = std::make_unique<net::Engine>(std::move(options));
  return port.engine->start(std::move(handler));
}

Result<void> Server::start_main() {
  std::vector<std::string> labels{std::string(kHealthPath)};
  for (const auto &route : router_.routes()) labels.emplace_back(route.label());
  traffic_ = std::make_unique<Traffic>(std::move(labels));
  http_ = std::make_unique<HttpHost>(core_->runtime().instances, router_, &core_->supervisor(),
                                     configuration_.server_text("realm"), configuration_.trusted_proxies);
  net::Options options = engine_limits(configuration_);
  if (!configuration_.trusted_proxies.empty())
    options.exempt = [this](std::string_view host) { return configuration_.trusted_proxies.contains(host); };
  options.on_finished = [this](const net::Finished &done) {
    traffic_->record(done);
    if (access_log_.load(std::memory_order_relaxed)) log_access(done, configuration_.trusted_proxies);
  };
  return listen(main_, std::move(options), [this](std::shared_ptr<net::Exchange> exchange) {
    guarded_handler(exchange, [&] { http_->handle(exchange); });
  });
}

Result<void> Server::start_metrics() {
  admin_http_ = std::make_unique<AdminHttp>(core_->runtime(), core_->supervisor(), main_.engine.get(), traffic_.get());
  const std::string &wanted = configuration_.server_text("metrics_listen");
  if (wanted == "off") return {};
  const bool automatic = wanted == "auto";
  const std::uint16_t port = main_.engine->port();
  const auto handler = [this](const std::shared_ptr<net::Exchange> &exchange) {
    guarded_handler(exchange, [&] { admin_http_->handle(*exchange); });
  };
  net::Options options;
  options.workers = 2;
  options.max_connections = 256;
  if (!automatic) return listen(metrics_, std::move(options), handler);
  if (port == 0) return {};
  metrics_.addresses = {"127.0.0.1:" + std::to_string(port == 65535 ? 0 : port + 1)};
  auto opened = listen(metrics_, options, handler);
  if (opened || opened.status() != Status::AlreadyExists) return opened;
  metrics_.addresses = {"127.0.0.1:0"};
  opened = listen(metrics_, options, handler);
  if (opened)
    log(ATOLL_LOG_WARNING, "server", "the port after the one of listen is taken; /readyz and /metrics are elsewhere",
        {{"address", metrics_addresses().front()}});
  return opened;
}

std::vector<std::string> Server::Port::urls() const {
  std::vector<std::string> out;
  if (!engine) return out;
  const auto real = engine->addresses();
  for (std::size_t i = 0; i < real.size(); ++i)
    out.push_back(real[i].compare(0, 5, "unix:") == 0 ? real[i]
                                                      : (addresses[i].tls ? "https://" : "http://") + real[i]);
  return out;
}

Result<std::string> Server::status() const {
  core_->supervisor().look(kLookPatience);
  std::string out;
  base::JsonWriter json(out);
  json.begin_object().field("version", version_).field("pid", static_cast<std::int64_t>(::getpid()));
  json.field("uptime_s", (base::monotonic_ns() - started_ns_) / 1'000'000'000).field("data", configuration_.data);
  json.field("ready", core_->supervisor().ready());
  json.key("listen").begin_array();
  for (const auto &address : addresses()) json.string(address);
  json.end_array().key("metrics_listen").begin_array();
  for (const auto &address : metrics_addresses()) json.string(address);
  json.end_array();
  if (tls_)
    json.key("tls")
        .begin_object()
        .field("certificate", configuration_.tls.files.certificate)
        .field("ends", base::iso8601(tls_->not_after()))
        .end_object();
  json.key("instances").begin_array();
  for (const auto &instance : core_->supervisor().status()) append_instance(json, instance);
  json.end_array().end_object();
  return out;
}

std::string Server::control(const std::string &line, const Say &say) {
  const auto request = base::parse_json_object(line, 64u << 20);
  if (!request) return envelope(request.error());
  const std::string verb = base::json_string(*request, "verb").value_or("");
  if (verb == "status") return envelope(status());
  const auto result = run_verb(core_->runtime(), core_->supervisor(), *request, say);
  if (verb.find(".list") == verb.npos)
    log(ATOLL_LOG_INFO, "control", result ? "done" : "failed: " + result.error().message,
        {{"verb", verb}, {"name", base::json_string(*request, "name").value_or("")}});
  return envelope(result);
}

void Server::look_after_certificate() const {
  if (tls_) warn_of_end(configuration_.tls, tls_->not_after());
}

void Server::reload_certificate() {
  if (!tls_) return;
  if (auto read = tls_->reload(); !read) {
    log(ATOLL_LOG_ERROR, "server", "reload: " + read.error().message + "; the certificate that was in use stays");
    return;
  }
  log(ATOLL_LOG_INFO, "server", "certificate read again",
      {{"certificate", configuration_.tls.files.certificate}, {"ends", base::iso8601(tls_->not_after())}});
  report_certificate(configuration_.tls, *tls_);
}

void Server::reload() {
  reload_certificate();
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
  if (main_.engine) {
    if (!main_.engine->drain(millis(configuration_, "drain_timeout")))
      log(ATOLL_LOG_WARNING, "server", "some requests did not finish in time and were cut off");
    clean = main_.engine->stop(std::chrono::seconds(5));
    if (!clean)
      log(ATOLL_LOG_ERROR, "server", "requests still wait for a storage provider or another part that hangs",
          {{"requests", std::to_string(main_.engine->metrics().requests_active.load())}});
  }
  control_.stop();
  if (core_) {
    clean = core_->supervisor().stop(std::chrono::seconds(clean ? 20 : 2)) && clean;
    core_->runtime().events.stop();
  }
  if (metrics_.engine) metrics_.engine->stop();
  return clean;
}

}  // namespace Atoll::host
