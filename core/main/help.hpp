// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "core/main/commands.hpp"

namespace Atoll::command {

/// What `atoll --help` prints.
std::string overview();
/// What `atoll VERB --help` prints.
std::string help_for(const Command &command);
/// Usage of all verbs that begin with this word ("user").
std::string group_usage(std::string_view word);

}  // namespace Atoll::command
