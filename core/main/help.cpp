// SPDX-License-Identifier: Apache-2.0
#include "core/main/help.hpp"

#include "core/base/text.hpp"

namespace Atoll::command {
namespace {

constexpr std::size_t kWidth = 90;

std::string line(std::string_view left, std::string_view right, std::size_t column) {
  std::string out = "  " + std::string(left);
  out.resize(std::max(out.size() + 2, column), ' ');
  return out + std::string(right) + "\n";
}

std::string wrapped(std::string_view text) {
  std::string out;
  std::size_t at = 0;
  for (const auto paragraph : base::split(text, '\n')) {
    for (const auto word : base::split(paragraph, ' ')) {
      if (at > 0 && at + 1 + word.size() > kWidth) {
        out += '\n';
        at = 0;
      }
      if (at > 0) {
        out += ' ';
        ++at;
      }
      out += word;
      at += word.size();
    }
    out += '\n';
    at = 0;
  }
  return out;
}

std::string with_words(const Command &command) {
  return std::string(command.name) + (command.words.empty() ? "" : " " + std::string(command.words));
}

}  // namespace

std::string overview() {
  std::string out =
      "Atoll: a self-hosted file sync-and-share server.\n\n"
      "Usage: atoll VERB [OPTIONS]\n\n";
  for (const auto &command : commands()) out += line(with_words(command), command.summary, 28);
  out +=
      "\n`atoll VERB --help` tells more about a verb.\n\n"
      "Exit codes: 0 done, 1 failed, 64 wrong command line, 65 a value or file was refused, 67 no such\n"
      "account, instance or plugin, 69 the server or an instance is not running, 70 a mistake in the\n"
      "program, 73 it is there already, 75 the data is in use, 77 not permitted, 78 wrong configuration.\n";
  return out;
}

std::string help_for(const Command &command) {
  std::string out = std::string(command.summary) + "\n\nUsage: atoll " + with_words(command) + " [OPTIONS]\n\n";
  if (!command.help.empty()) out += wrapped(command.help) + "\n";
  out += "Options:\n";
  for (const auto &option : command.options)
    out +=
        line(std::string(option.name) + (option.value.empty() ? "" : " " + std::string(option.value)), option.help, 30);
  return out;
}

std::string group_usage(std::string_view word) {
  std::string out;
  for (const auto &command : commands())
    if (command.name.substr(0, word.size() + 1) == std::string(word) + " ")
      out += line("atoll " + with_words(command), command.summary, 34);
  return out;
}

}  // namespace Atoll::command
