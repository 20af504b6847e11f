// SPDX-License-Identifier: Apache-2.0
// The verbs of the atoll command.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "core/main/arguments.hpp"

namespace Atoll::command {

struct Command {
  std::string_view name;     ///< "serve", "user add"
  std::string_view words;    ///< what follows it in the help: "NAME"
  std::size_t least, most;   ///< how many words
  std::string_view summary;  ///< one line
  std::string_view help;     ///< paragraphs
  std::vector<Option> options;
  int (*run)(const Arguments &);  ///< gives an ExitCode
  int wrong_line = 64;            ///< exit code for a wrong command line
};

/// All verbs in the order of the help.
std::span<const Command> commands();

int serve(const Arguments &);
int config_check(const Arguments &);
int config_show(const Arguments &);
int config_keys(const Arguments &);
int plugin_list(const Arguments &);
int plugin_show(const Arguments &);
int instance_list(const Arguments &);
int instance_start(const Arguments &);
int instance_stop(const Arguments &);
int instance_restart(const Arguments &);
int user_add(const Arguments &);
int user_list(const Arguments &);
int user_passwd(const Arguments &);
int user_remove(const Arguments &);
int user_tokens(const Arguments &);
int user_import(const Arguments &);
int user_export(const Arguments &);
int space_list(const Arguments &);
int space_check(const Arguments &);
int space_rebuild(const Arguments &);
int space_snapshot(const Arguments &);
int space_restore(const Arguments &);
int space_confirm(const Arguments &);
int space_names(const Arguments &);
int space_move(const Arguments &);
int upload_list(const Arguments &);
int upload_clean(const Arguments &);
int status(const Arguments &);
int print_version(const Arguments &);

}  // namespace Atoll::command
