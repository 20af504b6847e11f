// SPDX-License-Identifier: Apache-2.0
#include "core/main/arguments.hpp"

#include <algorithm>

#include "core/host/nearest.hpp"

namespace Atoll::command {

Result<Arguments> parse_arguments(std::span<const std::string> given, std::span<const Option> known) {
  Arguments out;
  for (std::size_t i = 0; i < given.size(); ++i) {
    const std::string &word = given[i];
    if (word == "--") {
      out.words.insert(out.words.end(), given.begin() + static_cast<std::ptrdiff_t>(i) + 1, given.end());
      break;
    }
    if (word.size() < 2 || word[0] != '-') {
      out.words.push_back(word);
      continue;
    }
    const auto equals = word.find('=');
    const std::string name = word.substr(0, equals);
    const auto option = std::find_if(known.begin(), known.end(), [&](const Option &o) { return o.name == name; });
    if (option == known.end()) {
      std::vector<std::string> names;
      for (const auto &o : known) names.emplace_back(o.name);
      return error(Status::InvalidArgument, "there is no option " + name + " here" + host::did_you_mean(name, names));
    }
    if (option->value.empty()) {
      if (equals != std::string::npos) return error(Status::InvalidArgument, name + " takes no value");
      out.options[name] = "yes";
    } else if (equals != std::string::npos) {
      out.options[name] = word.substr(equals + 1);
    } else if (i + 1 < given.size()) {
      out.options[name] = given[++i];
    } else {
      return error(Status::InvalidArgument, name + " needs a value: " + name + " " + std::string(option->value));
    }
  }
  return out;
}

}  // namespace Atoll::command
