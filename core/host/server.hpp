// SPDX-License-Identifier: Apache-2.0
// A running server: everything put together, started and stopped in the right order.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "core/base/json.hpp"
#include "core/gateway/gateway.hpp"
#include "core/host/activation.hpp"
#include "core/host/admin_http.hpp"
#include "core/host/care_verbs.hpp"
#include "core/host/configuration.hpp"
#include "core/host/control_socket.hpp"
#include "core/host/data_folder.hpp"
#include "core/host/gateway_lookup.hpp"
#include "core/host/http_host.hpp"
#include "core/host/router.hpp"
#include "core/host/runtime.hpp"
#include "core/host/supervisor.hpp"
#include "core/host/traffic.hpp"
#include "core/net/engine.hpp"

namespace Atoll::host {

/// Told about passwords that were made up at the first start: account name and password.
using PasswordListener = std::function<void(std::string_view name, std::string_view password)>;

/// The instances on a locked data folder, without any port: what a verb needs when no server runs, and the inner half
/// of Server.
class Core {
 public:
  /// Takes the lock on the data. Errors of DataFolder::open. [start-up]
  static Result<std::unique_ptr<Core>> open(const Configuration &configuration, PasswordListener listener);
  Core(const Core &) = delete;
  Core &operator=(const Core &) = delete;
  ~Core();

  Runtime &runtime() { return runtime_; }
  Supervisor &supervisor() { return *supervisor_; }

 private:
  Core(DataFolder data, const Configuration &configuration, PasswordListener listener);

  DataFolder data_;
  Runtime runtime_;
  GatewayLookup lookup_{runtime_.instances};
  gateway::Gateway gateway_;
  std::unique_ptr<Supervisor> supervisor_;
};

class Server {
 public:
  /// `sources` and `loader` are kept for reload(); the loader outlives the server.
  Server(Configuration configuration, Sources sources, PluginLoader &loader, std::string version,
         Activation activation);
  ~Server();
  Server(const Server &) = delete;
  Server &operator=(const Server &) = delete;

  /// Locks the data, starts instances, opens ports and control socket. Instances that fail hold up nobody: they are
  /// tried again. Errors: what keeps the server as a whole from serving. [start-up]
  Result<void> start(PasswordListener listener);
  /// Reads the certificate and the configuration again and takes over what may change while running. With problems in
  /// one of them nothing of it changes.
  void reload();
  /// Warns when the certificate ends soon. For a call now and then.
  void look_after_certificate() const;
  /// Drains, then stops everything. False when something hung and was left: the process should end at once.
  bool stop();

  /// "https://127.0.0.1:9200", "unix:/path". Of the main port; of the metrics port, empty when off.
  std::vector<std::string> addresses() const { return main_.urls(); }
  std::vector<std::string> metrics_addresses() const { return metrics_.urls(); }

 private:
  // A port: its engine, and which of its addresses have TLS.
  struct Port {
    std::unique_ptr<net::Engine> engine;
    std::vector<net::ListenAddress> addresses;
    std::vector<std::string> urls() const;
  };

  Result<void> find_addresses();
  Result<std::vector<net::ListenAddress>> claim(const std::vector<ListenSpec> &specs, const char *key);
  Result<void> start_tls();
  void reload_certificate();
  Result<void> start_main();
  Result<void> start_metrics();
  Result<void> listen(Port &port, net::Options options, net::Engine::Handler handler);
  std::string control(const std::string &line, const Say &say);
  Result<std::string> status() const;
  void apply_log(const Configuration &configuration);

  Configuration configuration_;
  const Sources sources_;
  PluginLoader &loader_;
  const std::string version_;
  const std::int64_t started_ns_;
  Activation activation_;
  std::unique_ptr<Core> core_;
  Router router_;
  std::shared_ptr<net::TlsContext> tls_;  // none without TLS
  std::unique_ptr<Traffic> traffic_;
  std::unique_ptr<HttpHost> http_;
  std::unique_ptr<AdminHttp> admin_http_;
  Port main_, metrics_;
  ControlServer control_;
  std::atomic<bool> access_log_{false};
  bool started_ = false;
};

/// Runs a verb on the data itself: locks it, starts only what the verb needs, stops it again. Aborted when a server
/// holds the lock. [start-up]
Result<std::string> run_verb_offline(const Configuration &configuration, const base::JsonObject &request,
                                     PasswordListener listener, const Say &say = {});

}  // namespace Atoll::host
