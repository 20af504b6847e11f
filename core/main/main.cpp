// SPDX-License-Identifier: Apache-2.0
// The atoll command: finds the verb and runs it.
#include <cstdio>
#include <exception>

#include "core/host/nearest.hpp"
#include "core/main/commands.hpp"
#include "core/main/exit_code.hpp"
#include "core/main/help.hpp"
#include "core/main/program.hpp"

namespace Atoll::command {
namespace {

const Command *find(std::span<const std::string> &given) {
  for (const std::size_t count : {std::size_t{2}, std::size_t{1}}) {
    if (given.size() < count) continue;
    const std::string name = count == 2 ? given[0] + " " + given[1] : given[0];
    for (const auto &command : commands()) {
      if (command.name != name) continue;
      given = given.subspan(count);
      return &command;
    }
  }
  return nullptr;
}

int unknown(std::span<const std::string> given) {
  const std::string group = group_usage(given[0]);
  if (!group.empty()) {
    const bool help = given.size() > 1 && (given[1] == "--help" || given[1] == "-h");
    std::fputs(group.c_str(), help ? stdout : stderr);
    return help ? kDone : kUsage;
  }
  std::vector<std::string> names;
  for (const auto &command : commands()) names.emplace_back(command.name.substr(0, command.name.find(' ')));
  complain("there is no verb '" + given[0] + "'" + host::did_you_mean(given[0], names) + " See atoll --help.");
  return kUsage;
}

int run(std::span<const std::string> given) {
  if (given.empty()) {
    std::fputs(overview().c_str(), stderr);
    return kUsage;
  }
  if (given[0] == "--help" || given[0] == "-h" || given[0] == "help") {
    std::fputs(overview().c_str(), stdout);
    return kDone;
  }
  if (given[0] == "--version") return print_version({});
  const std::span<const std::string> all = given;
  const Command *command = find(given);
  if (!command) return unknown(all);
  for (const auto &word : given) {
    if (word == "--") break;
    if (word != "--help" && word != "-h") continue;
    std::fputs(help_for(*command).c_str(), stdout);
    return kDone;
  }
  const auto arguments = parse_arguments(given, command->options);
  if (!arguments) {
    complain(arguments.error().message + " See atoll " + std::string(command->name) + " --help.");
    return command->wrong_line;
  }
  if (arguments->words.size() < command->least || arguments->words.size() > command->most) {
    complain("usage: atoll " + std::string(command->name) + " " + std::string(command->words) +
             " [OPTIONS]; see atoll " + std::string(command->name) + " --help.");
    return command->wrong_line;
  }
  return command->run(*arguments);
}

}  // namespace
}  // namespace Atoll::command

int main(int count, char **values) try {
  const std::vector<std::string> given(values + (count > 0 ? 1 : 0), values + count);
  return Atoll::command::run(given);
} catch (const std::exception &failure) {
  Atoll::command::complain(std::string("a mistake in the program: ") + failure.what());
  return Atoll::command::kInternal;
}
