// SPDX-License-Identifier: Apache-2.0
// Where a configuration value came from, and what is wrong with it.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace Atoll::host {

/// The place where a section or a value was written.
struct Origin {
  enum class Kind { Embedded, File, Environment, CommandLine };
  Kind kind = Kind::Embedded;
  std::string where;  ///< file, name of the variable, or the flag
  unsigned line = 0;  ///< of a file, from 1

  static Origin file(std::string path, unsigned line) { return {Kind::File, std::move(path), line}; }
  static Origin environment(std::string variable) { return {Kind::Environment, std::move(variable), 0}; }
  static Origin command_line(std::string flag) { return {Kind::CommandLine, std::move(flag), 0}; }

  /// "/etc/atoll/atoll.ini:12", "environment ATOLL__LOG__LEVEL", "command line --listen", "built in".
  std::string text() const;
};

/// One thing that is wrong with the configuration, with the place to mend.
struct Problem {
  Origin origin;
  std::string message;
  std::string text() const { return origin.text() + ": " + message; }
};

/// Collected, so that one run tells all of them.
using Problems = std::vector<Problem>;

}  // namespace Atoll::host
