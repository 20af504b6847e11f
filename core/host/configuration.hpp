// SPDX-License-Identifier: Apache-2.0
// The checked configuration: everything is of the right type, every plugin is loaded, every need is offered.
#pragma once

#include <string>
#include <vector>

#include "core/host/listen.hpp"
#include "core/host/networks.hpp"
#include "core/host/plugin_loader.hpp"
#include "core/host/schema.hpp"
#include "core/host/settings.hpp"
#include "core/host/tls_setup.hpp"

namespace Atoll::host {

/// One [kind:name] section.
struct InstanceConfig {
  std::string name;  ///< "storage:home"
  Origin origin;
  const LoadedPlugin *plugin = nullptr;
  Values values;       ///< of its plugin's schema
  Values placement{};  ///< of a storage: which new spaces it takes, complete
};

struct Configuration {
  std::string data;                       ///< absolute, without a slash at its end
  Values server;                          ///< [server], complete
  Values log;                             ///< [log], complete
  Values database;                        ///< [database], what is set
  std::vector<InstanceConfig> instances;  ///< enabled ones, in the order of the configuration

  // What the keys of [server] come to:
  std::vector<ListenSpec> listen;          ///< not empty
  std::vector<ListenSpec> metrics_listen;  ///< empty for "auto" and "off"
  Networks trusted_proxies;
  TlsConfig tls;
  std::string public_url;  ///< as set, or made of `listen`; without a slash at its end

  std::int64_t server_integer(const char *key) const { return server.at(key).integer; }
  const std::string &server_text(const char *key) const { return server.at(key).text; }
};

/// Merges and checks everything. With problems the result is not to be used. Loads the plugins that are named.
/// [start-up]
Configuration read_configuration(const Sources &sources, PluginLoader &loader, Problems &problems);

/// One line per value: "[section] key = value   # origin"; secrets are not shown.
std::string show_configuration(const Configuration &configuration);

/// The tables of docs/admin.md: all keys of the server and of the plugins in the plugin folders.
Result<std::string> keys_as_markdown(PluginLoader &loader);

}  // namespace Atoll::host
