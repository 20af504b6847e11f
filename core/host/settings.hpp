// SPDX-License-Identifier: Apache-2.0
// Puts the layers of the configuration together: built in, file, conf.d, environment, command line.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/host/ini.hpp"

namespace Atoll::host {

/// Where the configuration comes from. Later layers win.
struct Sources {
  std::string file;       ///< the main file; conf.d/*.ini beside it follow in the order of their names
  bool required = false;  ///< the admin named it: it must be there. Else the embedded defaults take its place.
  std::vector<std::string> environment;  ///< "NAME=value"; what does not begin with ATOLL__ is ignored
  struct Override {
    std::string section, key, text, flag;
  };
  std::vector<Override> command_line;
};

/// The sections in the order in which they were first named. [start-up]
std::vector<Section> merge_settings(const Sources &sources, Problems &problems);

/// "ATOLL__STORAGE__HOME__ROOT" for ("storage:home", "root").
std::string environment_name(std::string_view section, std::string_view key);

/// The environment of this process, for Sources.
std::vector<std::string> process_environment();

}  // namespace Atoll::host
