// SPDX-License-Identifier: Apache-2.0
// The command line: words and --options.
#pragma once

#include <atoll/sdk/result.hpp>

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace Atoll::command {

/// An option that a verb knows.
struct Option {
  std::string_view name;   ///< "--listen"
  std::string_view value;  ///< what stands for its value in the help; empty: it has none
  std::string_view help;
};

struct Arguments {
  std::vector<std::string> words;
  std::map<std::string, std::string, std::less<>> options;  ///< by name with dashes

  bool has(std::string_view name) const { return options.find(name) != options.end(); }
  std::string get(std::string_view name, std::string_view fallback = {}) const {
    const auto found = options.find(name);
    return found == options.end() ? std::string(fallback) : found->second;
  }
};

/// "--name value" and "--name=value"; "--" ends the options. InvalidArgument says what is wrong and what was meant.
Result<Arguments> parse_arguments(std::span<const std::string> given, std::span<const Option> known);

}  // namespace Atoll::command
