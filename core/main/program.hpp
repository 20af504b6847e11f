// SPDX-License-Identifier: Apache-2.0
// Where this program stands: in a build tree or installed, and what follows from that.
#pragma once

#include <string>

#include "core/host/plugin_loader.hpp"
#include "core/host/settings.hpp"
#include "core/main/arguments.hpp"

namespace Atoll::command {

std::string_view version();

/// The folders with plugins. In a build tree: its plugins/ folder, and files may be writable by their group. Installed:
/// the compiled folder. ATOLL_PLUGIN_PATH (folders with colons between) comes first in a build tree and with --devel,
/// and is ignored otherwise.
host::PluginPath plugin_path(const Arguments &arguments);

/// The layers of the configuration for --config, --data, --listen, --metrics-listen and the environment.
host::Sources sources(const Arguments &arguments);

/// The data folder as configured, absolute, without loading any plugin.
std::string data_folder(const Arguments &arguments);

/// Prints to standard error: "atoll: TEXT".
void complain(std::string_view text);

}  // namespace Atoll::command
